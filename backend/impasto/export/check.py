"""A file that was written, run where it will run, beside what Impasto paints itself."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.export.formats import Runner
from impasto.export.source import Source
from impasto_link.errors import ImpastoError

#: Height and width: a usual one, an odd one, a large one.
SIZES = ((256, 256), (301, 219), (1024, 1024))


@dataclass(frozen=True)
class Compared:
    """What a file makes of a picture.

    Attributes:
        height, width: of the picture, in pixels.
        decibels: peak signal-to-noise ratio to what Impasto makes of it.
        ratio: the time that it takes, to Impasto's.
    """

    height: int
    width: int
    decibels: float
    ratio: float

    def __str__(self) -> str:
        return (
            f"{self.width} x {self.height}: {self.decibels:.0f} dB, {self.ratio:.2f} of Impasto's own time in float32"
        )


def compare(source: Source, run: Runner) -> Iterator[Compared]:
    """Run a file at `SIZES`, one after the other.

    Raises:
        ImpastoError: it makes something else, or fails.
    """
    for height, width in SIZES:
        picture = sample(height, width)
        inputs = {name: value.numpy() for name, value in source.inputs(picture).items()}
        try:
            made = torch.from_numpy(run(inputs))
        except Exception as error:
            raise ImpastoError(
                f"The file cannot be run at {width} x {height}: {error}", "Try another format, and tell us."
            ) from error
        wanted = source.reference(picture)
        # Both have been run once by now, which is the slower time.
        ratio = _seconds(run, inputs) / _seconds(source.reference, picture)
        found = Compared(height, width, psnr(made, wanted), ratio)
        yield found
        # Not "<", which would let a result that is no number pass.
        if not found.decibels >= source.floor:
            raise ImpastoError(
                f"The file paints otherwise than Impasto: {found.decibels:.0f} dB at {width} x {height}, "
                f"and {source.floor:.0f} are the least.",
                "Nothing was written. Try another format, and tell us.",
            )


def psnr(made: Tensor, wanted: Tensor) -> float:
    """Peak signal-to-noise ratio of pictures in [0, 1], in decibels."""
    if made.shape != wanted.shape:
        return 0.0
    error = float((made - wanted).double().square().mean())
    return -10 * math.log10(error) if error else math.inf


def sample(height: int, width: int) -> Tensor:
    """A picture with detail of every size, as photos have it: (1, 3, height, width) in [0, 1]."""
    chance = torch.Generator().manual_seed(0)
    picture = torch.full((1, 3, height, width), 0.5)
    size = 2
    while size < min(height, width):
        noise = torch.rand(1, 3, size, size, generator=chance) - 0.5
        picture += F.interpolate(noise, (height, width), mode="bilinear", align_corners=False) / math.sqrt(size)
        size *= 2
    return picture.clamp(0, 1)


def _seconds(work: Callable[[Any], object], given: Any) -> float:
    started = time.perf_counter()
    work(given)
    return time.perf_counter() - started
