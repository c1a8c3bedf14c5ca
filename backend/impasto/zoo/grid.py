"""Where the codes of a style stand: sizes of strokes and strengths, between which is interpolated. Needs no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

#: How many sizes or strengths, and strokes of what size, a card may tell of.
_MOST = 16
_BOLDEST = 64


class CodeGrid(NamedTuple):
    """Where the codes of a style stand.

    Attributes:
        strokes: sizes of strokes, ascending, relative to the usual 1, which lies among or between them.
        strengths: ascending, above 0, the last one 1: fully in the style.
    """

    strokes: tuple[float, ...] = (1.0,)
    strengths: tuple[float, ...] = (1.0,)

    @classmethod
    def of(cls, strokes: Sequence[float], strengths: Sequence[float]) -> CodeGrid:
        """A grid of these sizes and strengths; raises ValueError if they cannot be those of one."""
        for what, values in (("strokes", strokes), ("strengths", strengths)):
            if not isinstance(values, (list, tuple)) or not 0 < len(values) <= _MOST:
                raise ValueError(f"{what} have to be a list of 1 to {_MOST} numbers")
            if any(type(value) not in (int, float) or not 0 < value <= _BOLDEST for value in values):
                raise ValueError(f"{what} have to be numbers above 0, and at most {_BOLDEST}")
            if any(low >= high for low, high in pairwise(values)):
                raise ValueError(f"{what} have to ascend")
        if not strokes[0] <= 1 <= strokes[-1]:
            raise ValueError("strokes have to have 1 among or between them")
        if strengths[-1] != 1:
            raise ValueError("strengths have to end with 1")
        return cls(tuple(map(float, strokes)), tuple(map(float, strengths)))

    @classmethod
    def of_card(cls, card: Mapping[str, Any]) -> CodeGrid:
        """The grid that a model's card tells of: of a single code where it tells of none; raises ValueError as `of`."""
        usual = cls()
        return cls.of(card.get("strokes", usual.strokes), card.get("strengths", usual.strengths))

    def corners(self, brush: float, strength: float) -> list[tuple[int, int, float]]:
        """The codes between which a size of strokes and a strength lie.

        Linear in the logarithm of the size and in the strength; beyond the ends it is that of the end.

        Returns:
            Of one, two or four codes: the place among ``strokes``, among ``strengths``, and the share. All shares are
            above 0, and their sum is 1.
        """
        rows = _between([math.log(size) for size in self.strokes], math.log(brush))
        columns = _between(self.strengths, strength)
        return [(row, column, a * b) for row, a in rows for column, b in columns]


def _between(points: Sequence[float], value: float) -> list[tuple[int, float]]:
    value = min(max(value, points[0]), points[-1])
    above = next(place for place, point in enumerate(points) if point >= value)
    if points[above] == value:
        return [(above, 1.0)]
    share = (value - points[above - 1]) / (points[above] - points[above - 1])
    return [(above - 1, 1 - share), (above, share)]
