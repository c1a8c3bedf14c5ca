"""Contact sheets: pictures side by side, with names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont, ImageOps

from impasto.imaging import files
from impasto.imaging.pixels import decode, encode_rgb, fill_transparent

_MARGIN = 6
_LABEL = 22


def read_photo(path: Path) -> Image.Image:
    """A photo as it is shown on a sheet: upright, 8 bits of sRGB, opaque.

    Raises:
        FileProblem: it cannot be read.
    """
    picture = decode(files.read(path)[0])
    region = encode_rgb(fill_transparent(picture.rgb.clamp(0, 1), picture.alpha))
    return Image.frombytes("RGB", (region.format.width, region.format.height), bytes(region.data))


def contact_sheet(
    photos: list[Image.Image],
    styles: list[str],
    paint: Callable[[Image.Image, str], Image.Image],
    cell: int,
) -> Image.Image:
    """Each photo beside its paintings in each style. One photo is laid out as a block, several as one row each.

    Args:
        photos: what to paint; cut to squares.
        styles: the names, which are also the labels.
        paint: paints a photo in a style.
        cell: side of each picture on the sheet, in pixels.
    """
    columns = len(styles) + 1 if len(photos) > 1 else max(1, round((len(styles) + 1) ** 0.5 * 1.2))
    entries: list[tuple[str, Image.Image]] = []
    for photo in photos:
        square = ImageOps.fit(photo, (cell, cell), Image.Resampling.LANCZOS)
        entries.append(("photo", square))
        entries += [(style, paint(square, style)) for style in styles]
    rows = -(-len(entries) // columns)
    step_x, step_y = cell + _MARGIN, cell + _LABEL + _MARGIN
    sheet = Image.new("RGB", (columns * step_x + _MARGIN, rows * step_y + _MARGIN), "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(14)
    for index, (label, picture) in enumerate(entries):
        x, y = _MARGIN + index % columns * step_x, _MARGIN + index // columns * step_y
        sheet.paste(picture, (x, y))
        draw.text((x + 2, y + cell + 2), label, fill="black", font=font)
    return sheet
