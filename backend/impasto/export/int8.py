"""Networks with inner convolutions in 8 bits: which steps, by what they do with photos."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.export.source import Source
from impasto.nets.portable import OneStyle, PortableStyleBank
from impasto.nets.rounded import RoundedConv, RoundedStyleBank, RoundedWeights
from impasto.nets.style_bank import StyleBankNet
from impasto.training.photos import find_pictures, load_rgb
from impasto_link.errors import BadRequest, quoted

#: A file in 8 bits whose painting is farther from Impasto's than this is refused, in decibels.
FLOOR = 40.0
#: Photos that are looked at, and their sides in pixels: the middle, with the short side made this long.
_PHOTOS, _SIDE = 12, 512
#: With a code as an input, how many of the photos are painted in each style.
_PHOTOS_PER_STYLE = 3
#: Pixels of each map that are looked at, of all photos together.
_PIXELS = 120_000
#: The range that is kept, in parts of the whole: what is beyond it is cut off.
_SHARES = [0.3 + 0.05 * step for step in range(17)]
#: How much the square error of what is cut off counts, to that of rounding. What is cut off lies in heaps, at edges and
#: in flat photos, and no convolution evens it out.
_CUT_OFF = 2.0
#: By how much results have more room than they took here: photos of kinds that were not looked at take more.
_ROOM = 1.1


def in_8_bits(source: Source, photos: Path, tell: Callable[[str], None] = lambda line: None) -> Source:
    """A network of styles with inner convolutions in 8 bits.

    Args:
        source: the network.
        photos: a folder of photos, a dozen of different kinds, to measure on.
        tell: told what is done, in words.

    Raises:
        BadRequest: the network is no network of styles, or there are no photos.
    """
    fixed = source.net if isinstance(source.net, OneStyle) else None
    bank = fixed.net if fixed else source.net
    if not isinstance(bank, PortableStyleBank):
        raise BadRequest(f"The network {quoted(source.name)} has no form in 8 bits; styles have.", "Leave --int8 out.")
    pictures = _pictures(photos)
    tell(f"Measuring on {len(pictures)} photos of {photos}")
    rounded = rounded_bank(bank.net, [fixed.style] if fixed else list(source.codes.values()), pictures)
    net = OneStyle(rounded, fixed.style) if fixed else rounded
    card = {**source.card, "int8": {"photos": len(pictures), "floor": FLOOR}}
    return replace(source, net=net.eval(), card=card, floor=FLOOR)


def _pictures(folder: Path) -> list[Tensor]:
    """The middles of some photos, (1, 3, H, W) each."""
    if not folder.is_dir():
        raise BadRequest(f"There is no folder {folder}.", "--int8 wants a folder of photos.")
    found = find_pictures(folder)
    if not found:
        raise BadRequest(
            f"There are no photos in {folder}.", "8 bits are chosen by photos: a dozen of different kinds will do."
        )
    # Spread over the folder, since neighbours are often alike.
    chosen = found[:: -(-len(found) // _PHOTOS)]
    return [_middle(load_rgb(path)[None] / 255) for path in chosen]


def _middle(photo: Tensor) -> Tensor:
    height, width = photo.shape[-2:]
    scale = _SIDE / min(height, width)
    size = max(_SIDE, round(height * scale)), max(_SIDE, round(width * scale))
    photo = F.interpolate(photo, size, mode="bicubic", antialias=True).clamp(0, 1)
    top, left = (size[0] - _SIDE) // 2, (size[1] - _SIDE) // 2
    return photo[:, :, top : top + _SIDE, left : left + _SIDE]


@torch.inference_mode()
def rounded_bank(net: StyleBankNet, codes: list[Tensor], pictures: list[Tensor]) -> RoundedStyleBank:
    """The network with steps for these styles, (1, code_length) each, and pictures, (1, 3, H, W) each."""
    bank = RoundedStyleBank(net)
    seen = _watched(bank, list(_runs(codes, pictures)))
    bank.relative = _evened_out(bank, {place: inputs for place, (inputs, _) in seen.items()})
    for place, (inputs, results) in seen.items():
        layer = bank.layers[place]
        relative = bank.relative[_read(bank, place)]
        if place in bank.weights_only:
            bank.inner[str(place)] = RoundedWeights(layer, relative)
            continue
        weight = layer.conv.weight * relative[:, None, None]
        step, zero = _step(inputs / relative[:, None], weight.square().sum((0, 2, 3)))
        bank.inner[str(place)] = RoundedConv(layer, relative, step, zero, *_range(results))
    return bank


def _runs(codes: list[Tensor], pictures: list[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """Which picture is painted in which style."""
    if len(codes) == 1:
        yield from ((picture, codes[0]) for picture in pictures)
        return
    for place, code in enumerate(codes):
        for turn in range(min(_PHOTOS_PER_STYLE, len(pictures))):
            yield pictures[(place * _PHOTOS_PER_STYLE + turn) % len(pictures)], code


def _watched(bank: RoundedStyleBank, runs: list[tuple[Tensor, Tensor]]) -> dict[int, tuple[Tensor, Tensor]]:
    """Of each inner convolution some pixels of its input and of its result, (C, pixels) each."""
    chance = torch.Generator().manual_seed(0)
    each = -(-_PIXELS // len(runs))
    seen: dict[int, tuple[list[Tensor], list[Tensor]]] = {int(place): ([], []) for place in bank.inner}

    def some(x: Tensor) -> Tensor:
        pixels = x[0].flatten(1)
        return pixels[:, torch.randint(pixels.shape[1], (each,), generator=chance)]

    def watch(place: int) -> Callable[[nn.Module, tuple[Tensor], Tensor], None]:
        def hook(module: nn.Module, given: tuple[Tensor], made: Tensor) -> None:
            seen[place][0].append(some(given[0]))
            seen[place][1].append(some(made))

        return hook

    hooks = [conv.register_forward_hook(watch(int(place))) for place, conv in bank.inner.items()]
    for picture, code in runs:
        bank(picture, code)
    for hook in hooks:
        hook.remove()
    return {place: (torch.cat(inputs, 1), torch.cat(results, 1)) for place, (inputs, results) in seen.items()}


def _read(bank: RoundedStyleBank, place: int) -> int:
    """Which layer's result a layer reads; of those that are added up, the first."""
    return bank.carried[0] if place - 1 in bank.carried else place - 1


def _evened_out(bank: RoundedStyleBank, inputs: dict[int, Tensor]) -> list[Tensor]:
    """By how much to make the channels of each layer's result smaller, so that all make good use of one step.

    The square root of what would make all alike: as much is lost by the weights, whose steps grow with it.
    """
    levels: dict[int, list[Tensor]] = {}
    for place, seen in inputs.items():
        level = seen.abs().quantile(0.999, dim=1)
        levels.setdefault(_read(bank, place), []).append(level / level.mean())
    relative = [torch.ones_like(one) for one in bank.relative]
    for layer, found in levels.items():
        level = torch.stack(found).mean(0)
        even = level.clamp_min(0.02 * float(level.max())).sqrt()
        for other in bank.carried if layer in bank.carried else [layer]:
            relative[other] = even
    return relative


def _step(seen: Tensor, weight: Tensor) -> tuple[float, int]:
    """The step of a map, and the place of 0 among its 256, with the least error of what is seen, (C, pixels).

    ``weight`` says how much each channel counts, (C,).
    """
    low, high = min(float(seen.min()), 0.0), max(float(seen.max()), 0.0)
    found = []
    for share in _SHARES:
        step = max((high - low) * share / 255, 1e-12)
        zero = round(-low * share / step)
        kept = ((seen / step).round() + zero).clamp(0, 255).sub(zero).mul(step)
        found.append((float((_error(kept, seen, step) * weight).sum()), step, zero))
    _, step, zero = min(found)
    return step, zero


def _range(seen: Tensor) -> tuple[Tensor, Tensor]:
    """The range of each channel with the least error in 256 steps of what is seen, (C, pixels), and `_ROOM`."""
    mean = seen.mean(1, keepdim=True)
    low, high = seen.amin(1, keepdim=True) - mean, seen.amax(1, keepdim=True) - mean
    ranges, errors = [], []
    for share in _SHARES:
        step = ((high - low) * share / 255).clamp_min(1e-12)
        lowest = mean + low * share
        kept = ((seen - lowest) / step).round().clamp(0, 255).mul(step).add(lowest)
        errors.append(_error(kept, seen, step))
        ranges.append(torch.stack([lowest, lowest + 255 * step])[..., 0])
    best = torch.stack(errors).argmin(0)
    low, high = torch.stack(ranges)[best, :, torch.arange(len(best))].unbind(1)
    more = (_ROOM - 1) / 2 * (high - low)
    return low - more, high + more


def _error(kept: Tensor, seen: Tensor, step: Tensor | float) -> Tensor:
    """The mean square error of each channel, (C,), of what is kept of (C, pixels)."""
    error = kept - seen
    # Rounding is half a step at the most.
    return (error.square() * torch.where(error.abs() > 0.51 * step, _CUT_OFF, 1.0)).mean(1)
