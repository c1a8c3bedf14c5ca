"""The connection to the server, looked after by whoever calls `tick`: nothing here waits for longer than it is told."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import Popen
from typing import Any

from impasto_filter.texts import tr
from impasto_link import launch
from impasto_link.client import SILENCE, Call, Client, Event
from impasto_link.discovery import ServerInfo, log_file, read_server_info
from impasto_link.errors import ImpastoError, ServerGone
from impasto_link.pixels import Region

START_LIMIT = 60.0
GREETING_LIMIT = 5.0
#: How often the runtime file is looked at, in seconds.
_LOOK_EVERY = 0.3


class Connection:
    """One connection to one server, which is started if none runs.

    Attributes:
        state: ``offline``, ``starting``, ``greeting`` or ``ready``.
        hello: what the server said of itself.
    """

    def __init__(self) -> None:
        self.state = "offline"
        self.hello: Mapping[str, Any] = {}
        self._remote = os.environ.get("IMPASTO_SERVER", "")
        self._client: Client | None = None
        self._calls: list[Call] = []
        self._process: Popen[bytes] | None = None
        self._server: ServerInfo | None = None
        self._may_start = False
        self._since = self._heard_at = self._looked_at = 0.0

    def open(self) -> None:
        """Begin to connect, if there is no connection.

        Raises:
            ImpastoError: there is no server and no way to start one.
        """
        if self.state != "offline":
            return
        self._may_start = not self._remote
        # Our own transport, even where pyzmq is at hand: there is one process per run, and pyzmq takes as long to
        # import as a small picture takes to be painted.
        client = launch.open_remote(Path(self._remote)) if self._remote else launch.open_running("zmtp")
        if client is not None:
            self._greet(client)
        else:
            self._start()

    def submit(
        self,
        op: str,
        fields: Mapping[str, Any] | None = None,
        regions: Mapping[str, Region] | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> Call:
        """Send a call to a server that is ready, or is being greeted."""
        if self._client is None:
            raise ServerGone(tr("There is no connection to the server."))
        if not self._calls:
            self._heard_at = time.monotonic()
        call = self._client.submit(op, fields, regions, on_event)
        self._calls.append(call)
        return call

    def cancel(self, call: Call, *, keep: bool = False) -> None:
        """Ask the server to give a call up, or with ``keep`` to end a refinement with what there is."""
        if self._client is not None:
            self._client.cancel(call, keep=keep)

    def tick(self, timeout: float = 0.0) -> None:
        """Take in what has arrived; waits up to ``timeout`` seconds for something.

        Raises:
            ImpastoError: the server is gone or cannot be had; the connection is then ``offline``.
        """
        try:
            self._advance(timeout)
        except ImpastoError:
            self.close()
            raise

    def close(self) -> None:
        """End the connection; the server drops what was under way."""
        client, self._client = self._client, None
        self._calls.clear()
        self.state = "offline"
        if client is not None:
            client.close()

    @property
    def words(self) -> str:
        """What it is doing, for a person; empty when there is nothing to wait for."""
        if self.state == "starting":
            return tr("The server is starting, {seconds} s …", seconds=int(time.monotonic() - self._since))
        if self.state != "ready":
            return tr("Connecting to the server …")
        if all(one.get("state") == "starting" for one in self.hello.get("workers", ())):
            return tr("The server is loading PyTorch …")
        return ""

    # --- what happens by itself

    def _enter(self, state: str) -> None:
        self.state = state
        self._since = time.monotonic()

    def _start(self) -> None:
        self._may_start = False
        self._process = launch.start_server()
        self._enter("starting")

    def _greet(self, client: Client) -> None:
        self._client = client
        self._server = None if self._remote else read_server_info()
        self._process = None
        self._enter("greeting")
        self.submit("hello", on_event=self._on_hello)

    def _on_hello(self, event: Event) -> None:
        if event.kind == "done":
            self.hello = event.fields
            self._enter("ready")

    def _advance(self, timeout: float) -> None:
        now = time.monotonic()
        if self._client is None:
            if self.state == "starting":
                self._look_for_started(now)
                time.sleep(timeout)
            return
        if self._client.poll(timeout):
            self._heard_at = time.monotonic()
        for call in [call for call in self._calls if call.finished]:
            self._calls.remove(call)
            if self.state == "greeting" and call.error is not None:
                raise call.error
        if self.state == "greeting" and now - self._since > GREETING_LIMIT:
            self._give_up_greeting()
        elif self.state == "ready" and now - self._looked_at > _LOOK_EVERY:
            self._looked_at = now
            self._look_after(now)

    def _look_for_started(self, now: float) -> None:
        # The file of a server that was killed does not count.
        client = launch.open_running("zmtp") if read_server_info() != self._server else None
        ended = self._process is not None and self._process.poll() not in (None, 0)
        if client is not None:
            self._greet(client)
        elif ended or now - self._since > START_LIMIT:
            raise ServerGone(
                tr("The server could not be started."), tr("The end of this file says why: {file}", file=log_file())
            )

    def _give_up_greeting(self) -> None:
        if not self._may_start:
            raise ServerGone(tr("The server does not answer."), tr("Look at it with: impasto status"))
        # Where a process cannot be looked for, the runtime file may be that of a server that was killed.
        self.close()
        self._start()

    def _look_after(self, now: float) -> None:
        if not self._remote and read_server_info() != self._server:
            raise ServerGone(tr("The server ended in the middle of the work; your picture is as it was."))
        if self._calls and now - self._heard_at > SILENCE:
            raise ServerGone(tr("The server does not answer any more."), tr("Look at it with: impasto status"))
