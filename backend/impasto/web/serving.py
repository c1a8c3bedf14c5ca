"""Running the web face."""

from __future__ import annotations

import asyncio
import socket

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from impasto.web.app import create_app
from impasto.web.guard import is_loopback
from impasto.web.house import House
from impasto.web.settings import WebOptions
from impasto_link.errors import ImpastoError

#: The head of a request has to be here so many seconds after its first byte, or after the connection was made.
HEAD_SECONDS = 15.0
#: What is refused may take so much longer to come than what is taken, so that its sender hears why.
_LONGER = 5.0
#: Answers under way may take so long when the web face ends.
_END_SECONDS = 5


def listen(options: WebOptions) -> socket.socket:
    """The socket at which persons are waited for.

    Raises:
        ImpastoError: anybody could come in, or there is no such address, or somebody else listens there.
    """
    if not (is_loopback(options.host) or options.keys or options.proxy):
        raise ImpastoError(
            f"At {options.host} anybody could use this machine.",
            "Give --keys FILE, or --proxy HEADER with a proxy in front that knows who asks.",
        )
    family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
    try:
        listening = socket.create_server((options.host, options.port), family=family, backlog=2048)
    except OSError as error:
        raise ImpastoError(
            f"Nobody can listen at {options.host}, port {options.port}: {error.strerror}.", "Name another --port."
        ) from error
    # Connections have it from here. asyncio sees to it only where a socket names its protocol, which this one does not;
    # without it the second packet of each answer waits 40 ms for the first to be confirmed.
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


class WebServer(uvicorn.Server):
    """Runs the web face until a signal, or `should_exit`, ends it.

    Args:
        options: how it is to behave.
    """

    def __init__(self, options: WebOptions) -> None:
        app = create_app(options)
        self._house: House = app.state.house
        super().__init__(
            uvicorn.Config(
                app,
                http=_patient(options.upload_seconds + _LONGER),
                # Of all loops that one which watches descriptors on all systems.
                loop="asyncio:SelectorEventLoop",
                ws="none",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=options.connections,
                timeout_graceful_shutdown=_END_SECONDS,
            )
        )

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the jobs first: the answers that tell of them end with them."""
        await self._house.studio.end()
        await super().shutdown(sockets)


def _patient(seconds: float) -> type[H11Protocol]:
    """uvicorn's protocol, which would wait for ever for the rest of a request."""

    class Patient(H11Protocol):
        _ending: asyncio.TimerHandle | None = None
        _of_head = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._limit()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            self._limit()

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            self._unlimit()

        def _limit(self) -> None:
            """Give what is half here its time, counted from its beginning."""
            state = self.conn.their_state
            if state not in (h11.IDLE, h11.SEND_BODY):
                self._unlimit()
            elif self._ending is None or self._of_head is not (state is h11.IDLE):
                self._unlimit()
                self._of_head = state is h11.IDLE
                self._ending = self.loop.call_later(HEAD_SECONDS if self._of_head else seconds, self.transport.close)

        def _unlimit(self) -> None:
            if self._ending is not None:
                self._ending.cancel()
                self._ending = None

    return Patient
