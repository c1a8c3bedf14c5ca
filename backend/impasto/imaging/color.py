"""Colour: the sRGB curve, luma, and painting without changing the colours of the original."""

from __future__ import annotations

import math

import torch
from torch import Tensor

#: Rec. ITU-R BT.709-6, item 3.2: the shares of red, green and blue in luma.
LUMA = (0.2126, 0.7152, 0.0722)
#: From about so many pixels the mean of a picture's colours is known.
_ENOUGH_PIXELS = 1 << 20


def srgb_to_linear(x: Tensor) -> Tensor:
    """From sRGB values to linear light, after IEC 61966-2-1.

    Args:
        x: float32 of any shape; 0 to 1 is black to white. The range is extended as in scRGB (IEC 61966-2-2): the curve
            goes on above 1, and negative values, which are colours outside the gamut, go through it mirrored.
    """
    size = x.abs()
    curved = ((size + 0.055) / 1.055).pow_(2.4)
    return torch.where(size <= 0.04045, size / 12.92, curved).copysign_(x)


def linear_to_srgb(x: Tensor) -> Tensor:
    """From linear light to sRGB values; the inverse of `srgb_to_linear`, with the same extended range."""
    size = x.abs()
    curved = size.pow(1 / 2.4).mul_(1.055).sub_(0.055)
    return torch.where(size <= 0.0031308, size * 12.92, curved).copysign_(x)


def luma(rgb: Tensor) -> Tensor:
    """Rec. 709 luma of sRGB values: (B, 3, H, W) to (B, 1, H, W)."""
    red, green, blue = rgb.split(1, dim=1)
    # This form, unlike the plain sum of shares, gives exactly v for a gray (v, v, v).
    return green + LUMA[0] * (red - green) + LUMA[2] * (blue - green)


def keep_colors(painted: Tensor, original: Tensor) -> Tensor:
    """The strokes of one picture in the colours of another: luma of ``painted``, chroma of ``original``.

    This is the luminance-only transfer of Gatys et al. 2016, "Preserving color in neural artistic style transfer"
    (https://arxiv.org/abs/1606.05897), section 5, on Rec. 709 luma. Where the chroma does not fit the new luma, it is
    scaled down until it does: clipping the channels instead would shift the hue and spoil the luma.

    Args:
        painted, original: (B, 3, H, W) float32 sRGB; values outside [0, 1] are clamped first.

    Returns:
        (B, 3, H, W) in [0, 1].
    """
    original = original.clamp(0, 1)
    target = luma(painted.clamp(0, 1))
    chroma = original - luma(original)
    # How much of the chroma fits between black and white, by the channel that has the least room.
    room_above = (1 - target) / chroma.amax(dim=1, keepdim=True).clamp_min(1e-6)
    room_below = target / chroma.amin(dim=1, keepdim=True).neg_().clamp_min(1e-6)
    share = torch.minimum(room_above, room_below).clamp_max(1)
    return torch.addcmul(target, chroma, share).clamp_(0, 1)


def color_moments(rgb: Tensor, weights: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Mean (3,) and covariance (3, 3) of the colours of a picture (1, 3, H, W), weighted by (1, 1, H, W) if given.

    Both float64, on the CPU. Of a large picture every n-th pixel of every n-th row is looked at.
    """
    counted = rgb.shape[-2] * rgb.shape[-1] if weights is None else float(weights.sum())
    step = max(1, math.ceil(math.sqrt(counted / _ENOUGH_PIXELS)))
    # On the CPU: not every device has float64, and for a matrix of 3 x 3 none is faster.
    colors = rgb[0, :, ::step, ::step].flatten(1).cpu().double()
    share = torch.ones_like(colors[0]) if weights is None else weights[0, 0, ::step, ::step].flatten().cpu().double()
    share = share / share.sum().clamp_min(1e-6)
    mean = colors @ share
    centred = colors - mean[:, None]
    return mean, (centred * share) @ centred.T


def match_colors(photo: Tensor, mean: Tensor, covariance: Tensor, weights: Tensor | None = None) -> Tensor:
    """The photo with other colours: those that a style has, in mean and covariance.

    The linear map of Gatys et al. 2016, "Preserving color in neural artistic style transfer", section 4.1
    (https://arxiv.org/abs/1606.05897), in the symmetric form of Monge-Kantorovich (Pitie and Kokaram 2007), which moves
    colours the least.

    Args:
        photo: (1, 3, H, W) in [0, 1].
        mean, covariance: of the style's colours; see `color_moments`.
        weights: how much each pixel of the photo counts.

    Returns:
        (1, 3, H, W) float32 in [0, 1].
    """
    own_mean, own = color_moments(photo, weights)
    # A photo of one colour has no spread that could be stretched.
    root, inverse = _roots(own + 1e-4 * torch.eye(3, dtype=own.dtype, device=own.device))
    stretch = inverse @ _roots(root @ covariance @ root)[0] @ inverse
    offset = mean - stretch @ own_mean
    moved = torch.einsum("ij,bjhw->bihw", stretch.to(photo), photo) + offset.to(photo)[:, None, None]
    return moved.clamp_(0, 1)


def _roots(matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Square root of a symmetric positive matrix, and its inverse."""
    values, vectors = torch.linalg.eigh(matrix)
    values = values.clamp_min(1e-12).sqrt()
    return vectors @ torch.diag(values) @ vectors.T, vectors @ torch.diag(1 / values) @ vectors.T
