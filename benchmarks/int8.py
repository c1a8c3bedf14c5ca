"""Files in 8 bits beside Impasto's own painting in float32: likeness in every style, size and time.

    python benchmarks/int8.py --photos DIR [--bank] [--styles gouache udnie]

Prints Markdown. As with `impasto export STYLE --int8` each style has a file of its own; with --bank, as with `impasto
export BANK --int8`, one file has all styles of a network. Held-out photos are painted; steps are measured on others.
Likeness is the peak signal-to-noise ratio in decibels against Impasto's painting in float32: the mean of the photos and
the worst. ONNX Runtime and OpenVINO run the same file, both in float32 where it is float. Times are of pairs: a file
and what it is compared with paint in turn.
"""

from __future__ import annotations

import argparse
import platform
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from impasto.cli.options import read_styles
from impasto.export import onnx, openvino
from impasto.export.check import psnr, sample
from impasto.export.formats import Runner
from impasto.export.int8 import in_8_bits
from impasto.export.source import Source, of_bank, of_styles
from impasto.training.photos import find_pictures, is_held_out
from impasto.training.styles import preview_photos
from impasto.zoo.library import Library

#: Both read a file .onnx.
RUNTIMES: Mapping[str, Callable[[Path], Runner]] = {"ONNX Runtime": onnx.open_file, "OpenVINO": openvino.open_file}


@contextmanager
def not_held_out(photos: Path) -> Iterator[Path]:
    """A folder of those photos that a user could measure on here."""
    with tempfile.TemporaryDirectory() as folder:
        for path in find_pictures(photos):
            if not is_held_out(path):
                (Path(folder) / path.name).symlink_to(path.resolve())
        yield Path(folder)


def paint(run: Runner, source: Source, photo: Tensor) -> Tensor:
    return torch.from_numpy(run({name: value.numpy() for name, value in source.inputs(photo).items()}))


def likeness(path: Path, rounded: Source, photos: Tensor) -> list[list[float]]:
    """Decibels of each photo, of each runtime."""
    wanted = [rounded.reference(photo) for photo in photos.split(1)]
    runs = [open_file(path) for open_file in RUNTIMES.values()]
    pairs = list(zip(photos.split(1), wanted, strict=True))
    return [[psnr(paint(run, rounded, photo), painting) for photo, painting in pairs] for run in runs]


def each_style(styles: list[str], measured_on: Path, library: Library, folder: Path) -> Iterator[tuple[Source, Path]]:
    for style in styles:
        rounded = in_8_bits(of_styles(read_styles([style], {}), {}, library), measured_on)
        onnx.write(rounded, path := folder / f"{style}.onnx")
        yield rounded, path


def one_file(styles: list[str], measured_on: Path, library: Library, folder: Path) -> Iterator[tuple[Source, Path]]:
    """Of each network one file, for each of its styles in turn."""
    for body in {bank.body: bank for bank in reversed(library.banks()) if not bank.is_kept_picture}.values():
        rounded = in_8_bits(of_bank(body, library), measured_on)
        onnx.write(rounded, path := folder / f"{rounded.name}.onnx")
        for style in styles:
            if style in rounded.codes:
                yield replace(rounded, name=style, codes={style: rounded.codes[style]}), path


def table(files: Iterator[tuple[Source, Path]], photos: Tensor) -> None:
    print(f"| style | {' | '.join(f'{name}: mean | worst photo' for name in RUNTIMES)} | file |")
    print("|---" * (2 + 2 * len(RUNTIMES)) + "|", flush=True)
    means, photos_worst, sizes = [], [], []
    for rounded, path in files:
        found = likeness(path, rounded, photos)
        means.append([statistics.mean(one) for one in found])
        photos_worst.append([min(one) for one in found])
        sizes.append(path.stat().st_size / 1e6)
        row(rounded.name, means[-1], photos_worst[-1], sizes[-1])
    row("**mean of all**", list(map(statistics.mean, zip(*means, strict=True))), [], statistics.mean(sizes))
    row("**worst of all**", list(map(min, zip(*means, strict=True))), list(map(min, zip(*photos_worst, strict=True))))


def row(name: str, means: list[float], worst: list[float], size: float = 0) -> None:
    cells = [f"{mean:.1f} | {f'{worst[place]:.1f}' if worst else ''}" for place, mean in enumerate(means)]
    print(f"| {name} | {' | '.join(cells)} | {f'{size:.2f} MB' if size else ''} |", flush=True)


def times(style: str, measured_on: Path, library: Library, folder: Path, side: int, rounds: int) -> None:
    """Medians of the time of a file in 8 bits to that in float32 in the same runtime, and to Impasto's own."""
    source = of_styles(read_styles([style], {}), {}, library)
    paths = [folder / "int8.onnx", folder / "float32.onnx"]
    for path, one in zip(paths, (in_8_bits(source, measured_on), source), strict=True):
        onnx.write(one, path)
    sizes = " and ".join(f"{path.stat().st_size / 1e6:.2f} MB" for path in paths)
    print(f"\nTimes in {style}, {side} x {side}; files in 8 bits and in float32: {sizes}\n")
    print("| runtime | 8 bits to float32 | 8 bits to Impasto | float32 to Impasto | 8 bits |")
    print("|---|---|---|---|---|")
    photo = sample(side, side)
    for name, open_file in RUNTIMES.items():
        runs = [partial(paint, open_file(path), source, photo) for path in paths]
        works: list[Callable[[], Tensor]] = [*runs, partial(source.reference, photo)]
        # The first time memory is fetched.
        taken = [[seconds(work) for work in works] for _ in range(rounds + 1)][1:]
        ratios = [statistics.median(turn[a] / turn[b] for turn in taken) for a, b in ((0, 1), (0, 2), (1, 2))]
        own = statistics.median(turn[0] for turn in taken)
        print(f"| {name} | {' | '.join(f'{ratio:.2f}' for ratio in ratios)} | {own:.2f} s |", flush=True)


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True)
    parser.add_argument("--styles", nargs="*", help="default: all of the library")
    parser.add_argument("--count", type=int, default=6, help="held-out photos that are painted")
    parser.add_argument("--size", type=int, default=512, help="their sides in pixels")
    parser.add_argument("--bank", action="store_true", help="one file for all styles of a network")
    parser.add_argument("--times", nargs="*", type=int, default=[512, 1024], help="sides, in the first of the styles")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    library = Library()
    styles = options.styles or [style.name for style in library.styles() if not style.bank.is_kept_picture]
    photos = preview_photos(find_pictures(options.photos), options.count, options.size)
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}\n")
    with not_held_out(options.photos) as measured_on, tempfile.TemporaryDirectory() as folder:
        files = (one_file if options.bank else each_style)(styles, measured_on, library, Path(folder))
        table(files, photos)
        for side in options.times:
            times(styles[0], measured_on, library, Path(folder), side, options.rounds)


if __name__ == "__main__":
    main()
