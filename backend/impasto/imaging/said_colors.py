"""What a file says of its colours where it has no ICC profile: chunks of PNG, boxes of AVIF, EXIF."""

from __future__ import annotations

import struct
from contextlib import suppress
from typing import BinaryIO

from PIL import ExifTags, Image

from impasto.imaging import formats, profiles
from impasto.imaging.formats import Format
from impasto.imaging.opening import png_chunks
from impasto.imaging.problems import FileProblem
from impasto.imaging.tiff import PILLOW_PROBLEMS

Points = tuple[tuple[float, float], ...]
"""White, red, green and blue, as x and y of CIE 1931."""

_D65 = (0.3127, 0.329)
_SRGB: Points = (_D65, (0.64, 0.33), (0.3, 0.6), (0.15, 0.06))
_ADOBE_RGB: Points = (_D65, (0.64, 0.33), (0.21, 0.71), (0.15, 0.06))

#: Code points of ITU-T H.273, tables 2 and 3, as PNG and AVIF have them; what is not here is taken as that of sRGB.
_PRIMARIES: dict[int, Points] = {
    4: ((0.31, 0.316), (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),
    5: (_D65, (0.64, 0.33), (0.29, 0.6), (0.15, 0.06)),
    6: (_D65, (0.63, 0.34), (0.31, 0.595), (0.155, 0.07)),
    7: (_D65, (0.63, 0.34), (0.31, 0.595), (0.155, 0.07)),
    9: (_D65, (0.708, 0.292), (0.17, 0.797), (0.131, 0.046)),
    11: ((0.314, 0.351), (0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
    12: (_D65, (0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
}
_CURVES = {4: profiles.power(2.2), 5: profiles.power(2.8), 8: profiles.power(1.0)}
_HIGH_RANGE = {16: "PQ", 18: "HLG"}

#: What writers of sRGB put into gAMA: 1 / 2.2, in 1 / 100000, rounded in more than one way.
_GAMMA_OF_SRGB = range(45000, 46001)
#: Where the box with the colours of an AVIF is, at the latest.
_START = 1 << 16


def said_profile(file: BinaryIO, format: Format, exif: bytes, *, gray: bool) -> bytes | None:
    """A profile made of what a file says of its colours; None where that is sRGB, or nothing.

    Raises:
        FileProblem: it says that they are those of high dynamic range.
    """
    try:
        if format is formats.PNG:
            return _of_png(png_chunks(file), gray)
        if format in (formats.AVIF, formats.HEIC):
            file.seek(0)
            _, found, box = file.read(_START).partition(b"colrnclx")
            return profile_of_codes(box[1], box[3], gray=gray) if found and len(box) > 3 else None
        return _made(_ADOBE_RGB, profiles.power(563 / 256), gray) if not gray and _is_adobe_rgb(exif) else None
    except (ValueError, struct.error):
        return None  # colours that cannot be


def _of_png(chunks: dict[bytes, bytes], gray: bool) -> bytes | None:
    """By PNG (third edition), 11.3.2: code points before the mark of sRGB before gamma and primaries."""
    if len(chunks.get(b"cICP", b"")) == 4:
        return profile_of_codes(chunks[b"cICP"][0], chunks[b"cICP"][1], gray=gray)
    if b"sRGB" in chunks:
        return None
    points, curve = _SRGB, profiles.SRGB_CURVE
    if len(chunks.get(b"cHRM", b"")) == 32:
        values = [value / 100_000 for value in struct.unpack(">8I", chunks[b"cHRM"])]
        points = tuple(zip(values[::2], values[1::2], strict=True))
        if _is_srgb(points):
            points = _SRGB
    if len(chunks.get(b"gAMA", b"")) == 4:
        (gamma,) = struct.unpack(">I", chunks[b"gAMA"])
        if gamma and not (gamma in _GAMMA_OF_SRGB and points == _SRGB):
            curve = profiles.power(100_000 / gamma)
    return _made(points, curve, gray)


def profile_of_codes(primaries: int, transfer: int, *, gray: bool) -> bytes | None:
    """A profile of colours that are said by code points of ITU-T H.273, tables 2 and 3; None where that is sRGB.

    Raises:
        FileProblem: they are those of high dynamic range.
    """
    if transfer in _HIGH_RANGE:
        raise FileProblem(
            f"The picture is one of high dynamic range ({_HIGH_RANGE[transfer]}), which is not read.",
            "Export it for ordinary screens first, for example in sRGB or Display P3.",
        )
    return _made(_PRIMARIES.get(primaries, _SRGB), _CURVES.get(transfer, profiles.SRGB_CURVE), gray)


def _made(points: Points, curve: bytes, gray: bool) -> bytes | None:
    if gray:
        return None if curve == profiles.SRGB_CURVE else profiles.build_gray(curve)
    if curve == profiles.SRGB_CURVE and points == _SRGB:
        return None
    return profiles.build(points[1:], points[0], curve)


def _is_srgb(points: Points) -> bool:
    pairs = zip(points, _SRGB, strict=True)
    return all(abs(one - other) < 0.002 for ours, theirs in pairs for one, other in zip(ours, theirs, strict=True))


def _is_adobe_rgb(data: bytes) -> bool:
    """Whether a camera says so, the only way that it has in EXIF (DCF 2.0, 3.3.4)."""
    exif = Image.Exif()
    with suppress(*PILLOW_PROBLEMS):
        exif.load(data)
        return bool(data) and str(exif.get_ifd(ExifTags.IFD.Interop).get(1, "")).startswith("R03")
    return False
