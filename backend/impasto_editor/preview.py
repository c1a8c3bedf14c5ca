"""A small painting that follows what is chosen: the newest wins, one is under way at a time. Without a toolkit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from impasto_link.client import FINAL, Call, Event
from impasto_link.errors import ImpastoError
from impasto_link.pixels import Region

#: Sliders send many changes; the preview waits until there was none for so many seconds.
PAUSE = 0.06

#: An operation, its fields, its regions.
Request = tuple[str, Mapping[str, Any], Mapping[str, Region]]


class Connection(Protocol):
    """Where requests go."""

    def submit(
        self,
        op: str,
        fields: Mapping[str, Any] | None = None,
        regions: Mapping[str, Region] | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> Call:
        """Send a request; each ends with one of the events done, failed and cancelled."""

    def cancel(self, call: Call) -> None:
        """Have the server drop it."""


class NewestWins:
    """Sends requests that follow what changes, never more than one at a time and none that is out of date.

    So the server is not flooded, and a painting waits for one of them at most.

    Args:
        connection: where requests go.
        later: has a function called after so many seconds; a timer of the toolkit.
        answered: is told how a request ended: with one of the events done, failed and cancelled.
        refused: is given the error if a request cannot be made.
        working: is told whether one is under way.
    """

    def __init__(
        self,
        connection: Connection,
        later: Callable[[float, Callable[[], None]], object],
        *,
        answered: Callable[[Event], None],
        refused: Callable[[ImpastoError], None],
        working: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._connection, self._later = connection, later
        self._answered, self._refused, self._working = answered, refused, working
        self._make: Callable[[], Request] | None = None
        self._call: Call | None = None
        self._round = 0

    @property
    def busy(self) -> bool:
        """Whether a request is under way or about to be."""
        return self._call is not None or self._make is not None

    def update(self, make: Callable[[], Request]) -> None:
        """Something has changed.

        Args:
            make: makes the request, when its time has come; raises ImpastoError where that is not possible.
        """
        self._make = make
        if self._call is None:
            self._send_soon()

    def stop(self) -> None:
        """Something more important comes: drop what is under way and what is wanted."""
        self._make = None
        self._round += 1
        if self._call is not None:
            call, self._call = self._call, None
            self._connection.cancel(call)
            self._working(False)

    def _send_soon(self) -> None:
        self._round += 1
        due = self._round
        self._later(PAUSE, lambda: self._send() if due == self._round else None)

    def _send(self) -> None:
        if self._make is None or self._call is not None:
            return
        make, self._make = self._make, None
        try:
            self._call = call = self._connection.submit(*make(), lambda event: self._on_event(call, event))
        except ImpastoError as error:
            self._refused(error)
            return
        self._working(True)

    def _on_event(self, call: Call, event: Event) -> None:
        if event.kind not in FINAL or call is not self._call:
            return
        self._call = None
        self._working(False)
        self._answered(event)
        if self._make is not None:
            self._send_soon()
