"""Many workers beside one: `impasto batch` on this machine, pictures a second.

    python benchmarks/batch.py

Prints Markdown, rows as they come. Each worker has one core. What counts are the ratios to one worker in the same run:
the first row is measured once more at the end, which tells how much the machine has changed its speed meanwhile. The
time until the workers have their networks stands by itself, for it does not grow with the number of pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import skimage.data
from PIL import Image

from impasto.batch.manifest import NAME


class Row(NamedTuple):
    """What came of a run.

    Attributes:
        start: seconds until the first picture was done.
        each: seconds that a worker had a picture in hand, median.
        rate: pictures a second, from the first one that was done to the last.
    """

    start: float
    each: float
    rate: float


def photos(folder: Path, number: int, megapixels: float) -> Path:
    """So many photos, each in a file of its own."""
    side = round((megapixels * 1e6) ** 0.5)
    photo = Image.fromarray(skimage.data.astronaut()).resize((side, side), Image.Resampling.LANCZOS)
    folder.mkdir()
    for one in range(number):
        photo.save(folder / f"{one:03}.jpg", quality=92)
    return folder


def run(pictures: Path, workers: int, style: str) -> Row:
    """Paint all pictures with so many workers."""
    with tempfile.TemporaryDirectory() as out:
        began = datetime.now(UTC)
        command = [sys.executable, "-m", "impasto", "batch", "stylize", str(pictures), "-o", out, "--style", style]
        subprocess.run([*command, "--workers", str(workers), "--quiet"], check=True)
        lines = [json.loads(line) for line in Path(out, NAME).read_text().splitlines()]
    done = sorted(datetime.fromisoformat(line["when"]) for line in lines)
    # With the first of its picture each worker has only begun.
    rate = (len(done) - workers) / (done[-1] - done[workers - 1]).total_seconds()
    return Row((done[0] - began).total_seconds(), statistics.median(line["seconds"] for line in lines), rate)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 1], help="of each row (default: 1 2 1)")
    parser.add_argument("--pictures", type=int, default=10, help="for each worker (default: 10)")
    parser.add_argument("--megapixels", type=float, default=1.0, help="of each picture (default: 1)")
    parser.add_argument("--style", default="udnie")
    options = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| workers | first picture after, s | a picture, s | pictures/s | to as many times one worker |")
    print("|---|---|---|---|---|", flush=True)
    one: float | None = None
    for workers in options.workers:
        with tempfile.TemporaryDirectory() as folder:
            pictures = photos(Path(folder, "photos"), workers * options.pictures, options.megapixels)
            row = run(pictures, workers, options.style)
        one = one or row.rate / workers
        share = row.rate / (workers * one)
        print(f"| {workers} | {row.start:.1f} | {row.each:.2f} | {row.rate:.3f} | {share:.2f} |", flush=True)
        time.sleep(2)  # what has ended makes room


if __name__ == "__main__":
    main()
