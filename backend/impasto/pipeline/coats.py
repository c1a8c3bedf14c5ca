"""Coats of paint, laid on one after the other: each by its engine, on the picture at painting scale."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from impasto.engines.base import Wanted
from impasto.engines.facts import EngineFacts
from impasto.engines.painters import Painters
from impasto.engines.pictures import StylePicture
from impasto.engines.registry import engine_facts, one_pass, refiner, settings_of
from impasto.imaging.color import keep_colors
from impasto.pipeline.areas import Areas, Share
from impasto.pipeline.preview import Canvas
from impasto.pipeline.scale import PaintingScale
from impasto.progress import Progress
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
        notes: what a person should be told; more may be added.
    """

    photo: Tensor
    areas: Areas
    pictures: Mapping[str, StylePicture]
    brush: float
    options: StylizeOptions
    refine: RefineOptions | None
    with_painters: WithPainters
    notes: list[str] = field(default_factory=list)

    def picture(self, progress: Progress) -> Tensor:
        """The picture with all its coats, each pixel the mean of those that show there, by their shares of it.

        Raises:
            ImpastoError: a style is missing, the memory does not suffice, or what comes out are no numbers.
        """
        shares = self.areas.shares
        whole, covered = self.photo, None
        for number, share in enumerate(shares):
            coat = self._coat(share, whole, progress.part(number / len(shares), (number + 1) / len(shares)))
            if share.coat.strength < 1:
                coat = torch.lerp(self.photo, coat, share.coat.strength)
            if covered is None or share.area is None:
                whole, covered = coat, share.area
            else:
                covered = covered + share.area
                whole = torch.lerp(whole, coat, share.area / covered.clamp_min(_NOTHING))
        _check_numbers(whole)
        return keep_colors(whole, self.photo) if self.options.keep_colors else whole

    def _coat(self, share: Share, beneath: Tensor, progress: Progress) -> Tensor:
        """The picture painted like one coat, with strokes of the size asked for; with an area only what is near it.

        What is painted has the statistics of the area, weighted by how much each pixel belongs to it, so that what lies
        outside does not change its colours and contrast.
        """
        if share.coat.strength == 0:
            return self.photo
        area = self.areas.of(share)
        if area is not None and bool((area >= 1).all()):
            area = None
        name = share.coat.engine or self.options.engine
        facts = engine_facts()[name]
        wanted = self.refine or (None if facts.paints else self.options.refine)
        if wanted is None or self.options.max_side is not None:
            # A preview has to be there at once, so it is always painted in one pass.
            return self._in_one_pass(one_pass(name), share, area, progress)
        start = None
        if facts.paints:
            start = self._in_one_pass(facts, share, area, progress.part(0.0, _BEFORE_REFINING))
        return self._refined(start, wanted, share, area, beneath, progress.part(_BEFORE_REFINING, 1.0))

    def _in_one_pass(self, facts: EngineFacts, share: Share, area: Tensor | None, progress: Progress) -> Tensor:
        scale = PaintingScale(self.photo, area, self.brush, facts)
        if scale.box is None:
            return self.photo
        painting = progress.part(0.05, 0.95, "painting")
        wanted = self._wanted(facts, share)
        arguments = scale.photo, wanted, painting, scale.statistics, scale.origin
        painted = self.with_painters(lambda painters: painters.engine(facts.name).paint(*arguments))
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
