#!/bin/sh
# What has arrived at a ZeroMQ socket can be read, also when the peer has closed the connection since: so is the common
# belief, and so it is by default. Where the socket was told never to reconnect (ZMQ_RECONNECT_IVL = -1), libzmq takes
# the endpoint away with the connection, and with it what has come and was not read yet: a peer's last words are lost.
# Seen with pyzmq 27.1.0, libzmq 4.3.5. Exits with 1 if that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pyzmq==27.1.0
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import time

import zmq


def last_words_can_be_read(reconnect_ivl: int) -> bool:
    with zmq.Context() as context:
        router, dealer = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
        dealer.linger = 0
        dealer.reconnect_ivl = reconnect_ivl
        dealer.connect(f"tcp://127.0.0.1:{router.bind_to_random_port('tcp://127.0.0.1')}")
        dealer.send(b"hello")
        name, _ = router.recv_multipart()
        router.send_multipart([name, b"last words"])
        router.close()
        time.sleep(1)  # until the words and the end of the connection have come
        came = bool(dealer.poll(1000))
        dealer.close()
        return came


seen = {interval: last_words_can_be_read(interval) for interval in (-1, 3_600_000)}
print(f"pyzmq {zmq.__version__}, libzmq {zmq.zmq_version()}")
print(f"never reconnect (-1): the last words can be read: {seen[-1]}")
print(f"reconnect after an hour: the last words can be read: {seen[3_600_000]}")
sys.exit(seen != {-1: False, 3_600_000: True})
PYTHON
