"""What is remembered of sequences, and one frame of one of them."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.execution.moments import Statistics
from impasto.steady.statistics import Held
from impasto_link.frames import Frame

if TYPE_CHECKING:
    from impasto.steady.motion import Motion

#: So many sequences are remembered, in so many bytes at most; the newest always is.
_SEQUENCES, _BYTES = 8, 2**30
#: A frame that comes later than this after the last one begins anew, in seconds.
_LONG = 2.0
#: Statistics follow within about this time, in seconds.
_HOLD = 1.0
#: So much of a change of light, in grey levels, is none, and with so much more the statistics are let go.
_NO_CHANGE, _CHANGE = 0.3, 0.5
#: How long the painting of before is seen, in seconds, and its largest share.
_FADE, _MOST = 0.18, 0.85
#: Detail is what is smaller than this, and its variance is taken of so many pixels, both in pixels across.
_STROKE, _PLACE = 7, 15
#: A variance that is hardly seen, of values from 0 to 1; and by how much detail is made stronger at most, in a frame.
_FLAT, _MOST_GAIN = (1 / 255) ** 2, 1.5

#: What is painted: the subject's mask, or a coat, by its number.
SUBJECT = -1


@dataclass(frozen=True)
class _Past:
    """A map of the last frame.

    Attributes:
        picture: (1, C, H, W).
        valid: where there is something of it, (1, 1, H, W); everywhere if None.
    """

    picture: Tensor
    valid: Tensor | None


@dataclass(frozen=True)
class _Memory:
    """The last frame of a sequence.

    Attributes:
        asked: how it was to be painted.
        at: when it is seen, in seconds.
        seen: itself, for motion to be looked for.
        moved: rows and columns by which the scene has moved since the first frame.
        statistics: of the normalisations of each coat.
        past: of each coat, and of the mask.
    """

    asked: object
    at: float
    seen: Any
    moved: tuple[float, float] = (0.0, 0.0)
    statistics: Mapping[int, Mapping[int, Statistics]] = field(default_factory=dict)
    past: Mapping[int, _Past] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """What its pictures take."""
        pictures = (
            map_.picture.nbytes + (0 if map_.valid is None else map_.valid.nbytes) for map_ in self.past.values()
        )
        return int(self.seen.nbytes) + sum(pictures)


class Step:
    """One frame of a sequence while it is painted; without a frame before it is painted as if it were alone.

    Args:
        memory: what is known of the frame itself.
        last: the frame before, of the same shot.
        motion: how this one has come from it.

    Attributes:
        moved: rows and columns by which the scene has moved since the first frame of the shot.
    """

    def __init__(self, memory: _Memory, last: _Memory | None = None, motion: Motion | None = None) -> None:
        self._memory, self._last, self._motion = memory, last, motion
        self._held: dict[int, Held] = {}
        self._past: dict[int, _Past] = {}

    @property
    def moved(self) -> tuple[float, float]:
        """Rows and columns by which the scene has moved since the first frame of the shot."""
        return self._memory.moved

    def smoothing(self, coat: int) -> Held:
        """What has a say in the statistics of a coat."""
        if self._last is None or self._motion is None:
            self._held[coat] = Held({}, 1.0)
        else:
            # Of a change of light there is no end, and held through it they are far off; a network that normalises by
            # its own hardly sees one.
            passed = (self._memory.at - self._last.at) / _HOLD
            changed = max(0.0, self._motion.light - _NO_CHANGE) / _CHANGE
            self._held[coat] = Held(self._last.statistics.get(coat, {}), 1 - math.exp(-passed - changed))
        return self._held[coat]

    def settle(self, what: int, picture: Tensor, valid: Tensor | None = None) -> Tensor:
        """A coat, or the mask of the subject, with what is the same as in the frame before mixed in.

        Args:
            what: the coat's number, or `SUBJECT`.
            picture: as it is in this frame, (1, C, H, W).
            valid: where it is meant, (1, 1, H, W); everywhere if not given.
        """
        past = None if self._last is None else self._last.past.get(what)
        kept = shown = picture
        if past is not None and self._last is not None and self._motion is not None:
            share = min(_MOST, math.exp(-(self._memory.at - self._last.at) / _FADE)) * self._motion.trust
            if past.valid is not None:
                share = share * (self._motion.carried(past.valid) > 0.99)
            kept = torch.lerp(picture, self._motion.carried(past.picture), share)
            # Not what is made crisp, or it would be made crisper with each frame.
            shown = kept if what == SUBJECT else as_crisp(kept, picture, share)
        self._past[what] = _Past(kept, None if valid is None else (valid > 0).float())
        return shown

    def remembered(self) -> _Memory:
        """The frame, for the next one."""
        memory = self._memory
        statistics = {coat: held.used for coat, held in self._held.items()}
        return _Memory(memory.asked, memory.at, memory.seen, memory.moved, statistics, self._past)


def as_crisp(mixed: Tensor, fresh: Tensor, share: Tensor) -> Tensor:
    """A mixture of two paintings with as much detail as the fresh one has.

    Where strokes are not the same in both, as in a zoom, in which the scene grows and strokes do not, the mean of the
    two has less contrast than each, and after some frames no strokes are left. So detail gets the variance back that it
    has in the fresh painting, around each pixel; Heitz and Neyret 2018 (https://doi.org/10.1145/3233304) do it where
    textures overlap.

    Args:
        mixed, fresh: (1, C, H, W) in [0, 1].
        share: of what is not fresh, (1, 1, H, W); where it is 0 nothing is changed.
    """
    detail = mixed - _around(mixed, _STROKE)
    wanted, there = (
        _around(one.square().mean(1, keepdim=True), _PLACE) for one in (fresh - _around(fresh, _STROKE), detail)
    )
    gain = ((wanted + _FLAT) / (there + _FLAT)).sqrt().clamp(1, _MOST_GAIN)
    return (mixed + (gain - 1) * (share > 0) * detail).clamp(0, 1)


def _around(picture: Tensor, side: int) -> Tensor:
    """The mean around each pixel, out to half of an odd side."""
    return F.avg_pool2d(picture, side, stride=1, padding=side // 2, count_include_pad=False)


class Sequences:
    """What is remembered of the sequences that were painted last."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, _Memory] = OrderedDict()

    def begin(self, frame: Frame, asked: object, photo: Tensor) -> Step | None:
        """The step from the last frame of a sequence to this one; None if OpenCV is not installed.

        Args:
            frame: which it is.
            asked: all that says how it is to be painted; with anything else the sequence begins anew.
            photo: the frame, (1, 3, H, W) in [0, 1].
        """
        try:
            from impasto.steady.motion import motion_between, small_copy
        except ImportError:
            return None
        memory = _Memory(asked, frame.at, small_copy(photo))
        last = self._known.get(frame.sequence)
        if last is None or last.asked != asked or not 0 < frame.at - last.at <= _LONG:
            return Step(memory)
        motion = motion_between(last.seen, memory.seen, (photo.shape[-2], photo.shape[-1]))
        if motion is None:
            return Step(memory)
        moved = (last.moved[0] + motion.camera[0], last.moved[1] + motion.camera[1])
        return Step(_Memory(asked, frame.at, memory.seen, moved), last, motion)

    def keep(self, frame: Frame, step: Step) -> None:
        """Remember a frame that has been painted."""
        self._known[frame.sequence] = step.remembered()
        self._known.move_to_end(frame.sequence)
        while len(self._known) > 1 and (
            len(self._known) > _SEQUENCES or sum(memory.nbytes for memory in self._known.values()) > _BYTES
        ):
            self._known.popitem(last=False)

    def clear(self) -> None:
        """Forget all."""
        self._known.clear()
