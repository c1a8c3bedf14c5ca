"""Keep a picture as a style of the library.

It is read once, is there for all programs, and mixes with the shipped styles.

    impasto keep sunflowers.jpg --title "Sunflowers"
    impasto keep --again sunflowers

The picture is kept beside the code. With a network of another version it is read anew from there: when something is
painted, or once and for all with --again.

`impasto train styles PICTURE --name NAME --add-to classic` polishes it afterwards, by training.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from impasto_link.errors import BadRequest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("picture", type=Path, nargs="?", metavar="PICTURE", help="the picture")
    what.add_argument("--again", metavar="STYLE", help="read the picture of a style anew that was kept before")
    parser.add_argument("--name", help="name of the style (default: from the file's name)")
    parser.add_argument("--title", default="", help="what people see")
    parser.add_argument("--artist", default="", help="whose picture it is")


def run(options: argparse.Namespace) -> int:
    from impasto.imaging import files
    from impasto.keeping import keep, keep_again

    if options.again:
        if options.name or options.title or options.artist:
            raise BadRequest("A style that is read anew stays what it is called.", "Leave out what it is to be called.")
        kept = keep_again(options.again)
    else:
        picture, _ = files.read(options.picture)
        kept = keep(picture, options.picture.stem, name=options.name or "", title=options.title, artist=options.artist)
    print(f"Wrote {kept.path}. Paint with it: --style {kept.name}")
    return 0
