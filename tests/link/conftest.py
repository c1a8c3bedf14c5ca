"""The server that the transports are tried against: the real ZeroMQ."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
import zmq
from zmq.utils.monitor import recv_monitor_message

from impasto_link.endpoint import USERNAME
from impasto_link.pieces import MAX_FRAME
from impasto_link.proof import Passwords


class EchoServer:
    """A ROUTER on this machine that sends every message back to where it came from.

    Args:
        token: what it lets in through PLAIN; empty for NULL, where everybody may come in.
        heartbeat: milliseconds between PINGs; who does not answer within ten of them is dropped. 0 for none.
        host: where it listens, as in an endpoint.
    """

    def __init__(self, token: str, heartbeat: int = 0, host: str = "127.0.0.1") -> None:
        self.token = token
        self.heartbeat = heartbeat
        self.host = host
        self.port = 0
        self.identities: list[bytes] = []
        """Of the sender of each message that came."""
        self.handshakes = 0
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.start()

    @property
    def endpoint(self) -> str:
        return f"tcp://{self.host}:{self.port}"

    def start(self) -> None:
        """Start listening; on the same port as before if it is not the first time."""
        context = zmq.Context()
        passwords = Passwords(self.token, USERNAME)
        zap = context.socket(zmq.REP)
        zap.bind("inproc://zeromq.zap.01")
        router = context.socket(zmq.ROUTER)
        router.linger = 0
        router.sndhwm = router.rcvhwm = 0
        router.maxmsgsize = MAX_FRAME
        router.plain_server = bool(self.token)
        router.ipv6 = self.host.startswith("[")
        if self.heartbeat:
            router.heartbeat_ivl = self.heartbeat
            router.heartbeat_timeout = 10 * self.heartbeat
        monitor = router.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED)
        if self.port:
            router.bind(self.endpoint)
        else:
            self.port = router.bind_to_random_port(f"tcp://{self.host}")

        def serve() -> None:
            poller = zmq.Poller()
            poller.register(router, zmq.POLLIN)
            poller.register(monitor, zmq.POLLIN)
            poller.register(zap, zmq.POLLIN)
            while not self._stop.is_set():
                ready = dict(poller.poll(20))
                if monitor in ready:
                    recv_monitor_message(monitor)
                    self.handshakes += 1
                if zap in ready:
                    version, number, _, _, _, _, user, password = zap.recv_multipart()
                    good = user == USERNAME.encode() and passwords.take(password.decode())
                    zap.send_multipart([version, number, b"200" if good else b"400", b"", b"", b""])
                while router.poll(0):
                    frames = router.recv_multipart(copy=False)
                    self.identities.append(frames[0].bytes)
                    router.send_multipart(frames, copy=False)
            router.disable_monitor()
            monitor.close(0)
            router.close(0)
            zap.close(0)
            context.term()

        self._stop.clear()
        self._thread = threading.Thread(target=serve, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Go away without a word."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None


@pytest.fixture
def start_server() -> Iterator[Callable[..., EchoServer]]:
    """Starts servers that end with the test; takes what `EchoServer` takes."""
    servers: list[EchoServer] = []

    def start(token: str = "a token", heartbeat: int = 0, host: str = "127.0.0.1") -> EchoServer:
        servers.append(EchoServer(token, heartbeat, host))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server(start_server: Callable[..., EchoServer]) -> EchoServer:
    """One that asks for a token."""
    return start_server()
