"""How a frame has come from the one before: what moved where, what stayed the same, and how the light changed.

Where two frames are the same picture moved as a whole, or not moved at all, that is how they moved: on plain walls an
optical flow sees motion of many pixels, and what is moved by whole pixels is not blurred. Elsewhere it is what DIS sees
(Kroeger et al. 2016, https://arxiv.org/abs/1603.03590), where it agrees with itself forth and back.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from impasto.imaging.resample import resize

Array = NDArray[Any]

#: Motion is looked for at no more than this longest side, in pixels.
_LONGEST = 480
#: Frames shorter than this have no motion that could be seen, in pixels.
_SHORTEST = 16
#: Less motion of all of the picture is none, in pixels.
_STILL = 0.02
#: Windows in which pixels are compared, and out to which what differs casts doubt, in pixels.
_WINDOW, _AROUND = 5, 9
#: How many grey levels, beyond what the noise explains, make a place another one.
_SAME, _OTHER = 3.0, 8.0
#: Differences in windows of so many pixels, of half of the picture at least, make it another shot.
_COARSE, _CUT = 9, 5.0
#: What noise explains at most.
_NOISE = 8.0
#: So much worse no motion at all may explain a picture than any other, and is believed.
_AS_GOOD = 1.02
#: Places at which the motion of the whole is looked for, at most.
_PLACES, _FEWEST = 2048, 64
#: Pictures are compared softened by a Gaussian of this standard deviation, in pixels.
_SOFT = 1.0
#: By so many levels the flow has to explain a pixel better than the motion of the whole.
_BETTER = 0.5
_MEAN = np.full(3, 1 / 3, np.float32)
#: In so many blocks across and down the light is compared.
_BLOCKS = (16, 12)


@dataclass(frozen=True)
class Motion:
    """From one frame to the next.

    Attributes:
        came: from where each pixel came, as columns and rows to go in the frame before, (H, W, 2) float32; None if
            nothing moved.
        trust: how far it shows the same there, (1, 1, H, W) in [0, 1].
        camera: rows and columns by which the whole of the picture moved.
        light: by how much it has become lighter or darker, in grey levels.
    """

    came: Array | None
    trust: Tensor
    camera: tuple[float, float]
    light: float

    def carried(self, picture: Tensor) -> Tensor:
        """A map of the frame before, (1, C, H, W), moved to where its pixels are in this one.

        What did not move stays bit for bit. The rest is interpolated by Lanczos' kernel of eight: OpenCV's bicubic one
        shifts what it interpolates by up to a twentieth of a pixel.
        """
        if self.came is None:
            return picture
        planes = picture[0].permute(1, 2, 0).numpy()
        moved = _fetch(planes, self.came, cv2.INTER_LANCZOS4)
        low, high = torch.aminmax(picture)
        return torch.from_numpy(moved.reshape(planes.shape)).permute(2, 0, 1)[None].clamp(low, high)


def small_copy(photo: Tensor) -> Array:
    """A picture as motion is looked for in it, (h, w, 3) float32 in grey levels.

    Args:
        photo: (1, 3, H, W) in [0, 1].
    """
    height, width = photo.shape[-2:]
    factor = min(1.0, _LONGEST / max(height, width))
    small = photo if factor == 1 else resize(photo, max(1, round(height * factor)), max(1, round(width * factor)))
    return np.ascontiguousarray(small[0].permute(1, 2, 0).numpy() * 255)


def motion_between(before: Array, now: Array, size: tuple[int, int]) -> Motion | None:
    """How a frame has come from the one before; None if it is another shot.

    Args:
        before, now: the frames, as `small_copy` gives them.
        size: height and width of the frame itself.
    """
    if min(now.shape[:2]) < _SHORTEST:
        return None
    back, forth = _flow(now, before), _flow(before, now)
    # Of fine detail each interpolation makes something else, and noise is finer still.
    before, now = (cv2.GaussianBlur(picture, (0, 0), _SOFT) for picture in (before, now))
    found = _fetch(before, back)
    lit = _in_light_of(found, now)
    if _coarsely_unlike(_relit(found, lit), now) > _CUT:
        return None
    before_lit = _relit(before, lit)
    still, whole = np.zeros_like(back), _as_a_whole(_gray(before_lit), _gray(now), back)
    doubts = {
        name: _doubt(before_lit, now, came) for name, came in (("still", still), ("whole", whole), ("flow", back))
    }
    if _middle(doubts["still"]) <= _AS_GOOD * _middle(doubts["whole"]):
        whole, doubts["whole"] = still, doubts["still"]
    # Half of the pixels are of what does not move by itself, or are found by the flow.
    noise = min(_NOISE, _middle(np.minimum(doubts["whole"], doubts["flow"])))
    apart = np.linalg.norm(back + _fetch(forth, back), axis=-1)
    doubts["flow"] += 4 * np.maximum(0, apart - 0.5 - 0.05 * np.linalg.norm(back, axis=-1))

    came, doubt = whole, doubts["whole"]
    for other, name in ((still, "still"), (back, "flow")):
        better = doubts[name] + _BETTER + 0.25 * noise < doubt
        came = np.where(better[..., None], other, came)
        doubt = np.where(better, doubts[name], doubt)
    same = np.clip((_OTHER + 2 * noise - doubt) / (_OTHER - _SAME + noise), 0, 1).astype(np.float32)
    # The network sees more than a pixel: where something else is near, strokes change.
    trust = cv2.blur(cv2.erode(same, np.ones((_AROUND, _AROUND), np.uint8)), (_WINDOW, _WINDOW))
    light = _light(_fetch(before, came), now, same > 0.5)

    camera = whole[whole.shape[0] // 2, whole.shape[1] // 2]
    height, width = size
    factors = np.array([width / now.shape[1], height / now.shape[0]], np.float32)
    moves = bool((came != 0).any())
    full = cv2.resize(came * factors, (width, height)) if came.shape[:2] != size else came
    return Motion(
        full if moves else None,
        F.interpolate(torch.from_numpy(trust)[None, None], size, mode="bilinear").clamp(0, 1),
        (-float(camera[1] * factors[1]), -float(camera[0] * factors[0])),
        light,
    )


def _flow(start: Array, end: Array) -> Array:
    """Where pixels of one picture are in the other, as columns and rows to go, (h, w, 2)."""
    seen = [np.clip(_gray(one), 0, 255).astype(np.uint8) for one in (start, end)]
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    return dis.calc(seen[0], seen[1], np.zeros((*seen[0].shape, 2), np.float32))


def _gray(picture: Array) -> Array:
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)


def _places(came: Array) -> tuple[Array, Array]:
    rows, columns = _indices(*came.shape[:2])
    return columns + came[..., 0], rows + came[..., 1]


@lru_cache(maxsize=4)
def _indices(height: int, width: int) -> Array:
    return np.indices((height, width), np.float32)


def _fetch(picture: Array, came: Array, how: int | None = None) -> Array:
    """A picture, each pixel from where it came."""
    columns, rows = _places(came)
    how = cv2.INTER_LINEAR if how is None else how
    return cv2.remap(picture, columns, rows, how, borderMode=cv2.BORDER_REPLICATE)


def _inside(came: Array) -> Array:
    columns, rows = _places(came)
    height, width = came.shape[:2]
    inside: Array = (columns >= 0) & (columns <= width - 1) & (rows >= 0) & (rows <= height - 1)
    return inside


def _doubt(before: Array, now: Array, came: Array) -> Array:
    """How much a picture differs around each pixel from where it came from, in grey levels, (h, w) float32."""
    there = _fetch(before, came) if came.any() else before
    doubt: Array = cv2.blur(cv2.absdiff(there, now) @ _MEAN, (_WINDOW, _WINDOW))
    doubt[~_inside(came)] = np.inf
    return doubt


def _coarsely_unlike(one: Array, other: Array) -> float:
    """How much two pictures differ by the half, in grey levels, but for noise."""
    soft = [cv2.blur(picture, (_COARSE, _COARSE)) for picture in (one, other)]
    return _middle(cv2.absdiff(soft[0], soft[1]) @ _MEAN)


def _middle(values: Array) -> float:
    """The median of a map, of every fourth of its pixels."""
    return float(np.median(values[::2, ::2]))


def _in_light_of(before: Array, now: Array) -> tuple[Array, Array]:
    """Gain and offset of each colour that make one picture as light as another, (3,) each; both show the same."""
    one, other = (cv2.resize(part, _BLOCKS, interpolation=cv2.INTER_AREA).reshape(-1, 3) for part in (before, now))
    middle: list[Array] = [np.median(one, 0), np.median(other, 0)]
    spread = [np.median(np.abs(part - half), 0) for part, half in zip((one, other), middle, strict=True)]
    gain: Array = np.clip((spread[1] + 1) / (spread[0] + 1), 0.5, 2)
    return gain.astype(np.float32), (middle[1] - gain * middle[0]).astype(np.float32)


def _relit(picture: Array, lit: tuple[Array, Array]) -> Array:
    gain, offset = lit
    return picture * gain + offset


def _light(before: Array, now: Array, same: Array) -> float:
    """By how much most of a picture has become lighter or darker, in grey levels; noise is gone in so large blocks."""
    counted = cv2.resize(same.astype(np.float32), _BLOCKS, interpolation=cv2.INTER_AREA)
    blocks = [cv2.resize(part, _BLOCKS, interpolation=cv2.INTER_AREA) for part in (before, now)]
    changes = np.abs(blocks[1] - blocks[0]).max(-1)[counted > 0.5]
    return float(np.median(changes)) if changes.size else 0.0


def _as_a_whole(before: Array, now: Array, back: Array) -> Array:
    """From where each pixel came if the whole picture moved, turned or grew, as columns and rows to go, (h, w, 2).

    Begins with what fits most of the flow, where there is something to be seen, and follows the gradient from there
    (Lucas and Kanade 1981); what moves by itself counts little in both.
    """
    height, width = now.shape
    slopes = _slopes(now)
    steep = (slopes**2).sum(-1)
    seen = np.flatnonzero(steep >= max(1.0, float(np.quantile(steep[::2, ::2], 0.7))))
    if len(seen) < _FEWEST:
        return np.zeros_like(back)
    seen = seen[:: -(-len(seen) // _PLACES)]
    rows, columns = np.divmod(seen, width)
    at = np.stack([columns, rows], -1)
    # Motion is made of a way, and of how it grows to the right and down.
    terms = np.stack([np.ones(len(seen)), columns / width - 0.5, rows / height - 0.5], -1)
    flow, slope, here = back[rows, columns], slopes[rows, columns], now[rows, columns]
    parts = (terms[:, :, None] * slope[:, None]).reshape(-1, 6)
    made_of = np.zeros((3, 2))
    made_of[0] = np.median(flow, axis=0)
    for _ in range(4):
        apart = ((flow - terms @ made_of) ** 2).sum(-1)
        weighted = terms / (1 + apart / max(0.1, float(np.median(apart))))[:, None] ** 2
        made_of = np.linalg.solve(weighted.T @ terms + 1e-6 * np.eye(3), weighted.T @ flow)
    for _ in range(10):
        # A column of places: what a row of them is has changed with OpenCV 5.
        across, down = ((terms @ made_of + at).astype(np.float32)[:, None, way] for way in (0, 1))
        there = cv2.remap(before, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        inside = ((across >= 0) & (across < width) & (down >= 0) & (down < height))[:, 0]
        missing = np.where(inside, here - there[:, 0], 0)
        weights = inside / (1 + (missing / (1 + 2 * float(np.median(np.abs(missing))))) ** 2) ** 2
        weighted = parts * weights[:, None]
        # Where all edges run alike, noise must not make a long way along them.
        loose = 1e-4 * float(np.trace(weighted.T @ parts)) + 1e-3
        step = np.linalg.solve(weighted.T @ parts + loose * np.eye(6), weighted.T @ missing).reshape(3, 2)
        made_of = made_of + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-3:
            break
    right = np.multiply.outer(np.arange(width) / width - 0.5, made_of[1])
    down_from_top = made_of[0] + np.multiply.outer(np.arange(height) / height - 0.5, made_of[2])
    came: Array = (down_from_top[:, None] + right).astype(np.float32)
    return came if np.abs(came).max() >= _STILL else np.zeros_like(came)


def _slopes(gray: Array) -> Array:
    """How much neighbours differ, across and down, in grey levels, (h, w, 2) float32."""
    return np.stack([cv2.Sobel(gray, cv2.CV_32F, *order, ksize=3, scale=1 / 8) for order in ((1, 0), (0, 1))], -1)
