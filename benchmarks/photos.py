"""The photos that benchmarks paint."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as TF


def default_photos(size: int) -> dict[str, Tensor]:
    from skimage import data

    pictures = {
        "astronaut": data.astronaut(),
        "chelsea": data.chelsea(),
        "coffee": data.coffee(),
        "rocket": data.rocket(),
    }
    return {name: square(torch.from_numpy(array).permute(2, 0, 1), size) for name, array in pictures.items()}


def square(photo: Tensor, size: int) -> Tensor:
    return TF.center_crop(TF.resize(photo, [size], antialias=True), [size, size])[None].float() / 255
