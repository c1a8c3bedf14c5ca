"""One job at a time: a painting becomes a new layer, the subject of a layer becomes its mask. Several wait in line."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from impasto_editor import request
from impasto_editor.choices import Choices
from impasto_editor.frames import Frames
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


def source_of(choices: Choices, layer_id: str = "", *, frames: bool = False) -> Source:
    """The layer, or its frames, and the part that the choices ask for; raises Problem if it cannot be painted."""
    return host.find_source(
        layer_id,
        use_selection=choices.area != "everything",
        need_selection=choices.area == "selection",
        margin=request.margin(choices),
        frames=frames,
    )


@dataclass
class Job:
    """What is under way.

    Attributes:
        choices: how.
        source: from what.
        finish: puts the answer into the document; returns sentences for the user. Raises Problem if it has no place.
        frames: those of an animated layer that are painted, one after the other.
        before: the source, small, if there will be pictures of how it is changed.
        call: to the server.
        stopped: whether it was.
        problem: why, if it was not the user who wanted it.
    """

    choices: Choices
    source: Source
    finish: Callable[[Event], list[str]]
    frames: Frames | None = None
    before: QImage | None = None
    call: Call | None = None
    stopped: bool = False
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
        #: What waits in line, of how many; what was said of those before, and the last that has become a layer.
        self._waiting: list[Callable[[], Job]] = []
        self._count = 0
        self._said: list[str] = []
        self._painted: list[Job] = []

    @property
    def busy(self) -> bool:
        """Whether a job is under way."""
        return self.job is not None

    def paint(self, choices: Choices, title: str, layers: Sequence[str] = ("",)) -> None:
        """Begin to paint the active layer, or other ones of the active document, each into a new layer.

        One that cannot be painted is passed over; what ends one that is under way ends them all.

        Args:
            choices: how, and what the paintings become.
            title: the name of the new layers.
            layers: the other layers.
        """
        if self.busy:
            return
        waiting, said = list[Callable[[], Job]](), list[str]()
        for layer in layers:
            # Now, for later another document may be the active one.
            frames = choices.frames != "one" and host.is_animated(layer)
            try:
                source = source_of(choices, layer, frames=frames)
            except ImpastoError as error:
                said.append(tr_error(error))
            else:
                paint = self._painting_of_frames if frames else self._painting
                waiting.append(partial(paint, choices, title, source))
        self._begin(waiting, said)

    def _painting(self, choices: Choices, title: str, source: Source) -> Job:
        flat = choices.area != "everything" and (choices.result == "flat" or not host.can_mask())
        job = Job(choices, source, partial(self._place, choices, source, title, flat=flat))
        options, sent = request.painting(
            choices, host.read(source), partial(self._pictures.read, small=False), flatten=flat
        )
        if choices.refine:
            job.before = to_image(host.read_small(source, self.side)[0]["pixels"])
        job.call = self._submit(job, "stylize", options.to_wire(), sent)
        return job

    def _painting_of_frames(self, choices: Choices, title: str, source: Source) -> Job:
        animation = host.animation(source, in_range=choices.frames == "range")
        try:
            # A subject moves, and a plugin cannot make a mask with frames.
            flat = choices.needs_subject or choices.result == "flat" or not host.can_mask()
            frames = Frames(animation, choices, partial(self._pictures.read, small=False), flatten=flat)
            job = Job(choices, source, partial(self._place, choices, source, title, flat=flat, frames=frames), frames)
            job.call = self._submit(job, *frames.request())
        except BaseException:
            animation.close()
            raise
        return job

    def find_subject(self, choices: Choices, layer_id: str = "") -> None:
        """Begin to look for the subject; then only it, or all else, is to be seen. Arguments as of `paint`."""

        def begin() -> Job:
            source = host.find_source(layer_id, use_selection=False)
            options, sent = request.subject(choices, host.read(source))
            job = Job(choices, source, partial(self._give, choices, source))
            job.call = self._submit(job, "mask", options.to_wire(), sent)
            return job

        if not self.busy:
            self._begin([begin], [])

    def keep(self) -> None:
        """End a refinement with the best picture that it has so far."""
        if self.job is not None and self.job.call is not None:
            self._connection.cancel(self.job.call, keep=True)

    def cancel(self, problem: ImpastoError | None = None) -> None:
        """Stop; ``problem`` is what is said then, if it was not the user who wanted it."""
        if self.job is not None and self.job.call is not None:
            self.job.stopped, self.job.problem = True, problem
            self._connection.cancel(self.job.call)

    def check_document(self) -> None:
        """Stop if the document has been closed."""
        if self.job is not None and self.job.problem is None and not host.is_open(self.job.source.document):
            self.cancel(ImpastoError(tr("The document was closed, so its painting was stopped.")))

    def _begin(self, waiting: list[Callable[[], Job]], said: list[str]) -> None:
        self._waiting, self._count, self._said, self._painted = waiting, len(waiting), said, []
        self._go_on()

    def _go_on(self) -> None:
        """The next in line; or say what has become of all."""
        while self._waiting:
            try:
                self.job = self._waiting.pop(0)()
            except ImpastoError as error:
                self._said.append(tr_error(error))
            else:
                self.began.emit()
                return
        painted = self._painted[-1] if self._painted else None
        self.ended.emit(" ".join(dict.fromkeys(filter(None, self._said))), painted)

    def _submit(self, job: Job, op: str, fields: Mapping[str, Any], regions: Mapping[str, Region]) -> Call:
        return self._connection.submit(op, fields, regions, partial(self._on_event, job))

    def _on_event(self, job: Job, event: Event) -> None:
        if event.kind == "done":
            # Not from within the client: Krita may run its event loop while it adds a layer.
            QTimer.singleShot(0, lambda: self._finish(job, event))
        elif event.kind in FINAL:
            self._end(self._reason(job, event))
        elif (far := doing(event)) is not None and (event.place or event.kind != "accepted"):
            self.progressed.emit(*self._far(job, *far))
            if event.kind == "preview" and job.before is not None:
                self.shown.emit(job.before, to_image(event.regions["pixels"]))

    def _far(self, job: Job, fraction: float, words: str) -> tuple[float, str]:
        """How far all of it is, by how far the request is."""
        if job.frames is not None:
            fraction, words = job.frames.far(fraction, words)
        if self._count > 1:
            number = self._count - len(self._waiting)
            fraction = (number - 1 + fraction) / self._count
            words = tr("layer {number} of {count}: {doing}", number=number, count=self._count, doing=words)
        return fraction, words

    def _finish(self, job: Job, event: Event) -> None:
        if job is not self.job:
            return
        if job.stopped:
            # That came too late for the server, but it was meant.
            self._end(self._reason(job, None))
            return
        try:
            if job.frames is not None and job.frames.take(event):
                job.call = self._submit(job, *job.frames.request())
                return
            sentences = job.finish(event)
        except ImpastoError as error:
            self._end(error)
            return
        self._said += sentences + [tr_said(note) for note in several_from_wire(event.fields, "notes")]
        if "pixels" in event.regions:
            self._painted.append(job)
        self._leave(job)
        self._go_on()

    def _end(self, error: ImpastoError) -> None:
        self._said.append(tr_error(error))
        self._waiting.clear()
        if self.job is not None:
            self._leave(self.job)
        self._go_on()

    def _leave(self, job: Job) -> None:
        self.job = None
        if job.frames is not None:
            job.frames.animation.close()

    def _place(
        self, choices: Choices, source: Source, title: str, event: Event, *, flat: bool, frames: Frames | None = None
    ) -> list[str]:
        mask = event.regions.get("mask")
        covered = None if flat else mask.data if mask is not None else source.selection
        kept = replace(choices, source=source.layer).to_json()
        group = choices.result == "group"
        if frames is not None:
            _, remark = frames.animation.place(covered, title, group=group, kept=kept)
        else:
            _, remark = host.place(source, event.regions["pixels"], covered, title, group=group, kept=kept)
        done = tr("“{title}” is a new layer above “{name}”.", title=title, name=source.name)
        return [done, remark, source.remark]

    def _give(self, choices: Choices, source: Source, event: Event) -> list[str]:
        host.give_subject(source, event.regions["mask"])
        if choices.area == "background":
            return [tr("“{name}” has a mask now that shows its background only.", name=source.name)]
        return [tr("“{name}” has a mask now that shows its subject only.", name=source.name)]

    def _reason(self, job: Job, event: Event | None) -> ImpastoError:
        """Why a job has ended without a result; without an event it was stopped."""
        if event is not None and event.kind != "cancelled":
            return ImpastoError(*(str(event.fields.get(key, "")) for key in ("message", "hint")))
        if self._painted:
            return job.problem or Cancelled(tr("Cancelled; what was finished stays."))
        return job.problem or Cancelled(tr("Cancelled; the picture is as it was."))
