"""The gate: where programs come in, and how many of them at a time.

Whoever connects takes a file descriptor of the server's from that moment on, before anybody knows who it is. libzmq
takes everybody in as long as there are descriptors, and when there are none it tries again without a pause. So a few
are kept back: the server works with a limit that is lower than it could be, and raises it for its own needs alone, to
start a worker or to read the library. Whoever comes when the others are used up is hung up on here, and may come again.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import socket
from collections.abc import Iterator

import zmq

from impasto_link.errors import ImpastoError
from impasto_link.sentences import say

try:
    import resource
except ImportError:  # Windows, where a process has as many handles as it likes
    resource = None  # type: ignore[assignment]

log = logging.getLogger(__name__)

#: Descriptors of the server at most, if the system allows; and how many of them are for its own needs.
MOST, RESERVE = 8192, 32


class Gate:
    """Listens for the sockets of one server."""

    def __init__(self) -> None:
        self._listeners: list[socket.socket] = []
        self._watched = False
        if resource is not None:
            self._before = resource.getrlimit(resource.RLIMIT_NOFILE)
            hard = self._before[1]
            self._most = MOST if hard == resource.RLIM_INFINITY else min(hard, MOST)
            self._limit(self._most - RESERVE)

    def bind(self, door: zmq.Socket[bytes], host: str, port: int = 0) -> str:
        """Let a ROUTER listen at an address and a port, any if 0; returns the endpoint.

        Raises:
            ImpastoError: it cannot listen there.
        """
        at = f"tcp://[{host}]" if ":" in host else f"tcp://{host}"
        try:
            door.ipv6 = ":" in host
            if resource is not None:
                listener = self._listen(host, port)
                port = listener.getsockname()[1]
                # libzmq closes what it is given.
                door.setsockopt(zmq.USE_FD, os.dup(listener.fileno()))
            door.bind(f"{at}:{port or '*'}")
        except OSError as error:
            raise ImpastoError(
                say("The server cannot listen at {at}:{port}: {strerror}.", at=at, port=port, strerror=error.strerror)
            ) from error
        return door.getsockopt_string(zmq.LAST_ENDPOINT)

    @contextlib.contextmanager
    def reserve(self) -> Iterator[None]:
        """Let what is done meanwhile have the descriptors that are kept back."""
        if resource is None:
            yield
            return
        self._limit(self._most)
        try:
            yield
        finally:
            self._limit(self._most - RESERVE)

    def look(self, poller: zmq.Poller) -> None:
        """Hang up on who comes while there is no room, and have ``poller`` wake up for them as long as that is so."""
        full = resource is not None and _is_full()
        if full:
            with self.reserve():
                for listener in self._listeners:
                    _hang_up_on_all(listener)
        if full != self._watched:
            self._watched = full
            log.warning("too many programs have connected" if full else "there is room for programs to connect again")
            for listener in self._listeners:
                if full:
                    poller.register(listener, zmq.POLLIN)
                else:
                    poller.unregister(listener)

    def close(self) -> None:
        """Listen no more; the limit is what it was."""
        for listener in self._listeners:
            listener.close()
        if resource is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, self._before)

    def _listen(self, host: str, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=100)
        # Of two that want to accept the same program, one would wait for the next.
        listener.setblocking(False)
        self._listeners.append(listener)
        return listener

    def _limit(self, count: int) -> None:
        # macOS has a limit of its own that it does not tell.
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (count, self._before[1]))


def _is_full() -> bool:
    try:
        os.close(os.dup(2))
    except OSError as error:
        return error.errno == errno.EMFILE
    return False


def _hang_up_on_all(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            listener.accept()[0].close()
