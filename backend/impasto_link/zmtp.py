"""The transport in pure Python, for the editors whose Python has no pyzmq."""

from __future__ import annotations

import logging
import selectors
import socket
import sys
import time
import uuid
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from math import inf
from urllib.parse import urlsplit

from impasto_link.errors import Refused
from impasto_link.pixels import Buffer
from impasto_link.transport import USERNAME
from impasto_link.zmtp_codec import Message, ProtocolError, RejectedError, Session, encode

_log = logging.getLogger(__name__)

_HANDSHAKE_LIMIT = 5.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 1.0
#: No longer at once, because a wait in Windows' select cannot be interrupted from the keyboard.
_LONGEST_WAIT = 0.5
#: How much is read or written in one turn: reading and writing take turns, and an editor gets to redraw itself.
_TURN = 4 << 20
#: Windows would buffer all that one call offers.
_MAX_WRITE = 1 << 20
#: poll has no limit on descriptor numbers and, unlike epoll, needs none of its own; Windows has only select.
_Selector: type[selectors.BaseSelector] = getattr(selectors, "PollSelector", selectors.SelectSelector)
#: In an embedded Python the signal might end the editor. macOS has an option of the socket instead.
_NO_SIGNAL = getattr(socket, "MSG_NOSIGNAL", 0)
_SO_NOSIGPIPE = 0x1022


class ZmtpTransport:
    """See `impasto_link.transport.Transport`. Needs nothing but the standard library, starts no thread.

    A message that was on its way when the connection broke is sent again as a whole over the next one; one that had
    been handed to the operating system is not, just as with pyzmq.

    Args:
        endpoint: "tcp://HOST:PORT". Prefer an address to a name, because looking up a name may take a while.
        token: the password of the PLAIN mechanism; with none the NULL mechanism is used.
        max_frame: the largest frame to accept, in bytes.
        max_frames: how many frames a message may have.

    Raises:
        ValueError: the endpoint is not of this form, or the token has more than 255 bytes.
    """

    def __init__(self, endpoint: str, token: str, *, max_frame: int = 4 << 30, max_frames: int = 1024) -> None:
        self._endpoint = endpoint
        self._host, self._port = parse_endpoint(endpoint)
        self._credentials = (USERNAME.encode(), token.encode()) if token else None
        if len(token.encode()) > 255:
            raise ValueError("A token has at most 255 bytes.")
        self._max_frame = max_frame
        self._max_frames = max_frames
        # The same identity after a reconnect: the server knows the client again and its jobs go on.
        self._identity = uuid.uuid4().bytes
        self._inbox: deque[Message] = deque()
        self._outbox: deque[list[memoryview]] = deque()
        self._closed = False
        self._refusal = ""

        self._socket: socket.socket | None = None
        self._session = self._new_session()
        self._connected = False
        self._pieces: deque[memoryview] = deque()  # what is being written: answers of the session or a message
        self._writing_message = False  # the latter; it stays first in the outbox until all of it is written

        self._attempt = 0
        self._pause = _FIRST_PAUSE
        self._retry_at = 0.0
        self._handshake_until = 0.0
        self._connect()

    def send(self, frames: Sequence[Buffer]) -> None:
        """Queue one message, and write as much of it as can be without waiting.

        Raises:
            ValueError: there is no frame, or the transport is closed.
            BufferError: a frame is not contiguous.
        """
        self._check_open()
        self._outbox.append(encode(frames))
        if self._socket is not None and self._connected:
            # `receive` will run into the same error, after it has read what the server said before it went.
            with suppress(OSError):
                self._write(self._socket)

    def receive(self, timeout: float | None = 0.0) -> list[memoryview] | None:
        """The next message, or None if none came within ``timeout`` seconds; reads, writes and reconnects meanwhile.

        Raises:
            Refused: the server turned the token down; it is not asked again.
            ValueError: the transport is closed.
        """
        self._check_open()
        until = inf if timeout is None else time.monotonic() + timeout
        last = False
        while not (self._inbox or self._refusal or last):
            wait = until - time.monotonic()
            last = wait <= 0
            self._turn(min(max(wait, 0.0), _LONGEST_WAIT))
        if self._inbox:
            return self._inbox.popleft()
        if self._refusal:
            raise Refused(
                "The server did not accept this program's token.",
                f"It may have been restarted; connect again. (ZeroMQ: {self._refusal})",
            )
        return None

    def fileno(self) -> int:
        """The descriptor of the connection; -1 while there is none."""
        return -1 if self._socket is None else self._socket.fileno()

    @property
    def wants_write(self) -> bool:
        """Whether something waits for the descriptor to become writable."""
        if self._socket is None:
            return False
        return not self._connected or bool(self._pieces or self._session.outgoing or self._next_message())

    def close(self) -> None:
        """Close at once; what has not been written is dropped."""
        self._closed = True
        self._disconnect()
        self._inbox.clear()
        self._outbox.clear()

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("This connection has been closed.")

    def _new_session(self) -> Session:
        return Session(self._identity, self._credentials, self._max_frame, self._max_frames)

    def _turn(self, wait: float) -> None:
        """Wait for something to happen for up to ``wait`` seconds, then read and write what can be."""
        now = time.monotonic()
        if self._socket is None:
            if now < self._retry_at:
                time.sleep(min(wait, self._retry_at - now))
                return
            self._connect()
        connection = self._socket
        if connection is None:
            return
        if not self._session.ready:
            wait = min(wait, max(0.0, self._handshake_until - now))
        try:
            readable, writable = _poll(connection, wait, self.wants_write)
            if writable and not self._connected:
                self._finish_connecting(connection)
            if self._connected:
                if readable:
                    self._read(connection)
                self._write(connection)
            if not self._session.ready and time.monotonic() >= self._handshake_until:
                raise ProtocolError(f"the handshake was not over in {_HANDSHAKE_LIMIT} seconds")
        except RejectedError as error:
            self._refusal = str(error)
            self._disconnect()
        except ProtocolError as error:
            self._retry(logging.WARNING, error)
        except OSError as error:
            self._retry(logging.INFO if self._session.ready else logging.DEBUG, error)

    def _connect(self) -> None:
        self._handshake_until = time.monotonic() + _HANDSHAKE_LIMIT
        try:
            # A name may stand for several addresses, as localhost does: every attempt takes the next one.
            addresses = socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            family, kind, protocol, _, address = addresses[self._attempt % len(addresses)]
            self._socket = socket.socket(family, kind, protocol)
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if sys.platform == "darwin":
                self._socket.setsockopt(socket.SOL_SOCKET, _SO_NOSIGPIPE, 1)
            self._socket.connect(address)
        except BlockingIOError:
            pass
        except OSError as error:
            self._retry(logging.DEBUG, error)

    def _finish_connecting(self, connection: socket.socket) -> None:
        error = connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            raise OSError(error, "cannot connect")
        # Who keeps trying a free port of this machine may be given the same port as his own, and reach himself.
        if connection.getsockname() == connection.getpeername():
            raise ConnectionError("nobody is listening")
        self._connected = True

    def _retry(self, level: int, error: Exception) -> None:
        """Give the connection up and try again a little later."""
        _log.log(level, "Lost the connection to %s: %s", self._endpoint, error)
        if not self._session.ready:
            self._attempt += 1
        self._disconnect()
        self._retry_at = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _disconnect(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._session = self._new_session()
        self._connected = False
        self._pieces.clear()
        self._writing_message = False

    def _read(self, connection: socket.socket) -> None:
        budget = _TURN
        while budget > 0:
            space = self._session.space()
            try:
                count = connection.recv_into(space)
            except BlockingIOError:
                return
            if not count:
                raise ConnectionError("the server hung up")
            for message in self._session.received(count):
                self._inbox.append(message)
                self._pause = _FIRST_PAUSE
            if count < len(space):
                return
            budget -= count

    def _write(self, connection: socket.socket) -> None:
        budget = _TURN
        while budget > 0 and (self._pieces or self._begin_writing()):
            piece = self._pieces[0]
            try:
                count = connection.send(piece[:_MAX_WRITE], _NO_SIGNAL)
            except BlockingIOError:
                return
            budget -= count
            if count < len(piece):
                self._pieces[0] = piece[count:]
                continue
            self._pieces.popleft()
            if self._writing_message and not self._pieces:
                self._outbox.popleft()
                self._writing_message = False

    def _begin_writing(self) -> bool:
        """Choose what to write next; False if there is nothing."""
        if self._session.outgoing:
            self._pieces.append(memoryview(bytes(self._session.outgoing)))
            self._session.outgoing.clear()
            return True
        if self._next_message():
            self._pieces.extend(self._outbox[0])
            self._writing_message = True
            return True
        return False

    def _next_message(self) -> bool:
        return self._session.ready and bool(self._outbox)


def parse_endpoint(endpoint: str) -> tuple[str, int]:
    """Host and port of "tcp://HOST:PORT"; raises ValueError if it is not of this form."""
    parts = urlsplit(endpoint)
    if parts.scheme != "tcp" or not parts.hostname or not parts.port or parts.path:
        raise ValueError(f"{endpoint!r} is not of the form tcp://HOST:PORT.")
    return parts.hostname, parts.port


def _poll(connection: socket.socket, wait: float, for_writing: bool) -> tuple[bool, bool]:
    """Whether the connection can be read and written, waiting up to ``wait`` seconds for either."""
    interest = selectors.EVENT_READ | (selectors.EVENT_WRITE if for_writing else 0)
    with _Selector() as selector:
        selector.register(connection, interest)
        events = selector.select(wait)
    happened = events[0][1] if events else 0
    return bool(happened & selectors.EVENT_READ), bool(happened & selectors.EVENT_WRITE)
