"""Exported files in their own runtimes, beside what Impasto paints itself: every format, small sizes and large.

    python benchmarks/export.py [--formats .onnx .xml] [--sizes 512 301x219] [--what starry-night]

Prints Markdown, row by row. Each row has a process of its own: the file paints, then Impasto paints the same picture in
float32, in turn. Formats whose packages are not installed are left out, and so are pictures for
which there is not enough memory.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil
import torch

from impasto.cli.options import read_styles
from impasto.export.check import psnr, sample
from impasto.export.formats import FORMATS, Format, format_of
from impasto.export.source import Source, of_styles
from impasto.zoo.library import Library
from impasto_link.errors import ImpastoError

Result = TypeVar("Result")

#: Bytes per pixel that some runtime needs; where there is less, nothing is tried.
ENOUGH = 800
#: Pixels of pictures for which ONNX Runtime does without its arena.
LARGE = 1 << 22
TURNS = 3


def find(what: str) -> Source:
    library = Library()
    return of_styles(read_styles([what], {}), {}, library)


def one(what: str, path: Path, height: int, width: int) -> None:
    source = find(what)
    if path.suffix == ".onnx" and height * width > LARGE:
        from impasto.export import onnx

        run = onnx.open_file(path, arena=False)
    else:
        run = format_of(path).load().open_file(path)
    picture = sample(height, width)
    inputs = {name: value.numpy() for name, value in source.inputs(picture).items()}
    run({**inputs, "image": sample(64, 64).numpy()})
    gc.collect()
    before = psutil.Process().memory_info().rss
    Path("/proc/self/clear_refs").write_text("5")  # The peak begins anew.
    made, took = timed(lambda: torch.from_numpy(run(inputs)))
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    used = int(status["VmHWM"].split()[0]) * 1024 - before
    wanted, own = timed(lambda: source.reference(picture))
    times = [(took, own)]
    # The first times are longer, which counts only where they are short.
    if height * width <= LARGE:
        times = [(timed(lambda: run(inputs))[1], timed(lambda: source.reference(picture))[1]) for _ in range(TURNS)]
    ratio = statistics.median(took / own for took, own in times)
    seconds = statistics.median(took for took, _ in times)
    print(json.dumps([psnr(made, wanted), ratio, seconds, used / (height * width)]))


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def row(what: str, path: Path, form: Format, height: int, width: int) -> str:
    if max(height, width) > form.longest:
        return f"takes at most {form.longest} | | |"
    if psutil.virtual_memory().available < ENOUGH * height * width:
        return "not enough memory | | |"
    command = [sys.executable, __file__, "--what", what, "--one", str(path), str(height), str(width)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return f"failed: {(done.stderr.strip() or 'killed').splitlines()[-1]} | | |"
    decibels, ratio, seconds, used = json.loads(done.stdout.splitlines()[-1])
    return f"{decibels:.0f} dB | {ratio:.2f} | {seconds:.2f} s | {used:.0f} B |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--formats", nargs="*", default=[form.suffix for form in FORMATS])
    parser.add_argument("--sizes", nargs="*", default=["256", "301x219", "512", "1024", "2048", "4096"])
    parser.add_argument("--what", default="starry-night", help="a style")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        path, height, width = options.one
        one(options.what, Path(path), int(height), int(width))
        return
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}\n")
    print("| format | file | height x width | against Impasto | time, to Impasto's in float32 | | memory per pixel |")
    print("|---" * 7 + "|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for form in FORMATS:
            if form.suffix not in options.formats:
                continue
            path = Path(folder) / f"network{form.suffix}"
            try:
                form.load().write(find(options.what), path)
            except ImpastoError as error:
                print(f"| {form.title} | {error.message} | | | | | |", flush=True)
                continue
            size = sum(part.stat().st_size for part in form.files(path)) / 1e6
            for text in options.sizes:
                height, _, width = text.partition("x")
                found = row(options.what, path, form, int(height), int(width or height))
                print(f"| {form.title} | {size:.1f} MB | {height} x {width or height} | {found}", flush=True)


if __name__ == "__main__":
    main()
