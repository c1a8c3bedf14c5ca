"""The picture that was sent, and the way back into its format."""

from __future__ import annotations

from dataclasses import dataclass, replace
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
from impasto_link.pixels import Region

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
    def read(cls, region: Region, max_side: int | None) -> Received:
        """Read a region.

        Args:
            region: the pixels.
            max_side: the longest side at which it is worked on, in pixels; its own if None.

        Raises:
            NotEnoughMemory: there is not even room to read it.
            ImpastoError: it cannot be read.
        """
        _check_room(region)
        return cls(region, decode(region), 1.0).at_most(max_side)

    def at_most(self, max_side: int | None) -> Received:
        """The same with no side longer than ``max_side``."""
        longest = max(self.picture.format.width, self.picture.format.height)
        if max_side is None or longest <= max_side:
            return self
        return replace(self, picture=shrink(self.picture, max_side / longest), factor=self.factor * max_side / longest)

    def in_color(self) -> Received:
        """The same as one whose pixels may become coloured."""
        return replace(self, picture=in_color(self.picture))

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
                f"The {what} is {size[0]} x {size[1]} pixels, the picture {mine[0]} x {mine[1]}.",
                "Send both in the same size.",
            )
        return self._fitted(decode_mask(sent))

    def layer(
        self, painted: Tensor, shown: Tensor | None, strength: float, flatten: bool, notes: tuple[str, ...]
    ) -> Layer:
        """The way back.

        Args:
            painted: the painting, (1, 3, h, w).
            shown: where it shows, (1, 1, h, w) in [0, 1]; everywhere if None.
            strength: how much of it shows.
            flatten: whether the picture itself shows where the painting does not, instead of a mask that says so.
            notes: for the layer.
        """
        painted, shown = self._fitted(painted), None if shown is None else self._fitted(shown)
        share = shown * strength if shown is not None and flatten and strength > 0 else strength
        touched = None if shown is None else shown > _INVISIBLE
        pixels = encode(blend(self.picture, painted, share), self.picture, touched)
        mask = None if shown is None or flatten else encode_gray(shown)
        source = self.picture.source
        return Layer(Region(source.format, pixels, source.profile), mask, notes)

    def _fitted(self, values: Tensor) -> Tensor:
        return resize(values, self.picture.format.height, self.picture.format.width)


def _check_room(region: Region) -> None:
    """Raise NotEnoughMemory if there is not even room to read the region."""
    pixels = region.format.width * region.format.height
    needed = pixels * _BYTES_TO_READ
    if needed > available_memory(CPU):
        give_memory_back(CPU)
    check_memory(available_memory(CPU), pixels, needed)
