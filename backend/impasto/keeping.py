"""Keeping a picture as a style of the library: read at a glance, there for all programs, mixed with all others."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from impasto.engines.base import example_of
from impasto.engines.pictures import StylePicture, StyleReader, as_style
from impasto.imaging import files
from impasto.imaging.pixels import encode_rgb
from impasto.progress import Progress, Teller, nobody
from impasto.zoo.bank import StyleCodes, load_body, save_bank
from impasto.zoo.grid import CodeGrid
from impasto.zoo.library import Bank, Library, place_for_bank, user_models
from impasto.zoo.predictor import FoundPredictor, find_predictor
from impasto_link.errors import BadRequest, ModelProblem
from impasto_link.pixels import Region

#: Shorter sides in pixels: of the picture that is kept beside the code, by which one can refine, and of which another
#: network reads it; and of what the galleries show.
PICTURE_SIDE = 1024
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
    read = _reading(style, library, progress := Progress(tell))
    progress(0.8, "keeping the style")
    shown, small = style.at(PICTURE_SIDE), style.at(THUMBNAIL_SIDE)
    suffix = ".jpg" if shown.alpha is None else ".png"
    for target, region in (
        (path.with_suffix(".exemplars") / f"{name}{suffix}", encode_rgb(shown.picture, shown.alpha)),
        (path.with_suffix(".thumbnails") / f"{name}.jpg", encode_rgb(small.picture)),
    ):
        target.parent.mkdir(parents=True, exist_ok=True)
        files.write(target, region)
    title = title or files.as_text(re.sub(r"[-_]+", " ", called))
    entry = {"name": name, "title": title, "artist": artist, "year": None}
    # Last: with it the style is in the library, and whoever looks finds its thumbnail.
    read.save(path, entry, {"title": title, "picture": style.key.hex()})
    return Kept(name, path)


def keep_again(name: str, *, library: Library | None = None, tell: Teller = nobody) -> Kept:
    """Read a picture that was kept anew, from where it lies beside the code, by the network that is installed now.

    Painting does so by itself where the network of before is gone; this spares it the reading.

    Args:
        name: of the style.
        library: where it is; by default the installed one.
        tell: told of the progress; what it raises ends this before anything is written.

    Raises:
        UnknownStyle: there is no such style.
        BadRequest: it is no picture that was kept, or its picture is not there.
        ModelProblem: the network that reads pictures is not installed, or the style cannot be written.
    """
    library = library or Library()
    style = library.style(name)
    if not style.bank.is_kept_picture:
        raise BadRequest(f"The style {name!r} is no picture that was kept.", "See: impasto keep --help")
    read = _reading(example_of(style), library, progress := Progress(tell))
    progress(0.8, "keeping the style")
    card = style.bank.card
    read.save(style.bank.weights, card["styles"][0], {key: card[key] for key in ("title", "picture") if key in card})
    return Kept(name, style.bank.weights)


@dataclass(frozen=True)
class _Reading:
    """What a predictor gives a picture."""

    codes: StyleCodes
    predictor: Path
    home: Bank

    def save(self, path: Path, entry: dict[str, Any], card: dict[str, Any]) -> None:
        """Write it as a bank of one style."""
        strokes, strengths = self.codes.grid
        save_bank(
            path,
            load_body(self.home.weights),
            {entry["name"]: self.codes.codes},
            [entry],
            {**card, "predicted_by": self.predictor.name},
            strokes=strokes,
            strengths=strengths,
            with_body=False,
        )


def _reading(style: StylePicture, library: Library, progress: Progress) -> _Reading:
    """A picture read for all strokes and strengths that the bank of the network has."""
    predictor, home = _reader_of(library)
    grid = CodeGrid(style.strokes(home.grid.strokes), predictor.strengths)
    reader = StyleReader(library, torch.device("cpu"))
    codes = []
    for brush in progress.part(0.0, 0.8).over(grid.strokes, "reading the picture"):
        codes.append(torch.stack([reader.code(style, predictor.path, brush, strength) for strength in grid.strengths]))
    return _Reading(StyleCodes(torch.stack(codes), grid), predictor.path, home)


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


def _reader_of(library: Library) -> tuple[FoundPredictor, Bank]:
    """The predictor, and the bank that has its network."""
    found = find_predictor(library.folders, None)
    home = found and library.body_of(found.body)
    if found is None or home is None:
        raise ModelProblem("The network that reads a picture as a style is not installed.", "Install Impasto again.")
    return found, home
