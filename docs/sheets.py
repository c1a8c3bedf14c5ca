"""Draws docs/styles.jpg and docs/pictures.jpg: python docs/sheets.py [PICTURE ...]"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps
from skimage import data

import impasto

HERE = Path(__file__).parent
SIDE, GAP, LABEL, COLUMNS = 240, 6, 24, 7
PHOTOS = (data.astronaut(), data.chelsea(), data.rocket(), data.coffee())


def main() -> None:
    with impasto.connect() as server:
        photo = Image.fromarray(PHOTOS[0])
        names = [style["name"] for style in server.styles()]
        painted = [photo, *(server.stylize(photo, name) for name in names)]
        draw(painted, ["photo", *names], COLUMNS).save(HERE / "styles.jpg", quality=85)
        if pictures := [Path(word) for word in sys.argv[1:]]:
            photos = [ImageOps.fit(Image.fromarray(pixels), (512, 512)) for pixels in PHOTOS]
            tiles = [Image.new("RGB", photo.size, "white"), *photos]
            for picture in pictures:
                tiles += [Image.open(picture), *(server.stylize(photo, picture) for photo in photos)]
            draw(tiles, [], 1 + len(photos)).save(HERE / "pictures.jpg", quality=85)


def draw(pictures: list[Image.Image], labels: list[str], columns: int) -> Image.Image:
    """Squares in rows, with labels beneath if there are any."""
    height = SIDE + GAP + (LABEL if labels else 0)
    sheet = Image.new("RGB", (columns * (SIDE + GAP) - GAP, -(-len(pictures) // columns) * height - GAP), "white")
    write = ImageDraw.Draw(sheet)
    for number, picture in enumerate(pictures):
        left, top = number % columns * (SIDE + GAP), number // columns * height
        sheet.paste(ImageOps.fit(picture.convert("RGB"), (SIDE, SIDE), Image.Resampling.LANCZOS), (left, top))
        if labels:
            write.text((left + 2, top + SIDE + 2), labels[number], "black", ImageFont.load_default(16))
    return sheet


if __name__ == "__main__":
    main()
