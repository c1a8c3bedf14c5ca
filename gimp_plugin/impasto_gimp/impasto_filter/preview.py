"""Keeps a dialog connected to the server and has it paint small pictures, without ever waiting: the preview of what is
chosen, and while nothing else is to be done the layer in every style.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from impasto_editor.preview import PAUSE, NewestWins, Request
from impasto_editor.texts import tr_error
from impasto_editor.thumbnails import OwnThumbnails
from impasto_filter.connection import Connection
from impasto_filter.gtk import GLib
from impasto_filter.settings import settings
from impasto_link.client import Event
from impasto_link.errors import ImpastoError, from_wire
from impasto_link.pixels import Region

__all__ = ["READ_SIDE", "SHOWN_SIDE", "Preview", "Request"]

#: The longest side that is read of a layer, and that of the answer.
READ_SIDE = 1024
SHOWN_SIDE = 380
#: How often the connection is looked after, in milliseconds.
_TICK = 25


class Preview:
    """The connection of a dialog, and what is shown of it.

    Args:
        make: makes the request that shows the settings as they are; raises ImpastoError where they make no sense.
        show: is given the answer's regions.
        say: is given a sentence about how things are, and whether something is under way.
        greeted: is called when the server is ready.
        idle: is called when there is nothing to be done; it may have `thumbnails` begin or go on.
        made: is given a style's name and its thumbnail.

    Attributes:
        thumbnails: the layer in every style, for dialogs that show it; anything else that is to be done pauses them.
    """

    def __init__(
        self,
        make: Callable[[], Request],
        show: Callable[[Any], None],
        say: Callable[[str, bool], None],
        greeted: Callable[[], None],
        idle: Callable[[], None] = lambda: None,
        made: Callable[[str, Region], None] = lambda *_: None,
    ) -> None:
        self._make, self._show, self._say, self._greeted, self._idle, self._made = make, show, say, greeted, idle, made
        self._timers: set[int] = set()
        self._was_ready = self._closed = False
        self._connect()

    def _connect(self) -> None:
        self.connection = Connection(settings())
        self._newest = NewestWins(
            self.connection,
            self._later,
            answered=self._on_answer,
            refused=self._on_refusal,
            working=lambda busy: self._say(self.connection.words, True) if busy else None,
        )
        self.thumbnails = OwnThumbnails(
            self.connection, lambda: self.connection.state == "ready", self._later, self._made
        )

    def start(self) -> None:
        """Connect, and start the server if it does not run."""
        self._was_ready = False
        try:
            self.connection.open()
        except ImpastoError as error:
            self._say(tr_error(error), False)
            return
        self._later(_TICK / 1000, self._tick)

    def restart(self) -> None:
        """Connect anew: the settings name another server, or start it in another way."""
        self._stop()
        self._connect()
        self.start()

    def update(self) -> None:
        """What is chosen has changed."""
        self.thumbnails.pause()
        if self.connection.state == "ready":
            self._newest.update(self._make)
        elif self.connection.state == "offline" and not (self._timers or self._closed):
            # It was lost, or could not be had; by now it may be there.
            self._later(PAUSE, self.start)

    def close(self) -> None:
        """The dialog is over; the server drops what was under way."""
        self._closed = True
        self._stop()

    def _stop(self) -> None:
        for timer in self._timers:
            GLib.source_remove(timer)
        self._timers.clear()
        self.thumbnails.stop()
        self._newest.stop()
        if self.connection.is_busy and self.connection.state == "ready":
            # The painting comes next; it should not have to wait until the server finds out by itself.
            with contextlib.suppress(ImpastoError):
                self.connection.tick()
        self.connection.close()

    def _later(self, seconds: float, function: Callable[[], None]) -> None:
        def run() -> bool:
            self._timers.discard(timer)
            function()
            return False

        timer = GLib.timeout_add(round(1000 * seconds), run)
        self._timers.add(timer)

    def _tick(self) -> None:
        try:
            self.connection.tick()
        except ImpastoError as error:
            self._newest.stop()
            self._say(tr_error(error), False)
            return
        ready = self.connection.state == "ready"
        if ready and not self._was_ready:
            self._was_ready = True
            self._greeted()
            self.update()
        elif not ready:
            self._say(self.connection.words, True)
        self._later(_TICK / 1000, self._tick)

    def _on_answer(self, event: Event) -> None:
        if event.kind == "done":
            self._say("", False)
            self._show(event.regions)
        elif event.kind == "failed":
            error = from_wire(event.fields)
            self._say(tr_error(error), False)
        self._rest()

    def _on_refusal(self, error: ImpastoError) -> None:
        self._say(tr_error(error), False)
        self._rest()

    def _rest(self) -> None:
        if not self._newest.busy:
            self._idle()
