"""Keeping a picture as a style of the library: read at a glance, there for all programs, mixed with all others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch

from impasto.engines.pictures import StylePicture, StyleReader, as_style
from impasto.imaging import files
from impasto.imaging.pixels import encode_rgb
from impasto.progress import Progress, Teller, nobody
from impasto.zoo.bank import load_body, save_bank
from impasto.zoo.library import Bank, Library, place_for_bank, user_models
from impasto.zoo.predictor import find_predictor
from impasto_link.errors import BadRequest, ModelProblem
from impasto_link.pixels import Region

#: Shorter sides in pixels: of the example, by which one can refine, and of what the galleries show.
EXAMPLE_SIDE = 512
THUMBNAIL_SIDE = 192


@dataclass(frozen=True)
class Kept:
    """A style that was kept: its name in the library, and its file."""

    name: str
    path: Path


def keep(
    picture: Region,
    called: str,
    *,
    name: str = "",
    title: str = "",
    artist: str = "",
    library: Library | None = None,
    folder: Path | None = None,
    tell: Teller = nobody,
) -> Kept:
    """Keep a picture as a style.

    The same picture may be kept again, with another title; another one of that name, or what took a training to make,
    is not overwritten.

    Args:
        picture: its pixels.
        called: what it was called so far, such as the name of its file without the ending.
        name: of the style; made of `called` if not given.
        title: what people see; made of `called` if not given.
        artist: whose picture it is.
        library: which networks there are; by default those that are installed.
        folder: where to put it; by default the user's models.
        tell: told of the progress; what it raises ends this before anything is written.

    Raises:
        BadRequest: no name can be made of what is given, or it is taken.
        ModelProblem: the network that reads pictures is not installed, or the style cannot be written.
    """
    library = library or Library()
    style = as_style(picture, called)
    name = _name_of(name or called)
    path = _place(folder or user_models(), name, style, library)
    predictor, home = _reader_of(library)
    progress = Progress(tell)
    progress(0.0, "reading the picture")
    code = StyleReader(library, torch.device("cpu")).code(style, predictor)
    progress(0.8, "keeping the style")
    title = title or files.as_text(re.sub(r"[-_]+", " ", called))
    for kind, side in ((".exemplars", EXAMPLE_SIDE), (".thumbnails", THUMBNAIL_SIDE)):
        target = path.with_suffix(kind) / f"{name}.jpg"
        target.parent.mkdir(parents=True, exist_ok=True)
        files.write(target, encode_rgb(style.at(side).picture))
    entry = {"name": name, "title": title, "artist": artist, "year": None}
    card = {"title": title, "predicted_by": predictor.name, "picture": style.key.hex()}
    # Last: with it the style is in the library, and whoever looks finds its thumbnail.
    save_bank(path, load_body(home.weights), {name: code[None, None]}, [entry], card, with_body=False)
    return Kept(name, path)


def _name_of(text: str) -> str:
    name = re.sub(r"[\W_]+", "-", text.lower()).strip("-")
    if not name:
        raise BadRequest(f"No name can be made of {text!r}.", "Give one with --name.")
    return name


def _place(folder: Path, name: str, style: StylePicture, library: Library) -> Path:
    same = style.key.hex()
    path = place_for_bank(folder, name, lambda bank: bank.is_kept_picture and bank.card.get("picture") == same)
    if any(other.name == name and other.bank.weights != path for other in library.styles()):
        raise BadRequest(f"There is a style {name!r} already.", "Give another name with --name.")
    return path


def _reader_of(library: Library) -> tuple[Path, Bank]:
    """The predictor, and the bank that has its network."""
    found = find_predictor(library.folders, None)
    home = found and library.body_of(found.body)
    if found is None or home is None:
        raise ModelProblem("The network that reads a picture as a style is not installed.", "Install Impasto again.")
    return found.path, home
