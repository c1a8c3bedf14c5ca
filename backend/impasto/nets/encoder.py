"""A small network that sees what VGG-19 sees: the encoder for pictures as styles.

Four scales of 3x3 convolutions, each about a thirtieth of the work of VGG-19 (Simonyan and Zisserman 2015,
https://arxiv.org/abs/1409.1556) to the same depth. It learns from VGG-19 by distillation (Hinton et al. 2015): a 1x1
convolution per scale, its *head*, has to give VGG's features from its own.
"""

from __future__ import annotations

from collections.abc import Collection

import torch.nn.functional as F
from torch import Tensor, nn

#: The layers of VGG-19 that the heads give, and their channels.
HEADS = {"relu1_1": 64, "relu2_1": 128, "relu3_1": 256, "relu4_1": 512}
#: Convolutions of each scale but the first, which has one.
_DEPTHS = (2, 3, 2)


class PlainConv(nn.Conv2d):
    """A 3x3 convolution under reflection padding; with ``upsample`` after doubling by nearest neighbour."""

    def __init__(self, channels_in: int, channels_out: int, *, stride: int = 1, upsample: bool = False) -> None:
        super().__init__(channels_in, channels_out, 3, stride)
        self.upsample = upsample
        # PyTorch's own start lets the signal fade over a dozen layers without normalisation (He et al. 2015).
        nn.init.kaiming_normal_(self.weight, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels_in, H, W) to (B, channels_out, H', W')."""
        if self.upsample:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        return super().forward(F.pad(x, (1, 1, 1, 1), mode="reflect"))


class CompactEncoder(nn.Module):
    """Maps of a picture at strides 1, 2, 4 and 8, with the meaning of VGG-19's relu1_1 to relu4_1.

    Args:
        width: channels of the first map; each further one has twice as many.
    """

    #: Height and width have to be multiples of this.
    stride = 8
    #: The smallest height and width whose deepest map can still be mirrored at its border.
    min_size = 16

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.width = width
        self.channels = tuple(width << scale for scale in range(len(HEADS)))
        scales = [nn.ModuleList([PlainConv(3, width)])]
        for below, above, depth in zip(self.channels, self.channels[1:], _DEPTHS, strict=False):
            convs = [PlainConv(below, above, stride=2)] + [PlainConv(above, above) for _ in range(depth - 1)]
            scales.append(nn.ModuleList(convs))
        self.scales = nn.ModuleList(scales)
        self.heads = nn.ModuleDict(
            {name: nn.Conv2d(own, vgg, 1) for own, (name, vgg) in zip(self.channels, HEADS.items(), strict=True)}
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """(B, 3, H, W), sRGB in [0, 1], to the four maps *before* their ReLU, the largest first."""
        x = x - 0.5
        maps = []
        for number, scale in enumerate(self.scales):
            assert isinstance(scale, nn.ModuleList)
            for index, conv in enumerate(scale):
                x = conv(x if (number, index) == (0, 0) else F.relu(x))
            maps.append(x)
        return maps

    def vgg_features(self, x: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
        """What VGG-19 would see, by layer name: as `impasto.nets.vgg.VGG19Features` gives it.

        Args:
            x: (B, 3, H, W), sRGB in [0, 1], of any size from 16 x 16.
            wanted: names out of `HEADS`.
        """
        height, width = x.shape[-2:]
        x = F.pad(x, (0, -width % self.stride, 0, -height % self.stride), mode="reflect")
        features = {}
        for scale, (name, maps) in enumerate(zip(HEADS, self(x), strict=True)):
            if name in wanted:
                whole = F.relu(self.heads[name](F.relu(maps)))
                # VGG-19's pooling leaves an odd row or column out.
                features[name] = whole[..., : height >> scale, : width >> scale]
        return features
