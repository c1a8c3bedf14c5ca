"""The transport over pyzmq."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Sequence

import zmq
from zmq.utils.monitor import recv_monitor_message

from impasto_link.errors import Refused
from impasto_link.invitation import Invitation
from impasto_link.pixels import Buffer
from impasto_link.transport import USERNAME

_REFUSALS = zmq.EVENT_HANDSHAKE_FAILED_AUTH | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL


class ZmqTransport:
    """See `impasto_link.transport.Transport`."""

    wants_write = False

    def __init__(self, endpoint: str, token: str, invitation: Invitation | None = None) -> None:
        # The context that the process shares: one of its own would wait at the end of a program that forgot to close.
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
        self._socket = context.socket(zmq.DEALER)
        self._socket.linger = 0
        # The same identity after a reconnect: the server knows the client again and its jobs go on.
        self._socket.identity = uuid.uuid4().bytes
        # Without a token the mechanism stays NULL; ZeroMQ takes no empty password.
        if token:
            self._socket.plain_username = USERNAME.encode()
            self._socket.plain_password = token.encode()
        if invitation is not None:
            self._socket.curve_serverkey = invitation.server_public.encode()
            self._socket.curve_publickey = invitation.client_public.encode()
            self._socket.curve_secretkey = invitation.client_secret.encode()
        # By default `send` waits once a thousand messages are queued.
        self._socket.sndhwm = 0
        self._socket.reconnect_ivl = 50
        self._socket.reconnect_ivl_max = 1000
        # Under a name of its own: pyzmq names monitors by file descriptor, and in a shared context a new socket could
        # get hold of the monitor of one that was just closed.
        events = f"inproc://impasto-{uuid.uuid4().hex}"
        self._socket.monitor(events, _REFUSALS)
        self._monitor = context.socket(zmq.PAIR)
        self._monitor.linger = 0
        self._monitor.connect(events)
        self._refused = False
        # Only where the address is one: of a name with both kinds ZeroMQ would then try nothing but IPv6.
        self._socket.ipv6 = endpoint.startswith("tcp://[")
        self._socket.connect(endpoint)

    def send(self, frames: Sequence[Buffer]) -> None:
        """Queue one message; libzmq's own thread sends it."""
        with contextlib.suppress(zmq.Again):
            # There is room always, unless the server has refused this client for good: then libzmq has given up the
            # connection, a waiting `send` would never return, and it is `receive` that says what happened.
            self._socket.send_multipart(frames, zmq.DONTWAIT, copy=False)

    def receive(self, timeout: float | None = 0.0) -> list[memoryview] | None:
        """The next message, or None within the time; raises Refused."""
        # A refusal is an event of the monitor, so a wait watches both.
        poller = zmq.Poller()
        poller.register(self._socket, zmq.POLLIN)
        poller.register(self._monitor, zmq.POLLIN)
        ready = dict(poller.poll(None if timeout is None else int(timeout * 1000)))
        if self._socket in ready:
            return [frame.buffer for frame in self._socket.recv_multipart(copy=False)]
        if self._monitor in ready:
            recv_monitor_message(self._monitor)
            self._refused = True
        if self._refused:
            raise Refused(
                "The server did not accept this program's token or key.", "It may have been restarted: connect again."
            )
        return None

    def fileno(self) -> int:
        """The descriptor of the socket, edge triggered."""
        return int(self._socket.getsockopt(zmq.FD))

    def close(self) -> None:
        """Close at once."""
        if self._socket.closed:
            return
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close(0)
