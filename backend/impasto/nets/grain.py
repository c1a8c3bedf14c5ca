"""Grain: a fixed field of noise that gives a network something to make strokes of where a picture has nothing.

A feed-forward network answers a flat area with a flat area, and artists' layers are full of plain fills. Texture
networks (Ulyanov et al. 2016, https://arxiv.org/abs/1603.03417) start from noise; here it stands beside the picture. It
is a function of the position alone, hashed numbers under a Gaussian, so that a picture comes out the same each time and
in whatever pieces it is computed. Its samples lie four times closer than its blobs are wide: noise that is interpolated
from a lattice as coarse as its blobs (value noise) has them in rows and columns, and the strokes then are, too.

All numbers but the last factor are whole, or fractions that float32 holds exactly, so that no order of summation and no
machine makes a difference.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

#: Width of the blobs in pixels, one channel each: fine brush hair, strokes, and how strokes are arranged.
WIDTHS = (2, 8, 32)

#: The standard deviation of each channel; the interpolation takes a few percent of it.
SPREAD = 0.4

#: Gaussians of standard deviation 0.8 and 1.6 samples in whole numbers: what 0.4 widths are with samples a pixel or
#: a quarter of a width apart.
_GAUSSIANS = {2: (1, 7, 16, 7, 1), 8: (1, 4, 7, 8, 7, 4, 1), 32: (1, 4, 7, 8, 7, 4, 1)}

#: The standard deviation of `_hash`.
_HASH_SPREAD = math.sqrt((64**2 - 1) / 3)


def grain(top: int, left: int, height: int, width: int, device: torch.device | str = "cpu") -> Tensor:
    """The grain of a rectangle.

    Args:
        top, left: position of its upper left pixel in the picture, from 0.
        height, width: its size.
        device: where to make it.

    Returns:
        (1, len(WIDTHS), height, width) float32, of mean 0 and a standard deviation of about `SPREAD`.
    """
    return torch.cat([_channel(top, left, height, width, blob, device) for blob in WIDTHS], dim=1)


def _channel(top: int, left: int, height: int, width: int, blob: int, device: torch.device | str) -> Tensor:
    step = max(1, blob // 4)
    kernel = torch.tensor(_GAUSSIANS[blob], dtype=torch.float32, device=device)
    # One sample more on each side for the interpolation, and on each side what the Gaussian needs.
    reach = len(kernel) // 2
    first_row, first_column = top // step - 1, left // step - 1
    rows = torch.arange(first_row - reach, (top + height - 1) // step + 2 + reach, dtype=torch.int32, device=device)
    columns = torch.arange(
        first_column - reach, (left + width - 1) // step + 2 + reach, dtype=torch.int32, device=device
    )
    samples = _hash(rows[:, None], columns[None, :], blob)[None, None]
    samples = F.conv2d(F.conv2d(samples, kernel.view(1, 1, 1, -1)), kernel.view(1, 1, -1, 1))
    if step > 1:
        samples = F.interpolate(samples, scale_factor=step, mode="bilinear", align_corners=False)
    down, across = top - first_row * step, left - first_column * step
    if torch.compiler.is_exporting():
        # That there are enough of them it cannot see for itself.
        torch._check(down + height <= samples.shape[2])
        torch._check(across + width <= samples.shape[3])
    # The variance of white noise grows by the sum of a kernel's squares, here once down and once across.
    spread = _HASH_SPREAD * sum(weight**2 for weight in _GAUSSIANS[blob])
    return samples[..., down : down + height, across : across + width] * (SPREAD / spread)


def _hash(rows: Tensor, columns: Tensor, seed: int) -> Tensor:
    """For each pair a pseudo-random odd number from -63 to 63: the finaliser of MurmurHash3 on a mixture of them."""
    h = rows * 0x1F1F1F1F + _wrap(seed * 0x2C1B3C6D) + columns * 0x5F356495
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        h = (h ^ _shifted(h, shift)) * _wrap(factor)
    # The finaliser's last step does not reach the highest bits, and those are what is used.
    return (h & -(2**26)).float() * 2.0**-25 + 1


def _shifted(h: Tensor, by: int) -> Tensor:
    """The bits of 32 bit integers moved down, with zeros from above.

    By way of float32, which holds what is left of the bits: ONNX shifts unsigned integers only, and OpenVINO takes
    those for signed ones.
    """
    return ((h & -(2**by)).float() * 2.0**-by).int() & (2 ** (32 - by) - 1)


def _wrap(number: int) -> int:
    """The lowest 32 bits, as the signed integer that they are."""
    return ((number + 2**31) & 0xFFFFFFFF) - 2**31
