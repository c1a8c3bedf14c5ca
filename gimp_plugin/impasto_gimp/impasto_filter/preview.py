"""A small painting that follows the settings. The newest settings win, and one request is under way at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from impasto_filter.connection import Connection
from impasto_filter.gtk import GLib
from impasto_filter.texts import tr_error
from impasto_link.client import Call, Event
from impasto_link.errors import ImpastoError
from impasto_link.pixels import Region

#: The longest side that is read of a layer, and that of the answer.
READ_SIDE = 1024
SHOWN_SIDE = 380
#: How often the connection is looked after, in milliseconds.
_TICK = 25
#: Sliders send many changes; the preview waits until there was none for so many milliseconds.
_PAUSE = 60

#: An operation, its fields, its regions.
Request = tuple[str, dict[str, Any], dict[str, Region]]


class Preview:
    """Keeps a dialog connected to the server and has it paint, without ever waiting.

    Args:
        make: makes the request that shows the settings as they are; raises ImpastoError where they make no sense.
        show: is given the answer's regions.
        say: is given a sentence about how things are, and whether something is under way.
        greeted: is called when the server is ready.
    """

    def __init__(
        self,
        make: Callable[[], Request],
        show: Callable[[Any], None],
        say: Callable[[str, bool], None],
        greeted: Callable[[], None],
    ) -> None:
        self.connection = Connection()
        self._make, self._show, self._say, self._greeted = make, show, say, greeted
        self._call: Call | None = None
        self._wanted = False
        self._timers: dict[str, int] = {}
        self._was_ready = self._closed = False

    def start(self) -> None:
        """Connect, and start the server if it does not run."""
        self._was_ready = False
        try:
            self.connection.open()
        except ImpastoError as error:
            self._fail(error)
            return
        if "tick" not in self._timers:
            self._timers["tick"] = GLib.timeout_add(_TICK, self._tick)

    def update(self) -> None:
        """The settings have changed."""
        self._wanted = not self._closed
        if self._wanted and "pause" not in self._timers:
            self._timers["pause"] = GLib.timeout_add(_PAUSE, self._after_pause)

    def close(self) -> None:
        """The dialog is over; the server drops what was under way."""
        self._closed = True
        for timer in self._timers.values():
            GLib.source_remove(timer)
        self._timers.clear()
        if self._call is not None and self.connection.state == "ready":
            # The painting comes next; it should not have to wait until the server finds out by itself.
            self.connection.cancel(self._call)
            with contextlib.suppress(ImpastoError):
                self.connection.tick()
        self.connection.close()

    def _after_pause(self) -> bool:
        del self._timers["pause"]
        if self.connection.state == "offline":
            self.start()
        else:
            self._send()
        return False

    def _tick(self) -> bool:
        try:
            self.connection.tick()
        except ImpastoError as error:
            del self._timers["tick"]
            self._fail(error)
            return False
        ready = self.connection.state == "ready"
        if ready and not self._was_ready:
            self._was_ready = True
            self._greeted()
            self._send()
        elif not ready:
            self._say(self.connection.words, True)
        elif self._call is not None and self._call.finished:
            self._take(self._call)
        return True

    def _send(self) -> None:
        if not self._wanted or self._call is not None or self.connection.state != "ready":
            return
        self._wanted = False
        try:
            op, fields, regions = self._make()
        except ImpastoError as error:
            self._say(tr_error(error), False)
            return
        self._call = self.connection.submit(op, fields, regions, self._on_event)
        self._say(self.connection.words, True)

    def _on_event(self, event: Event) -> None:
        if event.kind == "progress":
            self._say("", True)

    def _take(self, call: Call) -> None:
        self._call = None
        if call.result is not None:
            self._say("", False)
            self._show(call.result.regions)
        elif call.error is not None:
            self._say(tr_error(call.error), False)
        self._send()

    def _fail(self, error: ImpastoError) -> None:
        self._call = None
        self._say(tr_error(error), False)
