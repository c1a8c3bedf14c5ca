"""List the styles of the library.

With --sheet, paint a picture in every style and put them side by side.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from impasto.batch.outputs import Outputs
from impasto.batch.places import LocalPlace
from impasto.cli.options import add_look_options, given, stylize_options
from impasto.cli.plans import add_existing_option
from impasto.client import Server, to_region
from impasto.command import SERVER_COMMAND
from impasto.zoo.library import Library
from impasto_link.client import Client
from impasto_link.coats import StyleChoice
from impasto_link.errors import BadRequest
from impasto_link.launch import connect_or_start, names_remote
from impasto_link.options import STYLIZE

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
    add_existing_option(parser)
    add_look_options(parser)


def run(options: argparse.Namespace) -> int:
    if options.photo and not options.sheet:
        raise BadRequest("Photos are painted on a contact sheet.", "Say with --sheet where it is to be written.")
    if options.sheet:
        return _sheet(options)
    styles = _styles()
    if options.json:
        print(json.dumps(styles, indent=2, ensure_ascii=False))
        return 0
    width = max((len(style["name"]) for style in styles), default=0)
    for style in styles:
        by = ", ".join(str(part) for part in (style["artist"], style["year"]) if part)
        print(f"{style['name']:{width}}  {style['title']}{f' ({by})' if by else ''}")
    return 0


def _styles() -> list[dict[str, Any]]:
    """What can be painted with; for this machine's own library no server is needed."""
    if names_remote():
        with contextlib.closing(connect_or_start(SERVER_COMMAND)) as client:
            return _styles_of(client)
    library = Library()
    styles = [style.to_wire() for style in library.styles()]
    _say_problems(library.problems())
    return styles


def _styles_of(client: Client) -> list[dict[str, Any]]:
    """What a server can paint with: its library is that of its machine, and of how it was started."""
    answer = client.ask("styles").fields
    _say_problems(answer.get("problems", []))
    return list(answer["styles"])


def _say_problems(problems: list[str]) -> None:
    for problem in problems:
        print(f"impasto: {problem}", file=sys.stderr)


def _sheet(options: argparse.Namespace) -> int:
    from PIL import Image

    from impasto.cli.sheet import contact_sheet, read_photo
    from impasto.imaging import files

    if not options.photo:
        raise BadRequest("A contact sheet needs something to paint.", "Name a picture with --photo.")
    low, high = CELL_RANGE
    if not low <= options.cell <= high:
        raise BadRequest(f"The size of a picture on the sheet is {options.cell}, but has to be from {low} to {high}.")
    files.check_target(options.sheet)
    outputs = Outputs(options.existing, map(LocalPlace, options.photo))
    if not outputs.missing([LocalPlace(options.sheet)]):
        print(f"{options.sheet} is there already and stays as it is.", file=sys.stderr)
        return 0
    photos = [read_photo(path) for path in options.photo]
    # Which styles there are is known later; whatever else is wrong is said before a server is started.
    stylize_options(options, "any")
    client = connect_or_start(SERVER_COMMAND)
    with Server(client) as server:
        names = [style["name"] for style in _styles_of(client)]
        with tqdm(total=len(photos) * len(names)) as bar:

            def paint(photo: Image.Image, style: str) -> Image.Image:
                bar.set_description(style)
                painted = server.stylize(photo, StyleChoice(style), **given(options, STYLIZE))
                bar.update()
                return painted

            sheet = contact_sheet(photos, names, paint, options.cell)
    outputs.put(LocalPlace(options.sheet), files.encode(options.sheet.suffix.lower(), to_region(sheet)[0]))
    return 0
