"""All engines of one device."""

from __future__ import annotations

import torch

from impasto.engines.base import Engine, Studio
from impasto.engines.pictures import StyleReader
from impasto.engines.registry import make_engine
from impasto.zoo.library import Library


class Painters:
    """The engines of one device; each is made, and loads its networks, when it is first needed.

    Args:
        library: where the styles come from.
        device: where to compute.
    """

    def __init__(self, library: Library, device: torch.device) -> None:
        self._studio = Studio(library, device, StyleReader(library, device))
        self._engines: dict[str, Engine] = {}

    def loaded(self) -> list[str]:
        """Names of the networks in memory."""
        return sorted({name for part in self._parts() for name in part.loaded()})

    def unload(self) -> None:
        """Forget the networks; they are loaded again when they are needed."""
        for part in self._parts():
            part.unload()

    def engine(self, name: str) -> Engine:
        """The engine of a name, which has to be known."""
        if name not in self._engines:
            self._engines[name] = make_engine(name, self._studio)
        return self._engines[name]

    def _parts(self) -> list[Engine | StyleReader]:
        return [*self._engines.values(), self._studio.reader]
