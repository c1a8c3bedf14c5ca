"""A mixture of a photo and its negative."""

from __future__ import annotations

import torch
from torch import Tensor

from impasto.engines.base import Engine, Wanted
from impasto.progress import Progress
from impasto_dummy import FACTS


class DummyEngine(Engine):
    """See `impasto.engines.base.Engine`."""

    facts = FACTS

    def paint(  # type: ignore[override]  # does not follow
        self,
        photo: Tensor,
        wanted: Wanted,
        progress: Progress,
        weights: Tensor | None = None,
        origin: tuple[int, int] = (0, 0),
    ) -> Tensor:
        """See `Engine`."""
        progress(1.0)
        painted = torch.lerp(photo, 1 - photo, wanted.settings["amount"])
        if wanted.settings["tone"] == "gray":
            painted = painted.mean(1, keepdim=True).expand_as(photo)
        return painted.flip(1) if wanted.settings["swap"] else painted
