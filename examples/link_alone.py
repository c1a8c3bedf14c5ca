"""Paint a PPM with nothing but `impasto_link`, as a program does whose Python has no packages.

PYTHONPATH=backend python examples/link_alone.py the-scream < photo.ppm > painting.ppm

Without msgpack, copy the pure Python part of that package (`msgpack/`) beside `impasto_link`, as the plugins do.
"""

from __future__ import annotations

import re
import sys

from impasto_link.errors import ImpastoError
from impasto_link.launch import connect_or_start
from impasto_link.options import StylizeOptions
from impasto_link.pixels import PixelFormat, Region

#: The header of a binary PPM of 8 bits (https://netpbm.sourceforge.net/doc/ppm.html), without comments.
HEADER = re.compile(rb"P6\s+(\d+)\s+(\d+)\s+255\s")


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    data = sys.stdin.buffer.read()
    header = HEADER.match(data)
    if header is None:
        print("What comes in is no PPM (P6) of 8 bits.", file=sys.stderr)
        return 1
    width, height = map(int, header.groups())
    photo = Region(PixelFormat(width, height, "RGB"), data[header.end() :])
    try:
        painting = paint(photo, sys.argv[1])
    except ImpastoError as error:
        print(error, file=sys.stderr)
        return 1
    sys.stdout.buffer.write(b"P6\n%d %d\n255\n" % (width, height))
    sys.stdout.buffer.write(painting.data)
    return 0


def paint(photo: Region, style: str) -> Region:
    client = connect_or_start()
    try:
        call = client.stylize(photo, StylizeOptions.of(style, flatten=True))
        for event in client.events(call):
            print(f"\r{event.fraction:4.0%} {event.doing:20}", end="", file=sys.stderr)
        print(file=sys.stderr)
        return client.wait(call).regions["pixels"]
    finally:
        client.close()


if __name__ == "__main__":
    sys.exit(main())
