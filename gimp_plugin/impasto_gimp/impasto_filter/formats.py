"""babl's names of pixel formats, in the words of the wire."""

from __future__ import annotations

from typing import NamedTuple

from impasto_link.pixels import PixelFormat

_CHANNELS = {"Y": "GRAY", "YA": "GRAYA", "RGB": "RGB", "RGBA": "RGBA"}
_DTYPES = {"u8": "u8", "u16": "u16", "half": "f16", "float": "f32"}
#: What the wire has no words for is read as float of the same curve: GEGL converts within the colour space, which is
#: cheap, and 24 bits of mantissa are more than any painting has.
_WIDE = {"u32": "float", "double": "float"}


class Encoding(NamedTuple):
    """A babl encoding such as "R'G'B'A u8".

    Attributes:
        model: the letters, such as ``"R'G'B'A"``.
        kind: the numbers, such as ``"u8"``.
    """

    model: str
    kind: str

    @classmethod
    def parse(cls, text: str) -> Encoding | None:
        """Read the name of an encoding; None for one that a layer to be painted cannot have, as palettes."""
        model, _, kind = text.partition(" ")
        known = model.replace("'", "").replace("~", "") in _CHANNELS and kind in (*_DTYPES, *_WIDE)
        return cls(model, kind) if known else None

    @property
    def curve(self) -> str:
        """How light becomes numbers: ``space`` as the colour space has it, ``srgb``, or ``linear``."""
        return "space" if "'" in self.model else "srgb" if "~" in self.model else "linear"

    @property
    def on_wire(self) -> Encoding:
        """The nearest one that can be sent as it is."""
        return self._replace(kind=_WIDE.get(self.kind, self.kind))

    @property
    def name(self) -> str:
        """As babl writes it."""
        return f"{self.model} {self.kind}"

    def describe(self, width: int, height: int, *, with_profile: bool) -> PixelFormat:
        """The description of a frame; of one that can be sent."""
        return PixelFormat(
            width,
            height,
            _CHANNELS[self.model.replace("'", "").replace("~", "")],
            _DTYPES[self.kind],
            "icc" if with_profile else "linear" if self.curve == "linear" else "srgb",
        )
