"""Paint one photo, tell how far it is, and give up if it takes too long.

python examples/paint.py photo.jpg udnie painting.png
"""

from __future__ import annotations

import argparse
import sys
import time

from PIL import Image, ImageOps

import impasto


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo")
    parser.add_argument("style", help="a name of: impasto styles")
    parser.add_argument("output")
    parser.add_argument("--patience", type=float, default=300, metavar="SECONDS")
    wanted = parser.parse_args()

    # A photo held sideways says so in its EXIF; to Impasto pixels count as they lie.
    photo = ImageOps.exif_transpose(Image.open(wanted.photo))
    until = time.monotonic() + wanted.patience
    try:
        with impasto.connect() as server:
            painting = server.start(photo, style=wanted.style, flatten=True)
            for event in painting:
                print(f"\r{event.fraction:4.0%} {event.doing:20}", end="", file=sys.stderr)
                if time.monotonic() > until:
                    painting.cancel()
            print(file=sys.stderr)
            painting.result().save(wanted.output)
    except impasto.ImpastoError as error:
        # Both are sentences for a person: what happened, and what to do about it.
        print(error.message, error.hint, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
