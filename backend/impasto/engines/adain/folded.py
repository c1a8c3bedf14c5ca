"""Encoder, adaptive instance normalisation and decoder, folded and run in strips.

There are two barriers, the statistics of the photo's two deepest maps, which are kept. Before and after them strips are
independent but for the rows around them that convolutions see, which are computed again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from impasto.compute.plan import Plan
from impasto.execution.folding import Folded, fold_upsampling, pack_outputs, plain
from impasto.execution.moments import Smoothing
from impasto.execution.nodes import ConvNode, FeatureMap, JoinedNode, NormView, Pending, Strip
from impasto.execution.strips import Walk, pad_to_stride, sent
from impasto.nets.adain import AdaINDecoder, StyleLatent
from impasto.nets.encoder import CompactEncoder, PlainConv
from impasto.nets.style_bank import NORM_EPS
from impasto.progress import Tick


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
        self.stride = encoder.stride
        convs = [conv for scale in encoder.scales for conv in _convs(scale)]
        #: The convolution whose result the decoder reads, too.
        self._skipped = len(convs) - len(_convs(encoder.scales[-1])) - 1
        self._encoder = [_fold(conv, device) for conv in convs]
        # The encoder sees the picture around 0; over a mirrored border that is a bias of its first convolution.
        first, bias = self._encoder[0]
        self._encoder[0] = (first, bias - 0.5 * convs[0].weight.detach().sum((1, 2, 3)).to(device))
        layers = _convs(decoder.layers)
        self._decoder = [_fold(conv, device) for conv in layers]
        self._decoder[-1] = (pack_outputs(layers[-1].weight.detach()).to(device), self._decoder[-1][1])
        self._skip = _fold(decoder.skip, device)
        self._changes = decoder.to(device).changes

    @torch.inference_mode()
    def paint(
        self,
        photo: Tensor,
        style: StyleLatent,
        plan: Plan | None = None,
        tick: Tick | None = None,
        weights: Tensor | None = None,
        smoothing: Smoothing | None = None,
    ) -> Tensor:
        """Paint a picture.

        Args:
            photo: (1, 3, H, W) float32, sRGB in [0, 1], height and width at least the encoder's ``min_size``.
            style: what the encoder saw of the style, B = 1.
            plan: how to cut it.
            tick: called after each strip with the share that is done; may raise to stop.
            weights: how much each pixel counts in the statistics of the photo, (1, 1, H, W) float32 in [0, 1].
            smoothing: has a say in them.

        Returns:
            The painted picture, (1, 3, H, W) float32, sRGB in [0, 1], where the photo is.
        """
        plan = plan or Plan()
        height, width = photo.shape[-2:]
        photo, weights = pad_to_stride(photo, weights, self.stride)
        source: FeatureMap = _Photo(sent(photo, self.device, self.dtype), self.device, self.dtype)
        down = []
        for folded, bias in self._encoder[:-1]:
            down.append(ConvNode(source, folded, self.dtype, bias=bias))
            source = down[-1]
        # The bias of the deepest convolution is taken away by the normalisation.
        deepest = ConvNode(source, self._encoder[-1][0], self.dtype, norm=self._norm(style.std, style.mean))
        down.append(deepest)
        shallower = down[self._skipped]
        skip = NormView(shallower, self._norm(style.skip_std, style.skip_mean))
        changes = [(gain[0], offset[0]) for gain, offset in self._changes(style.description.to(self.device))]

        def modulated(source: FeatureMap, conv: tuple[Folded, Tensor], at: int, offset: bool = True) -> ConvNode:
            (folded, bias), (gain, more) = conv, changes[at]
            bias = bias * gain + more if offset else bias * gain
            return ConvNode(source, folded.scaled(gain), self.dtype, bias=bias, relu=at < len(changes) - 1)

        up: list[ConvNode | JoinedNode] = []
        for number, conv in enumerate(self._decoder):
            node = modulated(up[-1] if up else deepest, conv, number)
            joins = number == AdaINDecoder.JOIN
            up.append(JoinedNode(node, modulated(skip, self._skip, number, offset=False)) if joins else node)
        to_rgb = up[-1]
        assert isinstance(to_rgb, ConvNode)

        first, second = _work(down[: self._skipped + 1]), _work(down[self._skipped + 1 :])
        last = _work(up)
        counted = None if weights is None else weights.to(self.device)
        walk = Walk(
            photo.shape[-2], photo.shape[-1], plan, first + second + last, tick, counted, self.device, smoothing
        )
        skip.finish(walk.gather(shallower, keep=True, work=first), NORM_EPS)
        deepest.finish(walk.gather(deepest, keep=True, release=False, work=second), NORM_EPS)
        painted = torch.empty(photo.shape, device=self.device)
        for top, bottom in walk.strips(to_rgb.height):
            painted[:, :, top:bottom] = to_rgb.compute(top, bottom).float().sigmoid_()
            to_rgb.consumed(bottom)
            walk.count(last * (bottom - top) / to_rgb.height)
        return painted[..., :height, :width].to(photo.device)

    def _norm(self, std: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
        return std.flatten().to(self.device).float(), mean.flatten().to(self.device).float()


class _Photo:
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


def _work(nodes: Sequence[ConvNode | JoinedNode]) -> float:
    return sum(node.work * node.height for node in nodes)


def _convs(layers: nn.Module) -> list[PlainConv]:
    return [layer for layer in layers.children() if isinstance(layer, PlainConv)]


def _fold(conv: PlainConv, device: torch.device) -> tuple[Folded, Tensor]:
    assert conv.bias is not None
    weight = conv.weight.detach()
    folded = fold_upsampling(weight) if conv.upsample else plain(weight, conv.stride[0])
    return folded.to(device), conv.bias.detach().to(device)
