"""Convolutions rewritten into others that compute the same in less time.

The networks of `impasto.nets` stay plain, for training and for reading. What is done to their weights for speed is done
here, once, when a network is loaded. Each rewriting is exact but for rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Folded:
    """A convolution as it is computed.

    Attributes:
        weight: (O * phases, I, K, K) float32.
        out_channels: O, the channels of the result.
        stride: of the convolution.
        padding: rows and columns that are added on each side of the input.
        border: what is in them: the picture mirrored, or its edge.
        grow: rows and columns of the result per position of the convolution; grow * grow phases lie in the channels.
        upsamples: the result is larger than the input by ``grow``; otherwise phases only pack several positions.
    """

    weight: Tensor
    out_channels: int
    stride: int = 1
    padding: int = 0
    border: Literal["reflect", "replicate"] = "reflect"
    grow: int = 1
    upsamples: bool = False

    def spread(self, values: Tensor) -> Tensor:
        """One value per output channel, (O,), as one per channel of the weight."""
        phases = self.grow**2
        return values.repeat(phases) if self.upsamples else values.repeat_interleave(phases)

    def gathered(self, values: Tensor) -> Tensor:
        """One value per channel of the weight, alike in all phases, as one per output channel, (O,)."""
        phases = self.grow**2
        return values[: self.out_channels] if self.upsamples else values[::phases]

    def scaled(self, factors: Tensor) -> Folded:
        """The convolution whose results are multiplied by factors, (O,)."""
        return replace(self, weight=self.weight * self.spread(factors)[:, None, None, None])

    def to(self, device: torch.device) -> Folded:
        """The same on another device."""
        return replace(self, weight=self.weight.to(device))


def plain(weight: Tensor, stride: int = 1) -> Folded:
    """A convolution of (O, I, K, K), K odd, over a mirrored border, as it is."""
    return Folded(weight, weight.shape[0], stride, weight.shape[-1] // 2)


def fold_upsampling(weight: Tensor) -> Folded:
    """Upsampling by nearest neighbour, then a 3x3 convolution (O, I, 3, 3) over a mirrored border, in one.

    Of the nine taps of an output pixel those that fall on the same input pixel are added up, which leaves 2x2. Which
    ones they are depends on the phase of the output pixel, so there are four kernels, computed as one: phase (a, b) of
    output channel o is channel (2 a + b) O + o. 4/9 of the multiplications are left. The mirrored border of the
    upsampled picture is the repeated edge of the small one.
    """
    channels_out, channels_in = weight.shape[:2]
    taps = torch.tensor([[[1.0, 0, 0], [0, 1, 1]], [[1, 1, 0], [0, 0, 1]]])
    phases = torch.einsum("apk,bql,oikl->aboipq", taps, taps, weight)
    return Folded(
        phases.reshape(4 * channels_out, channels_in, 2, 2),
        channels_out,
        padding=1,
        border="replicate",
        grow=2,
        upsamples=True,
    )


def pack_outputs(weight: Tensor, grow: int = 2) -> Folded:
    """A convolution of few output channels (O, I, K, K), K odd, over a mirrored border, with ``grow`` squared as many.

    Neighbouring output pixels become channels of one, in the order of `torch.nn.functional.pixel_shuffle`, and the
    kernel grows by the pixels between the first and the last. It multiplies by some zeros, but matrix units are wide,
    and three channels leave them idle.
    """
    channels_out, channels_in, kernel = weight.shape[:3]
    more = grow - 1
    phases = torch.stack([F.pad(weight, (b, more - b, a, more - a)) for a in range(grow) for b in range(grow)], dim=1)
    return Folded(
        phases.reshape(grow**2 * channels_out, channels_in, kernel + more, kernel + more),
        channels_out,
        stride=grow,
        padding=kernel // 2,
        grow=grow,
    )
