"""ZMTP 3.0 as one DEALER client speaks it, without a socket: bytes in, messages out, and what to answer.

The protocol is https://rfc.zeromq.org/spec/23/ (PLAIN: https://rfc.zeromq.org/spec/24/), with the PING and PONG of
ZMTP 3.1, https://rfc.zeromq.org/spec/37/.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from impasto_link.pixels import Buffer

Message = list[memoryview]

_MORE, _LONG, _COMMAND = 1, 2, 4
#: How much is read at once; it has to hold the largest frame.
_BLOCK = 1 << 18

_GREETING_SIZE = 64
_SIGNATURE = b"\xff" + bytes(8) + b"\x7f"
#: As much of our greeting as goes out at once; the rest waits until we know whom we are talking to.
_OPENING = _SIGNATURE + b"\x03"
#: Nothing of a handshake is larger, so that a stranger cannot make us set memory aside.
_MAX_HANDSHAKE_FRAME = 1 << 13
_PEERS_OF_A_DEALER = (b"ROUTER", b"DEALER", b"REP")


class ProtocolError(Exception):
    """The peer broke the protocol; what it sends next means nothing."""


class RejectedError(Exception):
    """The peer will never accept us as we are."""


class Frame(NamedTuple):
    """One frame as it came."""

    flags: int
    body: bytes


class FrameReader:
    """Cuts a stream into frames, whatever pieces it comes in.

    Receive into `space`, say how much came with `received`, then take `frame` until it is None.
    """

    def __init__(self, max_frame: int) -> None:
        self.max_frame = max_frame
        self._block = memoryview(bytearray(_BLOCK))
        self._start = self._end = 0

    def space(self) -> memoryview:
        """Where the next bytes belong; never empty."""
        left = self._end - self._start
        self._block[:left] = self._block[self._start : self._end]
        self._start, self._end = 0, left
        return self._block[left:]

    def received(self, count: int) -> None:
        """``count`` bytes were put into `space`."""
        self._end += count

    def peek(self) -> bytes:
        """What has come and belongs to no frame yet."""
        return bytes(self._block[self._start : self._end])

    def skip(self, count: int) -> None:
        """Leave out the first ``count`` bytes of `peek`."""
        self._start += count

    def frame(self) -> Frame | None:
        """The next frame, or None if not all of it is here."""
        here = self._end - self._start
        if not here:
            return None
        flags = self._block[self._start]
        if flags & ~(_MORE | _LONG | _COMMAND) or (flags & _COMMAND and flags & _MORE):
            raise ProtocolError(f"a frame has the impossible flags {flags:#04x}")
        header = 9 if flags & _LONG else 2
        if here < header:
            return None
        size = int.from_bytes(self._block[self._start + 1 : self._start + header], "big")
        if size > self.max_frame:
            raise ProtocolError(f"a frame of {size} bytes is over the limit of {self.max_frame}")
        if here < header + size:
            return None
        body = bytes(self._block[self._start + header : self._start + header + size])
        self._start += header + size
        return Frame(flags, body)


class Session:
    """What one connection has come to: greeting, handshake, then messages.

    Receive into `space`, call `received`; write `outgoing` (and clear it) before or between messages, never within one.

    Args:
        identity: by which a ROUTER knows us.
        credentials: user name and password for PLAIN, each of up to 255 bytes; None for NULL.
        max_frame: the largest frame to accept, in bytes.
        max_frames: how many frames a message may have.
    """

    def __init__(
        self, identity: bytes, credentials: tuple[bytes, bytes] | None, max_frame: int, max_frames: int
    ) -> None:
        self.outgoing = bytearray(_OPENING)
        self.ready = False
        """Whether messages may be sent."""
        self._metadata = _property(b"Socket-Type", b"DEALER") + _property(b"Identity", identity)
        self._credentials = credentials
        self._mechanism = b"PLAIN" if credentials else b"NULL"
        self._max_frame = max_frame
        self._max_frames = max_frames
        self._reader = FrameReader(_MAX_HANDSHAKE_FRAME)
        self._awaited = b""  # the command that the handshake waits for; none before the greeting is over
        self._parts: Message = []

    def space(self) -> memoryview:
        """Where the next bytes belong; never empty."""
        return self._reader.space()

    def received(self, count: int) -> Iterator[Message]:
        """``count`` bytes were put into `space`; gives the messages which that completes. Exhaust it.

        Raises:
            ProtocolError: the connection is of no use any more.
            RejectedError: and neither would be another one.
        """
        self._reader.received(count)
        if not self._awaited and not self._greet():
            return
        while frame := self._reader.frame():
            if frame.flags & _COMMAND:
                self._obey(*_parse_command(frame.body))
            elif not self.ready:
                raise ProtocolError("a message came before the end of the handshake")
            else:
                self._parts.append(memoryview(frame.body))
                if not frame.flags & _MORE:
                    yield self._parts
                    self._parts = []
                elif len(self._parts) >= self._max_frames:
                    raise ProtocolError(f"a message has more than {self._max_frames} frames")

    def _greet(self) -> bool:
        """Judge as much of the peer's greeting as is here; whether that is all of it."""
        greeting = self._reader.peek()[:_GREETING_SIZE]
        if not greeting.startswith(b"\xff") or (len(greeting) > 9 and not greeting[9] & 1):
            raise ProtocolError("this is not ZeroMQ")
        if len(greeting) > 10 and greeting[10] < 3:
            raise ProtocolError("this is a ZeroMQ before version 4")
        if len(greeting) < _GREETING_SIZE:
            return False
        # libzmq hangs up on a mechanism that is not its own before it has said which that is. The rest of our greeting
        # therefore comes after its own, so that we can tell "never" from "not now"; no stranger sees the token either.
        mechanism = greeting[12:32].rstrip(b"\0")
        if mechanism != self._mechanism:
            raise RejectedError(f"it wants {mechanism.decode('ascii', 'replace')}, not {self._mechanism.decode()}")
        self._reader.skip(_GREETING_SIZE)
        rest_of_greeting = b"\x00" + self._mechanism.ljust(20, b"\0")  # version x.0; then as-server: no, and filler
        self.outgoing += rest_of_greeting.ljust(_GREETING_SIZE - len(_OPENING), b"\0")
        if self._credentials:
            self.outgoing += _command(b"HELLO", b"".join(bytes([len(part)]) + part for part in self._credentials))
            self._awaited = b"WELCOME"
        else:
            self.outgoing += _command(b"READY", self._metadata)
            self._awaited = b"READY"
        return True

    def _obey(self, name: bytes, data: bytes) -> None:
        if name == b"ERROR":
            raise RejectedError(data[1:].decode("ascii", "replace") or "no reason given")
        if self.ready:
            if name == b"PING":
                self.outgoing += _command(b"PONG", data[2:])  # before the context is the time to live
        elif name != self._awaited:
            raise ProtocolError(f"{name!r} came in place of {self._awaited!r}")
        elif name == b"WELCOME":
            self.outgoing += _command(b"INITIATE", self._metadata)
            self._awaited = b"READY"
        else:
            kind = _parse_metadata(data).get(b"socket-type")
            if kind not in _PEERS_OF_A_DEALER:
                raise ProtocolError(f"a socket of type {kind!r} cannot talk to a DEALER")
            self.ready = True
            self._reader.max_frame = self._max_frame


def encode(frames: Sequence[Buffer]) -> bytearray:
    """The bytes of one message. It is small, so its frames are copied."""
    data = bytearray()
    for number, frame in enumerate(frames, 1):
        view = memoryview(frame)
        data += _header(_MORE if number < len(frames) else 0, view.nbytes)
        data += view
    return data


def _header(flags: int, size: int) -> bytes:
    if size > 255:
        return bytes([flags | _LONG]) + size.to_bytes(8, "big")
    return bytes([flags, size])


def _command(name: bytes, data: bytes) -> bytes:
    body = bytes([len(name)]) + name + data
    return _header(_COMMAND, len(body)) + body


def _parse_command(body: bytes) -> tuple[bytes, bytes]:
    # libzmq 4.2 to 4.3 sends this for b"\x05ERROR" in PLAIN: C reads its literal "\x05ERROR" as "\x5E", "RROR".
    if body.startswith(b"^RROR"):
        return b"ERROR", bytes(body[5:])
    if not body or len(body) <= body[0]:
        raise ProtocolError("a command has no name")
    end = 1 + body[0]
    return bytes(body[1:end]), bytes(body[end:])


def _property(name: bytes, value: bytes) -> bytes:
    return bytes([len(name)]) + name + len(value).to_bytes(4, "big") + value


def _parse_metadata(data: bytes) -> dict[bytes, bytes]:
    """The properties by their names in lower case, for the case of names does not matter."""
    properties = {}
    while data:
        name_end = 1 + data[0]
        value_start = name_end + 4
        value_end = value_start + int.from_bytes(data[name_end:value_start], "big")
        if value_end > len(data):
            raise ProtocolError("the metadata is cut short")
        properties[data[1:name_end].lower()] = data[value_start:value_end]
        data = data[value_end:]
    return properties
