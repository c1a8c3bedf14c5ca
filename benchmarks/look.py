"""How paintings look beside those of others: Impasto and published networks, on photos and pictures that it never saw.

    make bench-look PHOTOS=DIR PICTURES=DIR TEXTURES=DIR PEERS=DIR VGG=FILE MOBILENET=FILE
    make bench-look ... PAIRS=4                     the short form
    make bench-look ... LOOK="--gatys 300 --sheet sheet.jpg"
    make bench-look ... LOOK=--library              how different the library's own styles are from each other

Each photo is paired with one picture as its style, both cut to a square, and painted by all in turn. Unseen are the
photos and textures that trainings hold out (`impasto.training.photos.is_held_out`), and the pictures that no card of a
shipped model names. A row is printed for each painting as it comes, then a table of the means:

- style, content: relative distances of VGG-19, as in benchmarks/pictures.py: 0 is equal, 1 is as far away as nothing.
- style 2, content 2: the same by MobileNetV2, on which nobody here trained styles.
- colour: sliced Wasserstein distance to the style's colours, in units of Lab.
- lattice: how far periods of 2, 4 and 8 pixels stand out of the spectrum where the photo is flat, in dB.
- named: how often the right style is the nearest of all to the painting, by MobileNetV2's Gram matrices; in gray of
  equal mean and contrast, where only structure is left, and in colour.
- time: over that of Impasto's `fixed` for the same pair, the median. Networks are in memory, the style is seen for the
  first time.

Two brackets hold the measures: an untouched copy of the photo has to lose on style, the style itself, in place of a
painting, on content.
All is computed in float32, on one thread.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import statistics
import time
import tomllib
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageDraw
from torch import Tensor
from torchvision.transforms.v2 import functional as TF

from impasto.engines.base import Wanted
from impasto.engines.gatys.objective import measure
from impasto.engines.painters import Painters
from impasto.engines.pictures import StylePicture
from impasto.progress import silent
from impasto.training.photos import find_pictures, is_held_out, load_rgb
from impasto.zoo.features import Features
from impasto.zoo.library import Library, shipped_models
from impasto.zoo.vgg import load_vgg19
from impasto_link.coats import StyleChoice
from measures import (
    Impression,
    MobileNetEyes,
    VGGEyes,
    color_distance,
    colors,
    distance_apart,
    distance_of_content,
    flat_windows,
    lattice,
    look,
    structure,
    style_distance,
)
from peers import Painter, load_peers
from photos import default_photos, square
from pictures import LAYERS, gatys

CPU = torch.device("cpu")
#: What `fixed` is called here: whose time is 1.
FIXED = "Impasto fixed"
COPY, ITSELF = "the photo itself", "the style itself"


@dataclass(frozen=True)
class Row:
    """What is measured of a painting."""

    style: float
    content: float
    style2: float
    content2: float
    color: float
    lattice: float
    named_gray: bool
    named: bool
    seconds: float

    HEAD = "style | content | style 2 | content 2 | colour | lattice, dB | named, gray | named, colour | time"

    def __str__(self) -> str:
        distances = (self.style, self.content, self.style2, self.content2)
        cells = [*(f"{value:.3f}" for value in distances), f"{self.color:.2f}", f"{self.lattice:.1f}"]
        cells += ["yes" if right else "no" for right in (self.named_gray, self.named)]
        return " | ".join([*cells, f"{self.seconds:.2f} s"])


@dataclass(frozen=True)
class Seen:
    """What is known of a picture."""

    vgg: Impression
    mobile: Impression
    gray: Impression
    colors: Tensor


class Judge:
    """Looks at pictures and measures them.

    Args:
        vgg: VGG-19's weights; torchvision's if not given.
        mobilenet: MobileNetV2's.
    """

    def __init__(self, vgg: Path | None, mobilenet: Path) -> None:
        self._vgg, self._mobile = VGGEyes(vgg), MobileNetEyes(mobilenet)

    def see(self, picture: Tensor) -> Seen:
        """Look at a picture, (1, 3, H, W) in [0, 1]."""
        return Seen(look(self._vgg, picture), look(self._mobile, picture), self.structure(picture), colors(picture))

    def structure(self, picture: Tensor) -> Impression:
        """What is left of a picture without colours, lightness and contrast."""
        return look(self._mobile, structure(picture))


@dataclass(frozen=True)
class Pair:
    """A photo and a style with what is known of them, both (1, 3, size, size)."""

    name: str
    photo: Tensor
    style: Tensor
    photo_seen: Seen
    style_seen: Seen
    flat: Tensor

    def rate(self, painting: Tensor, seen: Seen, styles: list[Seen], seconds: float) -> Row:
        """Measure a painting; ``styles`` are those among which the right one has to be found."""
        gray = min(styles, key=lambda style: distance_apart(seen.gray, style.gray))
        color = min(styles, key=lambda style: distance_apart(seen.mobile, style.mobile))
        return Row(
            style_distance(seen.vgg, self.style_seen.vgg),
            distance_of_content(seen.vgg, self.photo_seen.vgg),
            style_distance(seen.mobile, self.style_seen.mobile),
            distance_of_content(seen.mobile, self.photo_seen.mobile),
            color_distance(seen.colors, self.style_seen.colors),
            lattice(painting, self.flat),
            gray is self.style_seen,
            color is self.style_seen,
            seconds,
        )


def impasto_painters() -> dict[str, Painter]:
    """Impasto's engines for pictures, with all that they do for a style that they see for the first time."""
    painters = Painters(Library([shipped_models()]), CPU)

    def painter(engine: str) -> Painter:
        def paint(photo: Tensor, style: Tensor) -> Tensor:
            wanted = Wanted([StyleChoice("x")], {"x": StylePicture(style)})
            return painters.engine(engine).paint(photo, wanted, silent())

        return paint

    return {FIXED: painter("fixed"), "Impasto adain": painter("adain")}


def gatys_painter(vgg: Path | None, iterations: int) -> Painter:
    """Gatys et al. 2016 from the photo on, as in benchmarks/pictures.py."""
    net = Features(load_vgg19(vgg, "relu4_1"), CPU, torch.float32)

    def paint(photo: Tensor, style: Tensor) -> Tensor:
        with torch.enable_grad():
            (painting,) = gatys(net, photo, measure(net, style, LAYERS), [iterations]).values()
        return painting

    return paint


def named_on_cards(models: Path) -> set[str]:
    """File names of the pictures that the models of a folder learned from, as cards and recipes tell them."""
    cards = [json.loads(path.read_text(encoding="utf-8")) for path in models.glob("*.json")]
    recipes = [tomllib.loads(path.read_text(encoding="utf-8")) for path in models.glob("*.toml")]
    return {Path(name).name for part in [*cards, *recipes] for name in _named(part)}


def _named(part: object) -> Iterable[str]:
    if isinstance(part, dict):
        for key, value in part.items():
            yield from value if key == "paintings" else _named(value)
    elif isinstance(part, list):
        for value in part:
            yield from _named(value)


def unseen(options: argparse.Namespace) -> list[tuple[str, Tensor, Tensor]]:
    """As many pairs as there are, at most those asked for: name, photo and style. Always the same ones.

    Raises:
        SystemExit: there are none.
    """
    known = named_on_cards(shipped_models())
    styles = _mixed(path for path in find_pictures(options.pictures) if path.name not in known)
    if options.textures:
        styles += _mixed(path for path in find_pictures(options.textures) if is_held_out(path))
    both = zip(_photos(options), styles[: options.pairs], strict=False)
    pairs = [(f"{name} / {path.stem}", photo, square(load_rgb(path), options.size)) for (name, photo), path in both]
    if not pairs:
        raise SystemExit("There is no photo, or no picture, that Impasto has not learned from. Give other folders.")
    return pairs


def _photos(options: argparse.Namespace) -> Iterator[tuple[str, Tensor]]:
    if not options.photos:
        yield from default_photos(options.size).items()
        return
    for path in _mixed(path for path in find_pictures(options.photos) if is_held_out(path)):
        photo = load_rgb(path)
        # What is far smaller than the paintings has nothing to be painted.
        if 2 * min(photo.shape[1:]) >= options.size:
            yield path.stem, square(photo, options.size)


def _mixed(paths: Iterable[Path]) -> list[Path]:
    """In an order that has nothing to do with kinds, and is the same everywhere."""
    return sorted(paths, key=lambda path: (zlib.crc32(path.name.encode()), path.name))


def compare(options: argparse.Namespace) -> None:
    """Paint and measure all pairs, and print what is found."""
    found = unseen(options)
    painters = impasto_painters()
    if options.peers:
        peers, left_out = load_peers(options.peers)
        painters |= peers
        print("\n".join(left_out))
    if options.gatys:
        painters[f"Gatys {options.gatys}"] = gatys_painter(options.vgg, options.gatys)
    judge = Judge(options.vgg, options.mobilenet)
    print(f"{len(found)} pairs at {options.size} px; looking at the photos and the styles", flush=True)
    pairs = [
        Pair(name, photo, style, judge.see(photo), judge.see(style), flat_windows(photo))
        for name, photo, style in found
    ]
    styles = [pair.style_seen for pair in pairs]
    for name, painter in painters.items():
        # Networks are loaded at the first time.
        if not name.startswith("Gatys"):
            painter(torch.rand(1, 3, 256, 256), torch.rand(1, 3, 256, 256))

    rows: dict[str, list[Row]] = defaultdict(list)
    sheet = Sheet(["photo", "style", *painters])
    print(f"\n| photo / style | painting | {Row.HEAD} |\n" + "|---" * 11 + "|")
    for pair in pairs:
        untouched = {COPY: (pair.photo, pair.photo_seen), ITSELF: (pair.style, pair.style_seen)}
        for kind, (picture, seen) in untouched.items():
            rows[kind].append(pair.rate(picture, seen, styles, 0.0))
        paintings = {}
        for kind, painter in painters.items():
            started = time.perf_counter()
            paintings[kind] = painter(pair.photo, pair.style)
            seconds = time.perf_counter() - started
            rows[kind].append(pair.rate(paintings[kind], judge.see(paintings[kind]), styles, seconds))
            print(f"| {pair.name} | {kind} | {rows[kind][-1]} |", flush=True)
        sheet.add([pair.photo, pair.style, *paintings.values()])
    report(rows)
    for line in brackets(rows):
        print(line)
    if options.sheet:
        sheet.save(options.sheet)


def report(rows: dict[str, list[Row]]) -> None:
    """Print the means as a Markdown table."""
    fixed = [row.seconds for row in rows[FIXED]]
    print(
        f"\n{platform.machine()}, float32, one thread, torch {torch.__version__}; {len(fixed)} pairs; "
        f"{FIXED} takes {statistics.median(fixed):.2f} s\n"
    )
    print(f"| | {Row.HEAD} |\n" + "|---" * 10 + "|")
    for kind, mine in rows.items():
        means = [
            statistics.mean(getattr(row, name) for row in mine) for name in ("style", "content", "style2", "content2")
        ]
        cells = [f"{value:.3f}" for value in means]
        lattice_of = "" if kind == ITSELF else f"{statistics.mean(row.lattice for row in mine):.1f}"
        cells += [f"{statistics.mean(row.color for row in mine):.2f}", lattice_of]
        cells += [str(sum(row.named_gray for row in mine)), str(sum(row.named for row in mine))]
        times = [row.seconds / one for row, one in zip(mine, fixed, strict=True)]
        cells += ["" if kind in (COPY, ITSELF) else f"{statistics.median(times):.2f}"]
        print(f"| {kind} | " + " | ".join(cells) + " |")
    print()


def brackets(rows: dict[str, list[Row]]) -> list[str]:
    """A line for each measure of style and content: whether what has to lose loses to every painter, in the mean."""
    losers: list[tuple[str, str, Callable[[Row], float]]] = [
        ("style", COPY, lambda row: row.style),
        ("style 2", COPY, lambda row: row.style2),
        ("colour", COPY, lambda row: row.color),
        ("not named, gray", COPY, lambda row: 1 - row.named_gray),
        ("not named, colour", COPY, lambda row: 1 - row.named),
        ("content", ITSELF, lambda row: row.content),
        ("content 2", ITSELF, lambda row: row.content2),
    ]
    lines = []
    for measured, loser, value in losers:
        means = {kind: statistics.mean(map(value, mine)) for kind, mine in rows.items() if kind not in (COPY, ITSELF)}
        worst = max(means, key=lambda kind: means[kind])
        lost = statistics.mean(map(value, rows[loser]))
        clear = sum(value(row) > max(value(rows[kind][pair]) for kind in means) for pair, row in enumerate(rows[loser]))
        verdict = "holds" if lost > means[worst] else "DOES NOT HOLD"
        lines.append(
            f"{measured}: {loser} {lost:.3f}, the farthest painter {means[worst]:.3f} ({worst}); behind all painters "
            f"in {clear} of {len(rows[loser])} pairs: the bracket {verdict}"
        )
    return lines


class Sheet:
    """Paintings side by side, a row for each pair, with the painters' names above."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._rows: list[list[Tensor]] = []

    def add(self, pictures: list[Tensor]) -> None:
        """A row of pictures, each (1, 3, size, size) in [0, 1]."""
        self._rows.append([(picture[0].clamp(0, 1) * 255).round().to(torch.uint8) for picture in pictures])

    def save(self, path: Path) -> None:
        """Write all rows, pixel for pixel."""
        side, head = self._rows[0][0].shape[-1], 24
        sheet = Image.new("RGB", (side * len(self._names), head + side * len(self._rows)), "white")
        draw = ImageDraw.Draw(sheet)
        for column, name in enumerate(self._names):
            draw.text((side * column + 6, 4), name, "black", font_size=16)
        for (row, pictures), column in itertools.product(enumerate(self._rows), range(len(self._names))):
            sheet.paste(TF.to_pil_image(pictures[column]), (side * column, head + side * row))
        sheet.save(path, quality=92)


def compare_library(options: argparse.Namespace) -> None:
    """Print how different the styles of the library are from each other, in gray structure."""
    names = [style.name for style in Library([shipped_models()]).styles()]
    engine = Painters(Library([shipped_models()]), CPU).engine("fixed")
    eyes = MobileNetEyes(options.mobilenet)
    apart: dict[tuple[str, str], list[float]] = defaultdict(list)
    photos = default_photos(options.size)
    for photo in photos.values():
        paintings = {name: engine.paint(photo, Wanted([StyleChoice(name)]), silent()) for name in names}
        seen = {name: look(eyes, structure(painting)) for name, painting in paintings.items()}
        for one, other in itertools.permutations(names, 2):
            apart[one, other].append(distance_apart(seen[one], seen[other]))
    means = {pair: statistics.mean(values) for pair, values in apart.items()}
    print(f"\n{len(names)} styles, {len(photos)} photos at {options.size} px: distance in gray structure\n")
    print("| style | mean | nearest |\n|---|---|---|")
    for name in names:
        mine = {other: value for (one, other), value in means.items() if one == name}
        nearest = min(mine, key=lambda other: mine[other])
        print(f"| {name} | {statistics.mean(mine.values()):.3f} | {nearest}, {mine[nearest]:.3f} |")
    print(f"| **all** | {statistics.mean(means.values()):.3f} | {min(means.values()):.3f} |")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--photos", type=Path, help="folder of photos; its held-out ones are used (default: scikit-image's)"
    )
    parser.add_argument("--pictures", type=Path, help="folder of pictures; those that no card names are the styles")
    parser.add_argument("--textures", type=Path, help="folder of more styles, of which the held-out ones are used")
    parser.add_argument("--peers", type=Path, help="folder of the weights of other people's networks")
    parser.add_argument("--vgg", type=Path, help="VGG-19 weights (default: torchvision's)")
    parser.add_argument(
        "--mobilenet", type=Path, required=True, help="MobileNetV2 weights of TensorFlow, in torchvision's layout"
    )
    parser.add_argument("--pairs", type=int, default=24, help="at most so many (default: 24)")
    parser.add_argument("--size", type=int, default=512, help="of the paintings, a multiple of 16 (default: 512)")
    parser.add_argument(
        "--gatys", type=int, default=0, metavar="N", help="also Gatys et al. with N iterations; takes long"
    )
    parser.add_argument("--sheet", type=Path, help="file for the pictures side by side")
    parser.add_argument(
        "--library", action="store_true", help="compare the library's own styles with each other instead"
    )
    options = parser.parse_args(arguments)
    if options.size % 16:
        parser.error("--size has to be a multiple of 16")
    if not options.library and not options.pictures:
        parser.error("--pictures is missing: a folder of pictures to paint like")
    return options


def main() -> None:
    options = parse()
    # Whatever the machine is fast in: peers are given no other format, so neither is Impasto.
    os.environ["IMPASTO_DTYPE"] = "float32"
    torch.set_num_threads(1)
    with torch.no_grad():
        compare_library(options) if options.library else compare(options)


if __name__ == "__main__":
    main()
