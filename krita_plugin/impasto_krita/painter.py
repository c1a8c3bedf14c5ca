"""One painting at a time: from the layer to the server and back as a new layer."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from impasto_krita import host
from impasto_krita.choices import Choices
from impasto_krita.connection import Connection
from impasto_krita.images import to_image
from impasto_krita.pictures import Pictures
from impasto_krita.qt import QObject, QTimer, pyqtSignal
from impasto_krita.scene import Source
from impasto_krita.texts import tr, tr_said
from impasto_link.client import Call, Event
from impasto_link.errors import Cancelled, ImpastoError
from impasto_link.pixels import Buffer, Region


def source_of(choices: Choices, layer_id: str = "") -> Source:
    """The layer and the part of it that the choices ask for; raises Problem if it cannot be painted."""
    return host.find_source(
        use_selection=choices.area != "everything",
        need_selection=choices.area == "selection",
        feather=round(choices.feather) if choices.area == "selection" else 0,
        layer_id=layer_id,
    )


class Painter(QObject):
    """Paints, and tells how far it is.

    Signals:
        began: a painting is under way.
        progressed: how much is done, 0 to 1, and a sentence.
        shown: how far a refinement is, a QImage.
        ended: a sentence for the user and whether there is a new layer.
    """

    began = pyqtSignal()
    progressed = pyqtSignal(float, str)
    shown = pyqtSignal(object)
    ended = pyqtSignal(str, bool)

    def __init__(self, connection: Connection, pictures: Pictures, parent: QObject) -> None:
        super().__init__(parent)
        self._connection = connection
        self._pictures = pictures
        self._call: Call | None = None
        self._problem: ImpastoError | None = None
        self.source: Source | None = None

    @property
    def busy(self) -> bool:
        """Whether a painting is under way."""
        return self.source is not None

    def paint(self, choices: Choices, title: str, result: str, layer_id: str = "") -> None:
        """Begin to paint the active layer, or another one of the active document.

        Args:
            choices: how.
            title: the name of the new layer.
            result: one of `settings.RESULTS`.
            layer_id: the other layer.
        """
        if self.busy:
            return
        try:
            source = source_of(choices, layer_id)
            regions = host.read(source)
            masked = choices.area != "everything"
            flat = masked and (result == "flat" or not host.can_mask())
            named, along = self._pictures.along(choices, small=False)
            options = named.options(flatten=flat)
        except ImpastoError as error:
            self.ended.emit(str(error), False)
            return
        self.source, self._problem = source, None
        self.began.emit()
        parameters = replace(choices, source=source.layer).to_json()

        def on_event(event: Event) -> None:
            if event.kind == "done":
                mask = event.regions.get("mask")
                covered = None if flat else mask.data if mask is not None else source.selection
                notes = [tr_said(str(note)) for note in event.fields.get("notes", ())]
                pixels, group = event.regions["pixels"], result == "group"
                place = partial(self._place, title, pixels, covered, notes, group=group, parameters=parameters)
                # Not from within the client: Krita may run its event loop while it adds a layer.
                QTimer.singleShot(0, place)
            else:
                self._on_event(event)

        self._call = self._connection.submit("stylize", options.to_wire(), {**regions, **along}, on_event)

    def keep(self) -> None:
        """End a refinement with the best picture that it has so far."""
        if self._call is not None:
            self._connection.cancel(self._call, keep=True)

    def cancel(self, problem: ImpastoError | None = None) -> None:
        """Stop; ``problem`` is what is said then, if it was not the user who wanted it."""
        if self._call is not None:
            self._problem = problem
            self._connection.cancel(self._call)

    def check_document(self) -> None:
        """Stop if the document has been closed."""
        if self.source is not None and self._problem is None and not host.is_open(self.source.document):
            self.cancel(ImpastoError(tr("The document was closed, so its painting was stopped.")))

    def _on_event(self, event: Event) -> None:
        if event.kind == "accepted" and event.place:
            self.progressed.emit(0.0, tr("waiting, {count} before it", count=event.place))
        elif event.kind == "progress":
            self.progressed.emit(event.fraction, tr_said(event.doing))
        elif event.kind == "preview":
            self.progressed.emit(event.fraction, tr_said(event.doing))
            self.shown.emit(to_image(event.regions["pixels"]))
        elif event.kind == "cancelled":
            self._end(self._problem or Cancelled(tr("Cancelled; the picture is as it was.")))
        elif event.kind == "failed":
            message, hint = (str(event.fields.get(key, "")) for key in ("message", "hint"))
            self._end(ImpastoError(tr_said(message), tr_said(hint)))

    def _place(
        self, title: str, pixels: Region, covered: Buffer | None, notes: list[str], *, group: bool, parameters: str
    ) -> None:
        if self.source is None:
            return
        try:
            remark = host.place(self.source, pixels, covered, title, group=group, parameters=parameters)
        except ImpastoError as error:
            self._end(error)
            return
        done = tr("“{title}” is a new layer above “{name}”.", title=title, name=self.source.name)
        self._end(None, done, remark, self.source.remark, *notes)

    def _end(self, error: ImpastoError | None, *sentences: str) -> None:
        self._call = self.source = None
        self.ended.emit(str(error) if error else " ".join(filter(None, sentences)), error is None)
