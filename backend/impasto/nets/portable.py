"""The shipped networks in the form that other programs' runtimes take.

`torch.onnx` and its like write down what a network does with a sample. What is decided by the sample's size they write
down as decided, without a word; so nothing here branches on sizes, and every size is an expression of the input's own.
What runtimes compute otherwise than PyTorch is avoided:

- ONNX Runtime 1.32 and OpenVINO 2026.4 sum whole planes in float32 with few accumulators: at 2048 x 2048 that leaves
  88 and 71 dB, and less by about 16 with each doubling. Means are therefore taken by rows first. OpenVINO makes two
  sums into one again, and a normalisation that it recognises into its own, unless there is a factor between them.
- Means that are many standard deviations from 0 are taken away before anything is squared. A bias that keeps
  convolutions around 0 would do, too; but one that is no constant is none that XNNPACK takes, nor a convolution in
  8 bits.
- OpenVINO computes 64 bit integers in 32 bits, and shifts them otherwise. The grain does with 32 bits, and no shifts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.nets.grain import grain
from impasto.nets.style_bank import NORM_EPS, CodeReader, ConvLayer, ResidualBlock, StyleBankNet
from impasto.nets.unet import SubjectNet

#: The longest side of a picture, in pixels.
LONGEST = 1 << 15
_as_symbols = ContextVar("_as_symbols", default=True)


@contextmanager
def sizes_as_expressions() -> Iterator[None]:
    """While this lasts, padded sizes are expressions of the picture's size to torch.export, not symbols of their own.

    That takes it longer, and it asserts of them what is true of multiples of the stride only, so its own files are none
    that can be used; but there are compilers that cannot do with symbols.
    """
    token = _as_symbols.set(False)
    try:
        yield
    finally:
        _as_symbols.reset(token)


class PortableStyleBank(nn.Module):
    """A `StyleBankNet` that paints one picture of any size.

    Args:
        net: the network; its weights are shared.
    """

    def __init__(self, net: StyleBankNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor, code: Tensor) -> Tensor:
        """Paint ``image``.

        Args:
            image: (1, 3, H, W) float32, sRGB in [0, 1], height and width at least 8.
            code: (1, code_length) float32.

        Returns:
            The painted picture, (1, 3, H, W) float32, sRGB in [0, 1].
        """
        height, width = image.shape[-2:]
        x = with_grain(image, self.net.stride)
        reader = CodeReader(code)
        for layer in self.net.down:
            x = _layer(layer, x, reader)
        for block in self.net.body:
            assert isinstance(block, ResidualBlock)
            x = x + _layer(block.second, _layer(block.first, x, reader), reader)
        for layer in self.net.up:
            x = _layer(layer, x, reader)
        to_rgb = self.net.to_rgb
        scale, shift = reader.take(3)
        x = F.conv2d(F.pad(x, (4,) * 4, mode="reflect"), to_rgb.weight)
        return torch.sigmoid(x * scale + shift)[..., :height, :width]


class OneStyle(nn.Module):
    """A network of styles with one of them for good.

    Args:
        net: the network.
        code: (1, code_length).
    """

    #: Not ``code``: torch.fx has an attribute of that name in every network that it writes down.
    style: Tensor

    def __init__(self, net: PortableStyleBank, code: Tensor) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("style", code)

    def forward(self, image: Tensor) -> Tensor:
        """As `PortableStyleBank.forward`."""
        return self.net(image, self.style)


class PortableSubject(nn.Module):
    """A `SubjectNet` that finds the subject of one picture of any size.

    It was trained on pictures of about 320 x 320 pixels. Larger ones are better made smaller first, and the mask larger
    again.

    Args:
        net: the network, its normalisation folded.
    """

    def __init__(self, net: SubjectNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> Tensor:
        """How likely each pixel belongs to the subject, by the picture and its mirror image.

        Args:
            image: (1, 3, H, W) float32, sRGB in [0, 1], height and width at least 32.

        Returns:
            (1, 1, H, W) float32 in [0, 1].
        """
        height, width = image.shape[-2:]
        x = _whole(image, self.net.stride)
        seen, mirrored = self.net(torch.cat([x, x.flip(3)])).split(1)
        return torch.sigmoid((seen + mirrored.flip(3)) / 2)[..., :height, :width]


def with_grain(image: Tensor, stride: int) -> Tensor:
    """A picture, mirrored up to multiples of ``stride``, above its grain: (1, 3, H, W) to (1, 6, H', W')."""
    x = _whole(image, stride)
    return torch.cat([x, grain(0, 0, x.shape[2], x.shape[3], x.device)], dim=1)


def _whole(x: Tensor, stride: int) -> Tensor:
    """``x`` continued by its mirror image to a height and width that are multiples of ``stride``."""
    height, width = x.shape[-2:]
    down, across = _least_multiple(height, stride), _least_multiple(width, stride)
    # Not by an index_select: of more than 2**25 elements OpenVINO gathers the wrong ones.
    return F.pad(x, (0, across - width, 0, down - height), mode="reflect")


def _least_multiple(size: int, stride: int) -> int:
    count = (size + stride - 1) // stride
    if torch.compiler.is_exporting() and _as_symbols.get():
        # What comes out of a tensor is a new symbol.
        count = cast(int, torch.scalar_tensor(count, dtype=torch.int64).item())
        torch._check(count >= 1)
        torch._check(count <= LONGEST // stride)
        torch._check(count * stride >= size)
        torch._check(count * stride - size < size)
    return count * stride


def _layer(layer: nn.Module, x: Tensor, reader: CodeReader) -> Tensor:
    assert isinstance(layer, ConvLayer)
    return portable_layer(layer, x, *reader.take(layer.conv.out_channels))


def portable_layer(layer: ConvLayer, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """What a `ConvLayer` does with a scale and a shift, (1, C, 1, 1) each."""
    if layer.upsample:
        x = F.interpolate(x, scale_factor=2.0, mode="nearest")
    x = F.conv2d(F.pad(x, (layer.pad,) * 4, mode="reflect"), layer.conv.weight, stride=layer.conv.stride)
    x = normalised(x, scale, shift, NORM_EPS)
    return F.relu(x) if layer.relu else x


def normalised(x: Tensor, scale: Tensor, shift: Tensor, eps: Tensor | float) -> Tensor:
    """Instance normalisation.

    Args:
        x: (1, C, H, W).
        scale, shift: of the result, (1, C, 1, 1) each.
        eps: added to the variance, (1, C, 1, 1) or one for all.
    """
    x = x - mean_of(x)
    return x * (scale * torch.rsqrt(mean_of(x * x) + eps)) + shift


def mean_of(x: Tensor) -> Tensor:
    """Of each channel, (1, C, H, W) to (1, C, 1, 1)."""
    return (x.sum(3, keepdim=True) * (1 / x.shape[3])).mean(2, keepdim=True)
