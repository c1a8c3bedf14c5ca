"""ICC profiles as bytes: what they describe, what can be saved of damaged ones, and new ones. Does not need torch.

The format is that of ICC.1:2022, https://www.color.org/specification/ICC.1-2022-05.pdf. `icc` computes with what is
described here, so a profile that a file was read with never turns out to be unusable at the server.
"""

from __future__ import annotations

import io
import logging
import math
import struct
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import ImageCms

from impasto_link.errors import BadRequest
from impasto_link.sentences import say

log = logging.getLogger(__name__)

#: The white of the profile connection space (ICC.1:2022, 7.2.16).
D50 = (0.9642, 1.0, 0.8249)
#: The primaries of sRGB as columns of XYZ, adapted to D50 as profiles require: the numbers of littlecms' own profile.
#: Those of other sRGB profiles differ in the fourth place.
SRGB_TO_XYZ_D50 = np.array(
    [[0.436035, 0.385117, 0.143051], [0.222488, 0.716904, 0.060608], [0.013916, 0.097061, 0.713913]]
)
#: Exponents of tone curves beyond this are damage.
_STEEPEST = 16.0


class Power(NamedTuple):
    """``(a x + b) ** g + e`` from ``d`` up, ``c x + f`` below it."""

    g: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0
    e: float = 0.0
    f: float = 0.0

    def at(self, x: np.ndarray) -> np.ndarray:
        """Light for device numbers from 0 to 1."""
        return np.where(x < self.d, self.c * x + self.f, np.maximum(self.a * x + self.b, 0) ** self.g + self.e)


#: A tone curve: a formula, or evenly spaced samples of light from 0 to 1.
Curve = Power | np.ndarray


class Description(NamedTuple):
    """What a profile says.

    Attributes:
        curves: from device numbers to light, one for each channel; none if it has tables, which littlecms reads.
        to_srgb: 3 x 3, from light of its primaries to that of sRGB, white to white; None for gray and for tables.
        leads_back: whether it also gives numbers for colours. Those of scanners often do not.
    """

    curves: tuple[Curve, ...] = ()
    to_srgb: np.ndarray | None = None
    leads_back: bool = True


def fits(profile: bytes, *, gray: bool) -> bool:
    """Whether a colour profile can be meant for gray pixels, or else for RGB; viewers pass over one that cannot."""
    return profile[16:20] == (b"GRAY" if gray else b"RGB ") and profile[36:40] == b"acsp"


def mended(profile: bytes) -> bytes:
    """A profile as long as it states, as PNG wants it: what is too much is cut off, and the statement corrected."""
    if len(profile) < 132:
        return profile
    (stated,) = struct.unpack_from(">I", profile)
    if 132 <= stated < len(profile):
        profile = profile[:stated]
    profile += bytes(-len(profile) % 4)
    return struct.pack(">I", len(profile)) + profile[4:]


def usable(profile: bytes, *, gray: bool, of: str) -> tuple[bytes | None, bool]:
    """What can be used of a profile in a picture; what cannot is said in a warning.

    Args:
        profile: as it was found.
        gray: whether the pixels have one channel of colour, or else three.
        of: where it was found, for the warning.

    Returns:
        The profile, mended, or None for sRGB; and whether it leads back: if not, the pixels have to become sRGB.
    """
    profile = mended(profile)
    if not fits(profile, gray=gray):
        log.warning("The colour profile in %s does not fit its pixels; they are taken as sRGB", of)
        return None, True
    try:
        leads_back = describe(profile, 1 if gray else 3).leads_back
    except (ValueError, BadRequest) as error:
        log.info("profile in %s: %s", of, error)
        log.warning("The colour profile in %s is damaged; its pixels are taken as sRGB", of)
        return None, True
    if not leads_back:
        log.warning("The colour profile in %s leads only one way, as those of scanners do; it is painted in sRGB", of)
    return profile, leads_back


def describe(data: bytes, channels: int) -> Description:
    """What a profile says, for pixels of so many colour channels (1 or 3).

    Raises:
        ValueError: it is damaged.
        BadRequest: it is of a kind that no picture has, or not made for so many channels.
    """
    try:
        return _describe(data, channels)
    except (struct.error, IndexError, OverflowError) as error:
        raise ValueError(str(error)) from error


def _describe(data: bytes, channels: int) -> Description:
    if len(data) < 132 or data[36:40] != b"acsp":
        raise ValueError("no signature")
    if len(data) < struct.unpack_from(">I", data)[0]:
        raise ValueError("cut short")
    kind, space = data[12:16], data[16:20]
    if space == b"CMYK":
        raise BadRequest("The picture has a CMYK profile.", "Convert it to RGB, for example to sRGB, first.")
    if kind not in (b"mntr", b"scnr", b"prtr", b"spac") or space not in (b"RGB ", b"GRAY"):
        raise BadRequest(
            "The colour profile of the picture is not one of RGB or gray pixels.", "Convert the picture to sRGB first."
        )
    if channels != (3 if space == b"RGB " else 1):
        had, needs = ("an RGB", "gray") if space == b"RGB " else ("a gray", "RGB")
        raise BadRequest(
            say("The picture has {had} profile, but {needs} pixels.", had=had, needs=needs),
            "Assign it a profile that fits, or convert it.",
        )

    tags: dict[bytes, bytes] = {}
    for i in range(struct.unpack_from(">I", data, 128)[0]):
        name, start, size = struct.unpack_from(">4sII", data, 132 + 12 * i)
        if start + size > len(data):
            raise ValueError("a part lies outside")
        tags[name] = data[start : start + size]

    # Where a profile has both, its tables are the better description, and the one that littlecms takes.
    if {b"A2B0", b"A2B1"} & tags.keys():
        return _of_tables(data, channels)
    if channels == 1 and b"kTRC" in tags:
        return Description((_curve(tags[b"kTRC"]),))
    if channels == 3 and {b"rTRC", b"gTRC", b"bTRC", b"rXYZ", b"gXYZ", b"bXYZ"} <= tags.keys():
        # Channels with the same curve get the same object, which is computed once.
        curves = {tag: _curve(tag) for tag in {tags[c + b"TRC"] for c in (b"r", b"g", b"b")}}
        columns = [_fixed(tags[c + b"XYZ"], 8, 3) for c in (b"r", b"g", b"b")]
        return Description(tuple(curves[tags[c + b"TRC"]] for c in (b"r", b"g", b"b")), _to_srgb(np.array(columns).T))
    return _of_tables(data, channels)


def _of_tables(data: bytes, channels: int) -> Description:
    mode = "RGB" if channels == 3 else "L"
    lab = ImageCms.createProfile("LAB")
    relative = ImageCms.Intent.RELATIVE_COLORIMETRIC
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        ImageCms.buildTransform(profile, lab, mode, "LAB", relative)
    except (OSError, ImageCms.PyCMSError) as error:
        raise ValueError("tables that lead nowhere") from error
    try:
        ImageCms.buildTransform(lab, profile, "LAB", mode, relative)
    except ImageCms.PyCMSError:
        return Description(leads_back=False)
    return Description()


def _curve(tag: bytes) -> Curve:
    """A tag of curveType or parametricCurveType (ICC.1:2022, 10.6 and 10.18)."""
    if tag[:4] == b"para":
        (function,) = struct.unpack_from(">H", tag, 8)
        g, *rest = _fixed(tag, 12, (1, 3, 4, 5, 7)[function])
        if function in (1, 2):
            a, b, *floor = rest
            level = floor[0] if floor else 0.0
            return _sound(Power(g, a, b, 0.0, -b / a if a else 0.0, level, level))
        return _sound(Power(g, *rest))
    if tag[:4] != b"curv":
        raise ValueError("an unknown kind of tone curve")
    (count,) = struct.unpack_from(">I", tag, 8)
    if count < 2:
        return _sound(Power(struct.unpack_from(">H", tag, 12)[0] / 256 if count else 1.0))
    samples = np.frombuffer(tag, ">u2", count, 12).astype(np.float64) / 65535
    if samples[-1] <= samples[0]:
        raise ValueError("a tone curve that does not rise")
    return samples


def _sound(curve: Power) -> Power:
    """A curve that can be inverted, and does not leave the numbers there are."""
    if not 1 / _STEEPEST <= curve.g <= _STEEPEST or curve.a <= 0 or curve.c < 0 or curve.d > 1:
        raise ValueError("a tone curve that cannot be inverted")
    low, high = (float(light) for light in curve.at(np.array([0.0, 1.0])))
    if not (math.isfinite(low) and low < high < 2**_STEEPEST):
        raise ValueError("a tone curve that does not rise")
    return curve


def _fixed(data: bytes, start: int, count: int) -> list[float]:
    """Numbers of s15Fixed16Number."""
    return [value / 65536 for value in struct.unpack_from(f">{count}i", data, start)]


def _to_srgb(to_xyz: np.ndarray) -> np.ndarray:
    """From light of primaries, as columns of XYZ at D50, to that of sRGB."""
    matrix = np.linalg.solve(SRGB_TO_XYZ_D50, to_xyz)
    # The columns add up to the white of the profile; see that white is white, and gray is gray, to the last digit.
    sums = matrix.sum(axis=1, keepdims=True)
    if not (sums > 0.1).all() or not np.linalg.cond(matrix) < 1e6:
        raise ValueError("primaries that span no colours")
    return np.asarray(matrix / sums)


# -- New ones ----------------------------------------------------------------------------------------------------------


def build(primaries: Sequence[tuple[float, float]], white: tuple[float, float], curve: bytes) -> bytes:
    """A profile of a matrix.

    Args:
        primaries: of red, green and blue, as x and y of CIE 1931.
        white: likewise.
        curve: the tag of the tone curve, see `power` and `SRGB_CURVE`.

    Raises:
        ValueError: they span no colours.
    """
    columns = np.array([_xyz(*one) for one in primaries]).T
    to_xyz = _adapted(_xyz(*white)) @ (columns * np.linalg.solve(columns, _xyz(*white)))
    _to_srgb(to_xyz)
    tags = {b"wtpt": _tag_xyz(np.array(D50))}
    for number, color in enumerate((b"r", b"g", b"b")):
        tags[color + b"XYZ"] = _tag_xyz(to_xyz[:, number])
        tags[color + b"TRC"] = curve
    return _profile(b"RGB ", tags)


def build_gray(curve: bytes) -> bytes:
    """A profile of gray with that tone curve."""
    return _profile(b"GRAY", {b"wtpt": _tag_xyz(np.array(D50)), b"kTRC": curve})


def power(gamma: float) -> bytes:
    """The tag of a tone curve ``x ** gamma``."""
    return b"para\0\0\0\0\0\0\0\0" + struct.pack(">i", round(gamma * 65536))


#: The tag of the tone curve of sRGB.
SRGB_CURVE = b"para\0\0\0\0\0\3\0\0" + struct.pack(
    ">5i", *(round(value * 65536) for value in (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
)


def _xyz(x: float, y: float) -> np.ndarray:
    if y <= 0:
        raise ValueError("a colour without light")
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _adapted(white: np.ndarray) -> np.ndarray:
    """From XYZ of that white to XYZ of D50 (Bradford; ICC.1:2022, E.2)."""
    cones = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    scale = (cones @ np.array(D50)) / (cones @ white)
    return np.asarray(np.linalg.inv(cones) @ np.diag(scale) @ cones)


def _tag_xyz(values: np.ndarray) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(float(value) * 65536) for value in values))


def _text(words: str) -> bytes:
    """A tag of multiLocalizedUnicodeType (ICC.1:2022, 10.15)."""
    data = words.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(data), 28) + data


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A profile of version 4.3 for a display (ICC.1:2022, 7.2)."""
    tags = {b"desc": _text("As the picture says"), b"cprt": _text("CC0"), **tags}
    directory, body, start = b"", b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        directory += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(body), bytes(4), 0x04300000, b"mntr", space, b"XYZ ")
    head += struct.pack(">6H4s", 2020, 1, 1, 0, 0, 0, b"acsp") + bytes(28)
    head += struct.pack(">3i", *(round(value * 65536) for value in D50))
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + directory + body
