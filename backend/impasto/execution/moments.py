"""Mean and variance of feature maps that come in strips."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from impasto.compute.accelerator import has_float64

#: Of the variance around the weighted pixels, at least this share is theirs.
_LEAST_SHARE = 0.03
#: What a weight of 0 is taken for where it divides.
_NOTHING = 1e-12


class Statistics(NamedTuple):
    """By what a normalisation goes: mean and variance per channel, (C,) each, float64 where the device has it."""

    mean: Tensor
    variance: Tensor


class Smoothing(Protocol):
    """Whoever has a say in the statistics of a picture that follows another, such as a frame of a video."""

    def __call__(self, number: int, taken: Statistics, /) -> Statistics:
        """Those to normalise by.

        Args:
            number: which normalisation of the network it is, from 0; a picture that is painted once more, in smaller
                pieces, begins with 0 again.
            taken: the picture's own.
        """
        ...


class Pair(NamedTuple):
    """A number of twice the digits of float32, for devices without float64: a value, and what the value has lost."""

    high: Tensor
    low: Tensor

    @classmethod
    def of(cls, value: Tensor | float, like: Tensor) -> Pair:
        """A number that float32 holds."""
        high = torch.as_tensor(value, dtype=torch.float32, device=like.device)
        return cls(high, torch.zeros_like(high))

    def plus(self, part: Tensor) -> Pair:
        """The sum, with the error of its rounding: TwoSum, Knuth, The Art of Computer Programming, 4.2.2, theorem B."""
        total = self.high + part
        added = total - self.high
        lost = (self.high - (total - added)) + (part - added)
        return Pair(total, self.low + lost)

    def less_than(self, other: Tensor) -> Tensor:
        """By how much it is less than another number, float32."""
        return (other - self.high) - self.low

    def rounded(self) -> Tensor:
        """The nearest float32."""
        return self.high + self.low


class Moments:
    """Mean and variance per channel, gathered piece by piece (Chan et al. 1983, eq. 2.1) in float64.

    On a device that has no float64 they are gathered in pairs of float32, and come out as float32.

    In whatever pieces a picture comes, the result is the same to about the last digit of float32; in the same pieces it
    is the same bit for bit.

    An area without texture has hardly any variance, and a normalisation by that would make of its surroundings, layer
    by layer, numbers without bound, which come back over the border. So next to weighted moments those of the pixels
    around are gathered, of whose variance a few hundredths are the least.
    """

    def __init__(self) -> None:
        self._weight: Tensor | float = 0.0
        self._mean: Tensor | float = 0.0
        self._squares: Tensor | float = 0.0
        #: In their place where there is no float64: weight, mean, squares.
        self._pairs: tuple[Pair, Pair, Pair] | None = None
        self._around: Moments | None = None

    def add(self, rows: Tensor, weights: Tensor | None = None, around: Tensor | None = None) -> None:
        """Count a piece in.

        Args:
            rows: (1, C, H, W), any floating dtype.
            weights: how much each pixel counts, (1, 1, H, W) float32 and not negative; all alike if not given.
            around: how much each counts as one of those around, likewise, if there is to be a least variance.
        """
        if around is not None:
            self._around = self._around or Moments()
            self._around.add(rows, around)
        weight: Tensor | float
        if weights is None:
            weight = float(rows[0, 0].numel())
            mean, variance = _mean_and_variance(rows)
        else:
            weight = weights.sum(dtype=torch.float64 if has_float64(rows.device) else torch.float32)
            pixels = rows.permute(0, 2, 3, 1).reshape(-1, rows.shape[1]).float()
            # It may be 0, and to look would be to wait for the GPU.
            share = (weights.flatten() / weight.clamp_min(_NOTHING)).float()
            mean = share @ pixels
            variance = share @ (pixels - mean).square_()
        if has_float64(rows.device):
            self._gather(weight, mean.double(), variance.double())
        else:
            self._gather_in_pairs(torch.as_tensor(weight, device=rows.device), mean, variance)

    def _gather(self, weight: Tensor | float, mean: Tensor, variance: Tensor) -> None:
        total = self._weight + weight
        part = weight / (total.clamp_min(_NOTHING) if isinstance(total, Tensor) else total)
        apart = mean - self._mean
        self._mean = self._mean + apart * part
        self._squares = self._squares + variance * weight + apart.square() * (self._weight * part)
        self._weight = total

    def _gather_in_pairs(self, weight: Tensor, mean: Tensor, variance: Tensor) -> None:
        """As `_gather`, in the same order."""
        zero = torch.zeros_like(mean)
        before, at, squares = self._pairs or (Pair.of(0.0, mean), Pair.of(zero, mean), Pair.of(zero, mean))
        total = before.plus(weight)
        part = weight / total.rounded().clamp_min(_NOTHING)
        apart = at.less_than(mean)
        more = variance * weight + apart.square() * (before.rounded() * part)
        self._pairs = total, at.plus(apart * part), squares.plus(more)
        self._weight, self._mean, self._squares = (one.rounded() for one in self._pairs)

    @property
    def mean(self) -> Tensor:
        """(C,) float64, or float32 where the device has no other.

        Raises:
            ValueError: nothing was added.
        """
        if not isinstance(self._mean, Tensor):
            raise ValueError("There are no pixels to take statistics of.")
        return self._mean

    @property
    def variance(self) -> Tensor:
        """The squared deviation from the mean, on average (not the estimate for a sample); (C,), as `mean`."""
        variance = torch.as_tensor(self._squares / self._weight)
        return variance if self._around is None else torch.maximum(variance, _LEAST_SHARE * self._around.variance)


def _mean_and_variance(rows: Tensor) -> tuple[Tensor, Tensor]:
    if rows.device.type == "cpu":
        # The statistics half of batch normalisation, many times as fast as var_mean on bfloat16 in channels_last. It
        # computes in the dtype of the running statistics that it is given.
        running = torch.zeros(rows.shape[1])
        mean, variance = torch.batch_norm_update_stats(rows, running, running.clone(), 0.0)
        return mean, variance
    variance, mean = torch.var_mean(rows.float(), dim=(0, 2, 3), correction=0)
    return mean, variance
