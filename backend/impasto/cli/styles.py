"""List the styles of the library.

With --sheet, paint a picture in every style and put them side by side.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tqdm import tqdm

from impasto.cli.options import add_look_options, stylize_options
from impasto.client import SERVER_COMMAND, Server, to_region
from impasto.zoo.library import Library
from impasto_link.errors import BadRequest
from impasto_link.launch import connect_or_start

#: Pixels of a picture on a sheet.
CELL_RANGE = (16, 4096)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.add_argument("--sheet", type=Path, metavar="OUT", help="paint a contact sheet of all styles")
    parser.add_argument(
        "--photo", action="append", type=Path, metavar="IN", help="what to paint on the sheet; one row each"
    )
    parser.add_argument(
        "--cell", type=int, default=256, metavar="PX", help="size of a picture on the sheet (default: 256)"
    )
    add_look_options(parser)


def run(options: argparse.Namespace) -> int:
    library = Library()
    styles = library.styles()
    for problem in library.problems():
        print(f"impasto: {problem}", file=sys.stderr)
    if options.photo and not options.sheet:
        raise BadRequest("Photos are painted on a contact sheet.", "Say with --sheet where it is to be written.")
    if options.sheet:
        return _sheet(options, [style.name for style in styles])
    if options.json:
        print(json.dumps([style.to_wire() for style in styles], indent=2, ensure_ascii=False))
        return 0
    width = max((len(style.name) for style in styles), default=0)
    for style in styles:
        by = f"{style.artist}{f', {style.year}' if style.year else ''}"
        print(f"{style.name:{width}}  {style.title}{f' ({by})' if by else ''}")
    return 0


def _sheet(options: argparse.Namespace, names: list[str]) -> int:
    from PIL import Image

    from impasto.cli.sheet import contact_sheet, read_photo
    from impasto.imaging import files

    if not options.photo:
        raise BadRequest("A contact sheet needs something to paint.", "Name a picture with --photo.")
    low, high = CELL_RANGE
    if not low <= options.cell <= high:
        raise BadRequest(f"The size of a picture on the sheet is {options.cell}, but has to be from {low} to {high}.")
    files.check_target(options.sheet)
    photos = [read_photo(path) for path in options.photo]
    for name in names:
        stylize_options(options, [name])
    with Server(connect_or_start(SERVER_COMMAND)) as server, tqdm(total=len(photos) * len(names)) as bar:

        def paint(photo: Image.Image, style: str) -> Image.Image:
            bar.set_description(style)
            painted = server.stylize(
                photo,
                style,
                strength=options.strength,
                brush=options.brush,
                keep_colors=options.keep_colors,
                device=options.device,
            )
            bar.update()
            return painted

        sheet = contact_sheet(photos, names, paint, options.cell)
    files.write(options.sheet, to_region(sheet)[0])
    return 0
