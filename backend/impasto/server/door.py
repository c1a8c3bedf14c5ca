"""A door: a ROUTER where many come in, what they send put together, and what they are sent waiting until they read."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterator
from math import inf

import zmq

from impasto_link import codec
from impasto_link.errors import ImpastoError
from impasto_link.pieces import MAX_FRAME, MAX_FRAMES, PIECE, Inbox, Message, Outbox, size_of

log = logging.getLogger(__name__)

#: So many small messages to one client wait in libzmq, four megabytes in pieces; what is more waits here.
_AHEAD = 256
#: So many come from one client before it has to wait for us to read them.
_BEHIND = 256
#: What may wait here for one client that does not read, and for all of them, in bytes. A single message may have more,
#: and a few words always go, or a client would not hear what has become of the rest.
MOST_WAITING = 1 << 26
MOST_WAITING_IN_ALL = 1 << 30
_WORDS = 1 << 24
#: Of one door in a turn, so that whoever floods it does not keep the broker from the others.
_TURN = 256
#: Who does not say hello and show a token or key in this time has to come again, in milliseconds.
_HANDSHAKE_LIMIT = 5000
#: There is no event for room to send to one of many, so it is looked for, more and more seldom, in seconds.
_SOON, _LATER = 0.002, 0.05


class Door:
    """One ROUTER socket and what is half here or half gone, by the identity of the other side.

    Args:
        context: for the socket.
        admit: is asked whether a large message may come, as soon as its header is here: the identity of the sender, the
            header, how many bytes the message has. It raises an ImpastoError if not.
        refused: is told of what was not admitted, or is against the rules, and whose it was.
        max_header: the largest header of a large message, in bytes.
        most_waiting: what may wait for one client that does not read, in bytes.

    Attributes:
        socket: the ROUTER.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        admit: Callable[[bytes, memoryview, int], None] = lambda peer, header, nbytes: None,
        refused: Callable[[bytes, ImpastoError], None] = lambda peer, error: log.info("refused a message: %s", error),
        max_header: int = codec.MAX_HEADER,
        most_waiting: float = MOST_WAITING,
    ) -> None:
        self.socket: zmq.Socket[bytes] = context.socket(zmq.ROUTER)
        self.socket.linger = 500
        self.socket.sndhwm, self.socket.rcvhwm = _AHEAD, _BEHIND
        # Say so instead of dropping a message for somebody who is not there, or does not read.
        self.socket.router_mandatory = True
        # It holds from the first byte on, before anybody has shown who he is.
        self.socket.maxmsgsize = MAX_FRAME
        self.socket.handshake_ivl = _HANDSHAKE_LIMIT
        self._admit, self._refused = admit, refused
        self._max_header, self._most_waiting = max_header, most_waiting
        self._parts: list[bytes] = []
        self._inboxes: dict[bytes, Inbox] = {}
        self._outboxes: dict[bytes, Outbox] = {}
        self._pause, self._moved = _LATER, False

    # --- in

    def receive(self) -> Iterator[tuple[bytes, Message]]:
        """What has come, each with the identity of its sender; not all of it in one turn, if it is very much."""
        for _ in range(_TURN):
            try:
                message = self._next()
            except zmq.Again:
                return
            if message is not None:
                peer, *frames = message
                whole = self._take_in(peer, frames)
                if whole is not None:
                    yield peer, whole

    def _next(self) -> list[bytes] | None:
        """The next message; None for one of too many frames, and while such a one is being passed over."""
        for _ in range(MAX_FRAMES + 2):
            self._parts.append(self.socket.recv(zmq.DONTWAIT))
            if not self.socket.rcvmore:
                message, self._parts = self._parts, []
                return message if len(message) <= MAX_FRAMES + 1 else None
        # The identity and one frame too many stay, and so it is never taken for a message.
        del self._parts[MAX_FRAMES + 2 :]
        return None

    def _take_in(self, peer: bytes, frames: list[bytes]) -> Message | None:
        inbox = self._inboxes.get(peer) or Inbox(self._max_header, lambda *asked: self._admit(peer, *asked))
        try:
            return inbox.take(frames) if frames else frames
        except ImpastoError as error:
            self._refused(peer, error)
            return None
        finally:
            if inbox:
                self._inboxes[peer] = inbox
            else:
                self._inboxes.pop(peer, None)

    @property
    def senders(self) -> list[bytes]:
        """Who has sent a part of a message so far."""
        return list(self._inboxes)

    def room(self, peer: bytes | None = None) -> int:
        """How many bytes the messages take that are half here: of one sender, or of all."""
        some = self._inboxes.values() if peer is None else [self._inboxes.get(peer) or Inbox()]
        return sum(inbox.room for inbox in some)

    # --- out

    def has_something_for(self, peer: bytes) -> bool:
        """Whether a client has not read all that it was sent."""
        return peer in self._outboxes

    def has_room(self, peer: bytes, message: Message) -> bool:
        """Whether a message may wait for a client until that has read what it was sent before."""
        outbox = self._outboxes.get(peer)
        nbytes = size_of(message)
        if outbox is None:
            return True
        if nbytes <= PIECE:
            return outbox.words + nbytes <= _WORDS
        return outbox.nbytes + nbytes <= self._most_waiting and self._waiting() + nbytes <= max(
            self._most_waiting, MOST_WAITING_IN_ALL
        )

    def send(self, peer: bytes, message: Message, key: Hashable = None) -> bool:
        """Send a message, or let it wait while there `has_room`; without room it is lost.

        Args:
            peer: the identity of the other side.
            message: its frames; they are not copied.
            key: a message with the same key that waits gives way to it.

        Returns:
            False if the other side is not there.
        """
        if not self.has_room(peer, message):
            return True
        outbox = self._outboxes.setdefault(peer, Outbox())
        outbox.put(message, key)
        return self._send_what_waits(peer, outbox)

    def flush(self) -> float:
        """Send what there is room for by now; in how many seconds to look again."""
        self._moved = False
        for peer, outbox in list(self._outboxes.items()):
            self._send_what_waits(peer, outbox)
        self._pause = _SOON if self._moved else min(2 * self._pause, _LATER)
        return self._pause if self._outboxes else inf

    def forget(self, peer: bytes) -> None:
        """The other side is gone, and with it what was half here or half sent."""
        self._inboxes.pop(peer, None)
        self._outboxes.pop(peer, None)

    def _waiting(self) -> int:
        return sum(outbox.nbytes for outbox in self._outboxes.values())

    def _send_what_waits(self, peer: bytes, outbox: Outbox) -> bool:
        """Send what there is room for; False if the other side is not there."""
        try:
            while (message := outbox.next()) is not None:
                self.socket.send_multipart([peer, *message], zmq.DONTWAIT)
                outbox.sent()
                self._moved = True
        except zmq.Again:
            return True
        except zmq.ZMQError:
            self.forget(peer)
            return False
        del self._outboxes[peer]
        return True
