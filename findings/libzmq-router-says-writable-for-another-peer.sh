#!/bin/sh
# pyzmq 27.3.0, libzmq 4.3.5: a ROUTER with ROUTER_MANDATORY and a peer that does not read.
# Belief: when poll says POLLOUT there is room to send, so a loop that waits for it sends what is left and sleeps.
# Seen: while that peer is the only one, POLLOUT is right. As soon as any other peer has room, the poll returns at once
#       with POLLOUT, and sending to the one that is waited for fails with EAGAIN: the loop would never sleep. There is
#       no event for room at one of many peers; a server has to look again after a pause.
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "pyzmq==27.3.0"
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import time

import zmq

print("pyzmq", zmq.__version__, "libzmq", zmq.zmq_version())
context = zmq.Context()
router = context.socket(zmq.ROUTER)
router.linger, router.router_mandatory, router.sndhwm = 0, True, 10
port = router.bind_to_random_port("tcp://127.0.0.1")


def connect(name):
    """A peer that says so and then reads nothing."""
    dealer = context.socket(zmq.DEALER)
    dealer.linger, dealer.identity, dealer.rcvhwm = 0, name, 10
    dealer.connect(f"tcp://127.0.0.1:{port}")
    dealer.send(b"here")
    assert router.recv_multipart() == [name, b"here"]
    return dealer


def send_to_slow():
    try:
        router.send_multipart([b"slow", bytes(100_000)], zmq.DONTWAIT)
    except zmq.Again:
        return False
    return True


slow = connect(b"slow")
for _ in range(50):  # until the buffers of the system are full, too
    while send_to_slow():
        pass
    time.sleep(0.02)
alone = bool(router.poll(100, zmq.POLLOUT))
print("POLLOUT while the peer that does not read is the only one:", alone)
other = connect(b"other")
ready = bool(router.poll(100, zmq.POLLOUT))
sent = send_to_slow()
print("POLLOUT with another peer:", ready, "- could be sent to the one that does not read:", sent)
for socket in (slow, other, router):
    socket.close(0)
context.term()
sys.exit((alone, ready, sent) != (False, True, False))
PYTHON
