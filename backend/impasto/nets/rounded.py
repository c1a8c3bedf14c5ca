"""The network of a style bank with most of its convolutions in 8 bits.

As Jacob et al. 2018 (https://arxiv.org/abs/1712.05877) a convolution multiplies whole numbers: its input and result are
rounded to 8 bits with one step for the whole map, its weights with a step for each output channel. Instance
normalisation makes much of that free. It takes away whatever a convolution's result is multiplied by and whatever is
added to it, so each output channel gets the scale and the bias with which it fills the 8 bits; and an input channel
may be made smaller by the style's code and larger again by the weights (Nagel et al. 2019,
https://arxiv.org/abs/1906.04721). Of the map that residual blocks add to, which nothing but normalised convolutions
reads, the constants that codes put there are left out: they are many times as large as what is to be seen in it.

The convolutions on the way down, a seventh of the work, and the last one stay in float32. What the first ones lose, all
others amplify: rounding the two strided ones, too, costs more than 2 dB. For the same reason the first residual block
has its weights in 8 bits, which cost next to nothing, and computes in float32; so does the first convolution on the way
up, since what it reads, the sum of all blocks, has the widest range of all.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.nets.portable import PortableStyleBank, mean_of, normalised, portable_layer, with_grain
from impasto.nets.style_bank import NORM_EPS, CodeReader, ConvLayer, StyleBankNet

#: Scale and shift of a layer, (1, C, 1, 1) each.
Share = tuple[Tensor, Tensor]

#: The place of 0 among the 256 steps of a convolution's result.
_MIDDLE = 128


class InnerConv(nn.Module):
    """A convolution of a `ConvLayer`, its padding and upsampling included, without its normalisation."""

    #: What is added to the variance of the result, (1, C', 1, 1).
    eps: Tensor

    def __init__(self, layer: ConvLayer) -> None:
        super().__init__()
        self.weight = layer.conv.weight.detach()
        self.register_buffer("eps", torch.full((1, layer.conv.out_channels, 1, 1), NORM_EPS))
        self.stride, self.pad, self.upsample = layer.conv.stride, layer.pad, layer.upsample

    def forward(self, x: Tensor) -> Tensor:
        """(1, C, H, W) to (1, C', H', W')."""
        return F.conv2d(self.spread(x), self.weight, stride=self.stride)

    def spread(self, x: Tensor) -> Tensor:
        """What the kernel runs over; takes maps of whole numbers, too, where exporters write it down."""
        if self.upsample:
            x = F.interpolate(x, scale_factor=2.0, mode="nearest")
        return F.pad(x, (self.pad,) * 4, mode="reflect")


class RoundedWeights(InnerConv):
    """An `InnerConv` whose weights are in 8 bits, and nothing else.

    Args:
        layer: the convolution.
        relative: by how much each channel of its input was made smaller, (C,).
    """

    levels: Tensor
    level_step: Tensor

    def __init__(self, layer: ConvLayer, relative: Tensor) -> None:
        super().__init__(layer)
        weight = self.weight * relative[:, None, None]
        # A step for each output channel; not 0, for channels that do nothing.
        level_step = (weight.abs().amax((1, 2, 3)) / 127).clamp_min(1e-12)
        self.register_buffer("level_step", level_step)
        self.register_buffer("levels", (weight / level_step[:, None, None, None]).round().to(torch.int8))

    def forward(self, x: Tensor) -> Tensor:
        """As `InnerConv.forward`. Exporters see ONNX's own operators for it."""
        return F.conv2d(self.spread(x), self.read_weight(), stride=self.stride)

    def read_weight(self) -> Tensor:
        """(C', C, K, K) float32."""
        if torch.compiler.is_exporting():
            return _dequantised(self.levels, self.level_step, torch.zeros_like(self.levels[:, 0, 0, 0]), axis=0)
        return self.levels.float() * self.level_step[:, None, None, None]


class RoundedConv(RoundedWeights):
    """An `InnerConv` in 8 bits. Its result is in steps: whole numbers from -128 to 127.

    Args:
        layer: the convolution.
        relative: by how much each channel of its input was made smaller, (C,).
        step: of the input.
        zero: the place of 0 among the 256 steps of the input.
        low, high: of what each channel of the result is wanted, (C',) each.
    """

    bias: Tensor
    bias_step: Tensor
    step: Tensor
    zero: Tensor

    def __init__(self, layer: ConvLayer, relative: Tensor, step: float, zero: int, low: Tensor, high: Tensor) -> None:
        super().__init__(layer, relative)
        steps = (high - low) / 255
        self.level_step = self.level_step / steps
        self.eps = self.eps / steps.square()[:, None, None]
        self.register_buffer("step", torch.tensor(step))
        self.register_buffer("zero", torch.tensor(zero, dtype=torch.uint8))
        self.register_buffer("bias_step", self.level_step * step)
        self.register_buffer("bias", (-(low / steps + _MIDDLE) / self.bias_step).round().to(torch.int32))

    def forward(self, x: Tensor) -> Tensor:
        """As `InnerConv.forward`, in steps. Exporters see ONNX's own operators for it."""
        if torch.compiler.is_exporting():
            return self._written(x)
        x = (torch.round(x / self.step) + self.zero.float()).clamp(0, 255) - self.zero.float()
        x = F.conv2d(self.spread(x), self.levels.float(), self.bias.float(), self.stride)
        return (x * self.bias_step[:, None, None]).round().clamp(-_MIDDLE, 255 - _MIDDLE)

    def _written(self, x: Tensor) -> Tensor:
        bias = _dequantised(self.bias, self.bias_step, torch.zeros_like(self.bias), axis=0)
        # Padded between the two, where it is small; runtimes still see that the convolution has whole numbers.
        x = _dequantised(self.spread(_quantised(x, self.step, self.zero)), self.step, self.zero)
        x = F.conv2d(x, self.read_weight(), bias, self.stride)
        one, middle = torch.ones_like(self.step), torch.full_like(self.zero, _MIDDLE)
        return _dequantised(_quantised(x, one, middle), one, middle)


def _quantised(x: Tensor, step: Tensor, zero: Tensor) -> Tensor:
    return torch.onnx.ops.symbolic("QuantizeLinear", (x, step, zero), dtype=zero.dtype, shape=x.shape)


def _dequantised(x: Tensor, step: Tensor, zero: Tensor, axis: int = 1) -> Tensor:
    """``axis`` is that of the channels, for steps that have some."""
    return torch.onnx.ops.symbolic(
        "DequantizeLinear", (x, step, zero), {"axis": axis}, dtype=torch.float32, shape=x.shape
    )


class RoundedStyleBank(PortableStyleBank):
    """A `StyleBankNet` whose inner convolutions are there to be exchanged for rounded ones.

    Args:
        net: the network; what stays in float32 is shared with it.

    Attributes:
        layers: all layers but the last convolution, in their order.
        inner: by the number of its layer, each convolution that is to be rounded.
        weights_only: of those, the ones that compute in float32: the first residual block and the first on the way up.
        carried: the layers whose results are added up: the last on the way down, and the second of each block.
        relative: by how much the channels of each layer's result are made smaller, (C,) each.
    """

    def __init__(self, net: StyleBankNet) -> None:
        super().__init__(net)
        self.layers = [module for module in net.modules() if isinstance(module, ConvLayer)]
        down = len(net.down)
        self.inner = nn.ModuleDict(
            {str(place): InnerConv(layer) for place, layer in enumerate(self.layers) if place >= down}
        )
        self.carried = [down - 1 + 2 * block for block in range(len(net.body) + 1)]
        self.weights_only = [down, down + 1, self.carried[-1] + 1]
        self.relative = [torch.ones(layer.conv.out_channels) for layer in self.layers]

    def forward(self, image: Tensor, code: Tensor) -> Tensor:
        """As `PortableStyleBank.forward`."""
        height, width = image.shape[-2:]
        shares, (scale, shift) = self.shares(code)
        x = with_grain(image, self.net.stride)
        down = self.carried[0] + 1
        for layer, share in zip(self.layers[:down], shares[:down], strict=True):
            x = portable_layer(layer, x, *share)
        # Once for all blocks: what they add has a mean of 0.
        x = x - mean_of(x)
        for second in self.carried[1:]:
            x = x + self._inner(second, self._inner(second - 1, x, shares), shares)
        for place in range(self.carried[-1] + 1, len(self.layers)):
            x = self._inner(place, x, shares)
        to_rgb = self.net.to_rgb
        x = F.conv2d(F.pad(x, (to_rgb.kernel_size[0] // 2,) * 4, mode="reflect"), to_rgb.weight)
        return torch.sigmoid(x * scale + shift)[..., :height, :width]

    def shares(self, code: Tensor) -> tuple[list[Share], Share]:
        """The scale and shift of each layer, and those of the colours.

        What a rounded convolution reads is divided by its root mean square, as the code tells it, so that the maps of
        all styles are of one size.
        """
        reader = CodeReader(code)
        shares = []
        for place, relative in enumerate(self.relative):
            scale, shift = (part / relative[:, None, None] for part in reader.take(len(relative)))
            shares.append((scale, torch.zeros_like(shift) if place in self.carried[1:] else shift))
        power = [(scale.square() + shift.square()).mean() for scale, shift in shares]
        carried = torch.stack([power[place] for place in self.carried]).sum()
        for place, (scale, shift) in list(enumerate(shares))[self.carried[0] : -1]:
            gain = torch.rsqrt(carried if place in self.carried else power[place])
            shares[place] = scale * gain, shift * gain
        return shares, reader.take(3)

    def _inner(self, place: int, x: Tensor, shares: list[Share]) -> Tensor:
        conv = self.inner[str(place)]
        assert isinstance(conv, InnerConv)
        x = normalised(conv(x), *shares[place], conv.eps)
        return F.relu(x) if self.layers[place].relu else x
