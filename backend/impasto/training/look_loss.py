"""What the trainings share that learn by the loss of `impasto.nets.look`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from impasto.nets.look import LookWeights, spikes
from impasto.training.common import Schedule


@dataclass(frozen=True)
class LookSchedule(Schedule):
    """How to train by the look; what the weights mean is said at `impasto.nets.look.LookParts`."""

    crop: int = 192
    """Side of the crops of photos, in pixels, at least 48."""
    style_weight: float = LookWeights.style
    content_weight: float = LookWeights.content
    color_weight: float = LookWeights.color
    light_weight: float = LookWeights.light
    likeness_weight: float = LookWeights.likeness
    spike_weight: float = LookWeights.spikes
    dot_weight: float = LookWeights.dots
    checker_weight: float = LookWeights.checker
    tv_weight: float = LookWeights.variation

    @property
    def weights(self) -> LookWeights:
        """How much each part of the loss counts."""
        return LookWeights(
            style=self.style_weight,
            content=self.content_weight,
            color=self.color_weight,
            light=self.light_weight,
            likeness=self.likeness_weight,
            spikes=self.spike_weight,
            dots=self.dot_weight,
            checker=self.checker_weight,
            variation=self.tv_weight,
        )


class SpikeWatch:
    """Watches layers for `impasto.nets.look.spikes`, as far as they compute with a gradient.

    Args:
        layers: whose results are looked at, (B, C, H, W).
    """

    def __init__(self, layers: Iterable[nn.Module]) -> None:
        self._seen: list[Tensor] = []
        for layer in layers:
            layer.register_forward_hook(self._note)

    def _note(self, _layer: nn.Module, _inputs: object, output: Tensor) -> None:
        if torch.is_grad_enabled():
            self._seen.append(spikes(output).mean())

    def take(self) -> Tensor | None:
        """The mean of what was seen since the last call, a number; None if nothing was."""
        seen = torch.stack(self._seen).mean() if self._seen else None
        self._seen.clear()
        return seen
