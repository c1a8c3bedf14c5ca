"""Draws docs/subject.jpg: python docs/subject.py"""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from skimage import data

import impasto

WIDTH, GAP = 240, 6
#: Photo, the style of its subject, and that of its background where both are painted.
ROWS = ((data.astronaut(), "starry-night", "the-scream"), (data.chelsea(), "udnie", "great-wave"))


def main() -> None:
    rows: list[list[Image.Image]] = []
    with impasto.connect() as server:
        for pixels, style, other in ROWS:
            photo = Image.fromarray(pixels)
            row = [
                photo,
                server.mask(photo),
                server.stylize(photo, style, area="subject"),
                server.stylize(photo, style, area="background"),
                server.stylize(photo, style, background_style=other),
            ]
            size = WIDTH, round(WIDTH * photo.height / photo.width)
            rows.append([picture.convert("RGB").resize(size, Image.Resampling.LANCZOS) for picture in row])
    sheet = Image.new("RGB", (5 * (WIDTH + GAP) - GAP, sum(row[0].height + GAP for row in rows) - GAP), (255, 255, 255))
    top = 0
    for row in rows:
        for number, picture in enumerate(row):
            sheet.paste(picture, (number * (WIDTH + GAP), top))
        top += row[0].height + GAP
    sheet.save(Path(__file__).with_suffix(".jpg"), quality=85)


if __name__ == "__main__":
    main()
