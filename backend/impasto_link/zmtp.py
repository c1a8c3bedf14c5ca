"""The line in pure Python, for the editors whose Python has no pyzmq."""

from __future__ import annotations

import logging
import selectors
import socket
import sys
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from math import inf

from impasto_link import proof
from impasto_link.endpoint import USERNAME, parse_endpoint
from impasto_link.errors import Refused
from impasto_link.pieces import MAX_FRAME, MAX_FRAMES, Message
from impasto_link.sentences import say
from impasto_link.zmtp_codec import ProtocolError, RejectedError, Session, encode

_log = logging.getLogger(__name__)

_HANDSHAKE_LIMIT = 5.0
#: No longer at once, because a wait in Windows' select cannot be interrupted from the keyboard.
_LONGEST_WAIT = 0.5
#: How much is read in one turn: reading and writing take turns.
_TURN = 1 << 20
#: How much is taken for writing, whatever the operating system has taken by then.
_AHEAD = 1 << 18
#: poll has no limit on descriptor numbers and, unlike epoll, needs none of its own; Windows has only select.
_Selector: type[selectors.BaseSelector] = getattr(selectors, "PollSelector", selectors.SelectSelector)
#: In an embedded Python the signal might end the editor. macOS has an option of the socket instead.
_NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)
_SO_NOSIGPIPE = 0x1022


class ZmtpLine:
    """See `impasto_link.transport.Line`. Needs nothing but the standard library, starts no thread.

    Args:
        endpoint: "tcp://HOST:PORT". Prefer an address to a name, because looking up a name may take a while.
        token: for the PLAIN mechanism; with none the NULL mechanism is used.
        attempt: of the addresses that a name stands for, as localhost does for two, which to try.

    Raises:
        ValueError: the endpoint is not of this form.
    """

    def __init__(self, endpoint: str, token: str, *, attempt: int = 0) -> None:
        host, port = parse_endpoint(endpoint)
        credentials = (USERNAME.encode(), proof.password(token, USERNAME).encode()) if token else None
        self._session = Session(uuid.uuid4().bytes, credentials, MAX_FRAME, MAX_FRAMES)
        self._outgoing = bytearray()
        self._error: Exception | None = None
        self._connected = False
        self._handshake_until = time.monotonic() + _HANDSHAKE_LIMIT
        self._socket: socket.socket | None = None
        try:
            self._connect(host, port, attempt)
        except OSError as error:
            self._lose(error)

    def send(self, frames: Message) -> bool:
        """Queue one message if there is room, and write as much of it as can be without waiting."""
        if self._socket is None or not self._has_room():
            return False
        self._outgoing += encode(frames)
        # `receive` will run into the same error, after it has read what the server said before it went.
        with suppress(OSError):
            self._write(self._socket)
        return True

    def receive(self, timeout: float | None, *, until_room: bool) -> Sequence[Message]:
        """What has come or comes within the time; raises Refused and ConnectionError."""
        until = inf if timeout is None else time.monotonic() + timeout
        came: list[Message] = []
        while not came:
            wait = max(0.0, until - time.monotonic())
            if self._socket is not None:
                self._turn(self._socket, min(wait, _LONGEST_WAIT), came)
            if not came and self._error is not None:
                raise self._error
            if wait <= 0 or (until_room and self._has_room()):
                break
        return came

    def fileno(self) -> int:
        """The descriptor of the connection; -1 if there is none."""
        return -1 if self._socket is None else self._socket.fileno()

    @property
    def wants_write(self) -> bool:
        """Whether something waits for the descriptor to become writable."""
        return self._socket is not None and (not self._connected or bool(self._session.outgoing or self._outgoing))

    @property
    def has_more_room(self) -> bool:
        """Never: the descriptor tells."""
        return False

    def close(self) -> None:
        """Close at once; what has not been written is dropped."""
        self._lose(ConnectionError("This connection has been closed."))

    def _has_room(self) -> bool:
        return self._session.ready and len(self._outgoing) < _AHEAD

    def _turn(self, connection: socket.socket, wait: float, came: list[Message]) -> None:
        """Wait for something to happen for up to ``wait`` seconds, then read and write what can be."""
        if not self._session.ready:
            wait = min(wait, max(0.0, self._handshake_until - time.monotonic()))
        try:
            readable, writable = _poll(connection, wait, self.wants_write)
            if writable and not self._connected:
                self._finish_connecting(connection)
            if self._connected:
                if readable:
                    self._read(connection, came)
                self._write(connection)
            if not self._session.ready and time.monotonic() >= self._handshake_until:
                # Not by the other side's fault, perhaps: nobody may have looked here for so long.
                raise TimeoutError(f"The handshake was not over in {_HANDSHAKE_LIMIT} seconds.")
        except RejectedError as error:
            hint = say("It may have been restarted; connect again. (ZeroMQ: {error})", error=error)
            self._lose(Refused("The server did not accept this program's token.", hint))
        except ProtocolError as error:
            _log.warning("What listens there does not keep to the protocol: %s", error)
            self._lose(error)
        except OSError as error:
            self._lose(error)

    def _connect(self, host: str, port: int, attempt: int) -> None:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = addresses[attempt % len(addresses)]
        self._socket = socket.socket(family, kind, protocol)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if sys.platform == "darwin":
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_NOSIGPIPE, 1)
        with suppress(BlockingIOError):
            self._socket.connect(address)

    def _finish_connecting(self, connection: socket.socket) -> None:
        error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, "cannot connect")
        # Who keeps trying a free port of this machine may be given the same port as his own, and reach himself.
        if connection.getsockname() == connection.getpeername():
            raise ConnectionError("nobody is listening")
        self._connected = True

    def _lose(self, error: Exception) -> None:
        """Give the connection up, for good."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._outgoing.clear()
        self._error = error if isinstance(error, (Refused, ConnectionError)) else ConnectionError(str(error))

    def _read(self, connection: socket.socket, came: list[Message]) -> None:
        budget = _TURN
        while budget > 0:
            space = self._session.space()
            try:
                count = connection.recv_into(space)
            except BlockingIOError:
                return
            if not count:
                raise ConnectionError("the server hung up")
            came.extend(self._session.received(count))
            if count < len(space):
                return
            budget -= count

    def _write(self, connection: socket.socket) -> None:
        # Nothing but whole messages is in there, so the answers of the session come between them.
        self._outgoing += self._session.outgoing
        self._session.outgoing.clear()
        with suppress(BlockingIOError):
            while self._outgoing:
                del self._outgoing[: connection.send(self._outgoing, _NO_SIGNAL)]


def _poll(connection: socket.socket, wait: float, for_writing: bool) -> tuple[bool, bool]:
    """Whether the connection can be read and written, waiting up to ``wait`` seconds for either."""
    interest = selectors.EVENT_READ | (selectors.EVENT_WRITE if for_writing else 0)
    with _Selector() as selector:
        selector.register(connection, interest)
        events = selector.select(wait)
    happened = events[0][1] if events else 0
    return bool(happened & selectors.EVENT_READ), bool(happened & selectors.EVENT_WRITE)
