"""Adaptive instance normalisation: any picture as a style, in one pass.

Huang and Belongie 2017 (https://arxiv.org/abs/1703.06868): the deepest features of a photo get the mean and standard
deviation, channel by channel, of those of a style, and a decoder makes a picture of them. Here the encoder is the small
one of `impasto.nets.encoder`, and features are taken before their ReLU.
"""

from __future__ import annotations

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


class AdaINDecoder(nn.Module):
    """Makes a picture of the deepest features of a `impasto.nets.encoder.CompactEncoder`.

    Args:
        width: that of the encoder.
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.width = width
        w1, w2, w3, w4 = width, 2 * width, 4 * width, 8 * width
        self.layers = nn.ModuleList(
            [
                PlainConv(w4, w3),
                PlainConv(w3, w3, upsample=True),
                PlainConv(w3, w2),
                PlainConv(w2, w2, upsample=True),
                PlainConv(w2, w1),
                PlainConv(w1, w1, upsample=True),
            ]
        )
        self.to_rgb = PlainConv(w1, 3)

    def forward(self, features: Tensor) -> Tensor:
        """(B, 8 width, h, w), before their ReLU, to pictures (B, 3, 8h, 8w) float32, sRGB in [0, 1]."""
        x = features
        for layer in self.layers:
            x = layer(F.relu(x))
        return torch.sigmoid(self.to_rgb(F.relu(x)).float())
