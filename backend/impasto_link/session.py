"""A connection for programs that must not stand still: found or made, greeted, looked after, lost and made again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import Popen
from typing import Any

from impasto_link import launch
from impasto_link.client import Call, Client, Event
from impasto_link.discovery import ServerInfo, read_server_info
from impasto_link.errors import ImpastoError, ServerEnded, ServerGone
from impasto_link.patience import SILENCE, TELL_AFTER
from impasto_link.pixels import Region

#: How often files and processes are looked at, in seconds, however often `Session.look_after` is called.
_LOOK_EVERY = 0.2
#: The server is asked this often what has become of its library, and while a worker starts, how far it is, in seconds.
_ASK_EVERY, _ASK_EVERY_AT_START = 5.0, 1.0


class Session:
    """One connection to one server, made again when that is needed. Nothing here waits for longer than it is told to.

    Call `receive` when something may have arrived and `look_after` a few times a second. Both raise when the connection
    is lost, or cannot be had; it is ``offline`` then, and every call that was under way has ended with that error.

    Args:
        transport: the one to insist on; see `impasto_link.transport.open_transport`.
        changed: is called when the state has changed, or what is known of the server.

    Attributes:
        state: ``offline``, ``starting``, ``greeting`` or ``ready``.
        problem: what keeps it from being ready, or None.
        hello: what the server said of itself.
        invitation: path of the invitation to a server on another machine; empty for that of this user on this one.
        server_arguments: options of ``impasto serve``, for a server that is started from here.
    """

    def __init__(self, transport: str = "", changed: Callable[[], None] = lambda: None) -> None:
        self.state = "offline"
        self.problem: ImpastoError | None = None
        self.hello: Mapping[str, Any] = {}
        self.invitation = ""
        self.server_arguments: list[str] = []
        self._transport, self._changed = transport, changed
        self._client: Client | None = None
        self._calls: list[Call] = []
        self._greeting: Call | None = None
        self._process: Popen[bytes] | None = None
        self._server: ServerInfo | None = None
        self._may_start = False
        self._since = self._heard_at = self._asked_at = self._looked_at = 0.0

    @property
    def client(self) -> Client | None:
        """The client, as long as there is a connection, be it only begun."""
        return self._client

    @property
    def is_busy(self) -> bool:
        """Whether a call is under way."""
        return bool(self._calls)

    @property
    def waited(self) -> float:
        """For how many seconds the state has been what it is."""
        return time.monotonic() - self._since

    @property
    def late(self) -> float:
        """For how many seconds a server that may well live has owed an answer; 0 if that is nothing to speak of."""
        since = self._since if self.state == "greeting" else self._heard_at
        silent = time.monotonic() - since if self._calls else 0.0
        return silent if silent > TELL_AFTER else 0.0

    @property
    def process(self) -> int:
        """The number of the server's process, if it is on this machine, else 0."""
        return self._server.pid if self._server is not None else 0

    def open(self, *, start: bool = True) -> None:
        """Begin to connect, if there is no connection.

        Args:
            start: whether to start a server if none runs.

        Raises:
            ImpastoError: there is no server, and no way to start one.
        """
        if self.state != "offline":
            return
        self.problem = None
        self._may_start = start and not self.invitation
        try:
            client = self._find_server()
            if client is not None:
                self._greet(client)
            elif self._may_start:
                self._start()
        except ImpastoError as error:
            self._lose(error)
            raise

    def submit(
        self,
        op: str,
        fields: Mapping[str, Any] | None = None,
        regions: Mapping[str, Region] | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> Call:
        """Send a call; it ends with one of the events done, failed and cancelled, or with `close`.

        Raises:
            ServerGone: there is no connection.
        """
        if self._client is None:
            raise ServerGone("There is no connection to the server.")
        if not self._calls:
            self._heard_at = time.monotonic()
        call = self._client.submit(op, fields, regions, on_event)
        self._calls.append(call)
        return call

    def cancel(self, call: Call, *, keep: bool = False) -> None:
        """Ask the server to give a call up, or with ``keep`` to end a refinement with what it has."""
        if self._client is not None:
            self._client.cancel(call, keep=keep)

    def ask_hello(self) -> None:
        """Ask what the server says of itself."""
        self._asked_at = time.monotonic()
        self._greeting = self.submit("hello")

    def receive(self, timeout: float = 0.0) -> None:
        """Take in what has arrived; waits up to ``timeout`` seconds for something. Raises if the connection is lost."""
        if self._client is None:
            time.sleep(timeout)
            return
        try:
            heard = self._client.transport.heard
            self._client.poll(timeout)
            if self._client.transport.heard != heard:
                self._heard_at = time.monotonic()
        except ImpastoError as error:
            if self.state == "greeting" and self._may_start and isinstance(error, ServerGone):
                # The runtime file was that of a server that had just ended.
                self._start_another()
                return
            self._lose(error)
            raise
        self._calls = [call for call in self._calls if not call.finished]
        if self._greeting is not None and self._greeting.finished:
            greeting, self._greeting = self._greeting, None
            self._take_hello(greeting)

    def look_after(self) -> None:
        """See what has become of the server. Raises if the connection is lost."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_EVERY:
            return
        self._looked_at = now
        try:
            if self.state == "starting":
                self._look_for_started()
            elif self.state == "greeting":
                self._look_for_greeted()
            elif self.state == "ready":
                self._look_for_server(now)
        except ImpastoError as error:
            self._lose(error)
            raise

    def close(self, error: ImpastoError | None = None) -> None:
        """End the connection; the server drops what was under way.

        Args:
            error: with what the calls under way end; without one nobody hears of them any more.
        """
        calls = self._disconnect()
        self.state = "offline"
        if error is not None:
            for call in calls:
                call.fail(error)

    # --- what happens by itself

    def _enter(self, state: str) -> None:
        self.state = state
        self._since = time.monotonic()
        self._changed()

    def _disconnect(self) -> list[Call]:
        """Close the client; returns the calls that were under way."""
        client, self._client = self._client, None
        calls = [call for call in self._calls if not call.finished]
        self._calls, self._greeting, self._process = [], None, None
        if client is not None:
            client.close()
        return calls

    def _find_server(self) -> Client | None:
        if self.invitation:
            return launch.open_remote(Path(self.invitation))
        return launch.open_running(self._transport)

    def _start(self) -> None:
        self._may_start = False
        self._process = launch.start_server(arguments=self.server_arguments)
        self._enter("starting")

    def _greet(self, client: Client) -> None:
        self._client = client
        self._server = None if self.invitation else read_server_info()
        self._process = None
        self._enter("greeting")
        self.ask_hello()

    def _take_hello(self, greeting: Call) -> None:
        try:
            if greeting.error is not None:
                raise greeting.error
            # A server greets programs of any version.
            if self._client is not None and self._client.problem is not None:
                raise self._client.problem
            assert greeting.result is not None
        except ImpastoError as error:
            if self.state == "greeting":
                self._lose(error)
                raise
            return
        self.hello = greeting.result.fields
        if self.state == "greeting":
            self._enter("ready")
        else:
            self._changed()

    def _look_for_started(self) -> None:
        status = None if self._process is None else self._process.poll()
        # The file of a server that was killed does not count; but ours ends well where it finds that one runs.
        client = self._find_server() if status == 0 or read_server_info() != self._server else None
        if client is not None:
            self._greet(client)
        elif status is not None:
            raise ServerGone("The server could not be started.", "To see why, start it in a terminal: impasto serve")
        else:
            self._changed()

    def _look_for_greeted(self) -> None:
        if self._is_gone():
            if not self._may_start:
                raise ServerEnded("The server ended in the middle of the work; your picture is as it was.")
            self._start_another()
        elif self.invitation and self.waited > SILENCE:
            raise ServerGone("The server does not answer.", "Is it running, and the port open?")
        elif self.late:
            self._changed()

    def _start_another(self) -> None:
        for call in self._disconnect():
            call.fail(ServerEnded("The server ended in the middle of the work; your picture is as it was."))
        self._start()

    def _is_gone(self) -> bool:
        """Whether a server on this machine has ended; one on another machine cannot be seen from here."""
        return not self.invitation and read_server_info() != self._server

    def _look_for_server(self, now: float) -> None:
        if self._is_gone():
            raise ServerEnded("The server ended in the middle of the work; your picture is as it was.")
        if self.late:
            self._changed()
        starting = any(one.get("state") == "starting" for one in self.hello.get("workers", ()))
        if self._greeting is None and now - self._asked_at > (_ASK_EVERY_AT_START if starting else _ASK_EVERY):
            self.ask_hello()

    def _lose(self, error: ImpastoError) -> None:
        calls = self._disconnect()
        self.problem = None if isinstance(error, ServerEnded) else error
        self._enter("offline")
        for call in calls:
            call.fail(error)
