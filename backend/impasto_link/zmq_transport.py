"""The line over pyzmq."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Sequence

import zmq
from zmq.utils.monitor import recv_monitor_message

from impasto_link import proof
from impasto_link.endpoint import USERNAME
from impasto_link.errors import Refused
from impasto_link.invitation import Invitation
from impasto_link.pieces import MAX_FRAME, Message

#: So many small messages wait in libzmq; the rest waits with us, where it can be overtaken and taken back.
_AHEAD = 64
#: In milliseconds.
_HANDSHAKE_LIMIT = 5000

_REFUSALS = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
_LOSSES = zmq.EVENT_DISCONNECTED | zmq.EVENT_CLOSED | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL


class ZmqLine:
    """See `impasto_link.transport.Line`.

    Args:
        endpoint: where the server listens.
        token: for the PLAIN mechanism; with none, and no invitation, the NULL mechanism is used.
        invitation: the keys of the CURVE mechanism.
        name: the identity by which the server knows this connection; by default one of its own.
        user: the user name of the PLAIN mechanism.
    """

    wants_write = False

    def __init__(
        self,
        endpoint: str,
        token: str,
        invitation: Invitation | None = None,
        *,
        name: bytes = b"",
        user: str = USERNAME,
    ) -> None:
        # The context that the process shares: one of its own would wait at the end of a program that forgot to close.
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
        self._socket = context.socket(zmq.DEALER)
        self._socket.linger = 0
        self._socket.identity = name or uuid.uuid4().bytes
        # Without a token the mechanism stays NULL; ZeroMQ takes no empty password.
        if token:
            self._socket.plain_username = user.encode()
            self._socket.plain_password = proof.password(token, user).encode()
        if invitation is not None:
            self._socket.curve_serverkey = invitation.server_public.encode()
            self._socket.curve_publickey = invitation.client_public.encode()
            self._socket.curve_secretkey = invitation.client_secret.encode()
        self._socket.sndhwm = _AHEAD
        self._socket.maxmsgsize = MAX_FRAME
        # Never, as far as we are concerned: a lost line is closed. But not -1, with which libzmq 4.3.5 throws away what
        # has come and was not read yet, such as the answer of a server that ends.
        self._socket.reconnect_ivl = 3_600_000
        self._socket.handshake_ivl = _HANDSHAKE_LIMIT
        # Under a name of its own: pyzmq names monitors by file descriptor, and in a shared context a new socket could
        # get hold of the monitor of one that was just closed.
        events = f"inproc://impasto-{uuid.uuid4().hex}"
        self._socket.monitor(events, _REFUSALS | _LOSSES)
        self._monitor = context.socket(zmq.PAIR)
        self._monitor.linger = 0
        self._monitor.connect(events)
        self._refused = self._lost = False
        # Only where the address is one: of a name with both kinds ZeroMQ would then try nothing but IPv6.
        self._socket.ipv6 = endpoint.startswith("tcp://[")
        self._socket.connect(endpoint)

    def send(self, frames: Message) -> bool:
        """Send one message if there is room; libzmq's own thread does it."""
        try:
            self._socket.send_multipart(frames, zmq.DONTWAIT)
        except zmq.Again:
            return False
        return True

    def receive(self, timeout: float | None, *, until_room: bool) -> Sequence[Message]:
        """What has come or comes within the time; raises Refused and ConnectionError."""
        # What becomes of the connection is an event of the monitor, so a wait watches both.
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN | (zmq.POLLOUT if until_room else 0))
        poller.register(self._monitor, zmq.POLLIN)
        # Nothing more is told of a connection that was lost before.
        wait = 0 if self._refused or self._lost else None if timeout is None else int(timeout * 1000)
        ready = dict(poller.poll(wait))
        came = []
        if ready.get(self._socket, 0) & zmq.POLLIN:
            came = self._drain()
        return came or self._look(self._monitor in ready)

    def _drain(self) -> list[Message]:
        came: list[Message] = []
        with contextlib.suppress(zmq.Again):
            while len(came) < _AHEAD:
                came.append(self._socket.recv_multipart(zmq.DONTWAIT))
        return came

    def _look(self, happened: bool) -> list[Message]:
        """See what has become of the connection; if it is lost, first what had come before, a server's last words."""
        while happened and self._monitor.poll(0):
            event = recv_monitor_message(self._monitor)["event"]
            self._refused |= bool(event & _REFUSALS)
            self._lost |= bool(event & _LOSSES)
        # They were there before the event was, but perhaps not when the socket was looked at.
        came = self._drain() if self._lost else []
        if came:
            return came
        if self._refused:
            raise Refused(
                "The server did not accept this program's token or key.", "It may have been restarted: connect again."
            )
        if self._lost:
            raise ConnectionError("The connection is lost.")
        return []

    def fileno(self) -> int:
        """The descriptor of the socket, edge triggered."""
        return int(self._socket.getsockopt(zmq.FD))

    @property
    def has_more_room(self) -> bool:
        """Whether there is room to send by now; a look at the socket takes away what the descriptor had to tell."""
        return bool(int(self._socket.getsockopt(zmq.EVENTS)) & zmq.POLLOUT)

    def close(self) -> None:
        """Close at once."""
        if self._socket.closed:
            return
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(0)
