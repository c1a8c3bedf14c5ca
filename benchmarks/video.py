"""How much paintings of frames flicker, each painted by itself and as a sequence.

    python benchmarks/video.py [--photos DIR] [--size 320x256] [--frames 24] [--styles udnie gouache] [--short]
        [--sheet DIR]

Clips are made of photos, so that it is known where each pixel came from and what was hidden. The warping error is the
mean difference, in grey levels, between a painting and the one of 1 and of 10 frames before, moved to where its pixels
are now, over pixels that are seen in both (Lai et al. 2018, https://arxiv.org/abs/1808.00449). Style distances are
relative to the frames painted by themselves, by Gram matrices of Impasto's encoder, or with --vgg of VGG-19. Prints
Markdown as it is measured; --sheet writes frames, and how they differ from the ones before, to be looked at.
"""

from __future__ import annotations

import argparse
import math
import platform
import statistics
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional as TF

from impasto.client import to_region
from impasto.nets.encoder import CompactEncoder
from impasto.pipeline import Pipeline
from impasto.progress import nobody
from impasto.training.photos import find_pictures
from impasto.zoo.encoder import load_compact_encoder
from impasto.zoo.library import Library
from impasto_link.frames import Frame
from impasto_link.options import StylizeOptions
from measures import Eyes, VGGEyes, look, style_distance

RATE = 25
#: The thing that moves covers about a tenth of the picture; this far from it, in pixels, nothing should change.
THING, FAR = 0.1, 60


class CompactEyes(Eyes):
    """Impasto's own encoder, which needs no download."""

    style_layers = ("relu1_1", "relu2_1", "relu3_1", "relu4_1")
    content_layers = ("relu4_1",)

    def __init__(self) -> None:
        self._net: CompactEncoder = load_compact_encoder()

    @torch.inference_mode()
    def __call__(self, picture: Tensor) -> Mapping[str, Tensor]:
        return self._net.vgg_features(picture, self.style_layers)


@dataclass(frozen=True)
class View:
    """What of a photo a frame shows: its middle there, how many of its pixels one of the frame's is, and its light."""

    row: float
    column: float
    scale: float = 1.0
    light: float = 1.0


@dataclass(frozen=True)
class Clip:
    """Frames, and what is known of them.

    Attributes:
        name: what happens.
        frames: (1, 3, H, W) each.
        views: what each shows.
        things: where the thing is that moves by itself, (1, 1, H, W) of bool each; None without one.
    """

    name: str
    frames: list[Tensor]
    views: list[View]
    things: list[Tensor] | None = None

    def before(self, pictures: list[Tensor], now: int, then: int) -> tuple[Tensor, Tensor]:
        """The picture of one frame as it would be in another, and where both show the same, (1, 1, H, W)."""
        size = self.frames[0].shape[-2:]
        one, other = self.views[now], self.views[then]
        grid = _grid(size, one)
        there = _at(grid, other, size)
        moved = pictures[then] if one == other else sampled(finer(pictures[then]), there)
        seen = (there.abs() <= 1).all(-1)[None]
        if self.things is not None:
            hidden = F.grid_sample(self.things[then].float(), there, "bilinear", "zeros", align_corners=True) > 0
            seen = seen & ~hidden & ~self.things[now]
        return moved, seen

    def error(self, paintings: list[Tensor], apart: int) -> float:
        """The warping error, in grey levels."""
        errors = []
        for now in range(apart, len(paintings)):
            moved, seen = self.before(paintings, now, now - apart)
            errors.append(_mean_where(255 * (paintings[now] - moved).abs(), seen))
        return statistics.mean(errors)

    def far(self, paintings: list[Tensor]) -> float:
        """By how much pixels change from one frame to the next that are far from the thing, in grey levels."""
        assert self.things is not None
        changes = []
        for now in range(1, len(paintings)):
            near = (self.things[now] | self.things[now - 1]).float()
            far = F.max_pool2d(near, 2 * FAR + 1, 1, FAR) == 0
            changes.append(_mean_where(255 * (paintings[now] - paintings[now - 1]).abs(), far))
        return statistics.mean(changes)


def _mean_where(values: Tensor, mask: Tensor) -> float:
    return float((values * mask).sum() / (mask.sum() * values.shape[1]).clamp_min(1))


def _grid(size: tuple[int, ...], view: View) -> Tensor:
    """Rows and columns of the photo that a frame shows, (1, H, W, 2)."""
    rows = view.row + (torch.arange(size[0]) - (size[0] - 1) / 2) * view.scale
    columns = view.column + (torch.arange(size[1]) - (size[1] - 1) / 2) * view.scale
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"), -1)[None]


def _at(grid: Tensor, view: View, size: tuple[int, ...]) -> Tensor:
    """Where places of the photo are in a frame, as `grid_sample` has it."""
    places = (grid - torch.tensor([view.row, view.column])) / view.scale * 2 / (torch.tensor(size) - 1)
    return places.flip(-1)


def finer(picture: Tensor) -> Tensor:
    """A picture four times as fine, from which others are taken.

    PyTorch's bicubic kernel (like OpenCV's) shifts what it interpolates by up to a twentieth of a pixel, but not half
    way between two pixels; from so fine a picture a linear one suffices.
    """
    for _ in range(2):
        size = [2 * length - 1 for length in picture.shape[-2:]]
        picture = F.interpolate(picture, size, mode="bicubic", align_corners=True)
    return picture


def sampled(fine: Tensor, there: Tensor) -> Tensor:
    """Of what `finer` gives, places as `grid_sample` has them."""
    return F.grid_sample(fine, there, "bilinear", "border", align_corners=True)


def clips(photo: Tensor, thing: Tensor, size: tuple[int, int], count: int) -> list[Clip]:
    """What can happen to a photo: (1, 3, H, W), larger than the frames, which have ``size``."""
    middle = (photo.shape[-2] - 1) / 2, (photo.shape[-1] - 1) / 2
    side = round(math.sqrt(THING * size[0] * size[1]) / 4) * 4
    patch = TF.resize(thing, [side, side], antialias=True)
    chance, fine = torch.Generator().manual_seed(1), finer(photo)

    def shown(view: View) -> Tensor:
        there = _at(_grid(size, view), View(*middle), photo.shape[-2:])
        return (sampled(fine, there) * view.light).clamp(0, 1)

    def pan(down: float, across: float) -> list[View]:
        # There and back again, as far as the photo reaches.
        room = (photo.shape[-2] - size[0]) / 2 - 2, (photo.shape[-1] - size[1]) / 2 - 2
        at = [
            [_there_and_back(number * step, 2 * there) - there for number in range(count)]
            for step, there in zip((down, across), room, strict=True)
        ]
        return [View(middle[0] + row, middle[1] + column) for row, column in zip(*at, strict=True)]

    def clip(name: str, views: list[View], noise: float = 0.0) -> Clip:
        frames = [shown(view) for view in views]
        if noise:
            frames = [(one + noise / 255 * torch.randn(one.shape, generator=chance)).clamp(0, 1) for one in frames]
        return Clip(name, frames, views)

    still = View(*middle)
    with_thing = clip("thing", [still] * count)
    things = []
    top = (size[0] - side) // 2
    for number, frame in enumerate(with_thing.frames):
        left = 8 + round(_there_and_back(3 * number, size[1] // 3))
        where = torch.zeros(1, 1, *size, dtype=torch.bool)
        where[..., top : top + side, left : left + side] = True
        frame[..., top : top + side, left : left + side] = patch
        things.append(where)
    light = [1 - 0.3 * math.sin(math.pi * number / max(12, count)) for number in range(count)]
    return [
        clip("noise of 3 levels", [still] * count, 3.0),
        Clip("a moving thing", with_thing.frames, with_thing.views, things),
        clip("pan of 1 pixel", pan(0, 1)),
        clip("pan of 4 pixels", pan(0, 4)),
        clip("slanting pan of 0.6 and 1.3 pixels", pan(0.6, 1.3)),
        clip("the same with noise of 3 levels", pan(0.6, 1.3), 3.0),
        clip("zoom of 1 % a frame", [View(*middle, 0.99**number) for number in range(count)]),
        clip("exposure", [View(*middle, 1.0, one) for one in light]),
    ]


def _there_and_back(way: float, length: float) -> float:
    return abs((way + length) % (2 * length) - length) if length > 0 else 0.0


class Painter:
    """Paints clips in a style, frame by frame or as sequences."""

    def __init__(self, pipeline: Pipeline, style: str) -> None:
        self._pipeline, self._options = pipeline, StylizeOptions.of(style)

    def paint(self, frames: list[Tensor], *, steady: bool) -> list[Tensor]:
        sequence = uuid.uuid4().hex
        return [
            self._one(picture, Frame(sequence, number / RATE) if steady else None)
            for number, picture in enumerate(frames)
        ]

    def _one(self, picture: Tensor, frame: Frame | None) -> Tensor:
        region, back = to_region(np.ascontiguousarray(picture[0].permute(1, 2, 0).numpy()))
        painted = back(self._pipeline.stylize(region, self._options, nobody, frame=frame).pixels)
        return torch.from_numpy(painted).permute(2, 0, 1)[None]


def sharpness(picture: Tensor) -> float:
    """The mean difference of neighbours, in grey levels."""
    return 255 * statistics.mean(float(picture.diff(dim=dim).abs().mean()) for dim in (-1, -2))


def sheet(path: Path, clip: Clip, columns: Mapping[str, list[Tensor]], every: int = 3) -> None:
    """Frames, and eight times how they differ from the one before, as it would be in them."""
    rows = []
    for now in range(len(clip.frames) - 6 * every, len(clip.frames), every):
        row = [clip.frames[now]]
        for pictures in columns.values():
            moved, seen = clip.before(pictures, now, now - 1)
            row += [pictures[now], (8 * (pictures[now] - moved).abs() * seen).clamp(0, 1)]
        rows.append(torch.cat(row, -1))
    whole = (torch.cat(rows, -2)[0].permute(1, 2, 0) * 255).round().byte().numpy()
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(whole).save(path)


def covering(picture: Tensor, height: int, width: int) -> Tensor:
    """A picture resized to be at least so large, and cut to it."""
    factor = max(height / picture.shape[-2], width / picture.shape[-1])
    size = [
        max(length, round(side * factor)) for length, side in ((height, picture.shape[-2]), (width, picture.shape[-1]))
    ]
    return TF.center_crop(TF.resize(picture, size, antialias=True), [height, width])


def photos_in(folder: Path | None, count: int) -> dict[str, Tensor]:
    if folder is None:
        from skimage import data

        arrays = {"astronaut": data.astronaut(), "coffee": data.coffee(), "chelsea": data.chelsea()}
        return {name: torch.from_numpy(one).permute(2, 0, 1)[None] / 255 for name, one in list(arrays.items())[:count]}
    paths = sorted(find_pictures(folder))
    paths = paths[:: max(1, len(paths) // count)][:count]
    return {
        path.stem: torch.from_numpy(np.array(Image.open(path).convert("RGB"))).permute(2, 0, 1)[None] / 255
        for path in paths
    }


def size_of(text: str) -> tuple[int, int]:
    width, height = map(int, text.split("x"))
    return height, width


def drift(painter: Painter, photo: Tensor, size: tuple[int, int], count: int, eyes: Eyes, style: Tensor) -> str:
    """The last of many frames beside the same painted by itself: how sharp it is, and its distance to the style."""
    thing = photo.flip(-1)
    clip = clips(photo, thing, size, count)[5]
    steady, alone = painter.paint(clip.frames, steady=True)[-1], painter.paint(clip.frames[-1:], steady=False)[0]
    style_seen = look(eyes, style)
    distances = [style_distance(look(eyes, one), style_seen) for one in (steady, alone)]
    away = 255 * (steady - alone)
    return (
        f"Pan with noise, frame {count}: sharpness {sharpness(steady) / sharpness(alone):.2f}, "
        f"style {distances[0] / distances[1]:.2f}, lighter by {float(away.mean()):+.2f} levels, "
        f"apart {float(away.abs().mean()):.1f} levels"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="a folder of photos; by default those of scikit-image")
    parser.add_argument("--count", type=int, default=2, help="how many of them")
    parser.add_argument("--size", type=size_of, default="320x256")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--drift", type=int, default=300, help="frames of the long clip; 0 for none")
    parser.add_argument("--styles", nargs="+", default=["udnie", "gouache"])
    parser.add_argument("--clips", nargs="+", default=[""], help="words in the names of clips")
    parser.add_argument("--short", action="store_true", help="one photo, one style, no drift")
    parser.add_argument("--vgg", type=Path, help="weights of VGG-19")
    parser.add_argument("--sheet", type=Path, help="a folder for pictures of frames")
    arguments = parser.parse_args()
    if arguments.short:
        arguments.count, arguments.styles, arguments.drift, arguments.frames = 1, arguments.styles[:1], 0, 14
    size, count = arguments.size, arguments.frames
    library = Library()
    pipeline = Pipeline(library, torch.device("cpu"))
    eyes: Eyes = VGGEyes(arguments.vgg) if arguments.vgg else CompactEyes()
    room = (size[0] + 40, size[1] + 100)
    photos = {name: covering(one, *room) for name, one in photos_in(arguments.photos, arguments.count).items()}
    things = [*photos.values()][1:] + [one.flip(-1) for one in photos.values()]

    print(f"{platform.machine()}, {torch.get_num_threads()} threads; {size[1]} x {size[0]}, {count} frames")
    print(f"photos: {', '.join(photos)}; styles: {', '.join(arguments.styles)}\n")
    print(
        "| clip | 1 frame: by itself | steady | ratio | 10: by itself | steady | ratio | style | sharpness | far off |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    cases = [
        (style, name, clip)
        for style in arguments.styles
        for (name, photo), thing in zip(photos.items(), things, strict=False)
        for clip in clips(photo, thing, size, count)
        if any(word in clip.name for word in arguments.clips)
    ]
    exemplars: dict[str, Tensor] = {}
    for style in arguments.styles:
        path = library.style(style).exemplar()
        assert path is not None, f"{style} has no picture"
        pixels = np.array(Image.open(path).convert("RGB"))
        exemplars[style] = TF.resize(torch.from_numpy(pixels).permute(2, 0, 1)[None] / 255, [size[0]], antialias=True)
    names = list(dict.fromkeys(clip.name for _, _, clip in cases))
    for title in names:
        rows = []
        for style, name, clip in cases:
            if clip.name != title:
                continue
            painter = Painter(pipeline, style)
            alone, steady = painter.paint(clip.frames, steady=False), painter.paint(clip.frames, steady=True)
            seen = look(eyes, exemplars[style])
            late = range(count // 2, count, 3)
            distances = [
                statistics.mean(style_distance(look(eyes, several[at]), seen) for at in late)
                for several in (alone, steady)
            ]
            sharp = [statistics.mean(sharpness(several[at]) for at in late) for several in (alone, steady)]
            errors = [clip.error(several, apart) for apart in (1, 10) for several in (alone, steady)]
            far = [clip.far(several) for several in (alone, steady)] if clip.things is not None else []
            rows.append((*errors, distances[1] / distances[0], sharp[1] / sharp[0], *far))
            if arguments.sheet:
                words = clip.name.replace(" ", "-").replace("%", "percent")
                sheet(arguments.sheet / f"{words}-{style}-{name}.png", clip, {"alone": alone, "steady": steady})
        means = [statistics.mean(values) for values in zip(*rows, strict=True)]
        one, one_steady, ten, ten_steady, distance, sharp_ratio, *apart_from_thing = means
        far_text = "{:.2f}, {:.3f}".format(*apart_from_thing) if apart_from_thing else ""
        print(
            f"| {title} | {one:.2f} | {one_steady:.2f} | {one_steady / one:.2f} | {ten:.2f} | {ten_steady:.2f} | "
            f"{ten_steady / ten:.2f} | {distance:.2f} | {sharp_ratio:.2f} | {far_text} |",
            flush=True,
        )
    if arguments.drift:
        first, style = next(iter(photos.values())), arguments.styles[0]
        print("\n" + drift(Painter(pipeline, style), first, size, arguments.drift, eyes, exemplars[style]))


if __name__ == "__main__":
    main()
