"""What can be said in numbers of how a painting looks beside its photo and its style."""

from __future__ import annotations

import math
import statistics
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor, nn

from impasto.imaging.color import luma, srgb_to_linear
from impasto.nets.perceptual import CONTENT_LAYERS, content_distance, gram
from impasto.nets.vgg import VGG19Features
from impasto.zoo.vgg import load_vgg19

Grams = Mapping[str, Tensor]


class Eyes(ABC):
    """A network that looks at pictures, the layers by which it tells styles, and those by which it tells contents."""

    style_layers: tuple[str, ...]
    content_layers: tuple[str, ...]

    @abstractmethod
    def __call__(self, picture: Tensor) -> Mapping[str, Tensor]:
        """Features of all these layers of a picture, (1, 3, H, W) in [0, 1]."""


class VGGEyes(Eyes):
    """VGG-19 and the layers of benchmarks/pictures.py. Impasto was trained on it, and so was AdaIN.

    Args:
        path: weights as `impasto.zoo.vgg.load_vgg19` takes them.
    """

    style_layers = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    content_layers = CONTENT_LAYERS

    def __init__(self, path: Path | None) -> None:
        self._net: VGG19Features = load_vgg19(path, "relu4_1").to(memory_format=torch.channels_last)

    @torch.inference_mode()
    def __call__(self, picture: Tensor) -> Mapping[str, Tensor]:
        """See `Eyes`."""
        return self._net(picture.contiguous(memory_format=torch.channels_last), self.style_layers)


class MobileNetEyes(Eyes):
    """MobileNetV2 (Sandler et al. 2018, https://arxiv.org/abs/1801.04381): nobody here trained on it.

    Looked at are the last maps of strides 2, 4, 8 and 16, as blocks 1, 3, 6 and 13 give them: without a ReLU, so that
    no mean of theirs drowns what differs.

    Args:
        path: TensorFlow's weights in torchvision's key layout; the network is padded as TensorFlow does it.
    """

    style_layers = ("1", "3", "6", "13")
    content_layers = ("6", "13")

    def __init__(self, path: Path) -> None:
        from torchvision.models import mobilenet_v2

        net = mobilenet_v2(weights=None)
        net.load_state_dict({name: value.float() for name, value in load_file(path).items()})
        for part in list(net.modules()):
            if isinstance(part, nn.Sequential):
                _pad_like_tensorflow(part)
        last = int(self.style_layers[-1])
        self._blocks: nn.Sequential = net.features[: last + 1].eval().requires_grad_(False)

    @torch.inference_mode()
    def __call__(self, picture: Tensor) -> Mapping[str, Tensor]:
        """See `Eyes`."""
        found = {}
        x = picture.contiguous(memory_format=torch.channels_last) * 2 - 1
        for number, block in enumerate(self._blocks):
            x = block(x)
            if str(number) in self.style_layers:
                found[str(number)] = x
        return found


def _pad_like_tensorflow(layers: nn.Sequential) -> None:
    """At stride 2 below and to the right only, which is what SAME means where sides are even."""
    for index, conv in enumerate(layers):
        if isinstance(conv, nn.Conv2d) and conv.stride == (2, 2):
            conv.padding = (0, 0)
            layers[index] = nn.Sequential(nn.ZeroPad2d((0, 1, 0, 1)), conv)


class Impression(NamedTuple):
    """What eyes keep of a picture."""

    grams: Grams
    content: Mapping[str, Tensor]


def look(eyes: Eyes, picture: Tensor) -> Impression:
    """Look at a picture, (1, 3, H, W) in [0, 1]."""
    features = eyes(picture)
    return Impression(
        {layer: gram(features[layer])[0] for layer in eyes.style_layers},
        {layer: features[layer] for layer in eyes.content_layers},
    )


def style_distance(given: Impression, style: Impression) -> float:
    """Relative squared distance of Gram matrices, as in benchmarks/pictures.py: 0 is equal, 1 as far as nothing."""
    return statistics.mean(
        float((given.grams[layer] - wanted).square().sum() / wanted.square().sum())
        for layer, wanted in style.grams.items()
    )


def distance_of_content(given: Impression, photo: Impression) -> float:
    """Relative squared distance of features, as in benchmarks/pictures.py: 0 is equal, 1 as far away as nothing."""
    return float(content_distance(given.content, photo.content))


def distance_apart(one: Impression, other: Impression) -> float:
    """How different two pictures are in style, whichever comes first: the geometric mean of both relative distances."""
    return statistics.mean(
        float((one.grams[layer] - gram).square().sum() / (one.grams[layer].norm() * gram.norm()))
        for layer, gram in other.grams.items()
    )


def structure(picture: Tensor) -> Tensor:
    """A picture without its colours, its lightness and its contrast: gray with mean 0.5 and standard deviation 0.2.

    Args:
        picture: (1, 3, H, W) in [0, 1].

    Returns:
        (1, 3, H, W), of which little may lie outside of [0, 1].
    """
    gray = luma(picture)
    return ((gray - gray.mean()) / gray.std().clamp_min(1e-3) * 0.2 + 0.5).expand(-1, 3, -1, -1)


#: Of the picture, for the distance of colours: so many pixels, and so many directions in Lab.
_PIXELS, _DIRECTIONS = 1 << 16, 32
#: D65, and the shares of red, green and blue in X, Y and Z (IEC 61966-2-1).
_WHITE = (0.95047, 1.0, 1.08883)
_TO_XYZ = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))


def to_lab(rgb: Tensor) -> Tensor:
    """CIE L*a*b* of sRGB colours in [0, 1], both (3, N); white is D65."""
    xyz = rgb.new_tensor(_TO_XYZ) @ srgb_to_linear(rgb) / rgb.new_tensor(_WHITE)[:, None]
    linear = xyz / (3 * (6 / 29) ** 2) + 4 / 29
    x, y, z = torch.where(xyz > (6 / 29) ** 3, xyz.clamp_min(1e-9) ** (1 / 3), linear)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def colors(picture: Tensor) -> Tensor:
    """What `color_distance` needs of a picture, (1, 3, H, W) in [0, 1]: its colours in Lab, sorted along directions."""
    chance = torch.Generator().manual_seed(0)
    pixels = picture[0].flatten(1)
    some = pixels[:, torch.randint(pixels.shape[1], (_PIXELS,), generator=chance)]
    directions = F.normalize(torch.randn(_DIRECTIONS, 3, generator=chance), dim=1)
    return (directions @ to_lab(some)).sort(dim=1).values


def color_distance(one: Tensor, other: Tensor) -> float:
    """Sliced 2-Wasserstein distance of the colours of two pictures, in units of Lab, from what `colors` gives.

    Bonneel et al. 2015, "Sliced and Radon Wasserstein barycenters of measures"
    (https://doi.org/10.1007/s10851-014-0506-3).
    """
    return float((one - other).square().mean().sqrt())


#: The lattice is looked for in windows of so many pixels, in the flattest quarter of them.
_WINDOW, _FLAT = 64, 0.25
#: What nets that halve and double sizes leave behind, in pixels.
PERIODS = (2, 4, 8)
#: From a frequency to those it is compared with, in steps of the window's spectrum.
_NEAR, _FAR = 3, 4


def flat_windows(photo: Tensor) -> Tensor:
    """Numbers of the windows of a photo, (1, 3, H, W), that have the least contrast; for `lattice`."""
    contrast = _windows(photo).std(dim=(1, 2))
    return contrast.argsort()[: max(1, round(len(contrast) * _FLAT))]


def lattice(picture: Tensor, windows: Tensor) -> float:
    """How far periods of 2, 4 and 8 pixels stand out of the spectrum, in dB: weave, checkers, rows of dots.

    For each period the power at its four frequencies, across, down and both diagonals, over the median around each of
    them; in the mean over the periods. 0 is a spectrum without peaks there; one that falls and is hollow is below.

    Args:
        picture: (1, 3, H, W) in [0, 1], sides of at least 64 pixels.
        windows: of the photo; see `flat_windows`.
    """
    window = torch.hann_window(_WINDOW, periodic=True)
    window = window[:, None] * window
    cells = _windows(picture)[windows]
    cells = (cells - cells.mean(dim=(1, 2), keepdim=True)) * window
    # What rounding to 8 bits puts into any picture: so a plain fill has no peaks.
    floor = float(window.square().sum()) / 12 / 255**2
    power = torch.fft.fft2(cells).abs().square().mean(0) + floor
    return statistics.mean(10 * math.log10(_prominence(power, _WINDOW // period)) for period in PERIODS)


def _prominence(power: Tensor, frequency: int) -> float:
    reach = range(-_FAR, _FAR + 1)
    ring = [(y, x) for y in reach for x in reach if max(abs(y), abs(x)) >= _NEAR]
    ratios = []
    for y, x in ((0, frequency), (frequency, 0), (frequency, frequency), (frequency, -frequency)):
        around = torch.stack([power[(y + dy) % _WINDOW, (x + dx) % _WINDOW] for dy, dx in ring])
        ratios.append(float(power[y, x] / around.median()))
    return statistics.mean(ratios)


def _windows(picture: Tensor) -> Tensor:
    """Overlapping windows of the luma, (N, 64, 64)."""
    rows = F.unfold(luma(picture), _WINDOW, stride=_WINDOW // 2)
    return rows[0].T.reshape(-1, _WINDOW, _WINDOW)
