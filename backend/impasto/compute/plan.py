"""How a picture is cut for a network, and in what order that is tried where memory is short."""

from __future__ import annotations

from dataclasses import dataclass

#: Statistics are gathered in blocks of about so many pixels. Their places depend on the size of the picture alone, and
#: strips are made of whole blocks: so the sums are the same, bit for bit, in whatever strips a picture is computed.
BLOCK_PIXELS = 1 << 16


@dataclass(frozen=True)
class Plan:
    """How a network is run on one picture.

    Attributes:
        strip_pixels: about how many pixels of the picture a strip covers; at least a block.
        keep_all: maps of full size are kept as well, instead of being computed twice.
    """

    strip_pixels: int = 1 << 18
    keep_all: bool = True


#: What takes the least memory.
SMALLEST = Plan(strip_pixels=BLOCK_PIXELS, keep_all=False)
