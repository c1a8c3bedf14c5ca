"""Keep a picture as a style of the library.

It is read once, is there for all programs, and mixes with the shipped styles.

    impasto keep sunflowers.jpg --title "Sunflowers"

`impasto train styles PICTURE --name NAME --add-to classic` polishes it afterwards, by training.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from impasto_link.errors import BadRequest, ModelProblem

#: Shorter sides in pixels: of the example, by which one can refine, and of what the galleries show.
EXAMPLE_SIDE = 512
THUMBNAIL_SIDE = 192


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("picture", type=Path, metavar="PICTURE", help="the picture")
    parser.add_argument("--name", help="name of the style (default: from the file's name)")
    parser.add_argument("--title", default="", help="what people see")
    parser.add_argument("--artist", default="", help="whose picture it is")


def run(options: argparse.Namespace) -> int:
    import torch

    from impasto.engines.pictures import StyleReader, as_style
    from impasto.imaging import files
    from impasto.imaging.pixels import encode_rgb
    from impasto.zoo.bank import load_body, save_bank
    from impasto.zoo.library import Library, place_for_bank, user_models
    from impasto.zoo.predictor import find_predictor

    stem = options.name or options.picture.stem
    name = re.sub(r"[\W_]+", "-", stem.lower()).strip("-")
    if not name:
        raise BadRequest(f"No name can be made of {stem!r}.", "Give one with --name.")
    library = Library()
    style = as_style(files.read(options.picture)[0], options.picture.name)
    same = style.key.hex()
    # The same picture may be kept again, with another title; another one of that name, or what took a training to
    # make, is not overwritten.
    path = place_for_bank(user_models(), name, lambda bank: bank.is_kept_picture and bank.card.get("picture") == same)
    if any(style.name == name and style.bank.weights != path for style in library.styles()):
        raise BadRequest(f"There is a style {name!r} already.", "Give another name with --name.")
    found = find_predictor(library.folders, None)
    home = found and library.body_of(found[1])
    if found is None or home is None:
        raise ModelProblem("The network that reads a picture as a style is not installed.", "Install Impasto again.")
    code = StyleReader(torch.device("cpu")).code(style, found[0])
    title = options.title or files.as_text(re.sub(r"[-_]+", " ", stem))
    entry = {"name": name, "title": title, "artist": options.artist, "year": None}
    card = {"title": title, "predicted_by": found[0].name, "picture": same}
    for folder, side in ((".exemplars", EXAMPLE_SIDE), (".thumbnails", THUMBNAIL_SIDE)):
        target = path.with_suffix(folder) / f"{name}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        files.write(target, encode_rgb(style.at(side).picture))
    # Last: with it the style is in the library, and whoever looks finds its thumbnail.
    save_bank(path, load_body(home.weights), {name: code}, [entry], card, with_body=False)
    print(f"Wrote {path}. Paint with it: --style {name}")
    return 0
