"""Krita's colour spaces and what the wire calls them."""

from __future__ import annotations

from typing import Any, NamedTuple

from impasto_link.pixels import PixelFormat, Region

_SRGB, _LINEAR = "sRGB-elle-V2-srgbtrc.icc", "sRGB-elle-V2-g10.icc"
_ENCODINGS = {_SRGB: "srgb", "sRGB built-in": "srgb", _LINEAR: "linear"}
_PROFILES = {"srgb": _SRGB, "linear": _LINEAR}
_DTYPES = {"U8": "u8", "U16": "u16", "F16": "f16", "F32": "f32"}
#: Sizes in bytes of what a memoryview can step over, and its letters for them.
_WORDS: tuple[tuple[int, Any], ...] = ((8, "Q"), (4, "I"), (2, "H"), (1, "B"))
_DEPTHS = {dtype: depth for depth, dtype in _DTYPES.items()}


class ColorSpace(NamedTuple):
    """Model, depth and profile, in the order in which Krita takes them."""

    model: str
    depth: str
    profile: str

    @classmethod
    def of(cls, thing: Any) -> ColorSpace:
        """The colour space of a document or a layer."""
        return cls(thing.colorModel(), thing.colorDepth(), thing.colorProfile())

    @classmethod
    def of_region(cls, region: Region) -> ColorSpace:
        """The colour space of a region as `format` describes it."""
        return cls("RGBA", _DEPTHS[region.format.dtype], _PROFILES[region.format.encoding])

    @classmethod
    def preview(cls) -> ColorSpace:
        """What a QImage shows without conversion."""
        return cls("RGBA", "U8", _SRGB)

    def nearest_wire(self) -> ColorSpace:
        """This colour space if the wire has it, else the one to convert to.

        Krita does not hand out the ICC profiles of layers, so all but its own sRGB profiles are converted, with more
        depth than the layer has: back and forth in 8 bit would cost the last bits.
        """
        if self.model == "RGBA" and self.depth in _DTYPES and self.profile in _ENCODINGS:
            return self._replace(profile=_PROFILES[_ENCODINGS[self.profile]])
        if self.depth in ("F16", "F32"):
            return ColorSpace("RGBA", "F32", _LINEAR)
        return ColorSpace("RGBA", "U16", _SRGB)

    def format(self, width: int, height: int) -> PixelFormat:
        """The description of a region in a colour space of the wire. Krita's integers are BGRA, its floats RGBA."""
        channels = "BGRA" if self.depth.startswith("U") else "RGBA"
        return PixelFormat(width, height, channels, _DTYPES[self.depth], _ENCODINGS[self.profile])


def thinned(row: memoryview, count: int, step: int) -> bytes:
    """Every ``step``-th pixel of a row of ``count`` pixels, whatever a pixel consists of."""
    size = row.nbytes // count
    unit, letter = next(entry for entry in _WORDS if size % entry[0] == 0)
    words = row.cast("B").cast(letter)
    parts = size // unit
    out = memoryview(bytearray(-(-count // step) * size)).cast(letter)
    for part in range(parts):
        out[part::parts] = words[part :: parts * step]
    return bytes(out)
