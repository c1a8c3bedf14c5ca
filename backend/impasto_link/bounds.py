"""Rectangles of pixels, as editors have them."""

from __future__ import annotations

from typing import NamedTuple


class Bounds(NamedTuple):
    """A rectangle of pixels; of what, says who has it."""

    x: int
    y: int
    width: int
    height: int

    def __and__(self, other: Bounds) -> Bounds:
        """What two rectangles have in common; its size is 0 if that is nothing."""
        left, top = max(self.x, other.x), max(self.y, other.y)
        right = min(self.x + self.width, other.x + other.width)
        bottom = min(self.y + self.height, other.y + other.height)
        return Bounds(left, top, max(0, right - left), max(0, bottom - top))

    def __bool__(self) -> bool:
        return self.width > 0 and self.height > 0

    def grown(self, by: int) -> Bounds:
        """With a border of so many pixels."""
        return Bounds(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)

    def reduced(self, longest: int) -> tuple[Bounds, float]:
        """The rectangle in a picture of which no side is longer than ``longest``, and the scale, at most 1."""
        scale = min(1.0, longest / max(self.width, self.height))
        return Bounds(
            round(self.x * scale),
            round(self.y * scale),
            max(1, round(self.width * scale)),
            max(1, round(self.height * scale)),
        ), scale
