"""VGG-19 (Simonyan and Zisserman 2015, https://arxiv.org/abs/1409.1556) as a source of features for losses."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Output channels of the 3x3 convolutions of each stage, by layer name ("conv3_1").
CHANNELS = {
    f"{stage}_{index}": width
    for stage, (width, depth) in enumerate([(64, 2), (128, 2), (256, 4), (512, 4), (512, 4)], start=1)
    for index in range(1, depth + 1)
}


class VGG19Features(nn.Module):
    """The convolutional part of VGG-19, up to the deepest layer asked for.

    Args:
        deepest: name of the last layer to build, such as ``"relu4_1"``.
        padding_mode: ``"zeros"`` as the network was trained, or ``"reflect"``, which keeps borders from showing.
    """

    def __init__(self, deepest: str = "relu4_1", padding_mode: Literal["zeros", "reflect"] = "reflect") -> None:
        super().__init__()
        last = deepest.removeprefix("relu")
        if last not in CHANNELS:
            raise ValueError(f"VGG-19 has no layer {deepest!r}; its layers are relu1_1 to relu5_4.")
        #: From RGB in [0, 1] to the input that the weights expect: channel order, scale and mean.
        self.preprocess = nn.Conv2d(3, 3, 1)
        self.layers = nn.ModuleDict()
        channels_in = 3
        for name, channels in CHANNELS.items():
            self.layers[name] = nn.Conv2d(channels_in, channels, 3, padding=1, padding_mode=padding_mode)
            channels_in = channels
            if name == last:
                break
        self.requires_grad_(False)

    @property
    def names(self) -> set[str]:
        """The layers that `forward` can give."""
        return {f"relu{name}" for name in self.layers}

    @torch.no_grad()
    def fold_preprocess(self) -> None:
        """Put ``preprocess`` into the first convolution: exact with reflection padding, no rounding in bfloat16."""
        first = self.layers["1_1"]
        assert isinstance(first, nn.Conv2d)
        assert first.padding_mode == "reflect"
        assert first.bias is not None
        first.bias += torch.einsum("oikl,i->o", first.weight, self.preprocess.bias)
        first.weight.copy_(torch.einsum("oikl,ij->ojkl", first.weight, self.preprocess.weight[:, :, 0, 0]))
        self.preprocess = nn.Identity()  # type: ignore[assignment]

    def forward(self, x: Tensor, wanted: Collection[str]) -> dict[str, Tensor]:
        """Features of pictures.

        Args:
            x: (B, 3, H, W), sRGB in [0, 1], in any number format: that of the weights counts.
            wanted: layer names, such as ``{"relu1_1", "relu3_1"}``.

        Returns:
            For each wanted layer its activation, (B, C, H / 2^(stage - 1), W / 2^(stage - 1)).
        """
        features: dict[str, Tensor] = {}
        x = self.preprocess(x.to(next(self.parameters()).dtype))
        for name, conv in self.layers.items():
            if name.endswith("_1") and name != "1_1":
                x = F.max_pool2d(x, 2)
            x = F.relu(conv(x))
            if f"relu{name}" in wanted:
                features[f"relu{name}"] = x
                if len(features) == len(wanted):
                    break
        return features
