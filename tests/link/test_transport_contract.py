"""What every transport does, whichever it is, against a real server."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Protocol

import pytest

from impasto_link.errors import Refused
from impasto_link.transport import Transport, open_transport

Connect = Callable[..., Transport]
#: No measure of speed: a busy machine takes its time.
LONG = 300.0


class Server(Protocol):
    """What these tests ask of a server, which has to send every message back."""

    endpoint: str
    token: str
    identities: list[bytes]
    """Of the sender of each message that came."""
    handshakes: int
    """How many connections were let in."""

    def start(self) -> None: ...
    def stop(self) -> None: ...


@pytest.fixture(params=["pyzmq", "zmtp"])
def connect(request: pytest.FixtureRequest) -> Iterator[Connect]:
    opened: list[Transport] = []

    def connect(server: Server, token: str | None = None) -> Transport:
        token = server.token if token is None else token
        opened.append(open_transport(server.endpoint, token, prefer=request.param))
        return opened[-1]

    yield connect
    for transport in opened:
        transport.close()


@pytest.fixture
def transport(connect: Connect, server: Server) -> Transport:
    return connect(server)


def receive(transport: Transport, timeout: float = LONG) -> list[bytes]:
    message = transport.receive(timeout)
    assert message is not None, "no message came"
    return [bytes(frame) for frame in message]


def is_lost(transport: Transport) -> None:
    """What had come before it was lost may be read first."""
    until = time.monotonic() + LONG
    with suppress(ConnectionError):
        while time.monotonic() < until:
            transport.receive(LONG)
        raise AssertionError("it is not lost")


def echo(transport: Transport, *frames: bytes) -> None:
    transport.send(frames)
    assert receive(transport) == list(frames)


def test_prefer_chooses(connect: Connect, server: Server, request: pytest.FixtureRequest) -> None:
    name = type(connect(server)._line).__name__
    assert name == {"pyzmq": "ZmqLine", "zmtp": "ZmtpLine"}[request.node.callspec.params["connect"]]


@pytest.mark.parametrize(
    "frames",
    [
        [b"one"],
        [b""],
        [b"", b"", b""],
        [b"header", b"", b"last"],
        [bytes([n % 256]) * n for n in range(1, 16000, 256)],
        [bytes(size) for size in (254, 255, 256, 257, 65535, 65536, 65537)],
    ],
    ids=["one", "empty", "only empty", "empty between", "many", "around the sizes that matter"],
)
def test_a_message_comes_back_as_it_went(transport: Transport, frames: list[bytes]) -> None:
    echo(transport, *frames)
    echo(transport, *frames)


def test_frames_may_be_any_buffer(transport: Transport) -> None:
    pixels = bytearray(range(256)) * 1000
    transport.send([b"header", pixels, memoryview(pixels)[100:200], memoryview(pixels).cast("B", (1000, 256))])
    assert receive(transport) == [b"header", bytes(pixels), bytes(pixels[100:200]), bytes(pixels)]


def test_frames_of_100_megabytes(transport: Transport) -> None:
    pattern = bytes(range(251)) * 400_000
    transport.send([b"header", pattern, b"between", pattern])
    message = transport.receive(LONG)
    assert message is not None
    assert [len(frame) for frame in message] == [6, len(pattern), 7, len(pattern)]
    assert message[1] == pattern == message[3]


def test_thousands_of_messages_in_order(transport: Transport) -> None:
    for number in range(5000):
        transport.send([b"%d" % number, b"x" * (number % 300)])
    for number in range(5000):
        assert receive(transport) == [b"%d" % number, b"x" * (number % 300)]
    assert transport.receive(0.1) is None


def test_sending_and_receiving_at_once_does_not_block(transport: Transport) -> None:
    # More than the buffers of both ends hold: who only writes, or only reads, would wait for ever.
    for number in range(30):
        transport.send([bytes([number]), bytes(2_000_000)])
    for number in range(30):
        assert receive(transport)[0] == bytes([number])


def test_an_editor_that_waits_for_the_descriptor(transport: Transport) -> None:
    picture = bytes(5_000_000)
    for number in range(5):
        transport.send([bytes([number]), picture])
        message, until = None, time.monotonic() + LONG
        while message is None and time.monotonic() < until:
            message = transport.receive(0)
            if message is None:
                descriptor = transport.fileno()
                writers = [descriptor] if transport.wants_write else []
                select.select([descriptor], writers, [], 2.0)
        assert message is not None
        assert message[0] == bytes([number])


@pytest.mark.parametrize("timeout", [0.0, 0.3])
def test_receive_waits_as_long_as_told(transport: Transport, timeout: float) -> None:
    echo(transport, b"connected")
    start = time.monotonic()
    assert transport.receive(timeout) is None
    assert time.monotonic() - start >= timeout - 0.01


@pytest.mark.parametrize("token", ["another token", "", "a token "])
def test_a_wrong_token_is_refused(connect: Connect, server: Server, token: str) -> None:
    transport = connect(server, token)
    transport.send([b"let me in"])
    # Who tries without a token is hung up on before he has heard why.
    with pytest.raises(Refused if token else (Refused, ConnectionError)):
        transport.receive(LONG)
    echo(connect(server), b"somebody else")
    assert len(server.identities) == 1, "the server has seen what was not allowed in"


def test_no_token_is_needed_where_none_is_asked_for(connect: Connect, start_server: Callable[..., Server]) -> None:
    echo(connect(start_server(token="")), b"hello")


def test_a_connection_that_cannot_be_made_is_lost(connect: Connect, server: Server) -> None:
    server.stop()
    transport = connect(server)
    transport.send([b"hello"])
    for _ in range(2):
        with pytest.raises(ConnectionError):
            transport.receive(LONG)


def test_a_lost_connection_is_made_again_under_another_name(connect: Connect, server: Server) -> None:
    transport = connect(server)
    for number in range(3):
        echo(transport, b"%d" % number, bytes(100_000))
        transport.send([b"half of it may be on its way", bytes(10_000_000)])
        server.stop()
        is_lost(transport)
        server.start()
        transport.renew()
    echo(transport, b"last")
    assert len({*server.identities}) == 4


def test_a_message_can_be_taken_back_while_it_is_sent(
    connect: Connect, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport = connect(server)
    echo(transport, b"connected")
    send, room = transport._line.send, iter([True] * 20)
    with monkeypatch.context() as slow:
        # Or whoever reads as fast as we send takes all of it at once.
        slow.setattr(transport._line, "send", lambda frames: next(room, False) and send(frames))
        large = transport.send([b"large", bytes(100_000_000)])
        small = transport.send([b"small"])
    assert transport.withdraw(large)
    assert not transport.withdraw(large)
    assert receive(transport) == [b"small"]
    echo(transport, b"next", bytes(100_000))
    assert not transport.withdraw(small)


def test_a_small_message_does_not_wait_behind_a_large_one(connect: Connect, server: Server) -> None:
    transport = connect(server)
    transport.send([b"large", bytes(50_000_000)])
    transport.send([b"small"])
    assert [receive(transport)[0] for _ in range(2)] == [b"small", b"large"]


def test_heartbeats_are_answered(connect: Connect, start_server: Callable[..., Server]) -> None:
    server = start_server(heartbeat=100)
    transport = connect(server)
    echo(transport, b"hello")
    until = time.monotonic() + 1.5  # more than the server waits for an answer
    while time.monotonic() < until:
        assert transport.receive(0.05) is None
    echo(transport, b"still here")
    assert server.handshakes == 1, "the server had given the client up"


def test_close_while_sending(connect: Connect, server: Server) -> None:
    transport = connect(server)
    echo(transport, b"hello")
    transport.send([b"header", bytes(100_000_000), b"end"])
    transport.close()
    transport.close()
    echo(connect(server), b"somebody else")


def test_close_without_a_server(connect: Connect, server: Server) -> None:
    server.stop()
    transport = connect(server)
    transport.send([b"nobody will read this"])
    transport.close()


def test_many_clients_at_once(connect: Connect, server: Server) -> None:
    clients = [connect(server) for _ in range(8)]
    for turn in range(20):
        for number, client in enumerate(clients):
            client.send([b"%d" % number, b"%d" % turn, bytes(10_000)])
    for turn in range(20):
        for number, client in enumerate(clients):
            assert receive(client)[:2] == [b"%d" % number, b"%d" % turn]
    assert len(set(server.identities)) == 8


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
def test_an_address_of_ipv6(connect: Connect, start_server: Callable[..., Server]) -> None:
    echo(connect(start_server(host="[::1]")), b"hello")
