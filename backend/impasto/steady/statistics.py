"""The statistics by which networks normalise, held over time."""

from __future__ import annotations

from collections.abc import Mapping

from impasto.execution.moments import Statistics


class Held:
    """Statistics of one coat, each of which moves from the last frame's to this one's by a share of the way.

    A thing that moves through a picture changes the statistics of all of it, and so pixels far away; held, they hardly
    change from one frame to the next. It is a `impasto.execution.moments.Smoothing`.

    Args:
        last: by what the last frame was painted, by the numbers of the normalisations.
        share: of the way, 0 to 1.

    Attributes:
        used: by what this frame is painted, likewise.
    """

    def __init__(self, last: Mapping[int, Statistics], share: float) -> None:
        self._last, self._share = last, share
        self.used: dict[int, Statistics] = {}

    def __call__(self, number: int, taken: Statistics) -> Statistics:
        """See `Smoothing`."""
        last = self._last.get(number)
        if last is None or last.mean.shape != taken.mean.shape:
            used = taken
        else:
            used = Statistics(*(old.to(new).lerp(new, self._share) for old, new in zip(last, taken, strict=True)))
        self.used[number] = used
        return used
