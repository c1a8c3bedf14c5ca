"""What a bank is trained by: today's loss, of Gram matrices, and that of `impasto.nets.look`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, Protocol

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as TF

from impasto.nets.look import (
    LookWeights,
    StyleLook,
    all_styles,
    light_distance,
    look_at,
    one_style,
    see_styles,
    style_layers,
)
from impasto.nets.perceptual import (
    CONTENT_LAYERS,
    STYLE_LAYERS,
    Features,
    content_distance,
    gram,
    style_distance,
    total_variation,
)
from impasto.nets.vgg import VGG19Features
from impasto.training.photos import load_rgb
from impasto.training.recipe import BankRecipe, StyleRecipe

if TYPE_CHECKING:
    from impasto.training.styles import LookOptions, TrainingOptions


class Measured(NamedTuple):
    """What a loss says of a batch."""

    loss: Tensor
    """A number, which is minimised."""
    parts: dict[str, Tensor]
    """What it is made of, averaged over the batch."""


class BankLoss(Protocol):
    """Says how good paintings are."""

    def __call__(self, painted: Tensor, photos: Tensor, which: Tensor, spiked: Tensor) -> Measured:
        """How good.

        Args:
            painted: (B, 3, H, W) in [0, 1].
            photos: of which they are, of the same shape.
            which: in which styles of the recipe, (B,).
            spiked: what `impasto.nets.look.spikes` says of the network, a number.
        """
        ...


class GramLoss:
    """Relative distances of Gram matrices and of features (Johnson et al. 2016); by it the shipped bank was trained.

    Args:
        recipe: the styles.
        vgg: the network that measures.
        options: what counts how much.
    """

    def __init__(self, recipe: BankRecipe, vgg: VGG19Features, options: TrainingOptions) -> None:
        self._vgg, self._options = vgg, options
        self._targets = style_targets(recipe, vgg)
        self._style_weights = _weights_of(recipe, vgg)

    def __call__(self, painted: Tensor, photos: Tensor, which: Tensor, spiked: Tensor) -> Measured:
        """See `BankLoss`."""
        options = self._options
        features = self._vgg(painted, {*self._targets, *CONTENT_LAYERS})
        with torch.no_grad():
            wanted = self._vgg(photos, CONTENT_LAYERS)
        targets = {layer: grams[which] for layer, grams in self._targets.items()}
        style = style_distance(features, targets)
        content = content_distance(features, wanted, pooled=True)
        variation = total_variation(painted)
        weights = options.style_weight * self._style_weights[which]
        loss = (weights * style + options.content_weight * content + options.tv_weight * variation).mean()
        light = light_distance(painted, photos).mean()
        loss = loss + options.spike_weight * spiked + options.light_weight * light
        parts = {"style": style, "content": content, "variation": variation, "light": light, "spikes": spiked}
        return Measured(loss, {name: part.mean() for name, part in parts.items()})


class LookLoss:
    """The loss of `impasto.nets.look`.

    Args:
        recipe: the styles; each is seen with its shorter side at ``size`` pixels.
        vgg: the network that measures.
        options: what counts how much.
    """

    def __init__(self, recipe: BankRecipe, vgg: VGG19Features, options: LookOptions) -> None:
        self._vgg = vgg
        self._styles = style_looks(recipe, vgg)
        self._style_weights = _weights_of(recipe, vgg)
        self._weights = LookWeights(
            style=options.style_weight,
            content=options.content_weight,
            color=options.color_weight,
            light=options.light_weight,
            likeness=options.likeness_weight,
            spikes=options.spike_weight,
            dots=options.dot_weight,
            checker=options.checker_weight,
            variation=options.tv_weight,
        )

    def __call__(self, painted: Tensor, photos: Tensor, which: Tensor, spiked: Tensor) -> Measured:
        """See `BankLoss`."""
        parts = look_at(self._vgg, painted, photos, self._styles.of(which), spiked)
        loss = parts.total(self._weights, self._style_weights[which]).mean()
        return Measured(loss, {name: part.mean() for name, part in parts._asdict().items()})


def _weights_of(recipe: BankRecipe, vgg: VGG19Features) -> Tensor:
    return torch.tensor([style.weight for style in recipe.styles], device=next(vgg.parameters()).device)


def style_looks(recipe: BankRecipe, vgg: VGG19Features) -> StyleLook:
    """What `impasto.nets.look` knows of each style, over its paintings and over jittered views of each."""
    weight, layers = next(vgg.parameters()), style_layers(vgg.names)
    return all_styles(
        [
            one_style(
                [
                    see_styles(vgg, view.to(weight.device), layers)
                    for path in style.paintings
                    for view in _views(load_rgb(path), style)
                ]
            )
            for style in recipe.styles
        ]
    )


@torch.no_grad()
def style_targets(recipe: BankRecipe, vgg: VGG19Features) -> dict[str, Tensor]:
    """Gram matrices of each style, (S, C, C) by layer: averaged over its paintings and over jittered views of each."""
    per_style = []
    for style in recipe.styles:
        views = [gram_matrices(view, vgg) for path in style.paintings for view in _views(load_rgb(path), style)]
        per_style.append({layer: torch.stack([view[layer] for view in views]).mean(0) for layer in views[0]})
    return {layer: torch.cat([grams[layer] for grams in per_style]) for layer in per_style[0]}


def gram_matrices(pictures: Tensor, vgg: VGG19Features) -> dict[str, Tensor]:
    """Gram matrices, (B, C, C) by style layer, of pictures (B, 3, H, W) in [0, 1]."""
    weight = next(vgg.parameters())
    features: Features = vgg(pictures.to(weight), vgg.names.intersection(STYLE_LAYERS))
    return {layer: gram(activations) for layer, activations in features.items()}


def _views(painting: Tensor, style: StyleRecipe) -> Iterator[Tensor]:
    """The painting at slightly different scales and brightnesses, (1, 3, H, W) in [0, 1]."""
    height, width = painting.shape[-2:]
    down, across = round(style.trim * height), round(style.trim * width)
    painting = painting[:, down : height - down, across : width - across].float() / 255
    for scale, gamma in ((0.85, 1.0), (1.0, 1.1), (1.0, 0.9), (1.15, 1.0)):
        side = [max(16, round(style.size * scale))]
        yield TF.resize(painting, side, antialias=True)[None].clamp(0, 1) ** gamma
