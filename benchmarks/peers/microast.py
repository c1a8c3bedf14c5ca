"""MicroAST: two small encoders, and a decoder whose convolutions the style modulates.

Wang et al. 2023, "MicroAST: towards super-fast ultra-resolution arbitrary style transfer"
(https://arxiv.org/abs/2211.15313).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_WIDTH = 64
_EPSILON = 1e-5


def _conv(channels: int, width: int, size: int, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    return nn.Conv2d(channels, width, size, stride, size // 2, groups=groups, padding_mode="reflect")


class ResidualBlock(nn.Module):
    """Two convolutions beside a straight way; a style may scale what each gives, and add a share of what it got."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = _conv(_WIDTH, _WIDTH, 3), _conv(_WIDTH, _WIDTH, 3)

    def forward(self, x: Tensor, scale: Tensor | float = 1.0, shift: Tensor | float = 0.0) -> Tensor:
        """(1, 64, H, W) to the same; scale and shift (1, 64, 1, 1)."""
        inner = F.relu(scale * self.conv1(x) + shift * x)
        return x + scale * self.conv2(inner) + shift * inner


class Encoder(nn.Module):
    """Two maps of a picture, at a quarter of its size."""

    def __init__(self) -> None:
        super().__init__()
        layers = (_conv(3, 16, 9), _conv(16, 32, 3, 2, 16), _conv(32, 32, 1), _conv(32, 64, 3, 2, 32), _conv(64, 64, 1))
        self.enc1 = nn.Sequential(*(part for layer in layers for part in (layer, nn.ReLU())), ResidualBlock())
        self.enc2 = nn.Sequential(ResidualBlock())

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """The near and the deep map, each (1, 64, H / 4, W / 4), of a picture (1, 3, H, W) in [0, 1]."""
        near = self.enc1(picture)
        return near, self.enc2(near)


class Modulator(nn.Module):
    """What a style's maps tell the decoder: a scale and a shift for each of its blocks."""

    def __init__(self) -> None:
        super().__init__()
        for name in ("weight1", "bias1", "weight2", "bias2"):
            self.add_module(name, nn.Sequential(_conv(_WIDTH, _WIDTH, 3, groups=_WIDTH), nn.AdaptiveAvgPool2d(1)))

    def forward(self, features: Tensor, index: int) -> tuple[Tensor, Tensor]:
        """Scale and shift, each (1, 64, 1, 1), by the near (1) or deep (2) map of the style."""
        return self.get_submodule(f"weight{index}")(features), self.get_submodule(f"bias{index}")(features)


class Decoder(nn.Module):
    """A painting from the photo's deep map and the style's maps."""

    def __init__(self) -> None:
        super().__init__()
        self.dec1, self.dec2 = ResidualBlock(), ResidualBlock()
        layers: list[nn.Module] = []
        for channels, width in ((64, 32), (32, 16)):
            layers += [nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)]
            layers += [_conv(channels, width, 3, groups=width), nn.ReLU(), _conv(width, width, 1), nn.ReLU()]
        self.dec3 = nn.Sequential(*layers, _conv(16, 3, 9))

    def forward(
        self,
        photo: Tensor,
        near: Tensor,
        deep: Tensor,
        near_change: tuple[Tensor, Tensor],
        deep_change: tuple[Tensor, Tensor],
    ) -> Tensor:
        """(1, 3, 4 h, 4 w), not clipped, from maps (1, 64, h, w) and a scale and a shift for each map of the style."""
        x = self.dec1(_with_statistics(photo, deep), *deep_change)
        x = self.dec2(_with_statistics(x, near), *near_change)
        return self.dec3(x)


def _with_statistics(x: Tensor, style: Tensor) -> Tensor:
    """``x`` with mean and standard deviation of each of the style's channels."""
    variance, mean = torch.var_mean(x, dim=(2, 3), keepdim=True)
    wanted_variance, wanted_mean = torch.var_mean(style, dim=(2, 3), keepdim=True)
    return (x - mean) / (variance + _EPSILON).sqrt() * (wanted_variance + _EPSILON).sqrt() + wanted_mean


class MicroAST(nn.Module):
    """Paints a photo like a style in one pass. Sides have to be multiples of 4."""

    def __init__(self) -> None:
        super().__init__()
        self.content_encoder, self.style_encoder = Encoder(), Encoder()
        self.modulator, self.decoder = Modulator(), Decoder()

    def forward(self, photo: Tensor, style: Tensor) -> Tensor:
        """A painting of the photo's size; all (1, 3, H, W) in [0, 1]."""
        near, deep = self.style_encoder(style)
        changes = self.modulator(near, 1), self.modulator(deep, 2)
        return self.decoder(self.content_encoder(photo)[1], near, deep, *changes).clamp(0, 1)
