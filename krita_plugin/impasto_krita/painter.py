"""One job at a time: a painting becomes a new layer, the subject of a layer becomes its mask."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from impasto_editor import request
from impasto_editor.choices import Choices
from impasto_editor.status import doing
from impasto_editor.texts import tr, tr_error, tr_said
from impasto_krita import host
from impasto_krita.connection import Connection
from impasto_krita.images import to_image
from impasto_krita.pictures import Pictures
from impasto_krita.qt import QImage, QObject, QTimer, pyqtSignal
from impasto_krita.scene import Source
from impasto_link.client import FINAL, Call, Event
from impasto_link.errors import Cancelled, ImpastoError
from impasto_link.pixels import Region
from impasto_link.sentences import several_from_wire


def source_of(choices: Choices, layer_id: str = "") -> Source:
    """The layer and the part of it that the choices ask for; raises Problem if it cannot be painted."""
    return host.find_source(
        layer_id,
        use_selection=choices.area != "everything",
        need_selection=choices.area == "selection",
        margin=request.margin(choices),
    )


@dataclass
class Job:
    """What is under way.

    Attributes:
        choices: how.
        source: from what.
        finish: puts the answer into the document; returns sentences for the user. Raises Problem if it has no place.
        before: the source, small, if there will be pictures of how it is changed.
        call: to the server.
        problem: why it was stopped, if it was not the user who wanted it.
    """

    choices: Choices
    source: Source
    finish: Callable[[Event], list[str]]
    before: QImage | None = None
    call: Call | None = None
    problem: ImpastoError | None = None


class Painter(QObject):
    """Works on one job, and tells how far it is.

    Attributes:
        job: what is under way, or None.
        side: the longest side of what is shown before a refinement, in pixels.

    Signals:
        began: a job is under way.
        progressed: how much is done, 0 to 1, and a sentence.
        shown: of a refinement, the layer before and as far as it is; each a QImage.
        ended: a sentence for the user, and the job if its painting is a new layer, or None.
    """

    began = pyqtSignal()
    progressed = pyqtSignal(float, str)
    shown = pyqtSignal(object, object)
    ended = pyqtSignal(str, object)

    def __init__(self, connection: Connection, pictures: Pictures, parent: QObject) -> None:
        super().__init__(parent)
        self._connection = connection
        self._pictures = pictures
        self.job: Job | None = None
        self.side = 384

    @property
    def busy(self) -> bool:
        """Whether a job is under way."""
        return self.job is not None

    def paint(self, choices: Choices, title: str, layer_id: str = "") -> None:
        """Begin to paint the active layer, or another one of the active document, into a new layer.

        Args:
            choices: how, and what the painting becomes.
            title: the name of the new layer.
            layer_id: the other layer.
        """
        flat = choices.area != "everything" and (choices.result == "flat" or not host.can_mask())

        def begin() -> Job:
            source = source_of(choices, layer_id)
            job = Job(choices, source, partial(self._place, choices, source, title, flat=flat))
            options, sent = request.painting(
                choices, host.read(source), partial(self._pictures.read, small=False), flatten=flat
            )
            if choices.refine:
                job.before = to_image(host.read_small(source, self.side)[0]["pixels"])
            job.call = self._submit(job, "stylize", options.to_wire(), sent)
            return job

        self._begin(begin)

    def find_subject(self, choices: Choices, layer_id: str = "") -> None:
        """Begin to look for the subject; then only it, or all else, is to be seen. Arguments as of `paint`."""

        def begin() -> Job:
            source = host.find_source(layer_id, use_selection=False)
            options, sent = request.subject(choices, host.read(source))
            job = Job(choices, source, partial(self._give, choices, source))
            job.call = self._submit(job, "mask", options.to_wire(), sent)
            return job

        self._begin(begin)

    def keep(self) -> None:
        """End a refinement with the best picture that it has so far."""
        if self.job is not None and self.job.call is not None:
            self._connection.cancel(self.job.call, keep=True)

    def cancel(self, problem: ImpastoError | None = None) -> None:
        """Stop; ``problem`` is what is said then, if it was not the user who wanted it."""
        if self.job is not None and self.job.call is not None:
            self.job.problem = problem
            self._connection.cancel(self.job.call)

    def check_document(self) -> None:
        """Stop if the document has been closed."""
        if self.job is not None and self.job.problem is None and not host.is_open(self.job.source.document):
            self.cancel(ImpastoError(tr("The document was closed, so its painting was stopped.")))

    def _begin(self, begin: Callable[[], Job]) -> None:
        if self.busy:
            return
        try:
            self.job = begin()
        except ImpastoError as error:
            self.ended.emit(tr_error(error), None)
            return
        self.began.emit()

    def _submit(self, job: Job, op: str, fields: dict[str, Any], regions: dict[str, Region]) -> Call:
        return self._connection.submit(op, fields, regions, partial(self._on_event, job))

    def _on_event(self, job: Job, event: Event) -> None:
        if event.kind == "done":
            # Not from within the client: Krita may run its event loop while it adds a layer.
            QTimer.singleShot(0, lambda: self._finish(job, event))
        elif event.kind in FINAL:
            self._end(_reason(job, event))
        elif (far := doing(event)) is not None and (event.place or event.kind != "accepted"):
            self.progressed.emit(*far)
            if event.kind == "preview" and job.before is not None:
                self.shown.emit(job.before, to_image(event.regions["pixels"]))

    def _finish(self, job: Job, event: Event) -> None:
        if job is not self.job:
            return
        try:
            sentences = job.finish(event)
        except ImpastoError as error:
            self._end(error)
            return
        sentences += [tr_said(note) for note in several_from_wire(event.fields, "notes")]
        self.job = None
        self.ended.emit(" ".join(filter(None, sentences)), job if "pixels" in event.regions else None)

    def _end(self, error: ImpastoError) -> None:
        self.job = None
        self.ended.emit(tr_error(error), None)

    def _place(self, choices: Choices, source: Source, title: str, event: Event, *, flat: bool) -> list[str]:
        mask = event.regions.get("mask")
        covered = None if flat else mask.data if mask is not None else source.selection
        kept = replace(choices, source=source.layer).to_json()
        _, remark = host.place(
            source, event.regions["pixels"], covered, title, group=choices.result == "group", kept=kept
        )
        done = tr("“{title}” is a new layer above “{name}”.", title=title, name=source.name)
        return [done, remark, source.remark]

    def _give(self, choices: Choices, source: Source, event: Event) -> list[str]:
        host.give_subject(source, event.regions["mask"])
        if choices.area == "background":
            return [tr("“{name}” has a mask now that shows its background only.", name=source.name)]
        return [tr("“{name}” has a mask now that shows its subject only.", name=source.name)]


def _reason(job: Job, event: Event) -> ImpastoError:
    if event.kind == "cancelled":
        return job.problem or Cancelled(tr("Cancelled; the picture is as it was."))
    return ImpastoError(*(str(event.fields.get(key, "")) for key in ("message", "hint")))
