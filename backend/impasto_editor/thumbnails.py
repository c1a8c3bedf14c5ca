"""The user's own layer, small, in every style: for galleries. Without a toolkit."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from impasto_editor.pictures import is_picture
from impasto_editor.preview import Connection
from impasto_link.client import FINAL, Call, Event
from impasto_link.coats import StyleChoice
from impasto_link.errors import ImpastoError
from impasto_link.options import StylizeOptions
from impasto_link.pixels import Region

#: The longest side of a thumbnail for a screen of ordinary pixels.
SIDE = 160


class OwnThumbnails:
    """Has a layer painted in every style, one after the other while nothing else is to be done.

    One is under way at a time and is dropped when something else comes, so that neither a preview nor a painting waits
    for it.

    Args:
        connection: where requests go.
        ready: whether there is a server that answers now.
        later: has a function called after so many seconds; a timer of the toolkit.
        made: is given the name of a style and the layer painted in it, 8 bit sRGB.

    Attributes:
        side: the longest side of the answers, in pixels.
    """

    def __init__(
        self,
        connection: Connection,
        ready: Callable[[], bool],
        later: Callable[[float, Callable[[], None]], object],
        made: Callable[[str, Region], None],
    ) -> None:
        self.side = SIDE
        self._connection, self._ready, self._later, self._made = connection, ready, later, made
        self._names: list[str] = []
        self._region: Region | None = None
        self._call: Call | None = None
        self._paused = False

    def begin(self, read: Callable[[int], Region], names: Iterable[str]) -> None:
        """Make them of a layer, in this order.

        Args:
            read: reads the layer with no side longer than that many pixels; raises ImpastoError if there is nothing to
                be read, and then none are made.
            names: the styles. Pictures are left out: they show themselves.
        """
        self.stop()
        try:
            self._region = read(2 * self.side)
        except ImpastoError:
            return
        self._names = [name for name in names if not is_picture(name)]
        self.resume()

    def pause(self) -> None:
        """Something else is to be done."""
        self._paused = True
        if self._call is not None:
            call, self._call = self._call, None
            self._connection.cancel(call)

    def resume(self) -> None:
        """Go on where it was left."""
        self._paused = False
        if self._call is None:
            self._next()

    def stop(self) -> None:
        """Do not go on."""
        self._names = []
        self.pause()

    def _next(self) -> None:
        if self._paused or self._call is not None or not self._names or self._region is None or not self._ready():
            return
        name = self._names[0]

        def on_event(event: Event) -> None:
            if event.kind not in FINAL or call is not self._call:
                return
            self._call = None
            # One that fails is not tried again, unless it was the server that is gone.
            if event.kind != "failed" or self._ready():
                self._names.remove(name)
            if event.kind == "done":
                self._made(name, event.regions["pixels"])
            # The event loop has its turn between two of them.
            self._later(0.0, self._next)

        fields = StylizeOptions.of(StyleChoice(name), max_side=self.side).to_wire()
        call = self._call = self._connection.submit("preview", fields, {"pixels": self._region}, on_event)
