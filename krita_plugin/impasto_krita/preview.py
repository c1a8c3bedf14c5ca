"""The preview beside the sliders: reads the layer reduced, and never touches the document."""

from __future__ import annotations

import time
from functools import partial

from impasto_editor import request
from impasto_editor.choices import Choices
from impasto_editor.preview import NewestWins, Request
from impasto_editor.texts import tr_error, tr_said
from impasto_krita import host
from impasto_krita.connection import Connection
from impasto_krita.images import to_image
from impasto_krita.painter import source_of
from impasto_krita.pictures import Pictures
from impasto_krita.qt import QObject, QTimer, pyqtSignal
from impasto_link.client import Event
from impasto_link.pixels import Region
from impasto_link.sentences import text_from_wire

#: The longest side that is read of a layer, and that of the answer for a screen of ordinary pixels.
READ_SIDE = 1024
PREVIEW_SIDE = 384
#: A layer is read anew for the preview after so many seconds.
FRESH = 1.5


class Preview(QObject):
    """The layer before and after, small; the newest choices win.

    Signals:
        working: whether one is under way.
        shown: the layer before, after, and the mask of the area; each a QImage or None.
        failed: a sentence.
    """

    working = pyqtSignal(bool)
    shown = pyqtSignal(object, object, object)
    failed = pyqtSignal(str)

    def __init__(self, connection: Connection, pictures: Pictures, parent: QObject) -> None:
        super().__init__(parent)
        #: The longest side of the answers, in pixels.
        self.side = PREVIEW_SIDE
        self._pictures = pictures
        self._read: tuple[object, float, dict[str, Region], float] | None = None
        self._newest = NewestWins(
            connection,
            lambda seconds, function: QTimer.singleShot(round(1000 * seconds), function),
            answered=self._on_answer,
            refused=lambda error: self.failed.emit(tr_error(error)),
            working=self.working.emit,
        )
        self.stop = self._newest.stop

    @property
    def busy(self) -> bool:
        """Whether a preview is under way or about to be."""
        return self._newest.busy

    def update(self, choices: Choices, layer_id: str = "", *, mask_only: bool = False) -> None:
        """Show what these choices make of the layer, or only the mask of their area."""
        self._newest.update(partial(self._request, choices, layer_id, mask_only=mask_only))

    def forget(self) -> None:
        """The layer is another one, or has changed."""
        self._read = None

    def _reduced(self, choices: Choices, layer_id: str) -> tuple[dict[str, Region], float]:
        key = (host.facts(), layer_id, choices.area, request.margin(choices))
        if self._read is None or self._read[0] != key or time.monotonic() - self._read[1] > FRESH:
            self._read = (key, time.monotonic(), *host.read_small(source_of(choices, layer_id), READ_SIDE))
        return self._read[2], self._read[3]

    def _request(self, choices: Choices, layer_id: str, *, mask_only: bool) -> Request:
        regions, step = self._reduced(choices, layer_id)
        if mask_only:
            mask, sent = request.subject(choices, regions, reduced_by=step, max_side=self.side)
            return "mask", mask.to_wire(), sent
        picture = partial(self._pictures.read, small=True)
        options, sent = request.painting(choices, regions, picture, reduced_by=step, max_side=self.side, refine=None)
        return "preview", options.to_wire(), sent

    def _on_answer(self, event: Event) -> None:
        if event.kind == "failed":
            self.failed.emit(tr_said(text_from_wire(event.fields, "message")))
        elif event.kind == "done" and self._read is not None:
            after, mask = (event.regions.get(key) for key in ("pixels", "mask"))
            self.shown.emit(to_image(self._read[2]["pixels"]), after and to_image(after), mask and to_image(mask))
