"""Mean and variance of feature maps that come in strips."""

from __future__ import annotations

import torch
from torch import Tensor


class Moments:
    """Mean and variance per channel, gathered piece by piece (Chan et al. 1983, eq. 2.1) in float64.

    In whatever pieces a picture comes, the result is the same to about the last digit of float32; in the same pieces it
    is the same bit for bit.
    """

    def __init__(self) -> None:
        self._weight: Tensor | float = 0.0
        self._mean: Tensor | float = 0.0
        self._squares: Tensor | float = 0.0

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
            weight = weights.sum(dtype=torch.float64)
            if not float(weight) > 0:
                return
            pixels = rows.permute(0, 2, 3, 1).reshape(-1, rows.shape[1]).float()
            share = (weights.flatten() / weight).float()
            mean = share @ pixels
            variance = share @ (pixels - mean).square_()
        mean, variance = mean.double(), variance.double()
        total = self._weight + weight
        apart = mean - self._mean
        self._mean = self._mean + apart * (weight / total)
        self._squares = self._squares + variance * weight + apart.square() * (self._weight * weight / total)
        self._weight = total

    @property
    def mean(self) -> Tensor:
        """(C,) float64.

        Raises:
            ValueError: nothing was counted.
        """
        if not isinstance(self._mean, Tensor):
            raise ValueError("There are no pixels to take statistics of.")
        return self._mean

    @property
    def variance(self) -> Tensor:
        """The squared deviation from the mean, on average (not the estimate for a sample); (C,) float64."""
        return torch.as_tensor(self._squares / self._weight)


def _mean_and_variance(rows: Tensor) -> tuple[Tensor, Tensor]:
    if rows.device.type == "cpu":
        # The statistics half of batch normalisation, many times as fast as var_mean on bfloat16 in channels_last. It
        # computes in the dtype of the running statistics that it is given.
        running = torch.zeros(rows.shape[1])
        mean, variance = torch.batch_norm_update_stats(rows, running, running.clone(), 0.0)
        return mean, variance
    variance, mean = torch.var_mean(rows.float(), dim=(0, 2, 3), correction=0)
    return mean, variance
