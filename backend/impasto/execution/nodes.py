"""A network as a graph of feature maps that are computed and kept in strips of rows.

What a map's strips hold is not yet its value: ``value = gain * max(strip, floor) + offset`` per channel. So an
instance normalisation with its ReLU costs nothing but the ``max``, which is done while the next convolution's input is
copied into its border; gain and offset go into that convolution's weights and bias.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.execution.folding import Folded
from impasto.execution.moments import Moments, Statistics


class Strip(NamedTuple):
    """Some rows of a feature map, (1, C, bottom - top, W)."""

    top: int
    bottom: int
    rows: Tensor


@dataclass(frozen=True)
class Pending:
    """What is still to be done to the rows of a map: value = gain * max(x, floor) + offset, each (C,) float32."""

    gain: Tensor | None = None
    offset: Tensor | None = None
    floor: Tensor | None = None


def normalised(scale: Tensor, shift: Tensor, moments: Moments | Statistics, eps: float, *, relu: bool) -> Pending:
    """What instance normalisation leaves to be done.

    Args:
        scale, shift: of the result, (C,) each; the scale not negative.
        moments: of the rows.
        eps: added to the variance.
        relu: whether negative values become 0.
    """
    mean = moments.mean
    gain = scale.to(mean.dtype) * torch.rsqrt(moments.variance + eps)
    offset = shift.to(mean.dtype) - mean * gain
    if not relu:
        return Pending(gain.float(), offset.float())
    # A channel that the style has switched off is the same everywhere.
    off = gain == 0
    floor = torch.where(off, 0.0, -offset / torch.where(off, 1.0, gain))
    return Pending(gain.float(), torch.where(off, offset.relu(), offset).float(), floor.float())


class FeatureMap(Protocol):
    """What a convolution can read from."""

    channels: int
    height: int
    width: int

    @property
    def pending(self) -> Pending:
        """What the reader still has to do to the rows."""
        ...

    def mean(self) -> Tensor:
        """About the mean of what `strips` gives once the floor is applied, (C,) float32."""
        ...

    def strips(self, top: int, bottom: int) -> Iterator[Strip]:
        """The rows from ``top`` to ``bottom``, in one or several pieces from above to below."""
        ...

    def release(self, top: int) -> None:
        """The rows above ``top`` are not needed any more."""
        ...


class Kept:
    """The strips of a map that are in memory."""

    def __init__(self) -> None:
        self._strips: list[Strip] = []

    def append(self, strip: Strip) -> None:
        """Keep a strip; they come from above to below."""
        self._strips.append(strip)

    def between(self, top: int, bottom: int) -> Iterator[Strip]:
        """Views of the rows from ``top`` to ``bottom``."""
        for strip in self._strips:
            first, last = max(top, strip.top), min(bottom, strip.bottom)
            if first < last:
                yield Strip(first, last, strip.rows[:, :, first - strip.top : last - strip.top])

    def mean(self, floor: Tensor | None) -> Tensor:
        """See `FeatureMap`: of every fourth pixel of every fourth row."""
        # In one piece, so that it does not depend on the strips; their first rows are multiples of four.
        sample = torch.cat([strip.rows[:, :, ::4, ::4] for strip in self._strips], dim=2).float()
        if floor is not None:
            sample = torch.maximum(sample, floor[:, None, None])
        return sample.mean((0, 2, 3))

    def release(self, top: int) -> None:
        """Forget the strips that end at ``top`` or above."""
        self._strips = [strip for strip in self._strips if strip.bottom > top]

    def take(self) -> Iterator[Strip]:
        """All strips, each forgotten as it is handed out."""
        while self._strips:
            yield self._strips.pop(0)


class ConvNode:
    """The result of a convolution of another map, with or without instance normalisation.

    Args:
        source: what is convolved.
        folded: the convolution.
        dtype: in which to compute and keep.
        norm: scale and shift of the normalisation, (C,) each; `finish` brings the statistics.
        bias: without a normalisation, what is added, (C,).
        relu: whether negative values become 0.
        centred: keep the rows around 0 by a bias, which the normalisation takes away again. Trained convolutions may
            have a mean of a hundred standard deviations, and then bfloat16 has no digits left for what matters. The
            source has to be kept.
    """

    def __init__(
        self,
        source: FeatureMap,
        folded: Folded,
        dtype: torch.dtype,
        *,
        norm: tuple[Tensor, Tensor] | None = None,
        bias: Tensor | None = None,
        relu: bool = True,
        centred: bool = False,
    ) -> None:
        self.source = source
        self._centred = centred
        self.dtype = dtype
        self.channels = folded.out_channels
        growth = folded.grow if folded.upsamples else 1
        self._shrink = 1 if folded.upsamples else folded.stride // folded.grow
        self.height = source.height * growth // self._shrink
        self.width = source.width * growth // self._shrink
        self._norm = norm
        self._relu = relu
        if norm is not None:
            # With a positive gain the ReLU is a max for every channel.
            self._norm = (norm[0].abs(), norm[1])
            folded = folded.scaled(torch.where(norm[0] < 0, -1.0, 1.0))
        self._folded = folded
        self._bias = bias
        self._ready: tuple[Tensor, Tensor | None] | None = None
        self._pending = self._without_norm(norm, relu)
        self._kept: Kept | None = None

    def _without_norm(self, norm: object, relu: bool) -> Pending | None:
        if norm is not None:
            return None
        device = self._folded.weight.device
        return Pending(floor=torch.zeros(self.channels, device=device) if relu else None)

    @property
    def pending(self) -> Pending:
        """See `FeatureMap`; of a normalised map only after `finish`."""
        assert self._pending is not None, "the statistics are not complete"
        return self._pending

    @property
    def work(self) -> float:
        """Multiplications per row."""
        return self._folded.weight.numel() * self.width / self._folded.grow**2

    @property
    def centre(self) -> Tensor | float:
        """What the rows lack for being kept around 0, (C,) float32; 0 for those that are not."""
        if not self._centred:
            return 0.0
        _, bias = self._prepared()
        assert bias is not None
        lacks, offset = -bias.float(), self.source.pending.offset
        if offset is not None:
            lacks = lacks + torch.einsum("oikl,i->o", self._folded.weight, offset)
        return self._folded.gathered(lacks)

    def finish(self, moments: Moments | Statistics, eps: float) -> None:
        """The statistics are complete."""
        assert self._norm is not None
        self._pending = normalised(*self._norm, moments, eps, relu=self._relu)

    def keep(self, strip: Strip) -> None:
        """Keep a strip instead of computing it again."""
        if self._kept is None:
            self._kept = Kept()
        self._kept.append(strip)

    def taken(self) -> Iterator[Strip]:
        """The strips that are kept, each given away."""
        assert self._kept is not None
        return self._kept.take()

    def mean(self) -> Tensor:
        """See `FeatureMap`."""
        assert self._kept is not None
        return self._kept.mean(self.pending.floor)

    def strips(self, top: int, bottom: int) -> Iterator[Strip]:
        """See `FeatureMap`."""
        if self._kept is not None:
            return self._kept.between(top, bottom)
        return iter([Strip(top, bottom, self.compute(top, bottom))])

    def release(self, top: int) -> None:
        """See `FeatureMap`; a map that is not kept passes it on to what it is computed from."""
        if self._kept is not None:
            self._kept.release(top)
        else:
            self.source.release(self.needs(top, top + 1)[0])

    def consumed(self, bottom: int) -> None:
        """All rows above ``bottom`` are done for good: give up what they alone needed of the source."""
        done = bottom >= self.height
        self.source.release(self.source.height if done else self.needs(bottom, bottom + 1)[0])

    def needs(self, top: int, bottom: int) -> tuple[int, int]:
        """Which rows of the source the rows from ``top`` to ``bottom`` need, those of the border included."""
        folded = self._folded
        reach = folded.weight.shape[-1] - 1
        first, last = top // folded.grow, -(-bottom // folded.grow)
        if folded.upsamples:
            return first - folded.padding, last + folded.padding
        first, last = first * folded.stride, (last - 1) * folded.stride + 1
        return first - folded.padding, last + reach - folded.padding

    def compute(self, top: int, bottom: int) -> Tensor:
        """The rows from ``top`` to ``bottom``, (1, C, bottom - top, W), channels_last."""
        folded = self._folded
        weight, bias = self._prepared()
        padded = read_padded(self.source, *self.needs(top, bottom), folded, self.dtype)
        rows = F.conv2d(padded, weight, bias, stride=folded.stride)
        if folded.grow == 1:
            return rows
        shift = top % folded.grow
        rows = _interleave(rows, folded.grow) if folded.upsamples else F.pixel_shuffle(rows, folded.grow)
        return rows[:, :, shift : shift + bottom - top]

    def _prepared(self) -> tuple[Tensor, Tensor | None]:
        """Weight and bias with what is pending at the source folded in, in the dtype of the computation."""
        if self._ready is None:
            weight = self._folded.weight
            bias = None if self._bias is None else self._folded.spread(self._bias)
            pending = self.source.pending
            if pending.offset is not None and not self._centred:
                # A constant stays one over a mirrored border.
                more = torch.einsum("oikl,i->o", weight, pending.offset)
                bias = more if bias is None else bias + more
            if pending.gain is not None:
                weight = weight * pending.gain[:, None, None]
            if self._centred:
                bias = -torch.einsum("oikl,i->o", weight, self.source.mean())
            self._ready = (
                weight.to(self.dtype, memory_format=torch.channels_last),
                None if bias is None else bias.to(self.dtype),
            )
        return self._ready


class NormView:
    """A map that is kept as it is, read as if it were normalised and went through a ReLU.

    Args:
        node: the map.
        norm: scale and shift, (C,) each; the scale not negative.
    """

    def __init__(self, node: ConvNode, norm: tuple[Tensor, Tensor]) -> None:
        self.channels, self.height, self.width = node.channels, node.height, node.width
        self._norm = norm
        self._pending: Pending | None = None
        self.mean, self.strips, self.release = node.mean, node.strips, node.release

    @property
    def pending(self) -> Pending:
        """See `FeatureMap`; only after `finish`."""
        assert self._pending is not None, "the statistics are not complete"
        return self._pending

    def finish(self, moments: Moments | Statistics, eps: float) -> None:
        """The statistics are complete."""
        self._pending = normalised(*self._norm, moments, eps, relu=True)


class JoinedNode:
    """The sum of two convolutions of different maps, with a ReLU; computed when it is read.

    Args:
        one, other: the convolutions, without normalisation.
    """

    def __init__(self, one: ConvNode, other: ConvNode) -> None:
        self._parts = (one, other)
        self.channels, self.height, self.width = one.channels, one.height, one.width
        self.pending = one.pending
        self.work = one.work + other.work

    def mean(self) -> Tensor:
        """See `FeatureMap`."""
        raise NotImplementedError

    def strips(self, top: int, bottom: int) -> Iterator[Strip]:
        """See `FeatureMap`."""
        one, other = self._parts
        yield Strip(top, bottom, one.compute(top, bottom).add_(other.compute(top, bottom)))

    def release(self, top: int) -> None:
        """See `FeatureMap`."""
        for part in self._parts:
            part.release(top)


class SumNode:
    """A map to which others are added where it lies: the carried part of residual blocks."""

    def __init__(self, channels: int, height: int, width: int) -> None:
        self.channels, self.height, self.width = channels, height, width
        self.pending = Pending()
        self._kept = Kept()

    def begin(self, node: ConvNode) -> None:
        """Start with the value of ``node``, whose strips are taken over."""
        for strip in node.taken():
            value = F.relu_(_value(strip.rows, node.pending))
            self._kept.append(Strip(strip.top, strip.bottom, value))

    def add(self, node: ConvNode) -> None:
        """Add the value of ``node`` (one without ReLU), whose strips are given up."""
        for strip in node.taken():
            value = _value(strip.rows, node.pending)
            for mine in self._kept.between(strip.top, strip.bottom):
                mine.rows.add_(value[:, :, mine.top - strip.top : mine.bottom - strip.top])

    def mean(self) -> Tensor:
        """See `FeatureMap`."""
        return self._kept.mean(None)

    def strips(self, top: int, bottom: int) -> Iterator[Strip]:
        """See `FeatureMap`."""
        return self._kept.between(top, bottom)

    def release(self, top: int) -> None:
        """See `FeatureMap`."""
        self._kept.release(top)


def _value(rows: Tensor, pending: Pending) -> Tensor:
    """Gain times rows plus offset; the floor is not needed where a ReLU follows or there is none."""
    assert pending.gain is not None
    zeros, ones = torch.zeros_like(pending.gain), torch.ones_like(pending.gain)
    # As a normalisation with given statistics it is a single kernel with float32 parameters.
    return F.batch_norm(rows, zeros, ones, pending.gain, pending.offset, training=False, eps=0.0)


def read_padded(source: FeatureMap, first: int, last: int, folded: Folded, dtype: torch.dtype) -> Tensor:
    """Rows of a map, floored, with the border of a convolution around them.

    Args:
        source: the map.
        first, last: the rows; those outside of the map belong to the border.
        folded: how wide the border is and what is in it.
        dtype: of the result.

    Returns:
        (1, C, last - first, W + 2 * padding), channels_last.
    """
    pad = folded.padding
    size = (1, source.channels, last - first, source.width + 2 * pad)
    device = folded.weight.device
    padded = torch.empty(size, dtype=dtype, device=device, memory_format=torch.channels_last)
    floor = source.pending.floor
    if floor is not None:
        floor = floor.to(dtype)[:, None, None]
    for strip in source.strips(max(first, 0), min(last, source.height)):
        inside = padded[:, :, strip.top - first : strip.bottom - first, pad : pad + source.width]
        if floor is None:
            inside.copy_(strip.rows)
        else:
            torch.maximum(strip.rows, floor, out=inside)
    mirror = folded.border == "reflect"
    for i in range(pad):
        right = pad + source.width
        padded[..., pad - 1 - i].copy_(padded[..., pad + (1 + i if mirror else 0)])
        padded[..., right + i].copy_(padded[..., right - 1 - (1 + i if mirror else 0)])
    for row in range(first, 0):
        padded[:, :, row - first].copy_(padded[:, :, (-row if mirror else 0) - first])
    edge = source.height - 1
    for row in range(edge + 1, last):
        padded[:, :, row - first].copy_(padded[:, :, (2 * edge - row if mirror else edge) - first])
    return padded


def _interleave(rows: Tensor, grow: int) -> Tensor:
    """From (1, phases * C, h + 1, w + 1) of `fold_upsampling` to (1, C, grow * h, grow * w)."""
    channels, height, width = rows.shape[1] // grow**2, rows.shape[2] - 1, rows.shape[3] - 1
    size = (1, channels, grow * height, grow * width)
    result = torch.empty(size, dtype=rows.dtype, device=rows.device, memory_format=torch.channels_last)
    for a in range(grow):
        for b in range(grow):
            phase = rows[:, (a * grow + b) * channels :][:, :channels, a : a + height, b : b + width]
            result[:, :, a::grow, b::grow] = phase
    return result
