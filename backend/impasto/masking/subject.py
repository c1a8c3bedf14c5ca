"""Finding the subject of a picture with our own network."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from impasto.imaging.resample import resize
from impasto.nets.unet import SubjectNet

#: The network looks at a picture of about this many pixels squared, whatever its shape.
WORKING_SIDE = 320
#: No side is larger or smaller than this many times the network's stride, however long the picture.
_SIDES = (4, 24)


def working_size(height: int, width: int, side: int = WORKING_SIDE) -> tuple[int, int]:
    """Height and width at which the network looks at a picture: multiples of its stride, about ``side`` squared."""
    scale = side / math.sqrt(height * width)
    low, high = _SIDES
    stride = SubjectNet.stride
    down, across = (min(high, max(low, round(length * scale / stride))) for length in (height, width))
    return down * stride, across * stride


@torch.no_grad()
def find_mask(net: SubjectNet, photo: Tensor, side: int = WORKING_SIDE) -> Tensor:
    """How likely each pixel belongs to the subject, at the small size that the network works at.

    Args:
        net: the network.
        photo: (1, 3, H, W) float32, sRGB in [0, 1], any size from 1 x 1, on the device of the network.
        side: see `WORKING_SIDE`.

    Returns:
        (1, 1, h, w) float32 in [0, 1].
    """
    small = resize(photo, *working_size(photo.shape[-2], photo.shape[-1], side))
    dtype = next(net.parameters()).dtype
    logits: Tensor = net(small.to(dtype).contiguous(memory_format=torch.channels_last))
    return torch.sigmoid(logits)
