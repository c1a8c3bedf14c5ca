"""What only the pure Python transport can show: a peer that does not keep to the protocol, or keeps to all of it."""

from __future__ import annotations

import logging
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto_link import zmtp
from impasto_link.errors import Refused
from impasto_link.zmtp import ZmtpTransport
from impasto_link.zmtp_codec import ProtocolError, RejectedError, Session, encode

TOKEN = "a token"
MORE, LONG, COMMAND = 1, 2, 4


def greeting(mechanism: bytes = b"PLAIN", major: int = 3, minor: int = 1) -> bytes:
    return (b"\xff" + bytes(8) + b"\x7f" + bytes([major, minor]) + mechanism.ljust(20, b"\0")).ljust(64, b"\0")


def frame(flags: int, body: bytes) -> bytes:
    size = len(body).to_bytes(8, "big") if flags & LONG else bytes([len(body)])
    return bytes([flags]) + size + body


def command(name: bytes, data: bytes = b"") -> bytes:
    return frame(COMMAND, bytes([len(name)]) + name + data)


def metadata(**properties: bytes) -> bytes:
    return b"".join(
        bytes([len(name)]) + name.replace("_", "-").encode() + len(value).to_bytes(4, "big") + value
        for name, value in properties.items()
    )


READY = command(b"READY", metadata(Socket_Type=b"ROUTER", Identity=b""))


class Peer:
    """A server made by hand, in the same thread: whatever it waits for, the transport is kept going meanwhile."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.connection = self.listener
        self.transport: ZmtpTransport
        self.messages: list[list[bytes]] = []

    @property
    def endpoint(self) -> str:
        return f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"

    def connect(self, token: str = TOKEN, **limits: int) -> ZmtpTransport:
        self.transport = ZmtpTransport(self.endpoint, token, **limits)
        self.accept()
        return self.transport

    def pump(self, wait: float = 0.0) -> None:
        message = self.transport.receive(wait)
        if message is not None:
            self.messages.append([bytes(part) for part in message])

    def until(self, happened: Callable[[], bool], limit: float = 5.0) -> None:
        end = time.monotonic() + limit
        while not happened():
            assert time.monotonic() < end, "it did not happen"
            self.pump(0.001)

    def accept(self) -> None:
        def accepted() -> bool:
            try:
                self.connection = self.listener.accept()[0]
            except BlockingIOError:
                return False
            self.connection.setblocking(False)
            return True

        self.until(accepted)

    def read(self, count: int) -> bytes:
        data = bytearray()

        def complete() -> bool:
            try:
                part = self.connection.recv(count - len(data))
            except BlockingIOError:
                return False
            assert part, "the transport hung up"
            data.extend(part)
            return len(data) == count

        self.until(complete)
        return bytes(data)

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self.connection.send(rest) :]
            except BlockingIOError:
                self.pump()

    def hangs_up(self) -> bool:
        """Whether the transport has given the connection up."""
        try:
            return not self.connection.recv(1 << 16)
        except BlockingIOError:
            return False
        except ConnectionError:
            return True

    def close(self) -> None:
        self.connection.close()

    def shake_hands(self) -> bytes:
        """As a server does that lets the client in by PLAIN; returns the client's metadata."""
        assert self.read(11) == greeting()[:11]
        self.write(greeting())
        # A version in the greeting is the speaker's own: 3.0 speaks to 3.1.
        assert self.read(53) == b"\x00" + b"PLAIN".ljust(20, b"\0") + bytes(32)
        hello = command(b"HELLO", b"\x07impasto" + bytes([len(TOKEN)]) + TOKEN.encode())
        assert self.read(len(hello)) == hello
        self.write(command(b"WELCOME"))
        flags, size = self.read(2)
        assert flags == COMMAND
        initiate = self.read(size)
        assert initiate.startswith(b"\x08INITIATE")
        self.write(READY)
        return initiate[9:]


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.transport.close()
    peer.connection.close()
    peer.listener.close()


def works(peer: Peer) -> None:
    """Over the connection that stands, messages go both ways."""
    peer.transport.send([b"ping", b"", b"pong"])
    expected = frame(MORE, b"ping") + frame(MORE, b"") + frame(0, b"pong")
    assert peer.read(len(expected)) == expected
    peer.messages.clear()
    peer.write(frame(MORE, b"pong") + frame(0, b""))
    peer.until(lambda: bool(peer.messages))
    assert peer.messages == [[b"pong", b""]]


def is_dropped_then_works_again(peer: Peer) -> None:
    peer.until(peer.hangs_up)
    peer.close()
    peer.accept()
    peer.shake_hands()
    works(peer)


# The handshake


def test_the_handshake_says_who_we_are(peer: Peer) -> None:
    peer.connect()
    said = peer.shake_hands()
    start = metadata(Socket_Type=b"DEALER") + b"\x08Identity\x00\x00\x00\x10"
    assert said.startswith(start)
    assert len(said) == len(start) + 16
    works(peer)


def test_the_identity_stays(peer: Peer) -> None:
    peer.connect()
    first = peer.shake_hands()
    peer.close()
    peer.accept()
    assert peer.shake_hands() == first


def test_null(peer: Peer) -> None:
    peer.connect(token="")
    peer.write(greeting(b"NULL") + READY)
    assert peer.read(64)[12:16] == b"NULL"
    flags, size = peer.read(2)
    assert flags == COMMAND
    assert peer.read(size).startswith(b"\x05READY")
    works(peer)


def test_the_token_is_not_shown_to_a_stranger(peer: Peer) -> None:
    peer.connect()
    peer.pump(0.1)
    assert peer.connection.recv(100) == greeting()[:11]


def test_another_mechanism_is_a_refusal(peer: Peer) -> None:
    peer.connect()
    peer.write(greeting(b"CURVE"))
    with pytest.raises(Refused, match="CURVE"):
        peer.transport.receive(5)


@pytest.mark.parametrize(
    "error",
    [command(b"ERROR", b"\x03400"), frame(COMMAND, b"^RROR\x03400")],
    ids=["as specified", "as libzmq sends it"],
)
def test_an_error_is_a_refusal_and_stays_one(peer: Peer, error: bytes) -> None:
    peer.connect()
    peer.write(greeting() + error)
    for _ in range(2):
        with pytest.raises(Refused, match="400"):
            peer.transport.receive(5)
    assert peer.transport.fileno() == -1
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        with pytest.raises(Refused):
            peer.transport.receive(0.01)
    with pytest.raises(BlockingIOError):
        peer.listener.accept()


def test_hanging_up_during_the_handshake_is_no_refusal(peer: Peer) -> None:
    peer.connect()
    peer.write(greeting())
    assert len(peer.read(64)) == 64
    peer.close()
    peer.accept()
    peer.shake_hands()
    works(peer)


def test_a_handshake_has_to_end(peer: Peer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(zmtp, "_HANDSHAKE_LIMIT", 0.2)
    start = time.monotonic()
    peer.connect()
    peer.write(greeting()[:40])
    peer.until(lambda: peer.transport.fileno() == -1)
    assert 0.19 < time.monotonic() - start < 0.4
    assert "handshake" in caplog.text


@pytest.mark.parametrize(
    "nonsense",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\0",
        b"\xff" + bytes(9),
        greeting(major=2),
        greeting() + command(b"READY"),
        greeting() + command(b"WELCOME") + command(b"READY", metadata(Socket_Type=b"PUB")),
        greeting() + command(b"WELCOME") + command(b"READY", b"\x0bSocket-Type\0\0\0\xff"),
        greeting() + command(b"WELCOME") + command(b"READY"),
        greeting() + frame(COMMAND, b""),
        greeting() + frame(COMMAND, b"\x09WELCOME"),
        greeting() + frame(0, b"a message"),
        greeting() + frame(COMMAND | MORE, b"\x07WELCOME"),
        greeting() + frame(8, b"\x07WELCOME"),
        greeting() + bytes([COMMAND | LONG]) + (1 << 20).to_bytes(8, "big"),
    ],
    ids=[
        "HTTP", "zero", "signature", "version", "too early", "wrong kind", "cut metadata", "no kind", "empty command",
        "cut name", "message", "more of a command", "reserved flag", "large command",
    ],
)  # fmt: skip
def test_nonsense_in_the_handshake(peer: Peer, nonsense: bytes, caplog: pytest.LogCaptureFixture) -> None:
    peer.connect()
    peer.write(nonsense)
    is_dropped_then_works_again(peer)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


# Messages


@pytest.mark.parametrize(
    "nonsense",
    [
        frame(LONG, bytes(100_001)),
        bytes([LONG]) + b"\xff" * 8,
        frame(0x10, b""),
        frame(MORE, b"") * 21,
        frame(COMMAND, b"\x07READ"),
    ],
    ids=["too large", "far too large", "reserved flag", "too many frames", "cut name"],
)
def test_nonsense_among_messages(peer: Peer, nonsense: bytes, caplog: pytest.LogCaptureFixture) -> None:
    peer.connect(max_frame=100_000, max_frames=20)
    peer.shake_hands()
    peer.write(frame(0, b"before") + nonsense[:200])  # the beginning says it all
    peer.until(peer.hangs_up)
    assert peer.messages == [[b"before"]]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    is_dropped_then_works_again(peer)


def test_what_is_just_allowed(peer: Peer) -> None:
    peer.connect(max_frame=100_000, max_frames=20)
    peer.shake_hands()
    peer.write(frame(LONG, bytes(100_000)) + frame(MORE, b"") * 19 + frame(0, b""))
    peer.until(lambda: len(peer.messages) == 2)
    assert peer.messages == [[bytes(100_000)], [b""] * 20]


def test_a_ping_is_answered_between_messages_and_other_commands_are_not(peer: Peer) -> None:
    peer.connect()
    peer.shake_hands()
    ping = command(b"PING", b"\x00\x05context")
    peer.write(ping + command(b"SUBSCRIBE", b"x") + frame(MORE, b"a") + ping + frame(0, b"b"))
    pong = command(b"PONG", b"context")
    assert peer.read(2 * len(pong)) == 2 * pong
    assert peer.messages == [[b"a", b"b"]]
    # While a message is on its way the answer waits until all of it is out.
    big = bytes(20_000_000)
    peer.transport.send([big])
    peer.write(ping)
    assert peer.read(9 + len(big) + len(pong)) == frame(LONG, big) + pong
    works(peer)


def test_a_peer_that_trickles(peer: Peer) -> None:
    peer.connect()
    for byte in greeting() + command(b"WELCOME") + READY + frame(MORE, b"slow") + frame(LONG, bytes(300)):
        peer.write(bytes([byte]))
        peer.pump()
    peer.until(lambda: bool(peer.messages))
    assert peer.messages == [[b"slow", bytes(300)]]


def test_half_a_message_is_dropped(peer: Peer) -> None:
    peer.connect()
    peer.shake_hands()
    peer.write(frame(0, b"whole") + frame(MORE, b"half") + frame(LONG, bytes(1000))[:500])
    peer.until(lambda: bool(peer.messages))
    peer.close()
    peer.accept()
    peer.shake_hands()
    works(peer)


def test_a_message_that_was_on_its_way_is_sent_again_as_a_whole(peer: Peer) -> None:
    peer.connect()
    peer.shake_hands()
    works(peer)
    picture = bytes(range(250)) * 80_000
    peer.transport.send([b"first", picture])
    peer.transport.send([b"second"])
    peer.read(5_000_000)
    peer.close()
    peer.accept()
    peer.shake_hands()
    expected = frame(MORE, b"first") + frame(LONG, picture) + frame(0, b"second")
    assert peer.read(len(expected)) == expected
    assert not peer.transport.wants_write


def test_last_words_are_heard_even_if_we_talk_on(peer: Peer) -> None:
    peer.connect()
    peer.shake_hands()
    peer.pump(0.05)
    peer.write(frame(0, b"farewell"))
    peer.close()
    for _ in range(5):
        peer.transport.send([b"are you there?"])
        time.sleep(0.01)
    peer.pump(1)
    assert peer.messages == [[b"farewell"]]


def test_reconnecting_takes_its_time(peer: Peer) -> None:
    peer.connect()
    starts = []
    for _ in range(5):
        peer.close()
        peer.accept()
        starts.append(time.monotonic())
    pauses = [later - earlier for earlier, later in pairwise(starts)]
    expected = (0.1, 0.2, 0.4, 0.8)
    assert all(0.9 * least < pause < least + 0.1 for least, pause in zip(expected, pauses, strict=True)), pauses
    # Once messages come again all is well, and the next time starts from the beginning.
    peer.shake_hands()
    works(peer)
    start = time.monotonic()
    peer.close()
    peer.accept()
    assert 0.04 < time.monotonic() - start < 0.15


def test_the_descriptor_tells_when_to_call(peer: Peer) -> None:
    transport = peer.connect()
    assert transport.fileno() >= 0
    assert transport.wants_write, "it is still connecting or shaking hands"
    peer.shake_hands()
    peer.pump(0.05)
    assert not transport.wants_write
    transport.send([b"small"])
    assert not transport.wants_write
    transport.send([bytes(50_000_000)])
    assert transport.wants_write
    peer.close()
    peer.listener.close()
    peer.until(lambda: transport.fileno() == -1)
    assert not transport.wants_write


def test_every_address_of_a_name_is_tried(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        dead = nobody.getsockname()
    alive = peer.listener.getsockname()
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address) for address in (dead, alive)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: answers)
    peer.transport = ZmtpTransport("tcp://localhost:5555", TOKEN)
    peer.accept()
    peer.shake_hands()
    works(peer)


def test_a_system_that_has_only_select(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zmtp, "_Selector", selectors.SelectSelector)
    peer.connect()
    peer.close()
    peer.accept()
    peer.shake_hands()
    works(peer)


@pytest.mark.parametrize("endpoint", ["", "127.0.0.1:5555", "tcp://127.0.0.1", "ipc://x", "tcp://:5", "tcp://a:b"])
def test_endpoints_that_cannot_be(endpoint: str) -> None:
    with pytest.raises(ValueError, match=r"tcp://|Port"):
        ZmtpTransport(endpoint, TOKEN)


def test_what_cannot_be_sent_is_not_queued(peer: Peer) -> None:
    peer.connect()
    peer.shake_hands()
    with pytest.raises(ValueError, match="frame"):
        peer.transport.send([])
    with pytest.raises(BufferError):
        peer.transport.send([b"header", memoryview(bytes(10))[::2]])
    works(peer)


def test_a_closed_transport_says_so(peer: Peer) -> None:
    transport = peer.connect()
    transport.close()
    assert transport.fileno() == -1
    assert not transport.wants_write
    with pytest.raises(ValueError, match="closed"):
        transport.send([b"x"])
    with pytest.raises(ValueError, match="closed"):
        transport.receive()


# The codec by itself


def new_session(token: bytes = b"") -> Session:
    return Session(b"identity", (b"impasto", token) if token else None, 1 << 20, 100)


def feed(session: Session, data: bytes, cuts: list[int]) -> list[list[bytes]]:
    """Hand over ``data``, cut at some places."""
    messages = []
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        piece = memoryview(data)[start:end]
        while piece:
            space = session.space()
            count = min(len(piece), len(space))
            space[:count] = piece[:count]
            piece = piece[count:]
            messages += [[bytes(part) for part in message] for message in session.received(count)]
    return messages


def test_a_stream_may_be_cut_anywhere() -> None:
    data = (
        greeting() + command(b"WELCOME") + READY + frame(MORE, b"one") + frame(LONG, b"two") + command(b"PING", b"\0\0")
    )
    data += frame(0, b"") + frame(LONG | MORE, b"") + frame(0, bytes(range(200)))
    whole = new_session(b"token")
    expected = feed(whole, data, [])
    assert expected == [[b"one", b"two"], [b""], [b"", bytes(range(200))]]
    for cut in range(1, len(data)):
        session = new_session(b"token")
        assert feed(session, data, [cut]) == expected, cut
        assert session.outgoing == whole.outgoing, cut
    assert feed(new_session(b"token"), data, list(range(1, len(data)))) == expected


sizes = st.one_of(st.integers(0, 300), st.integers(65_500, 65_600), st.integers(0, 300_000))


@settings(max_examples=60, deadline=None)
@given(st.data(), st.lists(st.lists(sizes, min_size=1, max_size=5), max_size=5))
def test_what_is_encoded_is_read_again(data: st.DataObject, shapes: list[list[int]]) -> None:
    pattern = bytes(range(251)) * 1200
    messages = [[pattern[-size:] if size else b"" for size in shape] for shape in shapes]
    stream = greeting(b"NULL") + READY + b"".join(piece for message in messages for piece in encode(message))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    assert feed(new_session(), stream, cuts) == messages


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([b"", greeting(b"NULL"), greeting(b"NULL") + READY]), st.binary(max_size=200))
def test_nothing_but_the_two_errors_comes_of_noise(start: bytes, noise: bytes) -> None:
    with suppress(ProtocolError, RejectedError):
        feed(new_session(), start + noise, [])


def test_large_frames_are_not_copied() -> None:
    picture = bytearray(100_000)
    pieces = encode([b"header", picture, b"end"])
    picture[5] = 77
    assert [len(piece) for piece in pieces] == [8 + 9, 100_000, 5]
    assert pieces[1][5] == 77
