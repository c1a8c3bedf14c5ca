"""The loss of a picture and its gradient, for pictures of any size: Gatys et al. 2016, computed tile by tile.

A style loss looks at the features of the whole picture, so tiles cannot simply be optimised one by one. But it looks at
them only through their moments, which are sums over tiles. So a first pass sums the moments; the derivative of the loss
with respect to them is small and exact; and a second pass, with that derivative held fixed, gives each tile's share of
the gradient.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.nets.perceptual import STYLE_DISTANCES, LayerMoments, Moments, layer_moments, total_variation
from impasto.progress import Look

#: How far the features of VGG-19 see, in pixels: relu5_1 to 94 on each side.
HALO = 128
#: Tiles begin at multiples of this, so that pooling falls on the same pixels as in the whole picture.
_GRID = 16
#: Pixels of a tile with its halo: some 1.5 GB on the way down and up through VGG-19 in bfloat16.
TILE_PIXELS = 1024 * 1024


class FeatureNet(Protocol):
    """What measures: VGG-19, or the compact encoder in its place."""

    names: Collection[str]
    dtype: torch.dtype

    def __call__(self, x: Tensor, wanted: Collection[str], look: Look | None = None) -> Mapping[str, Tensor]:
        """Features of (1, 3, H, W) in [0, 1] by layer name; ``look`` is called on the way, there and back."""
        ...


class Window(NamedTuple):
    """A tile: what of the picture the network is shown, and which of it counts."""

    shown: tuple[slice, slice]
    counted: tuple[slice, slice]

    def inside(self, features: Tensor, stride: int, height: int, width: int) -> Tensor:
        """The counted part of features of the shown part; the picture is ``height`` x ``width``."""
        for dim, length in enumerate((height, width)):
            shown, counted = self.shown[dim], self.counted[dim]
            first = (counted.start - shown.start) // stride
            # The last tile ends where the map ends, which pooling has rounded down.
            last = length // stride if counted.stop == length else counted.stop // stride
            features = features.narrow(2 + dim, first, last - counted.start // stride)
        return features


def windows(height: int, width: int, tile_pixels: int = TILE_PIXELS) -> list[Window]:
    """The tiles of a picture, one if it is small enough."""
    if height * width <= tile_pixels:
        whole = (slice(0, height), slice(0, width))
        return [Window(whole, whole)]
    side = max(_GRID, (int(tile_pixels**0.5) - 2 * HALO) // _GRID * _GRID)
    rows, columns = (list(_spans(length, side)) for length in (height, width))
    return [Window((row[0], column[0]), (row[1], column[1])) for row in rows for column in columns]


def _spans(length: int, side: int) -> Iterator[tuple[slice, slice]]:
    first = 0
    while first < length:
        last = first + side
        # A remainder of less than a halo would hardly be seen by the deepest features: it goes with its neighbour.
        if length - last < HALO:
            last = length
        yield slice(max(0, first - HALO), min(length, last + HALO)), slice(first, last)
        first = last


def stride_of(layer: str) -> int:
    """Pixels of the picture per place of the layer: 1 for relu1_1, 8 for relu4_1."""
    return 1 << (int(layer.removeprefix("relu")[0]) - 1)


@torch.no_grad()
def measure(
    net: FeatureNet, picture: Tensor, layers: Collection[str], weights: Tensor | None = None, look: Look | None = None
) -> Moments:
    """The moments of a picture, (1, 3, H, W) in [0, 1], by layer; weighted by (1, 1, H, W) if given."""
    counts = Counts(picture, layers, weights)
    total: Moments = {}
    for window in windows(picture.shape[-2], picture.shape[-1]):
        features = net(picture[..., window.shown[0], window.shown[1]].to(net.dtype), layers, look)
        _add(total, counts.moments(features, window))
        if look is not None:
            look()
    return total


class Counts:
    """How much each place of each layer counts in the moments of a picture."""

    def __init__(self, picture: Tensor, layers: Collection[str], weights: Tensor | None) -> None:
        self.height, self.width = picture.shape[-2:]
        self._maps: dict[str, Tensor | None] = {}
        self._totals: dict[str, float] = {}
        for layer in layers:
            stride = stride_of(layer)
            if weights is None:
                self._maps[layer] = None
                self._totals[layer] = float((self.height // stride) * (self.width // stride))
            else:
                self._maps[layer] = F.avg_pool2d(weights, stride) if stride > 1 else weights
                self._totals[layer] = max(1e-6, float(self._maps[layer].sum()))  # type: ignore[union-attr]

    def moments(self, features: Mapping[str, Tensor], window: Window) -> Moments:
        """What a tile contributes."""
        found: Moments = {}
        for layer, weights in self._maps.items():
            stride = stride_of(layer)
            inside = window.inside(features[layer], stride, self.height, self.width)
            if weights is not None:
                top, left = window.counted[0].start // stride, window.counted[1].start // stride
                weights = weights[..., top : top + inside.shape[-2], left : left + inside.shape[-1]]
            found[layer] = layer_moments(inside, weights, self._totals[layer])
        return found


def _add(total: Moments, more: Moments) -> None:
    for layer, moments in more.items():
        total[layer] = total[layer] + moments if layer in total else moments


class Losses(NamedTuple):
    """The parts of a loss; `total` is what is minimised."""

    total: float
    style: float
    content: float


class Objective:
    """What a picture is optimised for.

    Args:
        net: the network that measures, on its device.
        photo: whose content is to be kept, (1, 3, H, W) in [0, 1].
        targets: moments of the style by layer; their keys are the style layers.
        content_layer: the layer of the content.
        style_loss: a key of `STYLE_DISTANCES`.
        style_weight, content_weight, tv_weight: of the relative distances, and of the total variation.
        layer_weights: how much each layer of ``targets`` counts; alike if not given.
        weights: where the style is to be met, (1, 1, H, W) in [0, 1].
        look: called between tiles and layers; raises to stop.
        tile_pixels: see `windows`.
    """

    def __init__(
        self,
        net: FeatureNet,
        photo: Tensor,
        targets: Moments,
        content_layer: str,
        *,
        style_loss: str = "gram",
        style_weight: float = 1.0,
        content_weight: float = 1.0,
        tv_weight: float = 0.0,
        layer_weights: Sequence[float] | None = None,
        weights: Tensor | None = None,
        look: Look | None = None,
        tile_pixels: int = TILE_PIXELS,
    ) -> None:
        self._net, self._targets, self._content_layer = net, targets, content_layer
        self._distance = STYLE_DISTANCES[style_loss]
        shares = list(layer_weights or ())
        shares = (shares + [0.0 if shares else 1.0] * len(targets))[: len(targets)]
        self._shares = [share / (sum(shares) or 1.0) for share in shares]
        self._style_weight, self._content_weight, self._tv_weight = style_weight, content_weight, tv_weight
        self._counts = Counts(photo, targets, weights)
        self._windows = windows(photo.shape[-2], photo.shape[-1], tile_pixels)
        self._wanted = {*targets, content_layer}
        self._look_around = look or (lambda: None)
        self._contents: list[Tensor] = []
        power = 0.0
        with torch.no_grad():
            for window in self._windows:
                content = self._content(self._features(photo, window), window)
                power += float(content.float().square().sum())
                # A copy, or all that the network was shown of the tile would stay in memory.
                self._contents.append(content.clone())
                self._look_around()
        self._power = max(power, 1e-6)

    def _features(self, picture: Tensor, window: Window) -> Mapping[str, Tensor]:
        shown = picture[..., window.shown[0], window.shown[1]].to(self._net.dtype)
        return self._net(shown, self._wanted, self._look_around)

    def _content(self, features: Mapping[str, Tensor], window: Window) -> Tensor:
        stride = stride_of(self._content_layer)
        return window.inside(features[self._content_layer], stride, self._counts.height, self._counts.width)

    def _content_loss(self, features: Mapping[str, Tensor], window: Window, wanted: Tensor) -> Tensor:
        return (self._content(features, window).float() - wanted.float()).square().sum() / self._power

    def _style_loss(self, moments: Moments) -> Tensor:
        pairs = zip(self._targets.items(), self._shares, strict=True)
        return torch.stack([self._distance(moments[layer], target) * share for (layer, target), share in pairs]).sum()

    def __call__(self, picture: Tensor) -> tuple[Losses, Tensor]:
        """Losses of a picture, (1, 3, H, W) float32 in [0, 1], and the gradient of their total, of the same shape."""
        rough = picture.detach().requires_grad_()
        variation = self._tv_weight * total_variation(rough).sum()
        gradient = torch.zeros(picture.shape, device=picture.device)
        if self._tv_weight:
            gradient += torch.autograd.grad(variation, rough)[0]
        if len(self._windows) == 1:
            style, content = self._at_once(picture, gradient)
        else:
            style, content = self._tile_by_tile(picture, gradient)
        total = self._style_weight * style + self._content_weight * content + variation.item()
        return Losses(total, style, content), gradient

    def _at_once(self, picture: Tensor, gradient: Tensor) -> tuple[float, float]:
        (window,) = self._windows
        shown = picture.detach().requires_grad_()
        features = self._features(shown, window)
        style = self._style_loss(self._counts.moments(features, window))
        content = self._content_loss(features, window, self._contents[0])
        loss = self._style_weight * style + self._content_weight * content
        gradient += torch.autograd.grad(loss, shown)[0]
        self._look_around()
        return style.item(), content.item()

    def _tile_by_tile(self, picture: Tensor, gradient: Tensor) -> tuple[float, float]:
        totals: Moments = {}
        with torch.no_grad():
            for window in self._windows:
                _add(totals, self._counts.moments(self._features(picture, window), window))
                self._look_around()
        leaves = {layer: LayerMoments(*(part.requires_grad_() for part in one)) for layer, one in totals.items()}
        style = self._style_loss(leaves)
        flat = [part for one in leaves.values() for part in one]
        slopes = torch.autograd.grad(self._style_weight * style, flat, allow_unused=True)
        content = 0.0
        for window, wanted in zip(self._windows, self._contents, strict=True):
            share, its_content = self._gradient_of(picture[..., *window.shown], window, wanted, slopes)
            gradient[..., *window.shown] += share
            content += its_content
            self._look_around()
        return style.item(), content

    def _gradient_of(
        self, tile: Tensor, window: Window, wanted: Tensor, slopes: Sequence[Tensor | None]
    ) -> tuple[Tensor, float]:
        """A tile's share of the gradient, and of the content loss.

        In a function of its own, so that the features of a tile are gone before the next one needs memory.
        """
        shown = tile.detach().requires_grad_()
        features = self._net(shown.to(self._net.dtype), self._wanted, self._look_around)
        mine = [part for one in self._counts.moments(features, window).values() for part in one]
        content = self._content_loss(features, window, wanted)
        share = self._content_weight * content
        for part, slope in zip(mine, slopes, strict=True):
            if slope is not None:
                share = share + (part * slope).sum()
        return torch.autograd.grad(share, shown)[0], content.item()
