"""The network of a style bank, folded and run in strips."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import torch
from torch import Tensor, nn

from impasto.compute.plan import Plan
from impasto.compute.threads import threads_for
from impasto.execution.folding import Folded, fold_upsampling, pack_outputs, plain
from impasto.execution.moments import Smoothing
from impasto.execution.nodes import ConvNode, FeatureMap, Pending, Strip, SumNode
from impasto.execution.strips import Walk, pad_to_stride, sent
from impasto.nets.grain import WIDTHS, grain
from impasto.nets.style_bank import NORM_EPS, CodeReader, ConvLayer, ResidualBlock, StyleBankNet
from impasto.progress import Tick


class FoldedStyleBank:
    """A `StyleBankNet` for use: computes the same, faster, and in as little memory as it is given.

    Args:
        net: the network as it was trained.
        device: where to compute.
        dtype: in which the maps are computed and kept.
    """

    def __init__(self, net: StyleBankNet, device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        self.width, self.code_length = net.width, net.code_length
        self.stride = net.stride
        net = net.float()
        self._down = [_fold(layer, device) for layer in net.down]
        self._body = [(_fold(block.first, device), _fold(block.second, device)) for block in _blocks(net)]
        self._up = [_fold(layer, device) for layer in net.up]
        self._to_rgb = pack_outputs(net.to_rgb.weight.detach()).to(device)

    @torch.inference_mode()
    def paint(
        self,
        photo: Tensor,
        code: Tensor,
        plan: Plan | None = None,
        tick: Tick | None = None,
        weights: Tensor | None = None,
        origin: tuple[int, int] = (0, 0),
        smoothing: Smoothing | None = None,
    ) -> Tensor:
        """Paint a picture.

        Args:
            photo: (1, 3, H, W) float32, sRGB in [0, 1], height and width at least the network's ``min_size``.
            code: (1, code_length).
            plan: how to cut it.
            tick: called after each strip with the share that is done; may raise to stop.
            weights: how much each pixel counts in the statistics of the normalisation, (1, 1, H, W) float32 in [0, 1].
            origin: row and column of the picture's first pixel in the field of grain.
            smoothing: has a say in the statistics of the normalisation.

        Returns:
            The painted picture, (1, 3, H, W) float32, sRGB in [0, 1], where the photo is.
        """
        plan = plan or Plan()
        height, width = photo.shape[-2:]
        photo, weights = pad_to_stride(photo, weights, self.stride)
        reader = CodeReader(code.to(self.device, torch.float32))
        picture = _Photo(sent(photo, self.device, self.dtype), origin, self.device, self.dtype)

        def conv(source: FeatureMap, folded: Folded, *, relu: bool = True, centred: bool = True) -> ConvNode:
            scale, shift = (part.flatten() for part in reader.take(folded.out_channels))
            return ConvNode(source, folded, self.dtype, norm=(scale, shift), relu=relu, centred=centred)

        # First the whole graph, to know how much work it is.
        down = [conv(picture, self._down[0], centred=False)]
        # The first map is not always kept.
        down.append(conv(down[0], self._down[1], centred=False))
        down.append(conv(down[1], self._down[2]))
        carried = SumNode(down[-1].channels, down[-1].height, down[-1].width)
        body = []
        for first, second in self._body:
            inner = conv(carried, first)
            body.append((inner, conv(inner, second, relu=False)))
        up = [conv(carried, self._up[0])]
        up.append(conv(up[0], self._up[1]))
        scale, shift = (part.flatten() for part in reader.take(3))
        to_rgb = ConvNode(up[-1], self._to_rgb.scaled(scale), self.dtype, bias=shift, relu=False)

        nodes = [*down, *(node for pair in body for node in pair), *up, to_rgb]
        work = sum(node.work * node.height for node in nodes)
        walk = Walk(
            photo.shape[-2],
            photo.shape[-1],
            plan,
            work,
            tick,
            None if weights is None else weights.to(self.device),
            self.device,
            smoothing,
        )
        with threads_for(work, self.device):
            walk.measure(down[0], NORM_EPS, keep=plan.keep_all)
            for node in down[1:]:
                walk.measure(node, NORM_EPS, keep=True)
            carried.begin(down[-1])
            for inner, outer in body:
                walk.measure(inner, NORM_EPS, keep=True, release=False)
                walk.measure(outer, NORM_EPS, keep=True)
                carried.add(outer)
            walk.measure(up[0], NORM_EPS, keep=True)
            walk.measure(up[1], NORM_EPS, keep=plan.keep_all, release=plan.keep_all)
            painted = torch.empty(photo.shape, device=self.device)
            for top, bottom in walk.strips(to_rgb.height):
                # Not normalised: the mean and spread of a picture's colours are the picture's own.
                painted[:, :, top:bottom] = to_rgb.compute(top, bottom).float().sigmoid_()
                to_rgb.consumed(bottom)
                walk.count(to_rgb.work * (bottom - top))
        return painted[..., :height, :width].to(photo.device)


class _Photo:
    """The input of the network: the picture and its grain."""

    pending = Pending()

    def __init__(self, photo: Tensor, origin: tuple[int, int], device: torch.device, dtype: torch.dtype) -> None:
        self.channels = 3 + len(WIDTHS)
        self.height, self.width = photo.shape[-2:]
        self._photo, self._origin = photo, origin
        self._device, self._dtype = device, dtype

    def strips(self, top: int, bottom: int) -> Iterator[Strip]:
        photo = self._photo[:, :, top:bottom].to(self._device, self._dtype)
        noise = _grain(self._origin[0] + top, self._origin[1], bottom - top, self.width, self._device, self._dtype)
        yield Strip(top, bottom, torch.cat([photo, noise], dim=1))

    def mean(self) -> Tensor:
        raise NotImplementedError

    def release(self, top: int) -> None:
        """The photo belongs to somebody else."""


@lru_cache(maxsize=8)
def _grain(top: int, left: int, height: int, width: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    # Pictures of one size after the other are the rule, and previews above all; a strip takes 1.5 MB in bfloat16.
    return grain(top, left, height, width, device).to(dtype)


def _fold(layer: nn.Module, device: torch.device) -> Folded:
    assert isinstance(layer, ConvLayer)
    weight = layer.conv.weight.detach()
    if layer.upsample:
        return fold_upsampling(weight).to(device)
    return plain(weight, layer.conv.stride[0]).to(device)


def _blocks(net: StyleBankNet) -> Iterator[ResidualBlock]:
    for block in net.body:
        assert isinstance(block, ResidualBlock)
        yield block
