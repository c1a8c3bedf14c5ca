"""Coats of paint, laid on one after the other: each by its engine, on the picture at painting scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, TypeVar

import torch
from torch import Tensor

from impasto.engines.base import Reach, Wanted
from impasto.engines.facts import EngineFacts
from impasto.engines.painters import Painters
from impasto.engines.pictures import StylePicture
from impasto.engines.registry import engine_facts, one_pass, refiner, settings_of
from impasto.execution.moments import Smoothing
from impasto.imaging.color import keep_colors
from impasto.pipeline.areas import Areas, Share
from impasto.pipeline.preview import Canvas
from impasto.pipeline.scale import PaintingScale
from impasto.progress import Progress
from impasto.steady.sequences import Step
from impasto_link.errors import ImpastoError
from impasto_link.options import RefineOptions, StylizeOptions

T = TypeVar("T")

#: Share of the progress that is left to the painting in one pass where a refinement follows.
_BEFORE_REFINING = 0.05
#: What a share of 0 is taken for where it divides.
_NOTHING = 1e-12


class WithPainters(Protocol):
    """Has some work done by the engines of a device for which the memory suffices."""

    def __call__(self, work: Callable[[Painters], T], /) -> T:
        """The result of the work."""
        ...


class Painting(NamedTuple):
    """What a picture looks like under all its coats.

    Attributes:
        picture: (1, 3, H, W) in [0, 1].
        opacity: how much of it is to show, 0 to 1: the strength of the request, as far as it was not painted with it.
    """

    picture: Tensor
    opacity: float


@dataclass(frozen=True)
class _Task:
    """How a coat is painted.

    Attributes:
        share: the coat, which has some strength, and what it gets of the picture.
        painter: the engine that paints it in one pass, if one does.
        refine: how it is optimised then; None for not.
        wanted: what the painter paints like, with the strokes and the strength that it has of itself.
        scale: by how much the picture is made smaller for the rest of the strokes.
    """

    share: Share
    painter: EngineFacts | None
    refine: RefineOptions | None
    wanted: Wanted
    scale: float


@dataclass(frozen=True)
class Coating:
    """What is known to all coats of a picture.

    Attributes:
        photo: what is painted, (1, 3, H, W) in [0, 1].
        areas: where the coats show.
        pictures: those of the styles that are pictures, by name.
        brush: the size of the strokes.
        options: the request, its engines and settings checked.
        refine: how all coats are optimised; None if only those are whose engine does nothing else.
        with_painters: has the engines.
        step: from the frame before, if the photo is one of a sequence.
        notes: what a person should be told; more may be added.
    """

    photo: Tensor
    areas: Areas
    pictures: Mapping[str, StylePicture]
    brush: float
    options: StylizeOptions
    refine: RefineOptions | None
    with_painters: WithPainters
    step: Step | None = None
    notes: list[str] = field(default_factory=list)

    def paint(self, progress: Progress) -> Painting:
        """The picture with all its coats, each pixel the mean of those that show there, by their shares of it.

        An engine that has paintings of several strengths paints a coat as gently as its own strength and that of the
        request say together; what is left of both is how much of the painting shows.

        Raises:
            ImpastoError: a style is missing, the memory does not suffice, or what comes out are no numbers.
        """
        asked = self.options.strength
        if asked == 0:
            return Painting(self.photo, 0.0)
        shares = self.areas.shares
        tasks = [self._task(share) if share.coat.strength > 0 else None for share in shares]
        opacity = min(1.0, asked / min((task.wanted.strength for task in tasks if task), default=1.0))
        whole, covered = self.photo, None
        for number, (share, task) in enumerate(zip(shares, tasks, strict=True)):
            coat = self.photo
            if task is not None:
                part = progress.part(number / len(shares), (number + 1) / len(shares))
                coat = self._steady_coat(task, whole, part, len(shares) - number)
                shows = share.coat.strength / task.wanted.strength * (asked / opacity)
                if shows < 1:
                    coat = torch.lerp(self.photo, coat, shows)
            if covered is None or share.area is None:
                whole, covered = coat, share.area
            else:
                covered = covered + share.area
                whole = torch.lerp(whole, coat, share.area / covered.clamp_min(_NOTHING))
        _check_numbers(whole)
        return Painting(keep_colors(whole, self.photo) if self.options.keep_colors else whole, opacity)

    def _task(self, share: Share) -> _Task:
        coat, options, is_preview = share.coat, self.options, self.options.max_side is not None
        name = coat.engine or options.engine
        facts = engine_facts()[name]
        # A preview has to be there at once, so it is always painted in one pass.
        refine = None if is_preview else self.refine or (None if facts.paints else options.refine)
        painter = one_pass(name) if refine is None else facts if facts.paints else None
        wanted, reach = self._wanted(painter or facts, share), Reach()
        if painter is not None:
            of_painter = painter.name
            reach = self.with_painters(lambda painters: painters.engine(of_painter).reach(wanted))
        # What optimises goes on to the full style, however gently it began.
        strength = 1.0 if refine else reach.strength(options.strength * coat.strength)
        wanted = replace(wanted, brush=reach.brush(self.brush), strength=strength)
        scale = self.brush / wanted.brush
        # In a preview nobody would see strokes that are finer than its pixels.
        return _Task(share, painter, refine, wanted, max(1.0, scale) if is_preview else scale)

    def _steady_coat(self, task: _Task, beneath: Tensor, progress: Progress, number: int) -> Tensor:
        """As `_coat`, and the coat of that number, from the top, goes on from that of the frame before."""
        if self.step is None:
            return self._coat(task, beneath, progress)
        smoothing = self.step.smoothing(number)
        return self.step.settle(number, self._coat(task, beneath, progress, smoothing), self.areas.of(task.share))

    def _coat(self, task: _Task, beneath: Tensor, progress: Progress, smoothing: Smoothing | None = None) -> Tensor:
        """The picture painted like one coat, with strokes of the size asked for; with an area only what is near it.

        What is painted has the statistics of the area, weighted by how much each pixel belongs to it, so that what lies
        outside does not change its colours and contrast.
        """
        area = self.areas.of(task.share)
        if area is not None and bool((area >= 1).all()):
            area = None
        if task.refine is None:
            return self._in_one_pass(task, area, progress, smoothing)
        start = None
        if task.painter is not None:
            start = self._in_one_pass(task, area, progress.part(0.0, _BEFORE_REFINING), smoothing)
        return self._refined(start, task.refine, task.share, area, beneath, progress.part(_BEFORE_REFINING, 1.0))

    def _in_one_pass(self, task: _Task, area: Tensor | None, progress: Progress, smoothing: Smoothing | None) -> Tensor:
        assert task.painter is not None
        name = task.painter.name
        moved = (0.0, 0.0) if self.step is None else self.step.moved
        scale = PaintingScale(self.photo, area, task.scale, task.painter, moved)
        if scale.box is None:
            return self.photo
        painting = progress.part(0.05, 0.95, "painting")
        arguments: tuple[Any, ...] = scale.photo, task.wanted, painting, scale.statistics, scale.origin
        if task.painter.follows and smoothing is not None:
            arguments += (smoothing,)
        painted = self.with_painters(lambda painters: painters.engine(name).paint(*arguments))
        return scale.back(painted, painting)

    def _refined(
        self,
        start: Tensor | None,
        options: RefineOptions,
        share: Share,
        area: Tensor | None,
        beneath: Tensor,
        progress: Progress,
    ) -> Tensor:
        """The painting ``start``, or else the photo, optimised; with an area only what is near it."""
        facts = refiner()
        around = self.photo if start is None else start
        scale = PaintingScale(self.photo, area, 1.0, facts)
        box = scale.box
        if box is None:
            return around
        canvas = self._canvas(share, area, beneath)

        def tell(done: float, doing: str, picture: Callable[[], Any] | None = None) -> None:
            progress(done, doing, None if picture is None else lambda: canvas.preview(picture().cpu(), around, box))

        begun = None if start is None else scale.piece(start)
        wanted, watched = self._wanted(facts, share), Progress(tell, "refining")
        arguments = begun, scale.photo, wanted, options, self.brush, watched, scale.weights
        refined, note = self.with_painters(lambda painters: painters.engine(facts.name).refine(*arguments))
        if note:
            self.notes.append(note)
        return scale.back(refined, progress, around)

    def _canvas(self, share: Share, area: Tensor | None, beneath: Tensor) -> Canvas:
        shown = self.areas.shown
        below = beneath if shown is None else torch.lerp(self.photo, beneath, shown)
        strength = self.options.strength * share.coat.strength
        return Canvas(self.photo, below, area, strength, self.options.keep_colors)

    def _wanted(self, facts: EngineFacts, share: Share) -> Wanted:
        wanted = Wanted(share.coat.styles, self.pictures, settings_of(facts, self.options.settings))
        wanted.check(facts)
        return wanted


def _check_numbers(painted: Tensor) -> None:
    """Raise ImpastoError if a pixel has come out as no number, which would be written as black."""
    low, high = torch.aminmax(painted)  # both are NaN if any value is
    if not bool(torch.isfinite(low) & torch.isfinite(high)):
        raise ImpastoError(
            "The painting has pixels that are infinite or not a number.",
            "The style may be damaged, or the options ask too much: try others.",
        )
