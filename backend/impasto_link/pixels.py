"""What a frame of pixels on the wire is: its size, channels, numbers and colours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from impasto_link.errors import BadRequest, quoted
from impasto_link.sentences import say

Buffer = bytes | bytearray | memoryview

#: Channel orders and how many channels each has. Krita's integer RGBA is BGRA in memory.
CHANNELS = {"GRAY": 1, "GRAYA": 2, "RGB": 3, "BGR": 3, "RGBA": 4, "BGRA": 4}
#: Number formats and their bytes; always little endian. Integers cover 0 to their maximum, floats 0.0 to 1.0.
DTYPES = {"u8": 1, "u16": 2, "f16": 2, "f32": 4}
#: ``srgb``: the sRGB curve and primaries; ``linear``: sRGB primaries, linear light; ``icc``: as the profile says.
ENCODINGS = ("srgb", "linear", "icc")

#: Sides above this are taken for a mistake or an attack, not for a picture.
MAX_SIDE = 1 << 18


@dataclass(frozen=True)
class PixelFormat:
    """Describes a frame of pixels completely: rows from the top, tightly packed, channels interleaved."""

    width: int
    height: int
    channels: str = "RGBA"
    dtype: str = "u8"
    encoding: str = "srgb"
    premultiplied: bool = False

    def __post_init__(self) -> None:
        for side in (self.width, self.height):
            if type(side) is not int or not 0 < side <= MAX_SIDE:
                raise BadRequest(
                    say(
                        "The picture claims to be {width} x {height} pixels.",
                        width=quoted(self.width),
                        height=quoted(self.height),
                    ),
                    say("Both sides have to be from 1 to {max_side} pixels.", max_side=MAX_SIDE),
                )
        for what, value, known in (
            ("channel order", self.channels, CHANNELS),
            ("number format", self.dtype, DTYPES),
            ("colour encoding", self.encoding, ENCODINGS),
        ):
            if not isinstance(value, str) or value not in known:
                raise BadRequest(
                    say("The {what} {value} is not known.", what=what, value=quoted(value)),
                    say("Known are {known}.", known=", ".join(known)),
                )

    @property
    def channel_count(self) -> int:
        """How many numbers a pixel has."""
        return CHANNELS[self.channels]

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.channels.endswith("A")

    @property
    def is_gray(self) -> bool:
        """Whether there is one channel of colour."""
        return self.channels.startswith("GRAY")

    @property
    def nbytes(self) -> int:
        """How many bytes a frame of this format has."""
        return self.width * self.height * self.channel_count * DTYPES[self.dtype]

    def resized(self, width: int, height: int) -> PixelFormat:
        """The same for another size."""
        return replace(self, width=width, height=height)

    def to_wire(self) -> dict[str, Any]:
        """The description of a frame in a header."""
        return {
            "width": self.width,
            "height": self.height,
            "channels": self.channels,
            "dtype": self.dtype,
            "encoding": self.encoding,
            "premultiplied": self.premultiplied,
        }

    @classmethod
    def from_wire(cls, entry: dict[str, Any]) -> PixelFormat:
        """Read a frame's description; what it says has to be complete, because nothing is ever guessed."""
        try:
            return cls(
                entry["width"],
                entry["height"],
                entry["channels"],
                entry["dtype"],
                entry["encoding"],
                bool(entry.get("premultiplied", False)),
            )
        except KeyError as error:
            raise BadRequest(say("The description of a pixel frame lacks {error}.", error=error)) from error


@dataclass(frozen=True)
class Region:
    """A rectangle of pixels as an editor has it."""

    format: PixelFormat
    data: Buffer
    profile: bytes | None = None
    """The ICC profile; there if, and only if, ``format.encoding`` is ``"icc"``."""

    def __post_init__(self) -> None:
        size = memoryview(self.data).nbytes
        if size != self.format.nbytes:
            raise BadRequest(
                say(
                    "A frame of {width} x {height} {channels} {dtype} pixels has {nbytes} bytes, but {size} came.",
                    width=self.format.width,
                    height=self.format.height,
                    channels=self.format.channels,
                    dtype=self.format.dtype,
                    nbytes=self.format.nbytes,
                    size=size,
                )
            )
        if (self.format.encoding == "icc") != (self.profile is not None):
            raise BadRequest("A colour profile has to be sent with the encoding 'icc', and only with it.")
