"""The network that finds the subject of a picture: a UNet on a MobileNetV2.

The encoder is MobileNetV2 (Sandler et al. 2018, https://arxiv.org/abs/1801.04381) with its batch normalisation folded
into the convolutions, up to its last block. The decoder is that of a UNet (Ronneberger et al. 2015,
https://arxiv.org/abs/1505.04597): at each scale the map from below is enlarged and joined with the encoder's map of
that scale; its convolutions are separable by depth, as the encoder's are. What the whole picture is about reaches the
decoder by a gate of globally pooled features (as in LR-ASPP, Howard et al. 2019, https://arxiv.org/abs/1905.02244), and
by blocks that see far at the deepest scale, where that costs little (as in ConvNeXt, Liu et al. 2022,
https://arxiv.org/abs/2201.03545).
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

#: Expansion, output channels, blocks and first stride of each stage, as in table 2 of the paper.
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
#: After which of the encoder's blocks the decoder takes a map, and how many channels it has: strides 2, 4, 8, 16, 32.
_TAPS = {1: 16, 3: 24, 6: 32, 13: 96, 17: 320}
#: Channels of the decoder, at strides 32, 16, 8, 4, 2.
_WIDTHS = (256, 128, 96, 64, 48)

#: How the strided convolutions of an encoder were trained to be padded: torchvision's on both sides, TensorFlow's
#: ("same") at the bottom and at the right.
Padding = Literal["symmetric", "same"]


class PaddedConv(nn.Conv2d):
    """A 3x3 convolution, padded as the encoder's weights want it."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, groups: int, padding: Padding) -> None:
        same = padding == "same" and stride == 2
        super().__init__(channels_in, channels_out, 3, stride, padding=0 if same else 1, groups=groups)
        self._same = same

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels_in, H, W), height and width even, to (B, channels_out, H / stride, W / stride)."""
        if self._same:
            x = F.pad(x, (0, 1, 0, 1))
        if self.groups > 1 and self.stride == (2, 2) and x.requires_grad and x.device.type == "cpu":
            # In bfloat16 oneDNN has no fast gradient of this one: 93 ms against 3 ms at 8 x 96 x 128 x 128, one core.
            with torch.autocast("cpu", enabled=False):
                return super().forward(x.float())
        return super().forward(x)


class InvertedResidual(nn.Module):
    """Widen, filter by depth, narrow; with a way around it where the shape stays."""

    def __init__(self, channels_in: int, channels_out: int, stride: int, expansion: int, padding: Padding) -> None:
        super().__init__()
        width = channels_in * expansion
        self.expand = nn.Conv2d(channels_in, width, 1) if expansion > 1 else None
        self.depthwise = PaddedConv(width, width, stride, width, padding)
        self.project = nn.Conv2d(width, channels_out, 1)
        self.carries = stride == 1 and channels_in == channels_out

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels_in, H, W) to (B, channels_out, H / stride, W / stride)."""
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.carries else y


class MobileNetV2(nn.Module):
    """The encoder: maps at strides 2, 4, 8, 16 and 32."""

    def __init__(self, padding: Padding = "symmetric") -> None:
        super().__init__()
        self.padding = padding
        self.stem = PaddedConv(3, 32, 2, 1, padding)
        blocks: list[nn.Module] = []
        channels = 32
        for expansion, width, count, stride in _STAGES:
            for index in range(count):
                blocks.append(InvertedResidual(channels, width, stride if index == 0 else 1, expansion, padding))
                channels = width
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, 3, H, W) in [-1, 1] to the maps of `_TAPS`, the largest first."""
        x = F.relu6(self.stem(x))
        maps = []
        for number, block in enumerate(self.blocks, start=1):
            x = block(x)
            if number in _TAPS:
                maps.append(x)
        return maps


class SeparableConv(nn.Module):
    """A 3x3 convolution by depth and a 1x1 convolution, batch normalisation and ReLU."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels_in, channels_in, 3, padding=1, groups=channels_in, bias=False)
        self.pointwise = nn.Conv2d(channels_in, channels_out, 1, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(channels_out)

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels_in, H, W) to (B, channels_out, H, W)."""
        return F.relu(self.norm(self.pointwise(self.depthwise(x))))

    def fold_norm(self) -> None:
        """Put the normalisation, in evaluation form, into the convolution before it."""
        assert isinstance(self.norm, nn.BatchNorm2d)
        self.pointwise = fuse_conv_bn_eval(self.pointwise, self.norm)
        self.norm = nn.Identity()


class ContextBlock(nn.Module):
    """Sees 7x7 by depth, widens and narrows, and adds what it has found; untrained it adds nothing.

    The block of ConvNeXt with batch normalisation, which inference folds away, in place of layer normalisation.
    """

    def __init__(self, channels: int, expansion: int = 4) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 7, padding=3, groups=channels, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(channels)
        self.expand = nn.Conv2d(channels, expansion * channels, 1)
        self.project = nn.Conv2d(expansion * channels, channels, 1)
        self.scale = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, H, W) to the same shape."""
        y = self.norm(self.depthwise(x))
        return x + self.scale * self.project(F.relu(self.expand(y)))

    def fold_norm(self) -> None:
        """Put the normalisation, in evaluation form, into the convolution before it."""
        assert isinstance(self.norm, nn.BatchNorm2d)
        self.depthwise = fuse_conv_bn_eval(self.depthwise, self.norm)
        self.norm = nn.Identity()


class DecoderStage(nn.Module):
    """Enlarges the map from below and joins it with the encoder's map of this scale."""

    def __init__(self, channels_below: int, channels_beside: int, width: int) -> None:
        super().__init__()
        self.join = SeparableConv(channels_below + channels_beside, width)
        self.refine = SeparableConv(width, width)

    def forward(self, below: Tensor, beside: Tensor) -> Tensor:
        """(B, channels_below, h, w) and (B, channels_beside, 2h, 2w) to (B, width, 2h, 2w)."""
        below = F.interpolate(below, size=beside.shape[-2:], mode="bilinear", align_corners=False)
        return self.refine(self.join(torch.cat([below, beside], dim=1)))


class SubjectNet(nn.Module):
    """Says of each pixel how likely it belongs to the subject.

    Args:
        encoder: a MobileNetV2, or how the one that it makes is padded.
        context: how many blocks see far at the deepest scale.
    """

    #: Height and width have to be multiples of this.
    stride = 32

    def __init__(self, encoder: MobileNetV2 | Padding = "symmetric", context: int = 2) -> None:
        super().__init__()
        self.encoder = MobileNetV2(encoder) if isinstance(encoder, str) else encoder
        *beside, deepest = _TAPS.values()
        self.bottom = SeparableConv(deepest, _WIDTHS[0])
        self.gate = nn.Conv2d(deepest, _WIDTHS[0], 1)
        self.context = nn.Sequential(*(ContextBlock(_WIDTHS[0]) for _ in range(context)))
        self.stages = nn.ModuleList(
            DecoderStage(below, channels, width)
            for below, channels, width in zip(_WIDTHS, reversed(beside), _WIDTHS[1:], strict=False)
        )
        self.head = nn.Conv2d(_WIDTHS[-1], 1, 1)

    def fold_norms(self) -> None:
        """For inference: one convolution instead of convolution and normalisation. Call it once, after ``eval``."""
        for module in list(self.modules()):
            if isinstance(module, (SeparableConv, ContextBlock)):
                module.fold_norm()

    def forward(self, x: Tensor) -> Tensor:
        """Logits of the subject.

        Args:
            x: (B, 3, H, W), sRGB in [0, 1]; height and width multiples of `stride`.

        Returns:
            (B, 1, H, W) float32; their sigmoid is the mask.
        """
        *beside, deepest = self.encoder(2 * x - 1)
        about = F.adaptive_avg_pool2d(deepest, 1)
        y = self.context(self.bottom(deepest) * torch.sigmoid(self.gate(about)))
        for stage, skip in zip(self.stages, reversed(beside), strict=True):
            y = stage(y, skip)
        return F.interpolate(self.head(y).float(), size=x.shape[-2:], mode="bilinear", align_corners=False)
