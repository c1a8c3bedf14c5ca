"""What a refinement has so far, as a small picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from impasto.imaging.color import keep_colors
from impasto.imaging.pixels import encode_rgb
from impasto.imaging.resample import resize
from impasto.pipeline.scale import Box
from impasto_link.pixels import Region

#: Previews of a refinement have this longest side, in pixels.
_PREVIEW_SIDE = 512


@dataclass(frozen=True)
class Canvas:
    """What a preview is put on; all pictures are of full size, (1, 3, H, W) in [0, 1].

    Attributes:
        photo: the picture as it is.
        beneath: what shows outside of the area: the photo, or coats that are painted already.
        area: where the painting shows, (1, 1, H, W); everywhere if not given.
        strength: how much of it shows.
        keep_colors: whether the photo's colours are kept.
    """

    photo: Tensor
    beneath: Tensor
    area: Tensor | None
    strength: float
    keep_colors: bool

    def preview(self, piece: Tensor, around: Tensor, box: Box) -> Region:
        """A small picture, sRGB of 8 bits.

        Args:
            piece: what is refined, at the scale where it is.
            around: the painting at full size with which the refinement began.
            box: rows and columns of ``piece`` in it.
        """
        height, width = self.photo.shape[-2:]
        factor = min(1.0, _PREVIEW_SIDE / max(height, width))
        size = (max(1, round(height * factor)), max(1, round(width * factor)))
        painted = resize(around, *size).clone()
        spans = [
            slice(*(round(at * factor) for at in cut.indices(length)[:2]))
            for cut, length in zip(box, (height, width), strict=True)
        ]
        target = painted[..., spans[0], spans[1]]
        if target.numel():
            target.copy_(resize(piece, target.shape[-2], target.shape[-1]))
        content = resize(self.photo, *size)
        if self.area is not None:
            painted = torch.lerp(resize(self.beneath, *size), painted, resize(self.area, *size))
        if self.keep_colors:
            painted = keep_colors(painted, content)
        return encode_rgb(torch.lerp(content, painted, self.strength))
