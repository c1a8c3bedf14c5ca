"""The picture at the scale at which it is painted, and the way back."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.engines.facts import EngineFacts
from impasto.imaging.resample import resize, upsample_guided
from impasto.progress import Progress

#: Of an area of fewer pixels than this the surroundings count in the statistics, too.
_FEW = 16 * 16

Box = tuple[slice, slice]
_WHOLE = slice(None), slice(None)


class PaintingScale:
    """What of a photo an engine is given to paint, and what becomes of the painting.

    Strokes have a size of their own, so larger ones are painted on a smaller picture. And of a picture only what is
    near the area is painted; the area's border is as in the whole picture, because the box around it has the engine's
    halo, and begins where the engine's grid does. What is smaller than the engine takes is continued by its edge.

    Args:
        photo: (1, 3, H, W) in [0, 1].
        area: how much each pixel belongs to what is painted, (1, 1, H, W) in [0, 1]; all of it if not given.
        brush: how much smaller than the photo it is painted.
        facts: of the engine.
        moved: rows and columns by which the scene has moved since the first frame of a sequence: the engine's grid and
            grain move along, by whole pixels, for which the picture is continued at the top and at the left.

    Attributes:
        photo: what is to be painted, (1, 3, h, w), at least of the engine's smallest size.
        weights: how much each pixel of it belongs to what is painted, (1, 1, h, w); all alike if None.
        box: rows and columns that it has of the small picture; None if there is nothing to paint.
    """

    def __init__(
        self,
        photo: Tensor,
        area: Tensor | None,
        brush: float,
        facts: EngineFacts,
        moved: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        self._full, self._smallest = photo, facts.smallest
        height, width = photo.shape[-2:]
        self._small = resize(photo, max(1, round(height / brush)), max(1, round(width / brush)))
        begins = [-round(way / brush) for way in moved]
        self._more = begins[0] % facts.stride, begins[1] % facts.stride
        self._corner = begins[0] - self._more[0], begins[1] - self._more[1]
        self.box: Box | None = _WHOLE
        self.weights: Tensor | None = None
        if area is not None:
            weights = self._continued(resize(area, *self._small.shape[-2:]))
            self.box = bounds(weights, facts)
            self.weights = None if self.box is None else self.piece(weights)
        self.photo = self.piece(self._continued(self._small))

    @property
    def statistics(self) -> Tensor | None:
        """How much each pixel counts in the statistics, (1, 1, h, w); all alike if None."""
        return None if self.weights is None else _with_surroundings(self.weights)

    @property
    def origin(self) -> tuple[int, int]:
        """Row and column at which what is to be painted begins in the small picture, or in that of the first frame."""
        rows, columns = self.box or _WHOLE
        return self._corner[0] + (rows.start or 0), self._corner[1] + (columns.start or 0)

    def piece(self, picture: Tensor) -> Tensor:
        """What belongs to ``photo`` of another map of the small picture, (1, C, height, width)."""
        rows, columns = self.box or _WHOLE
        piece = picture[..., rows, columns]
        missing = [max(0, self._smallest - length) for length in piece.shape[-2:]]
        return F.pad(piece, (0, missing[1], 0, missing[0]), mode="replicate") if any(missing) else piece

    def back(self, painted: Tensor, progress: Progress, around: Tensor | None = None) -> Tensor:
        """The painting at the size of the photo, (1, 3, H, W).

        Args:
            painted: of ``photo``.
            progress: is asked between steps; may raise to stop.
            around: what there is outside of the box, of the size of the whole small picture; the photo if not given.
        """
        painted = self._in_place(painted, self._continued(self._small if around is None else around))
        painted = painted[..., self._more[0] :, self._more[1] :]
        height, width = self._full.shape[-2:]
        if painted.shape == self._full.shape:
            return painted
        progress.look()
        if painted.shape[-1] > width:
            return resize(painted, height, width).clamp(0, 1)
        return upsample_guided(painted, self._small, self._full, progress.look)

    def _continued(self, picture: Tensor) -> Tensor:
        """A map of the small picture with the rows and columns before it with which the engine's grid begins."""
        if not any(self._more):
            return picture
        mirrors = all(length > more for length, more in zip(picture.shape[-2:], self._more, strict=True))
        return F.pad(picture, (self._more[1], 0, self._more[0], 0), mode="reflect" if mirrors else "replicate")

    def _in_place(self, painted: Tensor, around: Tensor) -> Tensor:
        rows, columns = self.box or _WHOLE
        height, width = around[..., rows, columns].shape[-2:]
        painted = painted[..., :height, :width]
        if painted.shape == around.shape:
            return painted
        whole = around.clone()
        whole[..., rows, columns] = painted
        return whole


def bounds(weights: Tensor, facts: EngineFacts) -> Box | None:
    """Rows and columns of the rectangle that has to be painted for what is above 0; None if nothing is.

    Args:
        weights: (1, 1, H, W).
        facts: of the engine that paints it.
    """
    sides = []
    for dim, length in ((1, weights.shape[-2]), (0, weights.shape[-1])):
        inside = (weights[0, 0] > 0).any(dim=dim).nonzero()
        if not len(inside):
            return None
        first = max(0, int(inside[0]) - facts.halo) // facts.stride * facts.stride
        sides.append(slice(first, min(length, int(inside[-1]) + 1 + facts.halo)))
    return sides[0], sides[1]


def _with_surroundings(weights: Tensor) -> Tensor:
    """Weights for statistics: of few pixels there are none worth the name, so those around them count along."""
    counted, all_of_them = float(weights.sum()), weights.numel()
    if counted >= _FEW or counted >= all_of_them:
        return weights
    return torch.lerp(weights, torch.ones_like(weights), min(1.0, (_FEW - counted) / (all_of_them - counted)))
