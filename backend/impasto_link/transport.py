"""How messages get to the server: over a line of pyzmq where it imports, else over one of our own ZMTP client."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from math import inf
from typing import Protocol

from impasto_link.pieces import Inbox, Message, Outbox
from impasto_link.pixels import Buffer


class Line(Protocol):
    """One connection of one client, as a DEALER, for small messages; see `impasto_link.pieces`.

    It is not made again once it is lost: who would be at the other end then has to show first who that is.
    """

    def send(self, frames: Message) -> bool:
        """Send one message, or return False because there is no room for it now. Waits for nothing."""

    def receive(self, timeout: float | None, *, until_room: bool) -> Sequence[Message]:
        """What has come; if nothing has, what comes within ``timeout`` seconds (None: wait for ever).

        Args:
            timeout: how long to wait.
            until_room: whether to return as soon as there is room to send.

        Raises:
            Refused: the server turned the token down; trying again is useless.
            ConnectionError: the connection is lost, or could not be made.
        """

    def fileno(self) -> int:
        """See `Transport.fileno`."""

    @property
    def wants_write(self) -> bool:
        """See `Transport.wants_write`."""

    @property
    def has_more_room(self) -> bool:
        """Whether there is room to send by now and the descriptor will not tell of it."""

    def close(self) -> None:
        """Close at once."""


class Transport:
    """Messages of any size to and from one server. Not thread-safe; no call but ``receive`` and ``flush`` waits.

    ``send`` keeps references to the buffers until they are on their way: do not change them meanwhile.

    Args:
        connect: makes a line.
        token: what server and client both know and neither shows; empty if the line itself says who the server is.

    Attributes:
        token: the same.
        heard: how many messages and pieces of messages have come.
    """

    def __init__(self, connect: Callable[[], Line], token: str = "") -> None:
        self._connect = connect
        self.token = token
        self.heard = 0
        self._outbox = Outbox()
        self._begin()

    def _begin(self) -> None:
        self._line = self._connect()
        # No number is given twice, or who withdraws what went over the connection before would hit another message.
        self._outbox, self._inbox = Outbox(self._outbox.last), Inbox()
        self._whole: deque[Message] = deque()

    def renew(self) -> None:
        """Give the connection up, with all that is half here or half gone, and begin another under another name."""
        self._line.close()
        self._begin()

    def send(self, frames: Sequence[Buffer]) -> int:
        """Queue one message, and send of it what can be sent at once; the rest goes during later calls.

        Returns:
            Its number, for `withdraw`.

        Raises:
            ValueError: there is no frame, or too many.
            BufferError: a frame is not contiguous.
        """
        number = self._outbox.put(frames)
        self._feed()
        return number

    def withdraw(self, number: int) -> bool:
        """Do not send a message, or the rest of it; False if all of it is on its way already."""
        return self._outbox.withdraw(number)

    def receive(self, timeout: float | None = 0.0) -> Message | None:
        """The next message, or None if none came whole within ``timeout`` seconds (None: wait for ever).

        Raises:
            Refused: the server turned the token down; trying again is useless.
            ConnectionError: the connection is lost, or could not be made.
            BadRequest: something came that is against the rules.
        """
        until = inf if timeout is None else time.monotonic() + timeout
        wait, more = 1.0, True
        # To the end of what is here, because a descriptor that is edge triggered will not tell of the rest.
        while not self._whole and (more or wait > 0):
            wait = max(0.0, until - time.monotonic())
            more = self._turn(None if wait == inf else wait)
        return self._whole.popleft() if self._whole else None

    def flush(self) -> None:
        """Wait until all that was sent is on its way; raises as `receive` does."""
        while self._feed():
            self._turn(None)

    def _turn(self, wait: float | None) -> bool:
        """Send what can be sent and take in what has come, or comes soon; whether there may be more to do at once."""
        came = self._line.receive(wait, until_room=self._feed())
        for message in came:
            self.heard += 1
            whole = self._inbox.take(message)
            if whole is not None:
                self._whole.append(whole)
        return bool(came) or (self._feed() and self._line.has_more_room)

    def _feed(self) -> bool:
        """Send what there is room for; whether there is more."""
        while (message := self._outbox.next()) is not None:
            if not self._line.send(message):
                return True
            self._outbox.sent()
        return False

    def fileno(self) -> int:
        """A descriptor that becomes readable when ``receive`` should be called, for the event loop of an editor.

        It is edge triggered with pyzmq and another one after `renew`: after each wake-up call ``receive`` until it
        returns None and ask for the descriptor again. -1 while there is no connection.
        """
        return self._line.fileno()

    @property
    def wants_write(self) -> bool:
        """Whether `receive` should also be called when the descriptor becomes writable."""
        return self._line.wants_write

    def close(self) -> None:
        """Close at once; what has not been sent is dropped."""
        self._line.close()


def open_transport(endpoint: str, token: str, *, prefer: str = "") -> Transport:
    """Open a connection to ``endpoint`` ("tcp://127.0.0.1:5555"), with the token of the server.

    Args:
        endpoint: where the server listens.
        token: what only this user and the server know.
        prefer: "pyzmq" or "zmtp" to insist on one; empty for the best that there is.

    Raises:
        ImportError: ``prefer`` is "pyzmq" and it does not import.
    """
    if prefer != "zmtp":
        try:
            from impasto_link.zmq_transport import ZmqLine

            return Transport(lambda: ZmqLine(endpoint, token), token)
        except ImportError:
            if prefer == "pyzmq":
                raise
    from impasto_link.zmtp import ZmtpLine

    return Transport(lambda: ZmtpLine(endpoint, token), token)
