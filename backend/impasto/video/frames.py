"""What a clip is, however its file is read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from impasto.imaging.problems import FileProblem


@dataclass(frozen=True)
class Frame:
    """A frame of a clip.

    Attributes:
        pixels: (H, W, C) of uint8 or uint16, upright; 3 channels of RGB, or 4 with alpha.
        time: its time stamp, in ticks of the clip's time base.
        duration: for how many ticks it shows; 0 if nothing says so.
    """

    pixels: np.ndarray
    time: int
    duration: int = 0


@dataclass(frozen=True)
class Clip(ABC):
    """A clip as its file describes it.

    Attributes:
        path: the file.
        width: of a frame as it is shown upright, in pixels.
        height: likewise.
        deep: whether frames have 16 bits a channel here, because they have more than 8 in the file.
        time_base: seconds of a tick.
        rate: frames a second, on the average.
        start: the time stamp of the first frame.
        count: about how many frames there are; None if nothing says so.
        profile: the ICC profile of its frames' colours; None for sRGB.
    """

    path: Path
    width: int
    height: int
    deep: bool
    time_base: Fraction
    rate: Fraction
    start: int
    count: int | None
    profile: bytes | None

    def check_size(self, frame: Frame) -> None:
        """See that a frame is of the clip's size, as most kinds of files want it; raises FileProblem."""
        height, width = frame.pixels.shape[:2]
        if (width, height) != (self.width, self.height):
            raise FileProblem(
                f"{self.path} has pages of {self.width} x {self.height} and of {width} x {height} pixels.",
                "Name a file .tif with -o, which can hold both.",
            )

    @abstractmethod
    def frames(self, after: int | None = None) -> Iterator[Frame]:
        """The frames, from the beginning, or those with a later time stamp than ``after``; raises FileProblem."""

    @abstractmethod
    def spread(self, count: int) -> Iterator[Frame]:
        """So many frames, spread over the clip; raises FileProblem."""
