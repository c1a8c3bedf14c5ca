"""The feed-forward network of a style bank.

The body is the image transformation network of Johnson et al. 2016 (https://arxiv.org/abs/1603.08155): two strided
convolutions, residual blocks, and two upsamplings by nearest neighbour and convolution (Odena et al. 2016,
https://distill.pub/2016/deconv-checkerboard/), with reflection padding throughout. All normalisation is conditional
instance normalisation (Dumoulin et al. 2017, https://arxiv.org/abs/1610.07629): one body serves every style, and a
style is one short vector of scales and shifts, its *code*. Codes of one body interpolate linearly. Beside the picture
the network sees `impasto.nets.grain`, so that it can paint strokes into plain areas, too.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.nets.grain import WIDTHS, grain

#: Added to the variance. Larger than the usual 1e-5: in a flat area (a clear sky, a plain fill) the variance is next to
#: nothing and a small epsilon would blow up its noise into blobs.
NORM_EPS = 1e-3


class CodeReader:
    """Hands a code out in the order in which the layers of the network ask for their share of it."""

    def __init__(self, code: Tensor) -> None:
        self._code = code
        self._at = 0

    def take(self, channels: int) -> tuple[Tensor, Tensor]:
        """The next scale and shift, each of shape (B, channels, 1, 1)."""
        share = self._code[:, self._at : self._at + 2 * channels, None, None]
        self._at += 2 * channels
        return share[:, :channels], share[:, channels:]


def centred(x: Tensor) -> Tensor:
    """``x``, (B, C, H, W), without the mean of each channel.

    Before a convolution under reflection padding that is followed by a normalisation this changes no result: the
    convolution turns a constant into a constant, and the normalisation takes it away. It does change what is learned
    in bfloat16. The loss does not see such constants, so in training the weights drift along them, and outputs come to
    lie hundreds of standard deviations from 0, where bfloat16 has no digits left. For the same reason no gradient is
    needed.
    """
    return x - x.detach().mean(dim=(2, 3), keepdim=True)


def instance_norm(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """Instance normalisation with a given scale and shift, (B or 1, C, 1, 1); statistics in float32 at the least."""
    if len(x) == 1:
        # Of a single picture it is batch normalisation, for which every backend has a fused kernel.
        return F.batch_norm(
            x, None, None, scale.flatten().float(), shift.flatten().float(), training=True, eps=NORM_EPS
        )
    variance, mean = torch.var_mean(x.float(), dim=(2, 3), correction=0, keepdim=True)
    gain = scale.float() * torch.rsqrt(variance + NORM_EPS)
    return torch.addcmul((shift - mean * gain).to(x.dtype), x, gain.to(x.dtype))


class ConvLayer(nn.Module):
    """Reflection padding, convolution, conditional instance normalisation and, unless told otherwise, ReLU.

    ``upsample`` doubles height and width by nearest neighbour before the convolution.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        kernel: int,
        *,
        stride: int = 1,
        upsample: bool = False,
        relu: bool = True,
    ) -> None:
        super().__init__()
        # The normalisation takes the mean away again, so a bias would do nothing.
        self.conv = nn.Conv2d(channels_in, channels_out, kernel, stride, bias=False)
        self.pad = kernel // 2
        self.upsample = upsample
        self.relu = relu

    def forward(self, x: Tensor, code: CodeReader) -> Tensor:
        """(B, channels_in, H, W) to (B, channels_out, H', W'), in the dtype of ``x``."""
        if self.upsample:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        x = self.conv(F.pad(centred(x), (self.pad,) * 4, mode="reflect"))
        x = instance_norm(x, *code.take(self.conv.out_channels))
        return F.relu(x) if self.relu else x


class ResidualBlock(nn.Module):
    """Two 3x3 convolution layers around which the input is carried; no ReLU after the sum (Gross and Wilber 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvLayer(channels, channels, 3)
        self.second = ConvLayer(channels, channels, 3, relu=False)

    def forward(self, x: Tensor, code: CodeReader) -> Tensor:
        """(B, channels, H, W) to the same."""
        return x + self.second(self.first(x, code), code)


class StyleBankNet(nn.Module):
    """Paints a picture in the manner that a code describes.

    Args:
        width: channels of the first layer; the residual blocks have four times as many.
        blocks: number of residual blocks.

    Attributes:
        code_length: how many numbers describe one style.
    """

    #: Height and width inside the network are multiples of this; other sizes are padded by reflection and cut again.
    stride = 4
    #: The smallest height and width that the reflection padding of the first layer can take.
    min_size = 8

    def __init__(self, width: int = 32, blocks: int = 5) -> None:
        super().__init__()
        self.width = width
        self.blocks = blocks
        self.down = nn.ModuleList(
            [
                ConvLayer(3 + len(WIDTHS), width, 9),
                ConvLayer(width, 2 * width, 3, stride=2),
                ConvLayer(2 * width, 4 * width, 3, stride=2),
            ]
        )
        self.body = nn.ModuleList(ResidualBlock(4 * width) for _ in range(blocks))
        self.up = nn.ModuleList(
            [
                ConvLayer(4 * width, 2 * width, 3, upsample=True),
                ConvLayer(2 * width, width, 3, upsample=True),
            ]
        )
        self.to_rgb = nn.Conv2d(width, 3, 9, bias=False)
        self.code_length = 2 * sum(layer.conv.out_channels for layer in self._conv_layers()) + 2 * 3

    def _conv_layers(self) -> Iterator[ConvLayer]:
        return (module for module in self.modules() if isinstance(module, ConvLayer))

    def neutral_code(self) -> Tensor:
        """The code with which training of a style begins: all scales 1, all shifts 0. Shape (code_length,)."""
        parts = [torch.ones, torch.zeros]
        channels = [layer.conv.out_channels for layer in self._conv_layers()] + [3]
        return torch.cat([make(count) for count in channels for make in parts])

    def forward(self, x: Tensor, code: Tensor, origin: tuple[int, int] = (0, 0)) -> Tensor:
        """Paint ``x``. This is the plain form, for training; `impasto.execution` runs the same faster and at any size.

        Args:
            x: pictures, (B, 3, H, W), sRGB in [0, 1], height and width at least ``min_size``.
            code: (B, code_length), or (1, code_length) for the same style throughout.
            origin: row and column of the picture's first pixel in the field of grain.

        Returns:
            The painted pictures, (B, 3, H, W) float32, sRGB in [0, 1].
        """
        height, width = x.shape[-2:]
        extra = (0, -width % self.stride, 0, -height % self.stride)
        if any(extra):
            x = F.pad(x, extra, mode="reflect")
        noise = grain(*origin, x.shape[-2], x.shape[-1], x.device).to(x.dtype)
        x = torch.cat([x, noise.expand(len(x), -1, -1, -1)], dim=1).contiguous(memory_format=torch.channels_last)
        reader = CodeReader(code)
        for layer in (*self.down, *self.body, *self.up):
            x = layer(x, reader)
        x = self.to_rgb(F.pad(x, (4,) * 4, mode="reflect"))
        scale, shift = reader.take(3)
        # Not normalised: the mean and spread of a picture's colours are the picture's own.
        return torch.sigmoid(x.float() * scale.float() + shift.float())[..., :height, :width]
