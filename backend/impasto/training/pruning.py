"""Which channels of a style bank's network are needed least, and the network without them.

As in network slimming (Liu et al. 2017, https://arxiv.org/abs/1708.06519) a factor on the normalised output of each
channel, its *gate*, is trained under an L1 penalty, and what has become small is cut away. Here the scale of a channel
is a part of each style's code, so the gates are shared by all styles. The network does not change if all gates of a
layer shrink alike, because what follows is normalised again, so the penalty is on the L1 norm over the L2 norm, which
only falls if some channels shrink more than others. What a channel counts in the end is its share of what comes into
the filters behind it, by their L1 norms (Li et al. 2017, https://arxiv.org/abs/1608.08710).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from impasto.nets.style_bank import ConvLayer, ResidualBlock, StyleBankNet

_TINY = 1e-12


class Group(NamedTuple):
    """Channels that can only stay or go together, in every layer that gives them and every one that takes them."""

    name: str
    """Which no other group of a network has, without dots."""
    givers: list[ConvLayer]
    takers: list[nn.Conv2d]
    times: int
    """How many times the width of the network they are."""


def groups_of(net: StyleBankNet) -> list[Group]:
    """All groups of a network. What the residual blocks add to is one of them."""
    down, up = _layers(net.down), _layers(net.up)
    blocks = _blocks(net)
    stream = Group(
        "stream",
        [down[2], *(block.second for block in blocks)],
        [*(block.first.conv for block in blocks), up[0].conv],
        4,
    )
    inner = [Group(f"block{at}", [block.first], [block.second.conv], 4) for at, block in enumerate(blocks)]
    return [
        Group("down0", [down[0]], [down[1].conv], 1),
        Group("down1", [down[1]], [down[2].conv], 2),
        stream,
        *inner,
        Group("up0", [up[0]], [up[1].conv], 2),
        Group("up1", [up[1]], [net.to_rgb], 1),
    ]


class Gates(nn.Module):
    """A factor for each channel of each group, 1 to begin with.

    Args:
        net: the network whose channels they are.
        codes: of its styles, (S, code_length).
    """

    def __init__(self, net: StyleBankNet, codes: Tensor) -> None:
        super().__init__()
        self._net = [net]  # not a part of this module: its weights are somebody else's
        self._groups = groups_of(net)
        scales = scales_of(net, codes)
        self.factors = nn.ParameterDict()
        self._usual: dict[str, Tensor] = {}
        for group in self._groups:
            usual = torch.stack([scales[layer] for layer in group.givers]).mean(0)
            self.factors[group.name] = nn.Parameter(torch.ones_like(usual))
            self._usual[group.name] = usual

    def factor(self) -> Tensor:
        """By what codes are multiplied, (code_length,); differentiable."""
        of_layer = {layer: self.factors[group.name] for group in self._groups for layer in group.givers}
        parts = [of_layer[layer].repeat(2) for layer in conv_layers(self._net[0])]
        return torch.cat([*parts, parts[0].new_ones(6)])

    def penalty(self) -> Tensor:
        """L1 norm over L2 norm of the scales of each group, 1 if all are alike; the mean over groups, ()."""
        ratios = []
        for group in self._groups:
            scales = self.factors[group.name].abs() * self._usual[group.name]
            ratios.append(scales.sum() / (scales.norm() * math.sqrt(len(scales)) + _TINY))
        return torch.stack(ratios).mean()


@torch.no_grad()
def cut(net: StyleBankNet, codes: Tensor, width: int, blocks: int) -> tuple[StyleBankNet, Tensor]:
    """The network with the channels and blocks that count most, and the codes for it.

    Args:
        net: the network to cut.
        codes: of its styles, (S, code_length), with the gates in them.
        width: channels of the first layer of the new network, at most those of the old one.
        blocks: residual blocks that the new network is to have, at most those of the old one.

    Returns:
        A network whose channels and blocks are in the order of the old one, and (S, its code_length).
    """
    scales = scales_of(net, codes)
    keep: dict[nn.Module, Tensor] = {}
    taken: dict[nn.Module, Tensor] = {}
    for group in groups_of(net):
        chosen = _counts(group, scales).topk(group.times * width).indices.sort().values
        keep |= dict.fromkeys(group.givers, chosen)
        taken |= dict.fromkeys(group.takers, chosen)
    chosen_blocks = sorted(_most(net, scales, blocks))
    small = StyleBankNet(width, blocks).to(codes.device)
    old_layers, old_blocks = [*_layers(net.down), *_layers(net.up)], _blocks(net)
    new_layers, new_blocks = [*_layers(small.down), *_layers(small.up)], _blocks(small)
    pairs = list(zip(new_layers, old_layers, strict=True))
    for new, at in zip(new_blocks, chosen_blocks, strict=True):
        pairs += [(new.first, old_blocks[at].first), (new.second, old_blocks[at].second)]
    for new_layer, old_layer in pairs:
        weight = old_layer.conv.weight[keep[old_layer]]
        inputs = taken.get(old_layer.conv)
        new_layer.conv.weight.copy_(weight if inputs is None else weight[:, inputs])
    small.to_rgb.weight.copy_(net.to_rgb.weight[:, taken[net.to_rgb]])
    # The codes, layer by layer in the order of the new network.
    shares, at = {}, 0
    for layer in conv_layers(net):
        channels = layer.conv.out_channels
        shares[layer] = codes[:, at : at + 2 * channels].unflatten(1, (2, channels))
        at += 2 * channels
    old_of = dict(pairs)
    parts = [shares[old_of[layer]][:, :, keep[old_of[layer]]].flatten(1) for layer in conv_layers(small)]
    return small, torch.cat([*parts, codes[:, at:]], dim=1)


def scales_of(net: StyleBankNet, codes: Tensor) -> dict[ConvLayer, Tensor]:
    """For each layer the mean size of its channels' scales over all styles, (channels,)."""
    found, at = {}, 0
    for layer in conv_layers(net):
        channels = layer.conv.out_channels
        found[layer] = codes[:, at : at + channels].detach().abs().mean(0)
        at += 2 * channels
    return found


def conv_layers(net: StyleBankNet) -> Iterator[ConvLayer]:
    """The layers that take a share of the code, in their order."""
    yield from _layers(net.down)
    for block in _blocks(net):
        yield from (block.first, block.second)
    yield from _layers(net.up)


def _counts(group: Group, scales: dict[ConvLayer, Tensor]) -> Tensor:
    """What each channel of a group counts: its share of what comes into the filters behind, (channels,)."""
    # Of a sum of normalised maps the variances add up, as far as the maps have nothing in common.
    size = torch.stack([scales[layer] for layer in group.givers]).square().sum(0).sqrt()
    counts = torch.zeros_like(size)
    for conv in group.takers:
        into = conv.weight.detach().abs().sum((2, 3)) * size
        counts += (into / (into.sum(1, keepdim=True) + _TINY)).mean(0)
    return counts


def _most(net: StyleBankNet, scales: dict[ConvLayer, Tensor], blocks: int) -> list[int]:
    """Which blocks add most to what they are given."""
    added = torch.stack([scales[block.second].sum() for block in _blocks(net)])
    return [int(at) for at in added.topk(blocks).indices]


def _layers(modules: nn.ModuleList) -> list[ConvLayer]:
    return [module for module in modules if isinstance(module, ConvLayer)]


def _blocks(net: StyleBankNet) -> list[ResidualBlock]:
    return [module for module in net.body if isinstance(module, ResidualBlock)]
