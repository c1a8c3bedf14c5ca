"""Grain: a fixed field of noise that gives a network something to make strokes of where a picture has nothing.

A feed-forward network answers a flat area with a flat area, and artists' layers are full of plain fills. Texture
networks (Ulyanov et al. 2016, https://arxiv.org/abs/1603.03417) start from noise; here it stands beside the picture. It
is a function of the position alone (value noise: a lattice of hashed values, interpolated), so that a picture comes out
the same each time and in whatever pieces it is computed.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

#: The lattice constants in pixels, one channel each: fine brush hair, strokes, and how strokes are arranged.
CELLS = (2, 8, 32)


def grain(top: int, left: int, height: int, width: int, device: torch.device | str = "cpu") -> Tensor:
    """The grain of a rectangle.

    Args:
        top, left: position of its upper left pixel in the picture, from 0.
        height, width: its size.
        device: where to make it.

    Returns:
        (1, len(CELLS), height, width) float32 in [-1, 1].
    """
    return torch.cat([_value_noise(top, left, height, width, cell, device) for cell in CELLS], dim=1)


def _value_noise(top: int, left: int, height: int, width: int, cell: int, device: torch.device | str) -> Tensor:
    # One lattice point more on each side, so that every pixel has four neighbours.
    first_row, first_column = top // cell - 1, left // cell - 1
    rows = torch.arange(first_row, (top + height - 1) // cell + 2, device=device)
    columns = torch.arange(first_column, (left + width - 1) // cell + 2, device=device)
    lattice = _hash(rows[:, None], columns[None, :], cell)
    smooth = F.interpolate(lattice[None, None], scale_factor=cell, mode="bilinear", align_corners=False)
    down, across = top - first_row * cell, left - first_column * cell
    return smooth[..., down : down + height, across : across + width]


def _hash(rows: Tensor, columns: Tensor, seed: int) -> Tensor:
    """A pseudo-random number in [-1, 1] for each pair: the finaliser of MurmurHash3 on a 32 bit mixture of them."""
    h = (rows * 0x1F1F1F1F + columns * 0x5F356495 + seed * 0x2C1B3C6D) & 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    h = h ^ (h >> 16)
    return (h.double() / 0x7FFFFFFF - 1).float()
