"""WCT with networks that are 16 times smaller: whitening and colouring of features on five levels.

Li et al. 2017, "Universal style transfer via feature transforms" (https://arxiv.org/abs/1705.08086); the networks are
those of Wang et al. 2020, "Collaborative distillation for ultra-resolution universal style transfer"
(https://arxiv.org/abs/2003.08436).
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Channels of the small VGG-19, by convolution; the encoder of relu1_1 alone has more.
_WIDTHS = {
    name: width
    for stage, count, width in ((1, 2, 16), (2, 2, 32), (3, 4, 64), (4, 4, 128), (5, 1, 128))
    for name, width in ((f"conv{stage}{index}", width) for index in range(1, count + 1))
}
_FIRST_WIDTH = 24
#: Directions of features with less power than this say nothing, and cannot be whitened.
_WEAKEST = 1e-5


def _plan(level: int) -> dict[str, tuple[int, int]]:
    """Channels in and out of each convolution of an encoder, in order."""
    widths = _WIDTHS | ({"conv11": _FIRST_WIDTH} if level == 1 else {})
    names = list(widths)[: list(widths).index(f"conv{level}1") + 1]
    pairs = itertools.pairwise([3, *(widths[name] for name in names)])
    return dict(zip(names, pairs, strict=True))


class Encoder(nn.Module):
    """To relu``level``_1 of the small VGG-19."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self.conv0 = nn.Conv2d(3, 3, 1)
        self._names = list(_plan(level))
        for name, (channels, width) in _plan(level).items():
            self.add_module(name, nn.Conv2d(channels, width, 3, padding=1, padding_mode="reflect"))

    def forward(self, picture: Tensor) -> Tensor:
        """Features of a picture, (1, 3, H, W) in [0, 1]."""
        x = self.conv0(picture)
        for name in self._names:
            if name.endswith("1") and name != "conv11":
                x = F.max_pool2d(x, 2)
            x = F.relu(self.get_submodule(name)(x))
        return x


class Decoder(nn.Module):
    """Back from relu``level``_1 to a picture."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self._names = list(reversed(_plan(level)))
        for name, (width, channels) in _plan(level).items():
            self.add_module(name, nn.Conv2d(channels, width, 3, padding=1, padding_mode="reflect"))

    def forward(self, features: Tensor) -> Tensor:
        """A picture (1, 3, H, W), not clipped above."""
        x = features
        for name in self._names:
            x = F.relu(self.get_submodule(name)(x))
            if name.endswith("1") and name != "conv11":
                x = F.interpolate(x, scale_factor=2, mode="nearest")
        return x


def whitened_and_colored(x: Tensor, style: Tensor) -> Tensor:
    """Features with mean and covariance of the style's, both (1, C, H, W); section 3 of the paper, in float64."""
    rows, wanted = x[0].flatten(1).double(), style[0].flatten(1).double()
    rows = rows - rows.mean(1, keepdim=True)
    mean = wanted.mean(1, keepdim=True)
    painted = _power(wanted - mean, 0.5) @ _power(rows, -0.5) @ rows + mean
    return painted.to(x.dtype).reshape(x.shape)


def _power(centred: Tensor, exponent: float) -> Tensor:
    """A power of the covariance of centred rows, by its singular values."""
    vectors, values, _ = torch.linalg.svd(centred @ centred.T / (centred.shape[1] - 1))
    count = int((values > _WEAKEST).sum())
    return vectors[:, :count] * values[:count] ** exponent @ vectors[:, :count].T


class WCT(nn.Module):
    """Paints a photo like a style on five levels, deepest first. Sides have to be multiples of 16."""

    def __init__(self) -> None:
        super().__init__()
        for level in range(1, 6):
            self.add_module(f"encoder{level}", Encoder(level))
            self.add_module(f"decoder{level}", Decoder(level))

    def forward(self, photo: Tensor, style: Tensor) -> Tensor:
        """A painting of the photo's size; all (1, 3, H, W) in [0, 1]."""
        x = photo
        for level in range(5, 0, -1):
            encoder, decoder = self.get_submodule(f"encoder{level}"), self.get_submodule(f"decoder{level}")
            x = decoder(whitened_and_colored(encoder(x), encoder(style)))
        return x.clamp(0, 1)
