"""Paint a folder: subjects in one style, what is behind them in another.

python examples/batch.py holiday/ painted/ --subject udnie --background great-wave

For most folders `impasto stylize holiday/ -o painted/ ...` does the same; this is for those who want to change it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from PIL import Image, ImageOps

import impasto


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--subject", required=True, metavar="STYLE")
    parser.add_argument("--background", required=True, metavar="STYLE")
    wanted = parser.parse_args()

    wanted.output.mkdir(parents=True, exist_ok=True)
    failed = 0
    with impasto.connect() as server:
        for source in sorted(wanted.folder.glob("*.jpg")):
            target = wanted.output / f"{source.stem}.png"
            if target.exists():
                continue
            try:
                painted = paint(server, source, wanted.subject, wanted.background)
            except (impasto.ImpastoError, OSError) as error:
                # One bad picture does not keep the others from being painted.
                print(f"{source}: {error}", file=sys.stderr)
                failed += 1
                continue
            # Whole or not at all: who is interrupted while a file is written finds no half of one the next time.
            half = target.with_suffix(".part")
            painted.save(half, format="PNG")
            half.rename(target)
            print(target)
    return 1 if failed else 0


def paint(server: impasto.Server, source: Path, subject: str, background: str) -> Image.Image:
    photo = ImageOps.exif_transpose(Image.open(source))
    return server.stylize(photo, style=subject, background_style=background, feather=3)


if __name__ == "__main__":
    sys.exit(main())
