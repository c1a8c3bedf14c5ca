"""Photos to learn from: random crops, and the rule that keeps some of them for measuring."""

from __future__ import annotations

import functools
import logging
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor
from torch.utils.data import Dataset
from torchvision.transforms.v2 import functional as TF

from impasto.imaging.color import color_moments, match_colors
from impasto.imaging.formats import PILLOW_FORMATS, PILLOW_SUFFIXES
from impasto.imaging.opening import open_file
from impasto_link.errors import BadRequest

log = logging.getLogger(__name__)

Item = TypeVar("Item")

#: So many pictures in a row that cannot be read end a training: it is not about single ones then.
_MOST_UNREADABLE = 20


def find_pictures(folder: Path) -> list[Path]:
    """All pictures below a folder, sorted; not what is hidden, as what macOS keeps beside them."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in PILLOW_SUFFIXES and path.name[0] != ".")
    return sorted(path for path in found if path.is_file())


def is_held_out(path: Path) -> bool:
    """Whether a photo is kept for measuring: one in twenty, by a hash of its file name, so that it never changes."""
    return zlib.crc32(path.name.encode()) % 20 == 0


def name_of_own(path: Path) -> str:
    """A name for what is made of a picture: pictures of the same file name in other folders have other ones."""
    return f"{path.stem}-{zlib.crc32(str(path.resolve()).encode()):08x}"


def open_picture(path: Path) -> Image.Image:
    """A picture with 8 bits per channel, turned upright.

    Raises:
        OSError: it cannot be read; the error names it.
    """
    try:
        with open_file(path) as file, Image.open(file, formats=PILLOW_FORMATS) as opened:
            picture: Image.Image = ImageOps.exif_transpose(opened)
    except Exception as error:  # a damaged file may trip Pillow's decoders up in any way
        raise OSError(f"{path} cannot be read as a picture: {error}") from error
    if picture.mode.startswith("I"):
        # Gray with 16 bits, of which Pillow would make white whatever is above 255.
        levels = np.asarray(picture).astype(np.float64) / 257
        picture = Image.fromarray(levels.round().clip(0, 255).astype(np.uint8))
    return picture


def load_rgb(path: Path) -> Tensor:
    """A picture as (3, H, W) uint8, turned upright, transparency put on white.

    Raises:
        OSError: it cannot be read; the error names it.
    """
    picture = open_picture(path)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        ground = Image.new("RGBA", picture.size, "white")
        ground.alpha_composite(picture)
        picture = ground
    return TF.pil_to_tensor(picture.convert("RGB"))


def readable(paths: Iterable[Path]) -> Iterator[tuple[Path, Tensor]]:
    """Files and their pictures as `load_rgb` gives them; what cannot be read is left out with a warning."""
    for path in paths:
        try:
            picture = load_rgb(path)
        except OSError as error:
            log.warning("Left out: %s", error)
        else:
            yield path, picture


def save_picture(picture: Tensor, path: Path) -> None:
    """Write a picture, (C, H, W) in [0, 1], whole or not at all: what is there is trusted by the next run."""
    partial = path.with_name(f"{path.name}.partial")
    TF.to_pil_image(picture).save(partial, Image.registered_extensions()[path.suffix], quality=92)
    partial.replace(path)


class Crops(Dataset[Item], ABC):
    """Random views of pictures. In place of one that cannot be read another is drawn, with a warning."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def draw(self, index: int) -> Item:
        """A view of one of them; raises OSError if it cannot be read."""

    def __getitem__(self, index: int) -> Item:
        """A view of one of them, or of another one.

        Raises:
            BadRequest: one picture after the other cannot be read.
        """
        for _ in range(_MOST_UNREADABLE):
            try:
                return self.draw(index)
            except OSError as error:
                log.warning("Left out: %s", error)
                index = int(torch.randint(len(self), ()))
        raise BadRequest(
            f"{_MOST_UNREADABLE} pictures in a row could not be read.",
            "Look at the warnings: the files are damaged, or their folder is out of reach.",
        )


class PhotoCrops(Crops[Tensor]):
    """Random square crops of photos, (3, crop, crop) in [0, 1].

    Besides zoom and flips, some crops are darkened or flattened, because people also paint nights and plain fills, and
    instance normalisation that never saw them answers with blobs.
    """

    def __init__(self, paths: list[Path], crop: int) -> None:
        self.paths = paths
        self.crop = crop

    def __len__(self) -> int:
        return len(self.paths)

    def draw(self, index: int) -> Tensor:
        """A crop of a photo."""
        photo = load_rgb(self.paths[index])
        height, width = photo.shape[-2:]
        # From the whole short side down to the crop's own size at two thirds.
        side = int(min(height, width) * float(torch.empty(()).uniform_(0.6, 1.0)))
        top = int(torch.randint(height - side + 1, ()))
        left = int(torch.randint(width - side + 1, ()))
        patch = TF.resized_crop(photo, top, left, side, side, [self.crop, self.crop], antialias=True).float() / 255
        if torch.rand(()) < 0.5:
            patch = patch.flip(-1)
        chance = float(torch.rand(()))
        if chance < 0.12:
            patch = patch ** float(torch.empty(()).uniform_(1.5, 3.0))
        elif chance < 0.18:
            patch = patch ** float(torch.empty(()).uniform_(0.4, 0.7))
        elif chance < 0.24:
            patch = _flatten(patch)
        return patch


def _flatten(patch: Tensor) -> Tensor:
    """Replace a crop by a few smooth or hard-edged areas of its colours."""
    cells = int(torch.randint(2, 6, ()))
    small = F.adaptive_avg_pool2d(patch, cells)
    mode = "bicubic" if torch.rand(()) < 0.5 else "nearest"
    return F.interpolate(small[None], size=patch.shape[-2:], mode=mode)[0].clamp(0, 1)


class StyleCrops(Crops[Tensor]):
    """Random square views of pictures as styles, (3, crop, crop) in [0, 1]: zoomed, turned, in other colours.

    Args:
        sources: pictures in kinds (paintings, textures, photos); of each kind as many are drawn, however many it has.
        crop: side in pixels.
        recolor: share of the views whose colours are changed, so that few paintings stand for many palettes.
        mix: share of the views that get the colours of another one.
    """

    def __init__(self, sources: list[list[Path]], crop: int, recolor: float = 0.3, mix: float = 0.3) -> None:
        self.sources = [paths for paths in sources if paths]
        self.crop = crop
        self.recolor, self.mix = recolor, mix

    def __len__(self) -> int:
        return sum(map(len, self.sources))

    def draw(self, index: int) -> Tensor:
        """A view of any of them, whatever the index."""
        patch = self._view()
        chance = float(torch.rand(()))
        if chance < self.recolor:
            return _recolored(patch)
        if chance < self.recolor + self.mix:
            return match_colors(patch[None], *color_moments(self._view()[None]))[0]
        return patch

    def _view(self) -> Tensor:
        paths = self.sources[int(torch.randint(len(self.sources), ()))]
        picture = _load_small(paths[int(torch.randint(len(paths), ()))])
        height, width = picture.shape[-2:]
        side = int(min(height, width) * float(torch.empty(()).uniform_(0.35, 1.0)))
        top = int(torch.randint(height - side + 1, ()))
        left = int(torch.randint(width - side + 1, ()))
        patch = TF.resized_crop(picture, top, left, side, side, [self.crop, self.crop], antialias=True).float() / 255
        if torch.rand(()) < 0.5:
            patch = patch.flip(-1)
        if torch.rand(()) < 0.25:
            patch = patch.transpose(-1, -2)
        return patch


@functools.lru_cache(maxsize=700)
def _load_small(path: Path, side: int = 512) -> Tensor:
    picture = load_rgb(path)
    return picture if min(picture.shape[-2:]) <= side else TF.resize(picture, [side], antialias=True)


def _recolored(patch: Tensor) -> Tensor:
    """Other hues, another contrast, another light."""
    patch = patch[torch.randperm(3)] if torch.rand(()) < 0.5 else TF.adjust_hue(patch, float(torch.rand(())) - 0.5)
    patch = TF.adjust_saturation(patch, float(torch.empty(()).uniform_(0.2, 1.6)))
    low, high = sorted(float(value) for value in torch.rand(2))
    if torch.rand(()) < 0.3 and high - low > 0.3:
        patch = low + patch * (high - low)
    return (patch ** float(torch.empty(()).uniform_(0.6, 1.6))).clamp(0, 1)
