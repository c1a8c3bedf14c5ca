"""What only the pure Python transport can show: a peer that does not keep to the protocol, or keeps to all of it."""

from __future__ import annotations

import logging
import selectors
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto_link import zmtp
from impasto_link.endpoint import USERNAME
from impasto_link.errors import Refused
from impasto_link.pieces import MAX_FRAME, MAX_FRAMES
from impasto_link.proof import Passwords
from impasto_link.zmtp import ZmtpLine
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
        self.transport: ZmtpLine
        self.messages: list[list[bytes]] = []
        self.lost = False

    @property
    def endpoint(self) -> str:
        return f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"

    def connect(self, token: str = TOKEN) -> ZmtpLine:
        self.transport = ZmtpLine(self.endpoint, token)
        self.accept()
        return self.transport

    def pump(self, wait: float = 0.0) -> None:
        try:
            came = self.transport.receive(wait, until_room=False)
        except ConnectionError:
            self.lost = True
            return
        self.messages += [[bytes(part) for part in message] for message in came]

    def until(self, happened: Callable[[], bool], limit: float = 300.0) -> None:
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
        start = bytes([COMMAND, 111]) + b"\x05HELLO\x07impasto\x60"
        assert self.read(len(start)) == start
        assert Passwords(TOKEN, USERNAME).take(self.read(96).decode())
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
    peer.until(lambda: peer.transport.send([b"ping", b"", b"pong"]))
    expected = frame(MORE, b"ping") + frame(MORE, b"") + frame(0, b"pong")
    assert peer.read(len(expected)) == expected
    peer.messages.clear()
    peer.write(frame(MORE, b"pong") + frame(0, b""))
    peer.until(lambda: bool(peer.messages))
    assert peer.messages == [[b"pong", b""]]


def is_dropped(peer: Peer) -> None:
    peer.until(peer.hangs_up)
    peer.until(lambda: peer.lost)
    assert peer.transport.fileno() == -1


# The handshake


def test_the_handshake_says_who_we_are(peer: Peer) -> None:
    peer.connect()
    said = peer.shake_hands()
    start = metadata(Socket_Type=b"DEALER") + b"\x08Identity\x00\x00\x00\x10"
    assert said.startswith(start)
    assert len(said) == len(start) + 16
    works(peer)


def test_every_connection_has_a_name_and_a_password_of_its_own(peer: Peer) -> None:
    peer.connect()
    first = peer.shake_hands()
    peer.close()
    peer.connect()
    assert peer.shake_hands() != first


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
        peer.transport.receive(5, until_room=False)


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
            peer.transport.receive(5, until_room=False)
    assert peer.transport.fileno() == -1
    until = time.monotonic() + 0.3
    while time.monotonic() < until:
        with pytest.raises(Refused):
            peer.transport.receive(0.01, until_room=False)
    with pytest.raises(BlockingIOError):
        peer.listener.accept()


def test_hanging_up_during_the_handshake_is_no_refusal(peer: Peer) -> None:
    peer.connect()
    peer.write(greeting())
    assert len(peer.read(64)) == 64
    peer.close()
    peer.until(lambda: peer.lost)


def test_a_handshake_has_to_end(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zmtp, "_HANDSHAKE_LIMIT", 0.2)
    start = time.monotonic()
    peer.connect()
    peer.write(greeting()[:40])
    peer.until(lambda: peer.transport.fileno() == -1)
    assert time.monotonic() - start > 0.19


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
    is_dropped(peer)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


# Messages


@pytest.mark.parametrize(
    "nonsense",
    [
        frame(LONG, bytes(MAX_FRAME + 1)),
        bytes([LONG]) + b"\xff" * 8,
        frame(0x10, b""),
        frame(MORE, b"") * (MAX_FRAMES + 1),
        frame(COMMAND, b"\x07READ"),
    ],
    ids=["too large", "far too large", "reserved flag", "too many frames", "cut name"],
)
def test_nonsense_among_messages(peer: Peer, nonsense: bytes, caplog: pytest.LogCaptureFixture) -> None:
    peer.connect()
    peer.shake_hands()
    peer.write(frame(0, b"before") + nonsense[:200])  # the beginning says it all
    peer.until(peer.hangs_up)
    assert peer.messages == [[b"before"]]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    is_dropped(peer)


def test_what_is_just_allowed(peer: Peer) -> None:
    peer.connect()
    peer.shake_hands()
    peer.write(frame(LONG, bytes(MAX_FRAME)) + frame(MORE, b"") * (MAX_FRAMES - 1) + frame(0, b""))
    peer.until(lambda: len(peer.messages) == 2)
    assert peer.messages == [[bytes(MAX_FRAME)], [b""] * MAX_FRAMES]


def test_a_ping_is_answered_between_messages_and_other_commands_are_not(peer: Peer) -> None:
    peer.connect()
    peer.shake_hands()
    ping = command(b"PING", b"\x00\x05context")
    peer.write(ping + command(b"SUBSCRIBE", b"x") + frame(MORE, b"a") + ping + frame(0, b"b"))
    pong = command(b"PONG", b"context")
    assert peer.read(2 * len(pong)) == 2 * pong
    assert peer.messages == [[b"a", b"b"]]
    # While messages are on their way the answer waits until all of the last one is out.
    big = bytes(10_000)
    sent = 0
    while peer.transport.send([big]):
        sent += 1
    peer.write(ping)
    peer.pump()
    assert peer.read(sent * (9 + len(big)) + len(pong)) == sent * frame(LONG, big) + pong
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
    peer.until(lambda: peer.lost)
    assert peer.messages == [[b"whole"]]


def test_nothing_is_sent_before_the_handshake_is_over(peer: Peer) -> None:
    peer.connect()
    assert not peer.transport.send([b"too early"])
    peer.shake_hands()
    works(peer)


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


def test_the_descriptor_tells_when_to_call(peer: Peer) -> None:
    transport = peer.connect()
    assert transport.fileno() >= 0
    assert transport.wants_write, "it is still connecting or shaking hands"
    peer.shake_hands()
    peer.pump(0.05)
    assert not transport.wants_write
    transport.send([b"small"])
    assert not transport.wants_write
    while transport.send([bytes(10_000)]):
        pass
    assert transport.wants_write
    peer.close()
    peer.until(lambda: transport.fileno() == -1)
    assert not transport.wants_write


def test_every_address_of_a_name_is_tried(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        dead = nobody.getsockname()
    alive = peer.listener.getsockname()
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", address) for address in (dead, alive)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: answers)
    peer.transport = ZmtpLine("tcp://localhost:5555", TOKEN)
    peer.until(lambda: peer.lost)
    peer.transport = ZmtpLine("tcp://localhost:5555", TOKEN, attempt=1)
    peer.accept()
    peer.shake_hands()
    works(peer)


def test_a_system_that_has_only_select(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zmtp, "_Selector", selectors.SelectSelector)
    peer.connect()
    peer.shake_hands()
    works(peer)


@pytest.mark.parametrize("endpoint", ["", "127.0.0.1:5555", "tcp://127.0.0.1", "ipc://x", "tcp://:5", "tcp://a:b"])
def test_endpoints_that_cannot_be(endpoint: str) -> None:
    with pytest.raises(ValueError, match=r"tcp://|Port"):
        ZmtpLine(endpoint, TOKEN)


def test_what_was_closed_is_lost(peer: Peer) -> None:
    line = peer.connect()
    line.close()
    assert line.fileno() == -1
    assert not line.wants_write
    assert not line.send([b"x"])
    peer.pump()
    assert peer.lost


# The codec by itself


def new_session(token: bytes = b"") -> Session:
    return Session(b"identity", (b"impasto", token) if token else None, 1 << 17, 100)


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


sizes = st.one_of(st.integers(0, 300), st.integers(65_500, 65_600), st.integers(0, 1 << 17))


@settings(max_examples=60, deadline=None)
@given(st.data(), st.lists(st.lists(sizes, min_size=1, max_size=5), max_size=5))
def test_what_is_encoded_is_read_again(data: st.DataObject, shapes: list[list[int]]) -> None:
    pattern = bytes(range(251)) * 1200
    messages = [[pattern[-size:] if size else b"" for size in shape] for shape in shapes]
    stream = greeting(b"NULL") + READY + b"".join(encode(message) for message in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    assert feed(new_session(), stream, cuts) == messages


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([b"", greeting(b"NULL"), greeting(b"NULL") + READY]), st.binary(max_size=200))
def test_nothing_but_the_two_errors_comes_of_noise(start: bytes, noise: bytes) -> None:
    with suppress(ProtocolError, RejectedError):
        feed(new_session(), start + noise, [])
