"""A clip painted by the command beside the painting of its frames alone.

    PYTHONPATH=tests python benchmarks/video_command.py [--frames 90] [--size 640 360] [--rounds 3]

Prints Markdown. One server, in turn: the frames, decoded beforehand, sent as the command sends them, two at a time;
then ``impasto video`` from its start to the finished file, with decoding, encoding, sound and joining. Once more
at strength 0, where no network runs, which shows what all the rest takes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from clips import make_clip
from impasto.command import SERVER_COMMAND
from impasto.video.reading import open_video
from impasto.video.run import Painter
from impasto_link.client import Call, Client
from impasto_link.frames import Frame
from impasto_link.launch import connect_or_start
from impasto_link.options import StylizeOptions
from impasto_link.pixels import Region


def walk(path: Path, count: int, width: int, height: int) -> Path:
    """A walk over a photo, as a phone films it: frames when they come, with sound."""
    from PIL import Image
    from skimage import data

    photo = Image.fromarray(data.astronaut()).resize((width + 2 * count, width + 2 * count), Image.Resampling.BICUBIC)
    pixels = np.asarray(photo)
    top = (pixels.shape[0] - height) // 3
    frames = [pixels[top + step // 3 : top + step // 3 + height, 2 * step : 2 * step + width] for step in range(count)]
    times = np.cumsum(np.random.default_rng(0).integers(15, 26, count)).tolist()
    return make_clip(path, [np.ascontiguousarray(one) for one in frames], times=times, sound="aac")


class _Quiet:
    def say(self, text: str) -> None:
        print(text, file=sys.stderr)

    def at(self, done: float, doing: str) -> None:
        pass


def alone(clip: Path, style: str, strength: float) -> float:
    """Seconds for the painting of the frames, which lie in the memory."""
    video = open_video(clip)
    frames = list(video.frames())
    options = StylizeOptions.of(style, strength=strength, flatten=True)

    def send(client: Client, region: Region, options: StylizeOptions, frame: Frame) -> Call:
        return client.stylize(region, options, frame=frame)

    painter = Painter(video, options, send, lambda: connect_or_start(SERVER_COMMAND), _Quiet())
    start = time.perf_counter()
    for _ in painter.paint(iter(frames)):
        pass
    return time.perf_counter() - start


def command(clip: Path, style: str, strength: float) -> float:
    """Seconds for the whole command."""
    target = clip.with_name("painted.mp4")
    words = [
        "video",
        str(clip),
        "-o",
        str(target),
        "--existing",
        "replace",
        "--style",
        style,
        "--strength",
        str(strength),
    ]
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "impasto", *words], check=True)
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=90)
    parser.add_argument("--size", type=int, nargs=2, default=(640, 360))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--style", default="starry-night")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = walk(Path(folder) / "walk.mp4", options.frames, *options.size)
        print(f"{options.frames} frames of {options.size[0]} x {options.size[1]}, {options.style}\n")
        print("| strength | frames alone | a second | whole command | ratio |\n|---|---|---|---|---|")
        for strength in (1.0, 0.0):
            alone(clip, options.style, strength)  # the server has its network then
            times = [
                (alone(clip, options.style, strength), command(clip, options.style, strength))
                for _ in range(options.rounds)
            ]
            frames, whole = (median(column) for column in zip(*times, strict=True))
            ratio = median(after / before for before, after in times)
            print(f"| {strength:g} | {frames:.1f} s | {options.frames / frames:.1f} | {whole:.1f} s | {ratio:.2f} |")


if __name__ == "__main__":
    main()
