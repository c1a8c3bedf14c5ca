"""The connection to the server, driven by Qt's event loop: nothing here ever waits."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from impasto_krita.qt import QObject, QSocketNotifier, QTimer, pyqtSignal
from impasto_link.client import Call, Event
from impasto_link.errors import Cancelled, ImpastoError, ServerGone
from impasto_link.pixels import Region
from impasto_link.session import Session

#: How often the connection is looked after, in milliseconds.
TICK = 250


class Connection(QObject):
    """A `impasto_link.session.Session` that Qt wakes when something arrives, and that tells of changes by a signal.

    Attributes:
        session: the session; what is known of the server can be read there.
    """

    changed = pyqtSignal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.session = Session(changed=self._on_change)
        self._resting = False
        self._notifiers: list[QSocketNotifier] = []
        self._descriptor = (-1, False)
        self._timer = QTimer(self)
        self._timer.setInterval(TICK)
        self._timer.timeout.connect(self._tick)

    def open(self, *, start: bool) -> None:
        """Connect if there is no connection; ``start`` says whether to start a server if none runs."""
        if self.session.state != "offline" and not self._timer.isActive():
            # While nobody looked the server may have ended.
            self._tick()
            self._timer.start()
        if self.session.state != "offline":
            return
        self._timer.start()
        # What went wrong is the session's problem, and the change of its state has told of it.
        with contextlib.suppress(ImpastoError):
            self.session.open(start=start)
        self._drain_later()

    def submit(
        self,
        op: str,
        fields: Mapping[str, Any] | None = None,
        regions: Mapping[str, Region] | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> Call:
        """Send a call; every call ends with one of the events done, failed and cancelled."""
        try:
            call = self.session.submit(op, fields, regions, on_event)
        except ServerGone as gone:
            error = self.session.problem or gone
            call = Call("", on_event)
            # Not before the caller knows his call.
            QTimer.singleShot(0, lambda: call.fail(error))
            return call
        self._timer.start()
        self._drain_later()
        return call

    def cancel(self, call: Call, *, keep: bool = False) -> None:
        """Ask the server to give a call up, or with ``keep`` to end a refinement with what it has."""
        if not call.finished:
            self.session.cancel(call, keep=keep)
            self._drain_later()

    def refresh(self) -> None:
        """Ask again what the server says of itself."""
        if self.session.state == "ready":
            self.session.ask_hello()
            self._drain_later()

    def rest(self) -> None:
        """Nobody looks: stop looking after the connection, as soon as nothing is under way."""
        self._resting = True
        if not self.session.is_busy and self.session.state in ("offline", "ready"):
            self._timer.stop()

    def wake(self) -> None:
        """Somebody looks again."""
        self._resting = False
        if self.session.state != "offline":
            self._timer.start()
            self._tick()

    def close(self) -> None:
        """End the connection; what was under way ends as cancelled."""
        self._timer.stop()
        self.session.close(Cancelled("Cancelled; the picture is as it was."))
        self._watch()

    def _on_change(self) -> None:
        if self.session.state == "offline":
            self._timer.stop()
        # The descriptor may be another one, or none, and one that is closed must not be watched.
        self._watch()
        self.changed.emit()

    def _drain_later(self) -> None:
        # With pyzmq, sending may have taken the only signal that something can be read.
        QTimer.singleShot(0, self._drain)

    def _drain(self) -> None:
        try:
            self.session.receive()
        except ImpastoError:
            # The session's state says so, and the calls under way have ended with it.
            return
        if self._resting:
            self.rest()
        self._watch()

    def _tick(self) -> None:
        self._drain()
        with contextlib.suppress(ImpastoError):
            self.session.look_after()
        self._watch()

    def _watch(self) -> None:
        """Be woken by the descriptor that the transport has now; it may be another one after a reconnection."""
        client = self.session.client
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
