"""Mean and variance of feature maps that come in strips."""

from __future__ import annotations

import torch
from torch import Tensor

#: Of the variance of all pixels, at least this share is that of the weighted ones.
_LEAST_SHARE = 0.03
#: What a weight of 0 is taken for where it divides.
_NOTHING = 1e-12


class Moments:
    """Mean and variance per channel, gathered piece by piece (Chan et al. 1983, eq. 2.1) in float64.

    In whatever pieces a picture comes, the result is the same to about the last digit of float32; in the same pieces it
    is the same bit for bit.

    An area without texture has hardly any variance, and a normalisation by that would make of its surroundings, layer
    by layer, numbers without bound, which come back over the border. So next to weighted moments those of all pixels
    are gathered, of whose variance a few hundredths are the least.
    """

    def __init__(self) -> None:
        self._weight: Tensor | float = 0.0
        self._mean: Tensor | float = 0.0
        self._squares: Tensor | float = 0.0
        self._all: Moments | None = None

    def add(self, rows: Tensor, weights: Tensor | None = None) -> None:
        """Count a piece in.

        Args:
            rows: (1, C, H, W), any floating dtype.
            weights: how much each pixel counts, (1, 1, H, W) float32 and not negative; all alike if not given.
        """
        weight: Tensor | float
        if weights is None:
            weight = float(rows[0, 0].numel())
            mean, variance = _mean_and_variance(rows)
        else:
            self._all = self._all or Moments()
            self._all.add(rows)
            weight = weights.sum(dtype=torch.float64)
            pixels = rows.permute(0, 2, 3, 1).reshape(-1, rows.shape[1]).float()
            # It may be 0, and to look would be to wait for the GPU.
            share = (weights.flatten() / weight.clamp_min(_NOTHING)).float()
            mean = share @ pixels
            variance = share @ (pixels - mean).square_()
        mean, variance = mean.double(), variance.double()
        total = self._weight + weight
        part = weight / (total.clamp_min(_NOTHING) if isinstance(total, Tensor) else total)
        apart = mean - self._mean
        self._mean = self._mean + apart * part
        self._squares = self._squares + variance * weight + apart.square() * (self._weight * part)
        self._weight = total

    @property
    def mean(self) -> Tensor:
        """(C,) float64.

        Raises:
            ValueError: nothing was added.
        """
        if not isinstance(self._mean, Tensor):
            raise ValueError("There are no pixels to take statistics of.")
        return self._mean

    @property
    def variance(self) -> Tensor:
        """The squared deviation from the mean, on average (not the estimate for a sample); (C,) float64."""
        variance = torch.as_tensor(self._squares / self._weight)
        return variance if self._all is None else torch.maximum(variance, _LEAST_SHARE * self._all.variance)


def _mean_and_variance(rows: Tensor) -> tuple[Tensor, Tensor]:
    if rows.device.type == "cpu":
        # The statistics half of batch normalisation, many times as fast as var_mean on bfloat16 in channels_last. It
        # computes in the dtype of the running statistics that it is given.
        running = torch.zeros(rows.shape[1])
        mean, variance = torch.batch_norm_update_stats(rows, running, running.clone(), 0.0)
        return mean, variance
    variance, mean = torch.var_mean(rows.float(), dim=(0, 2, 3), correction=0)
    return mean, variance
