"""The picture that was sent, and the way back into its format."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor

from impasto.compute.accelerator import available_memory, give_memory_back
from impasto.compute.ladder import CPU, check_memory
from impasto.imaging.pixels import (
    Picture,
    blend,
    decode,
    decode_mask,
    encode,
    encode_gray,
    fill_transparent,
    in_color,
    shrink,
)
from impasto.imaging.resample import resize
from impasto_link.errors import BadRequest
from impasto_link.options import StylizeOptions
from impasto_link.pixels import Region
from impasto_link.sentences import say

#: In the mask that is given back, 8 bits of gray, this and less is black.
_INVISIBLE = 0.5 / 255
#: Bytes per pixel that reading takes: four planes of floats, and colours that are clamped.
_BYTES_TO_READ = 28


class Layer(NamedTuple):
    """What comes of a request.

    Attributes:
        pixels: of the format that came in.
        mask: where they are to show (gray, u8); without it everywhere.
        notes: what a person should be told, in sentences.
    """

    pixels: Region
    mask: Region | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Received:
    """A region as it is worked on.

    Attributes:
        region: as it was sent.
        picture: the same in floats, and perhaps smaller.
        factor: by how much its sides are smaller; what is measured in the region's pixels shrinks along.
    """

    region: Region
    picture: Picture
    factor: float

    @classmethod
    def read(cls, region: Region, max_side: int | None, *, color: bool = False) -> Received:
        """Read a region.

        Args:
            region: the pixels.
            max_side: the longest side at which it is worked on, in pixels; its own if None.
            color: whether its pixels may become coloured, even if it is gray.

        Raises:
            NotEnoughMemory: there is not even room to read it.
            ImpastoError: it cannot be read.
        """
        _check_room(region)
        picture, factor = _at_most(decode(region), max_side)
        return cls(region, in_color(picture) if color else picture, factor)

    def photo(self) -> Tensor:
        """What networks see of it, (1, 3, H, W) in [0, 1]: what is transparent has the colours around it."""
        return fill_transparent(self.picture.rgb.clamp(0, 1), self.picture.alpha)

    def fitting(self, sent: Region, what: str) -> Tensor:
        """A mask that was sent with it as a map of the picture, (1, 1, H, W) in [0, 1].

        Args:
            sent: gray, of the size of the region.
            what: its name, for the sentence that is said if it is of another size.
        """
        size, mine = (sent.format.width, sent.format.height), (self.region.format.width, self.region.format.height)
        if size != mine:
            raise BadRequest(
                say(
                    "The {what} is {width} x {height} pixels, the picture {width2} x {height2}.",
                    what=what,
                    width=size[0],
                    height=size[1],
                    width2=mine[0],
                    height2=mine[1],
                ),
                "Send both in the same size.",
            )
        return _fitted(decode_mask(sent), self.picture)

    def layer(
        self, painted: Tensor, opacity: float, shown: Tensor | None, options: StylizeOptions, notes: Iterable[str]
    ) -> Layer:
        """The way back.

        Args:
            painted: the painting, (1, 3, H, W).
            opacity: how much of it shows, 0 to 1.
            shown: where it shows, (1, 1, H, W) in [0, 1]; everywhere if None.
            options: whether it shows in one with the picture, and how large the layer may be.
            notes: for the layer; each is told once.
        """
        picture, _ = _at_most(self.picture, options.max_side)
        painted = _fitted(painted, picture)
        share: float | Tensor = opacity
        touched = mask = None
        if shown is not None:
            shown = _fitted(shown, picture)
            touched = shown > _INVISIBLE
            if not options.flatten:
                mask = encode_gray(shown)
            elif opacity > 0:
                share = shown * share
        pixels = encode(blend(picture, painted, share), picture, touched)
        return Layer(Region(picture.format, pixels, picture.source.profile), mask, tuple(dict.fromkeys(notes)))


def _at_most(picture: Picture, max_side: int | None) -> tuple[Picture, float]:
    """The picture, made smaller if a side is longer than ``max_side``, and by what factor."""
    longest = max(picture.format.width, picture.format.height)
    if max_side is None or longest <= max_side:
        return picture, 1.0
    return shrink(picture, max_side / longest), max_side / longest


def _fitted(values: Tensor, picture: Picture) -> Tensor:
    return resize(values, picture.format.height, picture.format.width)


def _check_room(region: Region) -> None:
    """Raise NotEnoughMemory if there is not even room to read the region."""
    pixels = region.format.width * region.format.height
    needed = pixels * _BYTES_TO_READ
    if needed > available_memory(CPU):
        give_memory_back(CPU)
    check_memory(available_memory(CPU), pixels, needed)
