"""In which order and in which pieces the maps of a network are computed."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.compute.accelerator import HeldBack
from impasto.compute.plan import BLOCK_PIXELS, Plan
from impasto.execution.moments import Moments, Smoothing, Statistics
from impasto.execution.nodes import ConvNode, Strip
from impasto.progress import Tick

#: Strips end at multiples of this many rows of the picture, so that they end at whole rows of maps that are smaller.
ROWS = 16

#: So many strips may wait for a GPU.
_AHEAD = 2

#: Pixels of an area and those so many cells of so many pixels from it are those around it. The networks' strides are
#: multiples of a cell, and the pictures that are cut out around an area are larger by more.
_CELL, _NEAR = 4, 6


def pad_to_stride(photo: Tensor, weights: Tensor | None, stride: int) -> tuple[Tensor, Tensor | None]:
    """Picture and weights, (1, C, H, W), mirrored at the bottom and at the right to multiples of a network's stride.

    Weights of nothing but 0 become None: of nothing there are no statistics, so those of the whole have to do.
    """
    extra = (0, -photo.shape[-1] % stride, 0, -photo.shape[-2] % stride)
    if weights is not None and not weights.any():
        weights = None
    if any(extra):
        photo = F.pad(photo, extra, mode="reflect")
        weights = None if weights is None else F.pad(weights, extra, mode="reflect")
    return photo, weights


def sent(photo: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """The picture as a device reads it strip by strip.

    A GPU gets all of it at once, and gives the painting back at once: between the two nobody waits for it, and it never
    waits for the next strip. On the CPU each strip is converted when it is read, which takes less memory.
    """
    return photo if device.type == "cpu" else photo.to(device, dtype)


class Walk:
    """One run over a picture: measures map after map, strip by strip, and counts what is done.

    Args:
        height, width: of the picture; the height of every map divides it.
        plan: how to cut it.
        work: how much the whole run takes, in the unit of `ConvNode.work`.
        tick: told of the progress.
        weights: how much each pixel counts in the statistics, (1, 1, height, width) float32; all alike if not given.
        device: where it is computed.
        smoothing: has a say in the statistics.
    """

    def __init__(
        self,
        height: int,
        width: int,
        plan: Plan,
        work: float,
        tick: Tick | None = None,
        weights: Tensor | None = None,
        device: torch.device | None = None,
        smoothing: Smoothing | None = None,
    ) -> None:
        self._smoothing, self._gathered = smoothing, 0
        self._height = height
        self._block = max(ROWS, BLOCK_PIXELS // width // ROWS * ROWS)
        self._rows = max(self._block, plan.strip_pixels // width // self._block * self._block)
        self._work, self._done = work, 0.0
        self._tick = tick
        self._held_back = None if device is None else HeldBack(device, _AHEAD)
        self._weights = {height: None if weights is None else torch.cat([weights, _around(weights)], 1)}

    def strips(self, height: int) -> Iterator[tuple[int, int]]:
        """First and last row of each strip of a map of that height."""
        return _cut(0, height, self._rows * height // self._height)

    def count(self, work: float) -> None:
        """Some work is done, on a GPU all but that of the last strips."""
        self._done += work
        if self._held_back is not None:
            self._held_back.given()
        if self._tick is not None:
            self._tick(min(1.0, self._done / self._work))

    def measure(self, node: ConvNode, eps: float, *, keep: bool, release: bool = True) -> None:
        """Compute all of a normalised map for its statistics.

        Args:
            node: the map.
            eps: what is added to the variance.
            keep: keep its rows; otherwise they are computed again when they are read.
            release: give up the rows of its source that no later row needs.
        """
        node.finish(self.gather(node, keep=keep, release=release), eps)

    def gather(
        self, node: ConvNode, *, keep: bool, release: bool = True, work: float | None = None
    ) -> Moments | Statistics:
        """Compute all of a map for its moments, or those that are to be used in their place.

        Args:
            node, keep, release: see `measure`.
            work: how much it takes with all that is computed on the way; the node's own if not given.
        """
        per_row = node.work if work is None else work / node.height
        moments = Moments()
        weights = self._weights_at(node.height)
        block = self._block * node.height // self._height
        for top, bottom in self.strips(node.height):
            rows = node.compute(top, bottom)
            for first, last in _cut(top, bottom, block):
                counted = () if weights is None else weights[:, :, first:last].split(1, 1)
                moments.add(rows[:, :, first - top : last - top], *counted)
            if keep:
                node.keep(Strip(top, bottom, rows))
            if release:
                node.consumed(bottom)
            self.count(per_row * (bottom - top))
        return moments if self._smoothing is None else self._smoothed(self._smoothing, node, moments)

    def _smoothed(self, smoothing: Smoothing, node: ConvNode, moments: Moments) -> Statistics:
        # What rows are kept around is of this picture alone.
        taken = Statistics(moments.mean + node.centre, moments.variance)
        given = smoothing(self._gathered, taken)
        self._gathered += 1
        if given is taken:
            return Statistics(moments.mean, moments.variance)
        return Statistics(given.mean - node.centre, given.variance)

    def _weights_at(self, height: int) -> Tensor | None:
        """Of a map of that height, (1, 2, height, width): how much each pixel counts, and as one of those around."""
        if height not in self._weights:
            weights = self._weights[self._height]
            self._weights[height] = None if weights is None else F.avg_pool2d(weights, self._height // height)
        return self._weights[height]


def _around(weights: Tensor) -> Tensor:
    """How much each pixel counts as one of those around an area: as much as the most that is near, itself included.

    No farther away: an area is to be painted alike whatever else of the picture is computed with it.
    """
    cells = F.max_pool2d(weights, _CELL)
    near = F.max_pool2d(cells, 2 * _NEAR + 1, stride=1, padding=_NEAR)
    return F.interpolate(near, scale_factor=_CELL)


def _cut(first: int, last: int, size: int) -> Iterator[tuple[int, int]]:
    return ((start, min(start + size, last)) for start in range(first, last, size))
