"""Strangers can use up the descriptors that are for programs, and no others."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator

import psutil
import pytest
import zmq

from impasto.server import gate
from impasto.server.gate import Gate
from support import wait_until

resource = pytest.importorskip("resource")


@pytest.fixture
def strangers() -> Iterator[list[socket.socket]]:
    """Made before the limit is set, so that connecting takes descriptors of the server's side only."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(socket.socket()) for _ in range(40)]


@pytest.fixture
def opened(strangers: list[socket.socket], monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    monkeypatch.setattr(gate, "MOST", psutil.Process().num_fds() + gate.RESERVE + 30)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    one = Gate()
    yield one
    one.close()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


@pytest.fixture
def router() -> Iterator[zmq.Socket[bytes]]:
    with zmq.Context() as context, context.socket(zmq.ROUTER) as socket:
        socket.linger = 0
        yield socket


def test_strangers_leave_some_for_the_server_and_are_hung_up_on(
    strangers: list[socket.socket], opened: Gate, router: zmq.Socket[bytes]
) -> None:
    port = int(opened.bind(router, "127.0.0.1").rpartition(":")[2])
    poller = zmq.Poller()
    poller.register(router, zmq.POLLIN)
    for one in strangers:
        one.connect(("127.0.0.1", port))
    wait_until(gate._is_full)
    used = time.process_time()
    for _ in range(20):
        opened.look(poller)
        poller.poll(25)
    assert time.process_time() - used < 0.25, "nobody asks for descriptors without a pause"
    with opened.reserve():
        for one in socket.socketpair():
            one.close()
    assert 0 < sum(map(_is_closed, strangers)) < len(strangers)

    for one in strangers:
        one.close()
    wait_until(lambda: not gate._is_full())
    opened.look(poller)
    with zmq.Context() as context, context.socket(zmq.DEALER) as program:
        program.linger = 0
        program.connect(f"tcp://127.0.0.1:{port}")
        program.send(b"hello")
        assert router.poll(5000)


def _is_closed(one: socket.socket) -> bool:
    one.settimeout(0.05)
    try:
        # libzmq greets whom it has taken in.
        return not one.recv(1, socket.MSG_PEEK)
    except ConnectionError:
        return True
    except TimeoutError:
        return False
