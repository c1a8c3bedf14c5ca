"""AdaIN: VGG-19 to relu4_1, and a decoder that mirrors it.

Huang and Belongie 2017, "Arbitrary style transfer in real-time with adaptive instance normalization"
(https://arxiv.org/abs/1703.06868).
"""

from __future__ import annotations

import itertools

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Channels of VGG-19 from the picture to relu4_1.
_WIDTHS = (3, 64, 64, 128, 128, 256, 256, 256, 256, 512)
#: Where the encoder halves its input, before a convolution, and the decoder doubles its output, after one.
_POOLED, _ENLARGED = (2, 4, 8), (0, 4, 6)
#: Of the pictures that VGG-19 learned from: blue, green, red, from 0 to 255.
_MEAN = (103.939, 116.779, 123.68)


class AdaIN(nn.Module):
    """Paints a photo like a style in one pass. Sides have to be multiples of 8."""

    def __init__(self) -> None:
        super().__init__()
        pairs = list(itertools.pairwise(_WIDTHS))
        self.encoder = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1, padding_mode="reflect") for a, b in pairs)
        self.decoder = nn.ModuleList(nn.Conv2d(b, a, 3, padding=1, padding_mode="reflect") for a, b in reversed(pairs))

    def encode(self, picture: Tensor) -> Tensor:
        """relu4_1 of a picture, (1, 3, H, W) in [0, 1]: (1, 512, H / 8, W / 8)."""
        x = picture.flip(1) * 255 - picture.new_tensor(_MEAN)[:, None, None]
        for index, conv in enumerate(self.encoder):
            if index in _POOLED:
                x = F.max_pool2d(x, 2)
            x = F.relu(conv(x))
        return x

    def decode(self, features: Tensor) -> Tensor:
        """A picture from features of relu4_1."""
        x = features
        for index, conv in enumerate(self.decoder):
            x = conv(x)
            if index < len(self.decoder) - 1:
                x = F.relu(x)
            if index in _ENLARGED:
                x = F.interpolate(x, scale_factor=2, mode="nearest")
        return x.clamp(0, 1)

    def forward(self, photo: Tensor, style: Tensor) -> Tensor:
        """A painting of the photo's size; all (1, 3, H, W) in [0, 1]."""
        x, wanted = self.encode(photo), self.encode(style)
        variance, mean = torch.var_mean(x, dim=(2, 3), correction=0, keepdim=True)
        wanted_variance, wanted_mean = torch.var_mean(wanted, dim=(2, 3), correction=0, keepdim=True)
        return self.decode((x - mean) / (variance + 1e-5).sqrt() * wanted_variance.sqrt() + wanted_mean)


def dequantized(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of 8 bits as they are meant: (value + zero) * scale, after TensorFlow's MIN_FIRST."""
    return {
        name: (value.float() + weights[f"{name[:-7]}.zero"]) * weights[f"{name[:-7]}.scale"]
        if name.endswith(".weight")
        else value
        for name, value in weights.items()
        if name.endswith((".weight", ".bias"))
    }
