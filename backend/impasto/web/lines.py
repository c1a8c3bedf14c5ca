"""Connections to the server, one for each person, driven by the event loop: nothing here waits or needs a thread.

The server lets its clients take turns, so persons do as well.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from impasto.command import SERVER_COMMAND
from impasto_link.client import FINAL, Client, Event
from impasto_link.discovery import read_server_info
from impasto_link.errors import ImpastoError, ServerGone
from impasto_link.launch import connect_or_start, names_remote, open_remote, open_running

#: Each connection is looked after so often, in seconds: what has become of a server shows in time, not in messages.
_LOOK_EVERY = 1.0


class Line:
    """One connection. It is closed once the server is gone, and its calls have failed then.

    Args:
        client: in which nothing waits.
    """

    def __init__(self, client: Client) -> None:
        self.client = client
        self.is_open = True
        self._descriptor = -1
        self._looking = asyncio.create_task(self._look_after())
        self.pump()

    def pump(self) -> None:
        """Take in what has arrived; to be called after what was sent, too, for the descriptor is edge triggered."""
        if not self.is_open:
            return
        try:
            while self.client.poll():
                pass
        except ImpastoError:
            self.close()  # Every call has been told.
            return
        self._watch(self.client.transport.fileno())

    async def ask(self, op: str, fields: Mapping[str, Any] | None = None, timeout: float = 10.0) -> Event:
        """A question that the server answers at once.

        Raises:
            ServerGone: there is no answer in time.
            ImpastoError: as the server says.
        """
        answered = asyncio.Event()

        def hear(event: Event) -> None:
            if event.kind in FINAL:
                answered.set()

        call = self.client.submit(op, fields, on_event=hear)
        self.pump()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(answered.wait(), timeout)
        if call.error is not None:
            raise call.error
        if call.result is None:
            raise ServerGone("The server does not answer.", "Look at it with: impasto status")
        return call.result

    def close(self) -> None:
        """End the connection; the server drops what was under way."""
        if self.is_open:
            self.is_open = False
            self._watch(-1)
            self._looking.cancel()
            self.client.close()

    def _watch(self, descriptor: int) -> None:
        if descriptor == self._descriptor:
            return
        loop = asyncio.get_running_loop()
        if self._descriptor >= 0:
            loop.remove_reader(self._descriptor)
        if descriptor >= 0:
            loop.add_reader(descriptor, self.pump)
        self._descriptor = descriptor

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            self.pump()


class Exchange:
    """Makes lines, to a server that is started if it does not run."""

    def __init__(self) -> None:
        self._starting = asyncio.Lock()

    async def line(self) -> Line:
        """A new connection.

        Raises:
            ServerGone: the server could not be started.
        """
        async with self._starting:
            client = _client_of_running()
            if client is None:
                client = await asyncio.to_thread(connect_or_start, SERVER_COMMAND)
        return Line(client)


class Way:
    """To the server for one person, who has at most one line: made when it is needed, and anew when that was closed.

    Args:
        exchange: which makes them.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._line: Line | None = None
        self._making = asyncio.Lock()

    async def line(self) -> Line:
        """The line; raises ServerGone if there is no server and none could be started."""
        async with self._making:
            if self._line is None or not self._line.is_open:
                self._line = await self._exchange.line()
            return self._line

    def close(self) -> None:
        """End the connection, and with it what is under way."""
        if self._line is not None:
            self._line.close()


def is_running() -> bool:
    """Whether there is a server as far as is known; of one on another machine that is taken for granted."""
    return names_remote() or read_server_info() is not None


def _client_of_running() -> Client | None:
    return open_remote(Path(os.environ["IMPASTO_SERVER"])) if names_remote() else open_running()
