"""How near a painting comes to its style and to its photo: one loss for all that paints or is optimised.

A Gram matrix as it is (`impasto.nets.perceptual`) is ruled by the few channels of most power, which see colour and
grain. Here each channel is divided by the style's own standard deviation, and means and covariances are compared apart,
at full and at half size, so that strokes and shapes count as much. Content is compared after instance normalisation:
colours and contrast may go, things stay where they are. What that would let go, too, is held by terms of its own: the
light masses of the photo and what is quiet in it, the colours of the style; and guards see to it that there are no more
dots, checkers and roughness than the style has.

Each part is 0 where nothing is wrong; `LookWeights` has how much it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils._pytree import tree_map

from impasto.nets.perceptual import STYLE_LAYERS, total_variation

#: Gives features by layer name, (B, C, h, w), of pictures, (B, 3, H, W) in [0, 1]: `impasto.nets.vgg.VGG19Features`.
FeatureNet = Callable[[Tensor, Collection[str]], Mapping[str, Tensor]]

#: By how much a painting is made smaller before it is compared with the style, made smaller likewise: half as large,
#: the network sees strokes twice as long.
SHRUNK = (1, 2)
#: The layers by which things are known again, in pictures of each of these sizes: parts of them, and, where strokes are
#: hardly seen any more, their features, such as eyes and letters.
_CONTENT_LAYERS = ("relu4_1", "relu3_1")
#: No channel's standard deviation counts as less than these shares of the layer's deviation and of its mean (as root
#: mean squares): what hardly varies in the style, or nothing in a plain one, would rule the loss. With 0.3 instead of 1
#: the manner is nearer by the number, and one embossed texture lies over everything (benchmarks/eyes).
_LEAST_DEVIATION, _LEAST_OF_MEAN = 1.0, 0.05
#: The same for the colour axes, in [0, 1]: a gray style has no deviation of hue, and wants none.
_LEAST_COLOR_DEVIATION = 0.03
#: Sides of the cells in pixels in which light is compared, and by how many standard deviations it may stray in them.
_LIGHT = ((8, 0.4), (24, 0.2))
#: The same for how bright it is, in [0, 1].
_BRIGHTNESS = (24, 0.12)
#: Sides in pixels of what counts as detail and of the cells in which it is compared where there is much of it, and by
#: how many standard deviations it may stray in them.
_DETAIL, _QUIET, _QUIET_SLACK = 9, 16, 0.5
#: Side of the cells in pixels in which it is compared what is alike, how much so, in standard deviations of the
#: photo, and which share of a painting's variety is free to be of the strokes' own.
_PATCH, _ALIKE, _OWN = 16, 0.3, 0.2
#: What is less long than this in every direction is a dot, in pixels.
_DOT = 7
#: The grid of the networks that paint, in pixels, and the cells in which patterns of its period are looked for.
_GRID, _CELL = 4, 32
#: As much of the finest detail repeats by chance along a straight edge.
_BY_CHANCE = 0.2


@dataclass(frozen=True)
class LookWeights:
    """How much each part of the loss counts; the names are those of `LookParts`.

    With a quarter of this style a painting is gentle. Fresh eyes chose among sets of weights (benchmarks/eyes).
    """

    style: float = 6.0
    content: float = 2.0
    color: float = 4.0
    light: float = 6.0
    brightness: float = 40.0
    quiet: float = 1.5
    likeness: float = 1.5
    spikes: float = 0.02
    dots: float = 20.0
    checker: float = 1.0
    variation: float = 0.5


class LookParts(NamedTuple):
    """The parts of the loss, each (B,) float32, before they are weighted."""

    style: Tensor
    """How far strokes and shapes are from the style's: `style_distance`, averaged over layers and sizes."""
    content: Tensor
    """How far things are from the photo's: `content_distance`, averaged over sizes."""
    color: Tensor
    """How far mean and covariance of the colours are from the style's: `color_distance`."""
    light: Tensor
    """How far light and dark masses are from the photo's: `light_distance`, summed over two sizes of cells."""
    brightness: Tensor
    """How much brighter or darker its masses are than the photo's: `brightness_distance`."""
    quiet: Tensor
    """How far it is from being quiet where the photo is: `quiet_distance`."""
    likeness: Tensor
    """How far what is alike in the photo is painted in different colours: `likeness_distance`."""
    spikes: Tensor
    """How far activations of the painting network stand out: `spikes`."""
    dots: Tensor
    """How much more dotted it is than both the style and the photo: `dots`."""
    checker: Tensor
    """How much of its finest detail repeats with the network's grid: `checker`."""
    variation: Tensor
    """How much rougher it is than the style: `impasto.nets.perceptual.total_variation`."""

    def total(self, weights: LookWeights, style_times: Tensor | float = 1.0) -> Tensor:
        """What is minimised, (B,).

        Args:
            weights: how much each part counts.
            style_times: multiplies the style's weight for each picture, (B,).
        """
        parts = self._replace(style=self.style * style_times)
        return torch.stack([getattr(weights, name) * part for name, part in parts._asdict().items()]).sum(0)


class Statistics(NamedTuple):
    """What a style is in one layer: mean, (S, C), and covariance, (S, C, C), of its channels, float32."""

    mean: Tensor
    covariance: Tensor


class StyleLook(NamedTuple):
    """All that the loss knows of S styles."""

    sizes: tuple[dict[str, Statistics], ...]
    """By layer, for each of `SHRUNK`."""
    colors: Statistics
    """Of `opponents`."""
    dots: Tensor
    variation: Tensor
    """(S,) each."""

    def of(self, which: Tensor) -> StyleLook:
        """Those of these numbers, (B,), in this order."""
        return tree_map(lambda x: x[which], self)


@torch.no_grad()
def see_styles(net: FeatureNet, pictures: Tensor, layers: Collection[str]) -> StyleLook:
    """What there is to know of pictures as styles, (S, 3, H, W) in [0, 1], with as large strokes as are wanted."""
    return StyleLook(
        tuple({layer: statistics(x) for layer, x in net(shrink(pictures, by), layers).items()} for by in SHRUNK),
        statistics(opponents(pictures)),
        dots(pictures),
        total_variation(pictures),
    )


def one_style(views: Sequence[StyleLook]) -> StyleLook:
    """Several views, or pictures, as one style, (1, ...): as if all their pixels were in one picture."""

    def joined(parts: list[Statistics]) -> Statistics:
        mean = torch.stack([part.mean for part in parts]).mean(0)
        second = torch.stack([part.covariance + _outer(part.mean) for part in parts]).mean(0)
        return Statistics(mean, second - _outer(mean))

    return StyleLook(
        tuple(
            {layer: joined([view.sizes[at][layer] for view in views]) for layer in views[0].sizes[at]}
            for at in range(len(SHRUNK))
        ),
        joined([view.colors for view in views]),
        torch.stack([view.dots for view in views]).mean(0),
        torch.stack([view.variation for view in views]).mean(0),
    )


def all_styles(styles: Sequence[StyleLook]) -> StyleLook:
    """Styles one after the other, as one."""
    return tree_map(lambda *parts: torch.cat(parts), *styles)


def look_at(
    net: FeatureNet, painted: Tensor, photo: Tensor, style: StyleLook, spiked: Tensor | None = None
) -> LookParts:
    """The parts of the loss.

    Args:
        net: what measures.
        painted: paintings, (B, 3, H, W) in [0, 1], at least 48 pixels high and wide; the gradient goes there.
        photo: their photos, of the same shape.
        style: the style of each.
        spiked: what `spikes` says of the network that painted, if one did; a number.
    """
    distances, contents = [], []
    for by, layer, targets in zip(SHRUNK, _CONTENT_LAYERS, style.sizes, strict=True):
        features = net(shrink(painted, by), {*targets, layer})
        with torch.no_grad():
            wanted = net(shrink(photo, by), {layer})[layer]
        contents.append(content_distance(features[layer], wanted))
        distances += [style_distance(statistics(features[name]), target) for name, target in targets.items()]
    with torch.no_grad():
        dotted = torch.maximum(style.dots, dots(photo))
    none = painted.new_zeros(len(painted), dtype=torch.float32)
    return LookParts(
        style=torch.stack(distances).mean(0),
        content=torch.stack(contents).mean(0),
        color=color_distance(statistics(opponents(painted)), style.colors),
        light=sum((light_distance(painted, photo, cell, slack) for cell, slack in _LIGHT), none),
        brightness=brightness_distance(painted, photo),
        quiet=quiet_distance(painted, photo),
        likeness=likeness_distance(painted, photo),
        spikes=none if spiked is None else none + spiked,
        dots=(dots(painted) - dotted).clamp_min(0),
        checker=checker(painted),
        variation=(total_variation(painted.float()) - style.variation).clamp_min(0),
    )


def style_layers(names: Collection[str]) -> list[str]:
    """Those of a network's layers by which styles are known, from fine to coarse."""
    return [layer for layer in STYLE_LAYERS if layer in names]


def shrink(x: Tensor, by: int) -> Tensor:
    """Pictures made smaller by a whole number, (B, 3, H, W) to (B, 3, H // by, W // by)."""
    return F.avg_pool2d(x, by) if by > 1 else x


def statistics(features: Tensor) -> Statistics:
    """Of features, (B, C, H, W)."""
    rows = features.flatten(2)
    mean = rows.float().mean(2)
    # Centred before it is multiplied: the difference of large numbers would have no digits left in bfloat16.
    centred = rows - mean[..., None].to(rows)
    return Statistics(mean, (centred @ centred.transpose(1, 2)).float() / rows.shape[2])


def style_distance(given: Statistics, target: Statistics) -> Tensor:
    """Distance of two styles in one layer, (B,): 0 is equal; a plain picture is at 0.7 or farther away.

    The mean square of the difference of means, in the style's standard deviations, and the squared distance of the
    covariances, relative to the style's, both with every channel divided by its deviation; of each the logarithm of
    one more. Means and standard deviations say most of a style (Li et al. 2017, "Demystifying neural style transfer",
    https://arxiv.org/abs/1701.01036), covariances its strokes (Gatys et al. 2016, equation 5).

    Args:
        given: of paintings.
        target: of the style of each.
    """
    deviation = target.covariance.diagonal(dim1=1, dim2=2).clamp_min(0).sqrt()
    least = torch.maximum(_LEAST_DEVIATION * _rms(deviation), _LEAST_OF_MEAN * _rms(target.mean))
    return _in_deviations(given, target, torch.maximum(deviation, least) + 1e-6)


def color_distance(given: Statistics, target: Statistics) -> Tensor:
    """The same of the colours, (B,), on the axes of `opponents`, so that hue counts as much as light."""
    deviation = target.covariance.diagonal(dim1=1, dim2=2).clamp_min(0).sqrt()
    return _in_deviations(given, target, deviation.clamp_min(_LEAST_COLOR_DEVIATION))


def _in_deviations(given: Statistics, target: Statistics, deviation: Tensor) -> Tensor:
    unit = _outer(deviation)
    means = ((given.mean - target.mean) / deviation).square().mean(1)
    apart = ((given.covariance - target.covariance) / unit).square().sum((1, 2))
    # Of any style that is not plain at least 1: that of the channel which varies most.
    covariances = apart / (target.covariance / unit).square().sum((1, 2)).clamp_min(1.0)
    # What is far away pulls no harder than what is near: a red thing in a photo, of which a blue style has nothing,
    # comes to hundreds, and would drown all other layers and pictures.
    return means.log1p() + covariances.log1p()


def _rms(x: Tensor) -> Tensor:
    return x.square().mean(1, keepdim=True).sqrt()


def _outer(x: Tensor) -> Tensor:
    return x[:, :, None] * x[:, None, :]


def opponents(x: Tensor) -> Tensor:
    """Pictures, (B, 3, H, W) in [0, 1], on axes of light, yellow against blue and red against green, float32.

    On these the colours of pictures hardly depend on one another (Ohta et al. 1980, "Color information for region
    segmentation"); as red, green and blue all three would be mostly light.
    """
    red, green, blue = x.float().unbind(1)
    return torch.stack([(red + green + blue) / 3, (red + green) / 2 - blue, red - green], 1)


def content_distance(given: Tensor, wanted: Tensor) -> Tensor:
    """How far things are from where they were, (B,): 0 is equal, 2 nothing in common.

    The mean square of the difference after instance normalisation of both (Ulyanov et al. 2016,
    https://arxiv.org/abs/1607.08022): which feature is how strong on the whole is the style's affair.

    Args:
        given, wanted: features of paintings and of their photos, (B, C, H, W).
    """

    def normal(x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(x.float(), dim=(2, 3), correction=0, keepdim=True)
        # What hardly varies in this picture is noise, and all there is in a plain fill is.
        return (x - mean) * torch.rsqrt(variance + 0.05 * variance.mean(1, keepdim=True) + 1e-3)

    return (normal(given) - normal(wanted)).square().mean((1, 2, 3))


def light_distance(painted: Tensor, photo: Tensor, cell: int = 8, slack: float = 1.0) -> Tensor:
    """How far the light and dark masses of a painting stray from those of the photo, (B,).

    Compares luma over cells, in standard deviations of each picture; what strays by less than ``slack`` is the style's
    freedom. It keeps shading, and black blobs away, which a Gram matrix does not see: in them there is nothing.

    Args:
        painted, photo: (B, 3, H, W) in [0, 1].
        cell: side of the cells in pixels.
        slack: in standard deviations.
    """

    def masses(x: Tensor) -> Tensor:
        light = F.avg_pool2d(_luma(x), cell)
        variance, mean = torch.var_mean(light, dim=(1, 2, 3), correction=0, keepdim=True)
        return (light - mean) * torch.rsqrt(variance + 1e-3)

    strayed = (masses(painted) - masses(photo)).abs() - slack
    return strayed.clamp_min(0).square().mean((1, 2, 3))


def brightness_distance(painted: Tensor, photo: Tensor) -> Tensor:
    """How much brighter or darker the masses of a painting are than those of the photo, (B,) in [0, 1].

    `light_distance` does not see a gray veil over the whole picture, which it takes for the style's contrast.

    Args:
        painted, photo: (B, 3, H, W) in [0, 1].
    """
    cell, slack = _BRIGHTNESS
    strayed = (F.avg_pool2d(_luma(painted), cell) - F.avg_pool2d(_luma(photo), cell)).abs() - slack
    return strayed.clamp_min(0).square().mean((1, 2, 3))


def quiet_distance(painted: Tensor, photo: Tensor) -> Tensor:
    """How far a painting is from having much detail where the photo has much, and little where that is quiet, (B,).

    Statistics over the whole picture do not say where the strokes go: they come to lie everywhere alike, and a clear
    sky is as busy as a wood. Compared is the logarithm of the power of detail over cells, in standard deviations of
    each picture, so that a style may be as rough as it likes on the whole.

    Args:
        painted, photo: (B, 3, H, W) in [0, 1].
    """

    def detail(x: Tensor) -> Tensor:
        light = _luma(x)
        around = F.avg_pool2d(F.pad(light, (_DETAIL // 2,) * 4, mode="reflect"), _DETAIL, stride=1)
        # A hundredth is an amplitude that nobody sees.
        power = (F.avg_pool2d((light - around).square(), _QUIET) + 1e-4).log()
        variance, mean = torch.var_mean(power, dim=(1, 2, 3), correction=0, keepdim=True)
        return (power - mean) * torch.rsqrt(variance + 0.1)

    strayed = (detail(painted) - detail(photo)).abs() - _QUIET_SLACK
    return strayed.clamp_min(0).square().mean((1, 2, 3))


def likeness_distance(painted: Tensor, photo: Tensor) -> Tensor:
    """How much of the variety of colours in a painting has nothing to do with the photo, (B,) in [0, 0.8].

    Statistics over the whole picture do not say where which colour goes: patches of it fall by chance. So cells are
    compared with each other: those that are alike in the photo, in light, hue and roughness, are to be of like colours
    in the painting, whichever these are. What is measured is the mean square difference of such pairs, relative to that
    of all pairs; the strokes may have their share of it.

    Args:
        painted, photo: (B, 3, H, W) in [0, 1].
    """

    def cells(x: Tensor) -> Tensor:
        return F.avg_pool2d(x, _PATCH).flatten(2).transpose(1, 2)

    def apart(x: Tensor) -> Tensor:
        return (x[:, :, None] - x[:, None]).square().sum(3)

    with torch.no_grad():
        colors = opponents(photo)
        light = colors[:, :1]
        rough = (light - F.avg_pool2d(F.pad(light, (2,) * 4, mode="reflect"), 5, stride=1)).abs()
        seen = cells(torch.cat([colors, rough], 1))
        deviation = seen[..., :1].std(1, correction=0, keepdim=True) + 0.05
        alike = (-apart(seen / deviation) / (2 * _ALIKE**2)).exp()
        alike = alike - torch.diag_embed(alike.diagonal(dim1=1, dim2=2))
    differences = apart(cells(opponents(painted)))
    own = (alike * differences).sum((1, 2)) / (alike.sum((1, 2)) + 1e-3)
    return (own / (differences.mean((1, 2)) + 1e-3) - _OWN).clamp_min(0)


def _luma(x: Tensor) -> Tensor:
    weights = x.new_tensor([0.2126, 0.7152, 0.0722])[:, None, None]
    return (x.float() * weights).sum(1, keepdim=True)


def spikes(activations: Tensor, threshold: float = 6.0) -> Tensor:
    """How far the largest activation of each channel stands out of its picture, (B,).

    Networks with instance normalisation learn to plant a few huge activations, by which they rule the statistics and so
    the contrast everywhere else; in the picture they show as black blobs (Karras et al. 2020, "Analyzing and improving
    the image quality of StyleGAN", section 2). This makes them expensive.

    Args:
        activations: (B, C, H, W), before the normalisation.
        threshold: from how many standard deviations on it counts; edges and highlights reach 4 to 6.
    """
    x = activations.float()
    variance, mean = torch.var_mean(x, dim=(2, 3), correction=0, keepdim=True)
    peak = ((x - mean).abs() * torch.rsqrt(variance + 1e-3)).amax((2, 3))
    return (peak - threshold).clamp_min(0).square().mean(1)


def dots(x: Tensor) -> Tensor:
    """How dotted pictures are, (B,): the mean of what stands out of its surroundings, light or dark, in all directions.

    That is what is left of the luma, in [0, 1], by opening or closing it along lines of four directions (Soille 2003,
    "Morphological image analysis", section 4): a line stays in its own direction, a dot in none.

    Args:
        x: (B, 3, H, W) in [0, 1].
    """
    light = _luma(x)
    return sum(((y - _opened(y)).mean((1, 2, 3)) for y in (light, -light)), light.new_zeros(len(x)))


def _opened(x: Tensor) -> Tensor:
    """Without light marks that are shorter than `_DOT` in each of four directions, (B, 1, H, W)."""
    directions = ((0, 1), (1, 0), (1, 1), (1, -1))
    return torch.stack([_largest(-_largest(-x, direction), direction) for direction in directions]).amax(0)


def _largest(x: Tensor, direction: tuple[int, int]) -> Tensor:
    """The largest value along a line of `_DOT` pixels around each pixel."""
    reach, (height, width), (down, across) = _DOT // 2, x.shape[-2:], direction
    wide = F.pad(x, (reach,) * 4, mode="replicate")
    steps = range(-reach, reach + 1)
    shifted = [
        wide[..., reach + down * k : reach + down * k + height, reach + across * k : reach + across * k + width]
        for k in steps
    ]
    return torch.stack(shifted).amax(0)


def checker(x: Tensor) -> Tensor:
    """How much of the finest detail of paintings repeats with the grid of the network, (B,) in [0, 0.8].

    Networks that paint on a coarser grid leave patterns of its period, in places that lie alike on it (Odena et al.
    2016, "Deconvolution and checkerboard artifacts", https://distill.pub/2016/deconv-checkerboard/); strokes do not.
    What repeats in a cell is the mean over its periods. So much as an edge has by chance is free.

    Args:
        x: (B, 3, H, W) in [0, 1], whose first pixel lies at the beginning of a period.
    """
    x = x.float()
    fine = x - F.avg_pool2d(F.pad(x, (_GRID // 2,) * 4, mode="reflect"), _GRID + 1, stride=1)
    rows, columns = (length // _CELL for length in x.shape[-2:])
    periods = _CELL // _GRID
    cells = fine[..., : rows * _CELL, : columns * _CELL].reshape(
        len(x), 3, rows, periods, _GRID, columns, periods, _GRID
    )
    repeats = cells.mean((3, 6)).square().mean((3, 5)).sum(1)
    power = cells.square().mean((3, 4, 6, 7)).sum(1)
    # What nobody sees does not count: an amplitude below a hundredth.
    return (repeats / (power + 1e-4) - _BY_CHANCE).clamp_min(0).mean((1, 2))
