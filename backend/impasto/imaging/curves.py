"""The curve of sRGB (IEC 61966-2-1) for arrays of numpy; `impasto.imaging.color` has it for tensors."""

from __future__ import annotations

import numpy as np


def srgb_of_linear(light: np.ndarray) -> np.ndarray:
    """From linear light, 0 and more, to sRGB values; 0 to 1 is black to white."""
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def linear_of_srgb(values: np.ndarray) -> np.ndarray:
    """The reverse of `srgb_of_linear`."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
