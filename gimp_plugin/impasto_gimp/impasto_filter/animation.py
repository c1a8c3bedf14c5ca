"""What GIMP's animations say in the names of their layers: ``Frame 3 (100ms) (combine)``. Without GIMP."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Of a frame that does not say how long it is shown, in milliseconds; as GIMP's own playback and export have it.
USUAL_DELAY = 100

_DELAY = re.compile(r"\(\s*(\d+)\s*ms\s*\)", re.IGNORECASE)
_DISPOSAL = re.compile(r"\s*\(\s*(combine|replace)\s*\)", re.IGNORECASE)
_NUMBERED = re.compile(r"frame\s*\d+", re.IGNORECASE)
#: Before what is in brackets; in other languages than English frames have another name.
_NUMBER = re.compile(r"[^(]*\d")


def is_animation(names: Sequence[str]) -> bool:
    """Whether layers of these names, the first frame first, look like frames; the first may be a plain background."""
    return len(names) > 1 and all(any(one.search(name) for one in (_DELAY, _DISPOSAL, _NUMBERED)) for name in names[1:])


def delay(name: str) -> int:
    """For how many milliseconds a frame is shown."""
    found = _DELAY.search(name)
    return int(found[1]) if found else USUAL_DELAY


def begins(names: Sequence[str]) -> list[int]:
    """For each frame the first of those that are seen in it, one laid over the other.

    A frame that does not say so is laid over those before it. Only those of a WebP file are complete; there the first
    has a number, too, while that of a GIF is called a background.
    """
    usual = "replace" if _NUMBER.match(names[0]) else "combine"
    first, found = 0, []
    for number, name in enumerate(names):
        said = _DISPOSAL.search(name)
        if (said[1].lower() if said else usual) == "replace":
            first = number
        found.append(first)
    return found


def times(names: Sequence[str]) -> list[float]:
    """When each frame is seen, in seconds."""
    now, found = 0, []
    for name in names:
        found.append(now / 1000)
        now += delay(name)
    return found


def as_whole(name: str) -> str:
    """The name of a frame that is complete by itself: it keeps its delay and replaces what was before it."""
    return f"{_DISPOSAL.sub('', name)} (replace)"
