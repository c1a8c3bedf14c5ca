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
    """Of the encoder's deepest map, (B, 8 width, 1, 1)."""
    std: Tensor
    """Likewise."""
    skip_mean: Tensor
    """Of the map before it, (B, 4 width, 1, 1)."""
    skip_std: Tensor
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


def see_style(maps: Sequence[Tensor], weights: Tensor | None = None) -> StyleLatent:
    """All that is kept of a style; arguments as those of `describe_style`."""
    counted = [None if weights is None else F.avg_pool2d(weights, stride) for stride in (4, 8)]
    return StyleLatent(*mean_std(maps[-1], counted[1]), *mean_std(maps[-2], counted[0]), describe_style(maps, weights))


def restyle(maps: Sequence[Tensor], style: StyleLatent) -> tuple[Tensor, Tensor]:
    """The two deepest maps of a photo with the moments of a style: what `AdaINDecoder` makes a picture of."""
    return adain(maps[-1], style.mean, style.std), adain(maps[-2], style.skip_mean, style.skip_std)


class AdaINDecoder(nn.Module):
    """Makes a picture of the two deepest maps of a `impasto.nets.encoder.CompactEncoder`.

    The deepest map alone holds too little of the photo's shapes when the encoder is small, so the one before it, with
    the style's moments too, joins where the decoder has come to its size. Neither knows much of colour. So each layer
    of the decoder is scaled and shifted by what the encoder saw of the style at all scales, as in MicroAST (Wang et al.
    2023, https://arxiv.org/abs/2211.15313), which asks nothing more of the photo.

    Args:
        width: that of the encoder.
        described: length of the style's description.
    """

    #: To the result of which layer the shallower map is added.
    JOIN = 1

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
        self.skip = PlainConv(w3, w3)
        nn.init.zeros_(self.skip.weight)
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

    def forward(self, features: Tensor, skip: Tensor, description: Tensor) -> Tensor:
        """Decode.

        Args:
            features: (B, 8 width, h, w), before their ReLU.
            skip: (B, 4 width, 2h, 2w), before their ReLU.
            description: (B or 1, described).

        Returns:
            (B, 3, 8h, 8w) float32, sRGB in [0, 1].
        """
        x = features
        for number, (layer, (gain, offset)) in enumerate(zip(self.layers, self.changes(description), strict=True)):
            x = layer(F.relu(x))
            if number == self.JOIN:
                x = x + self.skip(F.relu(skip))
            x = torch.addcmul(offset[:, :, None, None], x, gain[:, :, None, None])
        return torch.sigmoid(x.float())
