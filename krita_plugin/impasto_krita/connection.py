"""The connection to the server, driven by Qt's event loop: nothing here ever waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from subprocess import Popen
from typing import Any

from impasto_krita.qt import QObject, QSocketNotifier, QTimer, pyqtSignal
from impasto_krita.texts import tr
from impasto_link import launch
from impasto_link.client import SILENCE, Call, Client, Event
from impasto_link.discovery import ServerInfo, log_file, read_server_info
from impasto_link.errors import ImpastoError, ServerGone
from impasto_link.pixels import Region

#: How often the connection is looked after, in milliseconds.
TICK = 250
START_LIMIT = 60.0
GREETING_LIMIT = 5.0


class Connection(QObject):
    """One connection to one server, made again when that is needed.

    Attributes:
        state: ``offline``, ``starting``, ``greeting`` or ``ready``.
        problem: what keeps it from being ready, or None.
        hello: what the server said of itself.
    """

    changed = pyqtSignal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.state = "offline"
        self.problem: ImpastoError | None = None
        self.hello: Mapping[str, Any] = {}
        self.invitation = ""
        self.server_arguments: list[str] = []
        self._client: Client | None = None
        self._calls: list[Call] = []
        self._process: Popen[bytes] | None = None
        self._may_start = self._resting = False
        self._server: ServerInfo | None = None
        self._since = self._heard_at = self._asked_at = 0.0
        self._notifiers: list[QSocketNotifier] = []
        self._descriptor = (-1, False)
        self._timer = QTimer(self)
        self._timer.setInterval(TICK)
        self._timer.timeout.connect(self._tick)

    # --- what others call

    def open(self, *, start: bool) -> None:
        """Connect if there is no connection; ``start`` says whether to start a server if none runs."""
        if self.state != "offline":
            return
        self.problem = None
        self._timer.start()
        self._may_start = start and not self.invitation
        try:
            client = launch.open_remote(Path(self.invitation)) if self.invitation else launch.open_running()
            if client is not None:
                self._greet(client)
            elif self._may_start:
                self._start()
        except ImpastoError as error:
            self._lose(error)

    def submit(
        self,
        op: str,
        fields: Mapping[str, Any] | None = None,
        regions: Mapping[str, Region] | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> Call:
        """Send a call; every call ends with one of the events done, failed and cancelled."""
        if self._client is None:
            call = Call("", on_event)
            error = self.problem or ServerGone(tr("There is no connection to the server."))
            # Not before the caller knows his call.
            QTimer.singleShot(0, lambda: _fail(call, error))
            return call
        if not self._calls:
            self._heard_at = time.monotonic()
        call = self._client.submit(op, fields, regions, on_event)
        self._calls.append(call)
        self._timer.start()
        # With pyzmq, sending may have taken the only signal that something can be read.
        QTimer.singleShot(0, self._drain)
        return call

    def cancel(self, call: Call, *, keep: bool = False) -> None:
        """Ask the server to give a call up, or with ``keep`` to end a refinement with what it has."""
        if self._client is not None and not call.finished:
            self._client.cancel(call, keep=keep)
            QTimer.singleShot(0, self._drain)

    def refresh(self) -> None:
        """Ask again what the server says of itself."""
        if self.state == "ready":
            self._ask_hello()

    def rest(self) -> None:
        """Nobody looks: stop looking after the connection, as soon as nothing is under way."""
        self._resting = True
        if not self._calls and self.state in ("offline", "ready"):
            self._timer.stop()

    def wake(self) -> None:
        """Somebody looks again."""
        self._resting = False
        if self.state != "offline":
            self._timer.start()
            self._tick()

    def close(self) -> None:
        """End the connection; the server drops what was under way."""
        self._timer.stop()
        self._calls.clear()
        self._disconnect()
        self.state = "offline"

    # --- what happens by itself

    def _enter(self, state: str) -> None:
        self.state = state
        self._since = time.monotonic()
        self.changed.emit()

    def _start(self) -> None:
        self._may_start = False
        self._process = launch.start_server(arguments=self.server_arguments)
        self._enter("starting")

    def _greet(self, client: Client) -> None:
        self._client = client
        self._server = None if self.invitation else read_server_info()
        self._process = None
        self._enter("greeting")
        self._ask_hello()

    def _ask_hello(self) -> None:
        self._asked_at = time.monotonic()
        self.submit("hello", on_event=self._on_hello)

    def _on_hello(self, event: Event) -> None:
        if event.kind == "done":
            self.hello = event.fields
            if self.state == "greeting":
                self._enter("ready")
            else:
                self.changed.emit()
        elif event.kind == "failed" and self.state == "greeting":
            # Later than in the middle of an event of the client that is about to be closed.
            error = ServerGone(str(event.fields.get("message", "")), str(event.fields.get("hint", "")))
            QTimer.singleShot(0, lambda: self._lose(error))

    def _drain(self) -> None:
        client = self._client
        if client is None:
            return
        try:
            if client.poll():
                self._heard_at = time.monotonic()
        except ImpastoError as error:
            self._lose(error)
            return
        finished = [call for call in self._calls if call.finished]
        self._calls = [call for call in self._calls if not call.finished]
        for call in finished:
            if call.error is not None and not any(event.kind in ("failed", "cancelled") for event in call.events):
                # The client found the answer unusable and told nobody.
                _fail(call, call.error)
        if self._resting:
            self.rest()
        self._watch()

    def _watch(self) -> None:
        """Be woken by the descriptor that the transport has now; it may be another one after a reconnection."""
        client = self._client
        wanted = (-1, False) if client is None else (client.transport.fileno(), client.transport.wants_write)
        if wanted == self._descriptor:
            return
        for notifier in self._notifiers:
            notifier.setEnabled(False)
            notifier.deleteLater()
        self._descriptor, self._notifiers = wanted, []
        descriptor, writing = wanted
        if descriptor < 0:
            return
        kinds = [QSocketNotifier.Type.Read] + ([QSocketNotifier.Type.Write] if writing else [])
        for kind in kinds:
            notifier = QSocketNotifier(descriptor, kind, self)
            notifier.activated.connect(self._drain)
            self._notifiers.append(notifier)

    def _tick(self) -> None:
        now = time.monotonic()
        self._drain()
        if self.state == "starting":
            self._look_for_started(now)
        elif self.state == "greeting" and now - self._since > GREETING_LIMIT:
            self._give_up_greeting()
        elif self.state == "ready":
            self._look_after(now)

    def _give_up_greeting(self) -> None:
        if not self._may_start:
            self._lose(ServerGone(tr("The server does not answer."), self._advice()))
            return
        # Where a process cannot be looked for, the runtime file may be that of a server that was killed.
        self._calls.clear()
        self._disconnect()
        try:
            self._start()
        except ImpastoError as error:
            self._lose(error)

    def _look_for_started(self, now: float) -> None:
        # The file of a server that was killed does not count.
        client = launch.open_running() if read_server_info() != self._server else None
        ended = self._process is not None and self._process.poll() not in (None, 0)
        if client is not None:
            self._greet(client)
        elif ended or now - self._since > START_LIMIT:
            self._lose(
                ServerGone(
                    tr("The server could not be started."), tr("The end of this file says why: {file}", file=log_file())
                )
            )
        else:
            self.changed.emit()

    def _look_after(self, now: float) -> None:
        if not self.invitation and read_server_info() != self._server:
            # Nothing is wrong with a server that ends when nobody needs it, so this is no problem of the connection.
            self._lose(ServerGone(tr("The server ended in the middle of the work; your picture is as it was.")), False)
        elif self._calls and now - self._heard_at > SILENCE:
            self._lose(ServerGone(tr("The server does not answer any more."), self._advice()))
        elif now - self._asked_at > 1.0 and any(one["state"] == "starting" for one in self.hello.get("workers", ())):
            self._ask_hello()

    def _advice(self) -> str:
        return tr("Is it running, and the port open?") if self.invitation else tr("Look at it with: impasto status")

    @property
    def waited(self) -> float:
        """For how many seconds the state has been what it is."""
        return time.monotonic() - self._since

    def _lose(self, error: ImpastoError, is_problem: bool = True) -> None:
        calls, self._calls = self._calls, []
        self._disconnect()
        self.problem = error if is_problem else None
        self._timer.stop()
        self._enter("offline")
        for call in calls:
            _fail(call, error)

    def _disconnect(self) -> None:
        client, self._client = self._client, None
        self._watch()
        self._process = None
        if client is not None:
            client.close()


def _fail(call: Call, error: ImpastoError) -> None:
    call.add(Event("failed", fields={"code": error.code, "message": error.message, "hint": error.hint}))
