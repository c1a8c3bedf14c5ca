"""Frames beside one another in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

import numpy as np

from impasto.imaging import files
from impasto_link.pixels import PixelFormat, Region

_GAP = 8


def contact_sheet(frames: Sequence[np.ndarray], profile: bytes | None) -> bytes:
    """A PNG of frames of one size at 100 %, in rows of about as many as there are rows.

    Args:
        frames: each (H, W, 3) or (H, W, 4), of uint8 or uint16.
        profile: the ICC profile of their colours; None for sRGB.
    """
    deep = any(frame.dtype == np.uint16 for frame in frames)
    height, width = (max(frame.shape[axis] for frame in frames) for axis in (0, 1))
    across = ceil(sqrt(len(frames)))
    down = ceil(len(frames) / across)
    size = (down * (height + _GAP) - _GAP, across * (width + _GAP) - _GAP)
    white = 65535 if deep else 255
    sheet = np.full((*size, 4), white, np.uint16 if deep else np.uint8)
    for number, frame in enumerate(frames):
        top, left = number // across * (height + _GAP), number % across * (width + _GAP)
        sheet[top : top + frame.shape[0], left : left + frame.shape[1], : frame.shape[2]] = frame
    of = PixelFormat(size[1], size[0], "RGBA", "u16" if deep else "u8", "srgb" if profile is None else "icc")
    return files.encode(".png", Region(of, sheet.data.cast("B"), profile))
