"""Encoder, adaptive instance normalisation and decoder, folded and run in strips.

There is a single barrier: the statistics of the photo's deepest features. Before and after it strips are independent
but for the rows around them that convolutions see, which are computed again.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from impasto.execution.folding import Folded, fold_upsampling, pack_outputs, plain
from impasto.execution.nodes import ConvNode, FeatureMap, Pending, Strip
from impasto.execution.strips import Plan, Tick, Walk, pad_to_stride
from impasto.nets.adain import AdaINDecoder, StyleLatent
from impasto.nets.encoder import CompactEncoder, PlainConv
from impasto.nets.style_bank import NORM_EPS


class FoldedAdaIN:
    """A `CompactEncoder` and an `AdaINDecoder` for use.

    Args:
        encoder, decoder: as they were trained.
        device: where to compute.
        dtype: in which the maps are computed and kept.
    """

    def __init__(
        self, encoder: CompactEncoder, decoder: AdaINDecoder, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.device, self.dtype = device, dtype
        self.stride, self.min_size = encoder.stride, encoder.min_size
        convs = [conv for scale in encoder.scales for conv in _convs(scale)]
        self._encoder = [_fold(conv, device) for conv in convs]
        # The encoder sees the picture around 0; over a mirrored border that is a bias of its first convolution.
        first, bias = self._encoder[0]
        self._encoder[0] = (first, bias - 0.5 * convs[0].weight.detach().sum((1, 2, 3)).to(device))
        layers = _convs(decoder.layers)
        self._decoder = [_fold(conv, device) for conv in layers]
        self._decoder[-1] = (pack_outputs(layers[-1].weight.detach()).to(device), self._decoder[-1][1])
        self._changes = decoder.to(device).changes

    @torch.inference_mode()
    def paint(
        self,
        photo: Tensor,
        style: StyleLatent,
        plan: Plan | None = None,
        tick: Tick | None = None,
        weights: Tensor | None = None,
    ) -> Tensor:
        """Paint a picture.

        Args:
            photo: (1, 3, H, W) float32, sRGB in [0, 1], height and width at least ``min_size``.
            style: what the encoder saw of the style, B = 1.
            plan: how to cut it.
            tick: called after each strip with the share that is done; may raise to stop.
            weights: how much each pixel counts in the statistics of the photo, (1, 1, H, W) float32 in [0, 1].

        Returns:
            The painted picture, (1, 3, H, W) float32, sRGB in [0, 1], where the photo is.
        """
        plan = plan or Plan()
        height, width = photo.shape[-2:]
        photo, weights = pad_to_stride(photo, weights, self.stride)
        source: FeatureMap = _Picture(photo, self.device, self.dtype)
        nodes = []
        for folded, bias in self._encoder[:-1]:
            nodes.append(ConvNode(source, folded, self.dtype, bias=bias))
            source = nodes[-1]
        # The bias of the deepest convolution is taken away by the normalisation.
        norm = (style.std.flatten().to(self.device).float(), style.mean.flatten().to(self.device).float())
        deepest = ConvNode(source, self._encoder[-1][0], self.dtype, norm=norm)
        nodes.append(deepest)
        changes = self._changes(style.description.to(self.device))
        for (folded, bias), (gain, offset) in zip(self._decoder, changes, strict=True):
            bias = bias * gain[0] + offset[0]
            relu = len(nodes) < len(self._encoder) + len(self._decoder) - 1
            nodes.append(ConvNode(nodes[-1], folded.scaled(gain[0]), self.dtype, bias=bias, relu=relu))
        to_rgb = nodes.pop()

        into = sum(node.work * node.height for node in nodes[: len(self._encoder)])
        out = sum(node.work * node.height for node in [*nodes[len(self._encoder) :], to_rgb])
        # Work is counted where it is asked for: by the two nodes that are computed from end to end.
        counted = deepest.work * deepest.height
        walk = Walk(
            photo.shape[-2],
            photo.shape[-1],
            plan,
            counted * (1 + out / into),
            tick,
            None if weights is None else weights.to(self.device),
        )
        walk.measure(deepest, NORM_EPS, keep=True)
        painted = torch.empty_like(photo)
        for top, bottom in walk.strips(to_rgb.height):
            painted[:, :, top:bottom] = to_rgb.compute(top, bottom).float().sigmoid_()
            to_rgb.consumed(bottom)
            walk.count(counted * out / into * (bottom - top) / to_rgb.height)
        return painted[..., :height, :width]


class _Picture:
    """The input of the encoder."""

    pending = Pending()
    channels = 3

    def __init__(self, photo: Tensor, device: torch.device, dtype: torch.dtype) -> None:
        self.height, self.width = photo.shape[-2:]
        self._photo, self._device, self._dtype = photo, device, dtype

    def strips(self, top: int, bottom: int) -> Iterator[Strip]:
        yield Strip(top, bottom, self._photo[:, :, top:bottom].to(self._device, self._dtype))

    def mean(self) -> Tensor:
        raise NotImplementedError

    def release(self, top: int) -> None:
        """The photo belongs to somebody else."""


def _convs(layers: nn.Module) -> list[PlainConv]:
    return [layer for layer in layers.children() if isinstance(layer, PlainConv)]


def _fold(conv: PlainConv, device: torch.device) -> tuple[Folded, Tensor]:
    assert conv.bias is not None
    weight = conv.weight.detach()
    folded = fold_upsampling(weight) if conv.upsample else plain(weight, conv.stride[0])
    return folded.to(device), conv.bias.detach().to(device)
