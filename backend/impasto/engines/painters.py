"""All engines of one device."""

from __future__ import annotations

import torch
from torch import Tensor

from impasto.engines.base import Engine, Studio, Wanted
from impasto.engines.pictures import StyleReader
from impasto.engines.registry import make_engine, refiner
from impasto.progress import Progress
from impasto.zoo.library import Library
from impasto_link.options import RefineOptions


class Painters:
    """The engines of one device; each is made, and loads its networks, when it is first needed.

    Args:
        library: where the styles come from.
        device: where to compute.
    """

    def __init__(self, library: Library, device: torch.device) -> None:
        self._studio = Studio(library, device, StyleReader(device))
        self._engines: dict[str, Engine] = {}

    def loaded(self) -> list[str]:
        """Names of the networks in memory."""
        return sorted({name for part in self._parts() for name in part.loaded()})

    def unload(self) -> None:
        """Forget the networks; they are loaded again when they are needed."""
        for part in self._parts():
            part.unload()

    def paint(
        self,
        engine: str,
        photo: Tensor,
        wanted: Wanted,
        progress: Progress,
        weights: Tensor | None = None,
        origin: tuple[int, int] = (0, 0),
    ) -> Tensor:
        """Paint a picture in one pass; arguments after the engine's name as for `Engine.paint`."""
        return self._engine(engine).paint(photo, wanted, progress, weights, origin)

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
        """Optimise a painting, or the photo where there is none; arguments as for `Engine.refine`."""
        return self._engine(refiner().name).refine(start, photo, wanted, options, brush, progress, weights)

    def _engine(self, name: str) -> Engine:
        if name not in self._engines:
            self._engines[name] = make_engine(name, self._studio)
        return self._engines[name]

    def _parts(self) -> list[Engine | StyleReader]:
        return [*self._engines.values(), self._studio.reader]
