"""What the training of a style bank punishes beside the distances of `impasto.nets.perceptual`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


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
