"""Perceptual losses for style transfer (Gatys et al. 2016; Johnson et al. 2016), each relative to its target's power.

Divided by the power of what it is compared with, a distance means the same for every layer, every picture and every
backbone: 0 is equal, 1 is as far away as nothing at all.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
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


def spikes(activations: Tensor, threshold: float = 6.0) -> Tensor:
    """How far the largest activation of each channel stands out of its picture, (B,).

    Networks with instance normalisation learn to plant a few huge activations, by which they rule the statistics and so
    the contrast everywhere else; in the picture they show as black blobs (Karras et al. 2020, "Analyzing and improving
    the image quality of StyleGAN", section 2). This makes them expensive.

    Args:
        activations: (B, C, H, W), before the normalisation.
        threshold: from how many standard deviations on it counts; edges and highlights reach 4 to 6.
    """
    x = activations.float()
    variance, mean = torch.var_mean(x, dim=(2, 3), correction=0, keepdim=True)
    peak = ((x - mean).abs() * torch.rsqrt(variance + 1e-3)).amax((2, 3))
    return (peak - threshold).clamp_min(0).square().mean(1)


def light_distance(painted: Tensor, photo: Tensor, cell: int = 8, slack: float = 1.0) -> Tensor:
    """How far the light and dark masses of a painting stray from those of the photo, (B,).

    Compares luma over cells, in standard deviations of each picture; what strays by less than ``slack`` is the style's
    freedom. It keeps black blobs away, which a Gram matrix does not see: in them there is nothing.

    Args:
        painted, photo: (B, 3, H, W) in [0, 1].
        cell: side of the cells in pixels.
        slack: in standard deviations.
    """
    weights = painted.new_tensor([0.2126, 0.7152, 0.0722])[:, None, None]

    def masses(x: Tensor) -> Tensor:
        light = F.avg_pool2d((x.float() * weights).sum(1, keepdim=True), cell)
        variance, mean = torch.var_mean(light, dim=(1, 2, 3), correction=0, keepdim=True)
        return (light - mean) * torch.rsqrt(variance + 1e-3)

    strayed = (masses(painted) - masses(photo)).abs() - slack
    return strayed.clamp_min(0).square().mean((1, 2, 3))


def total_variation(x: Tensor) -> Tensor:
    """Mean absolute difference of neighbouring pixels, down plus across. Shape (B,)."""
    down = (x[..., 1:, :] - x[..., :-1, :]).abs().mean((1, 2, 3))
    across = (x[..., :, 1:] - x[..., :, :-1]).abs().mean((1, 2, 3))
    return down + across
