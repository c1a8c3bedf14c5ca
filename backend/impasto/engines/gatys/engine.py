"""Refinement as an engine."""

from __future__ import annotations

from torch import Tensor

from impasto.compute.accelerator import fast_dtype
from impasto.engines.base import Engine, Studio, Wanted
from impasto.engines.gatys import FACTS
from impasto.engines.gatys.refine import refine
from impasto.engines.pictures import STYLE_SIDE
from impasto.progress import Progress
from impasto.zoo.features import FeatureSource
from impasto_link.options import RefineOptions


class GatysEngine(Engine):
    """Optimises paintings, or photos; see `impasto.engines.base.Engine`."""

    facts = FACTS

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._features = FeatureSource(studio.library, studio.device, fast_dtype(studio.device))

    def loaded(self) -> list[str]:
        """See `Engine`."""
        return self._features.loaded()

    def unload(self) -> None:
        """See `Engine`."""
        self._features.unload()

    def refine(
        self,
        start: Tensor | None,
        photo: Tensor,
        wanted: Wanted,
        options: RefineOptions,
        brush: float,
        progress: Progress,
        weights: Tensor | None = None,
    ) -> tuple[Tensor, str]:
        """See `Engine`."""
        styles = wanted.as_pictures(self.studio.library)
        features, note = self._features.get(options.features)
        # A painting has strokes of the size that its engine gave them; a photo takes the whole style at its own size.
        side = min(photo.shape[-2:]) if start is None else STYLE_SIDE
        to = self.studio.device
        refined = refine(
            features,
            None if start is None else start.to(to),
            photo.to(to),
            [(style.to(to), weight) for style, weight in styles],
            options,
            side * brush,
            progress,
            None if weights is None else weights.to(to),
        )
        return refined.cpu(), note
