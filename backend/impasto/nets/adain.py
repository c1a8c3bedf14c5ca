"""Adaptive instance normalisation: any picture as a style, in one pass.

Huang and Belongie 2017 (https://arxiv.org/abs/1703.06868): the deepest features of a photo get the mean and standard
deviation, channel by channel, of those of a style, and a decoder makes a picture of them. Here the encoder is the small
one of `impasto.nets.encoder`, and features are taken before their ReLU.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.nets.encoder import PlainConv
from impasto.nets.style_bank import instance_norm


def mean_std(features: Tensor, weights: Tensor | None = None, eps: float = 1e-5) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel over the picture.

    Args:
        features: (B, C, H, W).
        weights: how much each place counts, (B, 1, H, W); all alike if not given.
        eps: added to the variance.

    Returns:
        Two of shape (B, C, 1, 1), float32.
    """
    features = features.float()
    if weights is None:
        variance, mean = torch.var_mean(features, dim=(2, 3), correction=0, keepdim=True)
    else:
        share = weights / weights.sum((2, 3), keepdim=True).clamp_min(1e-6)
        mean = (features * share).sum((2, 3), keepdim=True)
        variance = ((features - mean).square() * share).sum((2, 3), keepdim=True)
    return mean, (variance + eps).sqrt()


def adain(content: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Features (B, C, H, W) with the mean and standard deviation of a style, each (B or 1, C, 1, 1); equation 8."""
    return instance_norm(content, std, mean)


class StyleLatent(NamedTuple):
    """What the decoder and the features before it are told of a style."""

    mean: Tensor
    """Of the encoder's deepest map, (B, C, 1, 1)."""
    std: Tensor
    """Likewise."""
    description: Tensor
    """Means and standard deviations of all of its maps, (B, N); see `describe_style`."""


def describe_style(maps: Sequence[Tensor], weights: Tensor | None = None) -> Tensor:
    """Means and standard deviations of maps, after their ReLU.

    Args:
        maps: what a `impasto.nets.encoder.CompactEncoder` gives for a picture, each (B, C, H / 2^i, W / 2^i).
        weights: how much each pixel counts, (B, 1, H, W) in [0, 1].

    Returns:
        (B, N) float32.
    """
    parts = []
    for scale, features in enumerate(maps):
        counted = None if weights is None else F.avg_pool2d(weights, 1 << scale)
        parts += [part.flatten(1) for part in mean_std(F.relu(features), counted)]
    return torch.cat(parts, dim=1)


class AdaINDecoder(nn.Module):
    """Makes a picture of the deepest features of a `impasto.nets.encoder.CompactEncoder`.

    Deep features know little of colour. So each layer of the decoder is scaled and shifted by what the encoder saw of
    the style at all scales, as in MicroAST (Wang et al. 2023, https://arxiv.org/abs/2211.15313). This asks nothing more
    of the photo, so it adds no barrier.

    Args:
        width: that of the encoder.
        described: length of the style's description.
    """

    described_mean: Tensor
    described_std: Tensor

    def __init__(self, width: int = 32, described: int = 960) -> None:
        super().__init__()
        self.width, self.described = width, described
        w1, w2, w3, w4 = width, 2 * width, 4 * width, 8 * width
        self.layers = nn.ModuleList(
            [
                PlainConv(w4, w3),
                PlainConv(w3, w3, upsample=True),
                PlainConv(w3, w2),
                PlainConv(w2, w2, upsample=True),
                PlainConv(w2, w1),
                PlainConv(w1, w1, upsample=True),
                PlainConv(w1, 3),
            ]
        )
        self.modulations = nn.ModuleList()
        for layer in self.layers:
            assert isinstance(layer, PlainConv)
            linear = nn.Linear(described, 2 * layer.out_channels)
            nn.init.zeros_(linear.weight)
            nn.init.zeros_(linear.bias)
            self.modulations.append(linear)
        # Descriptions come in standard deviations from what is usual.
        self.register_buffer("described_mean", torch.zeros(described))
        self.register_buffer("described_std", torch.ones(described))

    def changes(self, description: Tensor) -> list[tuple[Tensor, Tensor]]:
        """By what each layer's result is multiplied, and what is added to it, (B, C) each."""
        seen = ((description - self.described_mean) / self.described_std).clamp(-5, 5)
        pairs = [modulation(seen).chunk(2, dim=1) for modulation in self.modulations]
        # Bounded: factors that multiply over seven layers run away in training.
        return [(1 + 0.9 * torch.tanh(gain), offset) for gain, offset in pairs]

    def forward(self, features: Tensor, description: Tensor) -> Tensor:
        """(B, 8 width, h, w), before their ReLU, and (B or 1, described) to (B, 3, 8h, 8w) float32, sRGB in [0, 1]."""
        x = features
        for layer, (gain, offset) in zip(self.layers, self.changes(description), strict=True):
            x = torch.addcmul(offset[:, :, None, None], layer(F.relu(x)), gain[:, :, None, None])
        return torch.sigmoid(x.float())
