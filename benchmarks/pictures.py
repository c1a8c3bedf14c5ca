"""Pictures as styles: how near they come to the style, how near they stay to the photo, and how long it takes.

    make bench-pictures PAINTINGS=DIR VGG=FILE

For each painting and photo the relative distances of style (Gram matrices, relu1_1 to relu4_1) and content (relu3_1 and
relu4_1) of VGG-19; see `impasto.nets.perceptual`: 0 is equal, 1 is as far away as nothing at all. Compared are the
untouched photo, the code that is predicted for the bank's network (`fixed`), `adain`, and Gatys et al. 2016: L-BFGS on
the pixels from the photo on, the same features and targets, after some iterations.

The times are of one thread, one picture after the other: Impasto's paths, and for comparison the plain network of Huang
and Belongie 2017 (VGG-19 to relu4_1 and its mirror image, random weights, PyTorch as it is) in the same run.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.transforms.v2 import functional as TF
from tqdm import tqdm

from impasto.engines.base import Wanted
from impasto.engines.gatys.objective import Objective, measure
from impasto.engines.gatys.refine import LBFGSDescent
from impasto.engines.painters import Painters
from impasto.engines.pictures import STYLE_SIDE, StylePicture
from impasto.nets.perceptual import CONTENT_LAYERS, STYLE_DISTANCES, Moments, content_distance
from impasto.nets.vgg import CHANNELS
from impasto.progress import silent
from impasto.training.photos import find_pictures, load_rgb
from impasto.zoo.features import Features
from impasto.zoo.library import Library, shipped_models
from impasto.zoo.vgg import load_vgg19
from impasto_link.coats import StyleChoice
from photos import default_photos

CPU = torch.device("cpu")
LAYERS = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
#: Of the style against 1 for the content, as in the training of the predictor.
STYLE_WEIGHT = 5.0


class Scores:
    """Distances of pictures from one photo and one style."""

    def __init__(self, net: Features, photo: Tensor, style: StylePicture) -> None:
        self._net = net
        self.targets = measure(net, style.picture, LAYERS)
        self._photo = self._see(photo)

    def _see(self, picture: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            return dict(self._net(picture.to(self._net.dtype), CONTENT_LAYERS))

    def __call__(self, picture: Tensor) -> tuple[float, float]:
        found = measure(self._net, picture, LAYERS)
        style = [float(STYLE_DISTANCES["gram"](found[layer], self.targets[layer])) for layer in LAYERS]
        return sum(style) / len(style), float(content_distance(self._see(picture), self._photo).mean())


def gatys(net: Features, photo: Tensor, targets: Moments, iterations: list[int]) -> dict[str, Tensor]:
    """Pictures after so many iterations of L-BFGS from the photo on."""
    objective = Objective(net, photo, targets, "relu4_1", style_weight=STYLE_WEIGHT)
    descent = LBFGSDescent(photo, None, 0.0)
    found = {}
    for step in range(1, max(iterations) + 1):
        descent.step(objective)
        if step in iterations:
            found[f"Gatys {step}"] = descent.picture
    return found


class OriginalAdaIN(nn.Module):
    """The network of Huang and Belongie 2017 with random weights, as plain PyTorch: for its time only."""

    def __init__(self) -> None:
        super().__init__()
        widths = [3, *(width for name, width in CHANNELS.items() if name <= "4_1")]
        pairs = list(itertools.pairwise(widths))
        self.encoder = nn.ModuleList(nn.Conv2d(a, b, 3, padding=1, padding_mode="reflect") for a, b in pairs)
        self.decoder = nn.ModuleList(nn.Conv2d(b, a, 3, padding=1, padding_mode="reflect") for a, b in reversed(pairs))

    def forward(self, photo: Tensor, mean: Tensor, std: Tensor) -> Tensor:
        x = photo
        for index, conv in enumerate(self.encoder):
            if index in (2, 4, 8):
                x = F.max_pool2d(x, 2)
            x = F.relu(conv(x))
        variance, own = torch.var_mean(x, dim=(2, 3), keepdim=True)
        x = (x - own) * torch.rsqrt(variance + 1e-5) * std + mean
        for index, conv in enumerate(self.decoder):
            x = conv(x)
            if index < len(self.decoder) - 1:
                x = F.relu(x)
            if index in (0, 4, 6):
                x = F.interpolate(x, scale_factor=2, mode="nearest")
        return x


def median_seconds(work: Callable[[], object], rounds: int = 7) -> float:
    work()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return sorted(times)[rounds // 2]


def time_paths(size: int) -> None:
    torch.set_num_threads(1)
    painters = Painters(Library([shipped_models()]), CPU)
    photo = torch.rand(1, 3, size, size)
    style = StylePicture(torch.rand(1, 3, STYLE_SIDE, STYLE_SIDE))

    def paint(engine: str, picture: StylePicture) -> Tensor:
        return painters.engine(engine).paint(photo, Wanted([StyleChoice("x")], {"x": picture}), silent())

    original = OriginalAdaIN().eval()
    mean, std = torch.zeros(1, 512, 1, 1), torch.ones(1, 512, 1, 1)
    with torch.inference_mode():
        seconds = {
            "AdaIN as published, plain PyTorch": median_seconds(lambda: original(photo, mean, std), 3),
            "adain, style known": median_seconds(lambda: paint("adain", style)),
            "fixed, style known": median_seconds(lambda: paint("fixed", style)),
            "fixed, style seen for the first time": median_seconds(
                lambda: paint("fixed", StylePicture(torch.rand(1, 3, STYLE_SIDE, STYLE_SIDE)))
            ),
        }
    print(f"\n{platform.machine()}, one thread, {size} x {size}, torch {torch.__version__}\n")
    print("| | ms | times the first |\n|---|---|---|")
    first = next(iter(seconds.values()))
    for name, value in seconds.items():
        print(f"| {name} | {value * 1000:.0f} | {value / first:.3f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paintings", type=Path, help="folder of paintings; without it only times are measured")
    parser.add_argument("--only", nargs="*", default=[], metavar="NAME", help="of the paintings, by file name")
    parser.add_argument("--vgg", type=Path, help="VGG-19 weights (default: torchvision's)")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--iterations", type=int, nargs="*", default=[100, 300])
    options = parser.parse_args()
    if options.paintings:
        measure_distances(options)
    time_paths(512)


def measure_distances(options: argparse.Namespace) -> None:
    net = Features(load_vgg19(options.vgg), CPU, torch.bfloat16)
    painters = Painters(Library([shipped_models()]), CPU)
    photos = list(default_photos(options.size).values())
    paintings = [path for path in find_pictures(options.paintings) if not options.only or path.stem in options.only]
    kinds: dict[str, list[tuple[float, float]]] = defaultdict(list)
    rows = []
    for number, path in enumerate(tqdm(paintings)):
        painting = load_rgb(path)[None].float() / 255
        photo = photos[number % len(photos)]
        style = StylePicture(painting)
        small = StylePicture(TF.resize(painting, [STYLE_SIDE], antialias=True))
        scores = Scores(net, photo, small)
        pictures = {"photo": photo}
        for engine in ("fixed", "adain"):
            pictures[engine] = painters.engine(engine).paint(photo, Wanted([StyleChoice("x")], {"x": style}), silent())
        if options.iterations:
            pictures |= gatys(net, photo, scores.targets, options.iterations)
        found = {kind: scores(picture) for kind, picture in pictures.items()}
        rows.append((path.stem, found))
        for kind, values in found.items():
            kinds[kind].append(values)
    print("\nEach cell: style distance / content distance\n")
    print("| painting | " + " | ".join(kinds) + " |\n" + "|---" * (len(kinds) + 1) + "|")
    means = {kind: tuple(sum(one) / len(one) for one in zip(*values, strict=True)) for kind, values in kinds.items()}
    for name, found in [*rows, ("**mean**", means)]:
        print(f"| {name} | " + " | ".join(f"{style:.3f} / {content:.3f}" for style, content in found.values()) + " |")


if __name__ == "__main__":
    main()
