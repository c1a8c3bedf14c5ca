"""Finding the subject of a picture with our own network."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.compute.accelerator import fast_dtype
from impasto.compute.ladder import with_cpu
from impasto.imaging.resample import resize
from impasto.masking.base import MaskModel
from impasto.nets.unet import SubjectNet
from impasto.zoo.library import Library, file_version
from impasto.zoo.shelf import Shelf
from impasto.zoo.subject import FILE_NAME, load_subject_net

#: The network looks at a picture of about this many pixels squared, whatever its shape.
WORKING_SIDE = 320
#: No side is larger or smaller than this many times the network's stride, however long the picture.
_SIDES = (4, 24)
#: Half the thickness that something has to have somewhere, and the likelihood from which on it hangs together.
_CORE, _FAINT = 4, 0.3


class OwnModel(MaskModel):
    """Our own network on one device; where its memory does not suffice, on the CPU.

    Args:
        library: where its file is.
        device: where to compute.
    """

    def __init__(self, library: Library, device: torch.device) -> None:
        self._library, self._device = library, device
        self._shelf = Shelf()

    @property
    def version(self) -> object:
        """See `MaskModel`."""
        return file_version(self._library.model(FILE_NAME))

    def loaded(self) -> list[str]:
        """See `MaskModel`."""
        return self._shelf.names()

    def unload(self) -> None:
        """See `MaskModel`."""
        self._shelf.clear()

    def find(self, photo: Tensor) -> Tensor:
        """See `MaskModel`."""
        return with_cpu(self._device, lambda device: find_mask(self._net(device), photo).cpu())

    def _net(self, device: torch.device) -> SubjectNet:
        path = self._library.model(FILE_NAME)

        def load() -> SubjectNet:
            return load_subject_net(path).to(device, fast_dtype(device)).to(memory_format=torch.channels_last)

        return self._shelf.take(path.stem, [path], load, device)


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

    The network looks at the picture and at its mirror image, and the two are asked as one: their logits are averaged.

    Args:
        net: the network.
        photo: (1, 3, H, W) float32, sRGB in [0, 1], any size from 1 x 1.
        side: see `WORKING_SIDE`.

    Returns:
        (1, 1, h, w) float32 in [0, 1], on the device of the network.
    """
    small = resize(photo, *working_size(photo.shape[-2], photo.shape[-1], side))
    like = next(net.parameters())
    both = torch.cat([small, small.flip(-1)]).to(like)
    seen, mirrored = net(both.contiguous(memory_format=torch.channels_last)).split(1)
    return without_specks(torch.sigmoid((seen + mirrored.flip(-1)) / 2))


def without_specks(mask: Tensor) -> Tensor:
    """Take away what hangs together with nothing that is at least a few pixels thick.

    Opening by reconstruction (Vincent 1993, https://doi.org/10.1109/83.217222): the mask is eroded, and what is left
    grows back within the mask. Thin parts of something thick, a tail or a lock of hair, come back whole.

    Args:
        mask: (1, 1, h, w) in [0, 1], small.
    """
    # At half the size: a quarter of the pixels, and half as far to grow.
    half = F.max_pool2d(mask, 2)
    radius = _CORE // 2
    outside = F.pad((half <= 0.5).float(), (radius,) * 4, value=1)
    kept = 1 - F.max_pool2d(outside, 2 * radius + 1, stride=1)
    allowed = (half > _FAINT).float()
    while True:
        grown = F.max_pool2d(kept, 3, stride=1, padding=1) * allowed
        if torch.equal(grown, kept):
            break
        kept = grown
    within = (mask > _FAINT).float()
    kept = F.interpolate(kept, scale_factor=2, mode="nearest") * within
    # With the soft rim around it.
    rim = F.max_pool2d(kept, 2 * _CORE + 1, stride=1, padding=_CORE) * (1 - within)
    return mask * (kept + rim)
