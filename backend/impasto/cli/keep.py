"""Keep a picture as a style of the library.

It is read once, is there for all programs, and mixes with the shipped styles.

    impasto keep sunflowers.jpg --title "Sunflowers"

`impasto train styles PICTURE --name NAME --add-to classic` polishes it afterwards, by training.
"""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("picture", type=Path, metavar="PICTURE", help="the picture")
    parser.add_argument("--name", help="name of the style (default: from the file's name)")
    parser.add_argument("--title", default="", help="what people see")
    parser.add_argument("--artist", default="", help="whose picture it is")


def run(options: argparse.Namespace) -> int:
    from impasto.imaging import files
    from impasto.keeping import keep

    picture, _ = files.read(options.picture)
    kept = keep(picture, options.picture.stem, name=options.name or "", title=options.title, artist=options.artist)
    print(f"Wrote {kept.path}. Paint with it: --style {kept.name}")
    return 0
