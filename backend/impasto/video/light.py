"""High dynamic range: PQ and HLG (ITU-R BT.2100) become what ordinary screens show, and again what they were.

Light up to half of what paper reflects stays as it is; what is brighter is compressed, smoothly, so that 1000 cd/m²
become white. Each channel goes by a curve of its own that leads back, so a painting can get the light of its clip.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from impasto.imaging.curves import linear_of_srgb, srgb_of_linear

#: Code points of ITU-T H.273, table 3, and what people call them.
NAMES = {16: "PQ", 18: "HLG"}

#: cd/m² of paper that is lit as the scene (ITU-R BT.2408), and of the brightest that is told apart.
_PAPER, _PEAK = 203.0, 1000.0
#: Up to this share of paper white nothing is changed.
_KNEE = 0.5
_LEVELS = 65536
#: Linear light of BT.2020 to that of BT.709 (ITU-R BT.2087).
_TO_BT709 = np.array(
    [[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], dtype=np.float32
)


def to_screen(pixels: np.ndarray, transfer: int) -> np.ndarray:
    """Values of PQ or HLG as values for ordinary screens, with the curve of sRGB and the primaries that they had.

    Args:
        pixels: uint16, 0 to 65535.
        transfer: a key of `NAMES`.
    """
    return _curve(transfer)[pixels]


def from_screen(pixels: np.ndarray, transfer: int) -> np.ndarray:
    """The reverse of `to_screen`; up to 1000 cd/m² the values are again what they were."""
    return _back(transfer)[pixels]


def in_bt709(pixels: np.ndarray) -> np.ndarray:
    """Values with the curve of sRGB and the primaries of BT.2020 as those of sRGB; what these cannot hold is cut off.

    Args:
        pixels: (H, W, 3) uint16.
    """
    linear = _of_srgb()[pixels] @ _TO_BT709.T
    return _srgb_codes()[np.rint(linear.clip(0, 1) * (_LEVELS - 1)).astype(np.uint16)]


@cache
def _curve(transfer: int) -> np.ndarray:
    light = _nits(np.linspace(0, 1, _LEVELS), transfer) / _PAPER
    top = (_PEAK / _PAPER - _KNEE) / (1 - _KNEE)
    over = ((light - _KNEE) / (1 - _KNEE)).clip(0, top)
    # The curve of Reinhard et al. 2002 (https://doi.org/10.1145/566654.566575), equation 4, from the knee on.
    shown = np.where(light < _KNEE, light, _KNEE + (1 - _KNEE) * over * (1 + over / top**2) / (1 + over))
    return np.rint(srgb_of_linear(shown) * (_LEVELS - 1)).astype(np.uint16)


@cache
def _back(transfer: int) -> np.ndarray:
    # Where several values became white, the lowest of them is taken.
    shown, codes = np.unique(_curve(transfer), return_index=True)
    return np.rint(np.interp(np.arange(_LEVELS), shown, codes)).astype(np.uint16)


def _nits(code: np.ndarray, transfer: int) -> np.ndarray:
    """cd/m² of a screen for values 0 to 1; for HLG one of 1000 cd/m², each channel by itself."""
    if NAMES[transfer] == "PQ":
        root = code ** (1 / 78.84375)
        return 10000 * ((root - 0.8359375).clip(0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
    scene = np.where(code <= 0.5, code**2 / 3, (np.exp((code - 0.55991073) / 0.17883277) + 0.28466892) / 12)
    return 1000 * scene**1.2


@cache
def _of_srgb() -> np.ndarray:
    return linear_of_srgb(np.linspace(0, 1, _LEVELS)).astype(np.float32)


@cache
def _srgb_codes() -> np.ndarray:
    return np.rint(srgb_of_linear(np.linspace(0, 1, _LEVELS)) * (_LEVELS - 1)).astype(np.uint16)
