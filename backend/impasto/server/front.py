"""The front: where clients come in, what they are told, and what waits until they have read."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any

import zmq

from impasto.server.door import Door
from impasto.server.doorman import Doorman
from impasto.server.gate import Gate
from impasto.server.jobs import MAX_WAITING
from impasto.server.leases import Leases
from impasto.server.options import RemoteAccess
from impasto.server.safely import safely
from impasto_link import codec
from impasto_link.endpoint import USERNAME
from impasto_link.errors import ImpastoError
from impasto_link.pieces import Message

log = logging.getLogger(__name__)

#: How often it is looked whether a client has read what it was sent, if more waits for it, in seconds.
LOOK_AGAIN = 0.05
#: Of these events the newest is enough for who has not read the one before.
_REPLACED = frozenset({"accepted", "pulse"})


class Front:
    """The sockets for clients. A client is known by the number of the door where it came in, and its name there.

    Args:
        context: for the sockets.
        gate: where they listen.
        doorman: who is let in.
        check: raises an ImpastoError if a message may not come: its sender, how many bytes it has, how many of them are
            here, and how many of all clients' messages that are half here.

    Attributes:
        leases: who is lost.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        gate: Gate,
        doorman: Doorman,
        check: Callable[[bytes, int, int, int], None],
    ) -> None:
        self._context, self._gate, self._doorman, self._check = context, gate, doorman, check
        self.doors: list[Door] = []
        self.leases = Leases(lambda client: self.tell(client, None, "pulse"))
        #: What sends clients more when they have read what they were sent before.
        self._postponed: dict[bytes, deque[Callable[[], None]]] = {}

    def open(self, token: str, remote: RemoteAccess | None) -> str:
        """Listen on loopback, for who knows the token, and if wanted for other machines; returns the endpoint."""
        door = self._door()
        self._doorman.let_in_with_password(door.socket, USERNAME, token)
        endpoint = self._gate.bind(door.socket, "127.0.0.1")
        if remote is not None:
            self._open_remote(self._door().socket, remote)
        return endpoint

    def _door(self) -> Door:
        prefix = bytes([len(self.doors)])
        door = Door(self._context, lambda peer, header, nbytes: self._admit(prefix + peer, header, nbytes))
        self.doors.append(door)
        return door

    def _open_remote(self, socket: zmq.Socket[bytes], remote: RemoteAccess) -> None:
        self._doorman.let_in_with_key(socket, remote.server_secret, remote.client_public)
        # A network can go away without a word, which the kernel of this machine would notice after hours.
        socket.heartbeat_ivl = 1000
        socket.heartbeat_timeout = 3000
        for host in remote.hosts:
            log.info("listening for other machines at %s", self._gate.bind(socket, host, remote.port))

    def is_local(self, client: bytes) -> bool:
        """Whether a client is on this machine."""
        return client[0] == 0

    # --- in

    def receive(self, handle: Callable[[bytes, Message], None]) -> None:
        """Hand over what has come, with the client it is from."""
        for number, door in enumerate(self.doors):
            safely(self._receive_at, door, bytes([number]), handle)

    def _receive_at(self, door: Door, prefix: bytes, handle: Callable[[bytes, Message], None]) -> None:
        for peer, message in door.receive():
            safely(handle, prefix + peer, message)

    def _admit(self, client: bytes, header: memoryview, nbytes: int) -> None:
        """Let a large message come, or refuse it before it does."""
        try:
            halves = sum(door.room() for door in self.doors)
            self._check(client, nbytes, self._at(client).room(client[1:]), halves)
        except ImpastoError as error:
            self.tell(client, codec.decode_header(header).get("id"), "failed", **error.to_wire())
            raise

    @property
    def senders(self) -> set[bytes]:
        """Clients of whom a part of a message is here."""
        return {bytes([number]) + peer for number, door in enumerate(self.doors) for peer in door.senders}

    # --- out

    def tell(self, client: bytes, call_id: object, event: str, **fields: Any) -> bool:
        """Send a client a few words; False, and remembered, if it is not there."""
        message = [codec.pack({"event": event, "id": call_id, **fields})]
        return self.send(client, message, (call_id, event) if event in _REPLACED else None)

    def send(self, client: bytes, frames: Message, key: Hashable = None) -> bool:
        """Send to a client; False, and remembered, if it is not there.

        Args:
            client: the client.
            frames: the message.
            key: a message with the same key that it has not read gives way to it.
        """
        there = self._at(client).send(client[1:], frames, key)
        (self.leases.seen if there else self.leases.missed)(client)
        return there

    def has_room(self, client: bytes, message: Message) -> bool:
        """Whether a message may wait for a client until that has read what it was sent before."""
        return self._at(client).has_room(client[1:], message)

    def answer(self, client: bytes, call_id: str, ask: Callable[[], dict[str, Any] | None]) -> None:
        """Send a client an answer, if there is one; where there is no room for it, it is asked for anew later."""
        fields = ask()
        if fields is None:
            return
        message = [codec.pack({"event": "done", "id": call_id, **fields})]
        if self.has_room(client, message):
            self.send(client, message)
        elif len(self._postponed.get(client, ())) < MAX_WAITING:
            self.postpone(client, lambda: self.answer(client, call_id, ask))

    def postpone(self, client: bytes, send: Callable[[], None]) -> None:
        """Send more to a client once it has read what it was sent before."""
        self._postponed.setdefault(client, deque()).append(send)

    def send_postponed(self) -> None:
        """Send more to who has read."""
        for client, more in list(self._postponed.items()):
            if not self._at(client).has_something_for(client[1:]):
                send = more.popleft()
                if not more:
                    del self._postponed[client]
                safely(send)

    @property
    def looks_again(self) -> float:
        """In how many seconds to look whether there is somebody to send more to."""
        return LOOK_AGAIN if self._postponed else float("inf")

    def forget(self, client: bytes) -> None:
        """A client is gone, and with it what was half here or half sent."""
        self._at(client).forget(client[1:])
        self._postponed.pop(client, None)

    def _at(self, client: bytes) -> Door:
        return self.doors[client[0]]
