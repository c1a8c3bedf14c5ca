"""What a picture looks like to a network, in numbers: the distances of style transfer (Gatys et al. 2016).

Each is divided by the power of what it is compared with, and so means the same for every layer, every picture and every
network: 0 is equal, 1 is as far away as nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor

#: The layers of the style, as far as the weights have them.
STYLE_LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
CONTENT_LAYERS = ("relu3_1", "relu4_1")

Features = Mapping[str, Tensor]


def gram(features: Tensor) -> Tensor:
    """Gram matrices, (B, C, C) float32, of features (B, C, H, W), per pixel."""
    batch, channels, height, width = features.shape
    # In channels_last memory this is a view.
    rows = features.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
    return (rows.transpose(1, 2) @ rows).float() / (height * width)


def style_distance(features: Features, targets: Features) -> Tensor:
    """Relative squared distance of Gram matrices, averaged over layers. Shape (B,).

    Args:
        features: activations by layer, each (B, C, H, W).
        targets: Gram matrices by layer, each (B, C, C) or (1, C, C).
    """
    parts = []
    for layer, target in targets.items():
        difference = gram(features[layer]) - target
        parts.append(difference.square().sum((1, 2)) / target.square().sum((1, 2)))
    return torch.stack(parts).mean(0)


def content_distance(features: Features, photo: Features, *, pooled: bool = False) -> Tensor:
    """Relative squared distance of activations, averaged over the layers of ``photo``. Shape (B,).

    Args:
        features: activations of the paintings by layer, each (B, C, H, W).
        photo: activations of the photos.
        pooled: relate to the mean power of the batch instead of each photo's own. For training: a plain fill has
            next to no power of its own, and its gradient would drown all others.
    """
    parts = []
    for layer, target in photo.items():
        target = target.float()
        difference = features[layer].float() - target
        power = target.square().sum((1, 2, 3))
        parts.append(difference.square().sum((1, 2, 3)) / (power.mean() if pooled else power))
    return torch.stack(parts).mean(0)


def total_variation(x: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels, down plus across. Shape (B,)."""
    down = (x[..., 1:, :] - x[..., :-1, :]).abs().mean((1, 2, 3))
    across = (x[..., :, 1:] - x[..., :, :-1]).abs().mean((1, 2, 3))
    return down + across


class LayerMoments(NamedTuple):
    """First and second moments of the features of a layer: all that a style loss needs to know of a picture.

    Sums over parts of a picture add up to those of the whole.
    """

    mean: Tensor
    """(C,) float32."""
    second: Tensor
    """(C, C) float32, not centred: the Gram matrix per pixel."""

    def __add__(self, other: object) -> LayerMoments:
        assert isinstance(other, LayerMoments)
        return LayerMoments(self.mean + other.mean, self.second + other.second)

    def scaled(self, share: float) -> LayerMoments:
        """Weighted by ``share``."""
        return LayerMoments(self.mean * share, self.second * share)

    @property
    def covariance(self) -> Tensor:
        """(C, C)."""
        return self.second - torch.outer(self.mean, self.mean)


Moments = dict[str, LayerMoments]


def layer_moments(features: Tensor, weights: Tensor | None, total: float) -> LayerMoments:
    """What a piece of a picture contributes to the moments of the whole.

    Args:
        features: (1, C, h, w).
        weights: how much each place counts, (1, 1, h, w); all 1 if not given.
        total: sum of the weights over the whole picture.
    """
    rows = features[0].permute(1, 2, 0).reshape(-1, features.shape[1])
    share = rows if weights is None else rows * weights.reshape(-1, 1).to(rows)
    return LayerMoments(share.sum(0, dtype=torch.float32) / total, (rows.T @ share).float() / total)


def _gram_distance(given: LayerMoments, target: LayerMoments) -> Tensor:
    """Gatys et al. 2016, equation 4."""
    return (given.second - target.second).square().sum() / target.second.square().sum().clamp_min(_TINY)


def _mean_std_distance(given: LayerMoments, target: LayerMoments) -> Tensor:
    """Means and standard deviations of the channels (Huang and Belongie 2017, equation 13)."""
    pairs = [(one.mean, one.covariance.diagonal().clamp_min(_TINY).sqrt()) for one in (given, target)]
    (mean, std), (wanted_mean, wanted_std) = pairs
    power = wanted_mean.square().sum() + wanted_std.square().sum()
    return ((mean - wanted_mean).square().sum() + (std - wanted_std).square().sum()) / power.clamp_min(_TINY)


def _wasserstein_distance(given: LayerMoments, target: LayerMoments) -> Tensor:
    """Squared 2-Wasserstein distance of the normal distributions with these moments (Olkin and Pukelsheim 1982)."""
    covariance, wanted = given.covariance, target.covariance
    # tr sqrt(A^1/2 B A^1/2) by the eigenvalues of the symmetric product; the root of the target needs no gradient.
    values, vectors = torch.linalg.eigh(wanted)
    root = vectors @ torch.diag(values.clamp_min(0).sqrt()) @ vectors.T
    product = root @ covariance @ root
    product = (product + product.T) / 2 + torch.eye(len(product), device=product.device) * _TINY
    shared = torch.linalg.eigvalsh(product).clamp_min(_TINY).sqrt().sum()
    spread = covariance.trace() + wanted.trace() - 2 * shared
    power = target.mean.square().sum() + wanted.trace()
    return ((given.mean - target.mean).square().sum() + spread.clamp_min(0)) / power.clamp_min(_TINY)


_TINY = 1e-8

#: The style losses by the names that `impasto_link.options.RefineOptions` has for them.
STYLE_DISTANCES: dict[str, Callable[[LayerMoments, LayerMoments], Tensor]] = {
    "gram": _gram_distance,
    "mean-std": _mean_std_distance,
    "wasserstein": _wasserstein_distance,
}
