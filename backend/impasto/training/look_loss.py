"""What the trainings share that learn by the loss of `impasto.nets.look`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torchvision.transforms.v2 import functional as TF

from impasto.nets.look import LookWeights, StyleLook, all_styles, one_style, see_styles, spikes, style_layers
from impasto.nets.vgg import VGG19Features
from impasto.training.common import Schedule
from impasto.training.photos import load_rgb
from impasto.training.recipe import BankRecipe, StyleRecipe

#: How many times its own size a painting is looked at, at the most: what is enlarged much shows blur and no strokes.
_MOST_ENLARGED = 1.15
#: As many pixels `impasto.nets.look` needs in each direction.
_SMALLEST = 48
#: Scales and exponents of the brightness of the views of a painting.
_JITTER = ((0.85, 1.1), (1.15, 0.9))


@dataclass(frozen=True)
class LookSchedule(Schedule):
    """How to train by the look; what the weights mean is said at `impasto.nets.look.LookParts`."""

    crop: int = 192
    """Side of the crops of photos, in pixels, at least 48."""
    style_weight: float = LookWeights.style
    content_weight: float = LookWeights.content
    color_weight: float = LookWeights.color
    light_weight: float = LookWeights.light
    brightness_weight: float = LookWeights.brightness
    quiet_weight: float = LookWeights.quiet
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
            brightness=self.brightness_weight,
            quiet=self.quiet_weight,
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


def style_looks(recipe: BankRecipe, vgg: VGG19Features) -> StyleLook:
    """What `impasto.nets.look` knows of each style with each size of its strokes, the sizes of a style in a row,

    seen over its paintings and over jittered views of each.
    """
    weight, layers = next(vgg.parameters()), style_layers(vgg.names)
    return all_styles(
        [
            one_style(
                [
                    see_styles(vgg, view.to(weight.device), layers)
                    for path in style.paintings
                    for view in views(load_rgb(path), style, stroke)
                ]
            )
            for style in recipe.styles
            for stroke in recipe.strokes
        ]
    )


def views(painting: Tensor, style: StyleRecipe, stroke: float = 1.0) -> Iterator[Tensor]:
    """The painting at slightly different scales and brightnesses, (1, 3, H, W) in [0, 1].

    For other sizes of strokes than the usual one it is a single view: large ones take long to look at.
    """
    height, width = painting.shape[-2:]
    down, across = round(style.trim * height), round(style.trim * width)
    painting = painting[:, down : height - down, across : width - across].float() / 255
    most = _MOST_ENLARGED * min(painting.shape[-2:])
    for scale, gamma in _JITTER if stroke == 1 else ((1.0, 1.0),):
        side = [max(_SMALLEST, round(min(style.size * stroke * scale, most)))]
        yield TF.resize(painting, side, antialias=True)[None].clamp(0, 1) ** gamma
