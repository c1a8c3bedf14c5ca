"""The style library: which styles there are, from the cards beside the weights. Needs no torch.

A bank is a file ``NAME.safetensors`` with its card ``NAME.json`` and, if there are any, ``NAME.thumbnails/STYLE.jpg``.
Shipped banks lie in the package, a user's own in a folder of the user's. Both folders are looked at anew at every
question, so a file that is put there shows up without a restart. ``NAME.exemplars/STYLE.jpg`` is a picture of the
manner of a style, for engines that need one to look at.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from impasto_link.errors import BadRequest, ModelProblem, UnknownStyle, quoted
from impasto_link.state import runtime_dir

log = logging.getLogger(__name__)

CARD_KIND = "style-bank"
#: Models that are no banks, by the names of their files: a bank of such a name would be taken for one of them.
OTHER_MODELS = frozenset({"adain", "classic-predictor", "encoder", "subject", "vgg19"})


def shipped_models() -> Path:
    """The folder of the models that come with Impasto."""
    installed = Path(__file__).parents[1] / "_models"
    return installed if installed.is_dir() else Path(__file__).parents[3] / "models"


def user_models() -> Path:
    """The folder of the user's own models; ``IMPASTO_MODELS`` overrides it."""
    override = os.environ.get("IMPASTO_MODELS")
    if override:
        return Path(override)
    try:
        folder = platformdirs.user_data_path("impasto", appauthor=False)
    except RuntimeError:
        folder = Path("~")
    # Where there is no home, older versions of platformdirs say ~, which would be a folder in whatever folder this is.
    return (folder if folder.is_absolute() else runtime_dir()) / "models"


def find_model(name: str) -> Path:
    """The file of a model: the user's own if there is one, else the one that comes with Impasto."""
    own = user_models() / name
    return own if own.is_file() else shipped_models() / name


def file_version(path: Path) -> tuple[Path, int]:
    """By which is noticed that a model was replaced: the file and when it was changed, 0 if it is not there."""
    return path, path.stat().st_mtime_ns if path.exists() else 0


@dataclass(frozen=True)
class Bank:
    """A bank as its card describes it.

    Attributes:
        weights: the safetensors file.
        body: fingerprint of the network that the styles belong to; the file may hold that network or only styles.
        card: the whole card.
    """

    name: str
    weights: Path
    body: str
    has_body: bool
    card: dict[str, Any] = field(repr=False, compare=False)

    @property
    def style_names(self) -> list[str]:
        """The names of its styles."""
        return [entry["name"] for entry in self.card["styles"]]

    @property
    def is_kept_picture(self) -> bool:
        """Whether it is one picture, read at a glance by `impasto keep`."""
        return "predicted_by" in self.card and len(self.style_names) == 1


@dataclass(frozen=True)
class Style:
    """A style of the library."""

    name: str
    title: str
    artist: str
    year: int | None
    bank: Bank

    def thumbnail(self) -> bytes | None:
        """A small JPEG picture of what the style makes, if there is one."""
        path = self.bank.weights.with_suffix(".thumbnails") / f"{self.name}.jpg"
        try:
            return path.read_bytes()
        except OSError:
            return None

    def exemplar(self) -> Path | None:
        """A picture in the style, which a refinement goes by, if there is one."""
        path = self.bank.weights.with_suffix(".exemplars") / f"{self.name}.jpg"
        return path if path.is_file() else None

    def to_wire(self, *, thumbnail: bool = False) -> dict[str, Any]:
        """What the operation ``styles`` says of the style."""
        entry = {
            "name": self.name,
            "title": self.title,
            "artist": self.artist,
            "year": self.year,
            "bank": self.bank.name,
            "engine": "fixed",
        }
        return {**entry, "thumbnail": self.thumbnail()} if thumbnail else entry


class Library:
    """All styles of some folders; of two with the same name the one of the later folder counts."""

    def __init__(self, folders: Sequence[Path] | None = None) -> None:
        self.folders = list(folders) if folders is not None else [shipped_models(), user_models()]
        self._problems: dict[Path, str] = {}

    def state(self) -> str:
        """A word that changes with the cards in the folders: cheap to ask, and says whether to look at them again."""
        digest = hashlib.blake2b(digest_size=8)
        for folder in self.folders:
            with contextlib.suppress(OSError):
                for path in sorted(folder.glob("*.json")):
                    digest.update(f"{path} {path.stat().st_mtime_ns}".encode())
        return digest.hexdigest()

    def problems(self) -> list[str]:
        """What was wrong with models at the last look, each in a sentence."""
        return list(self._problems.values())

    def banks(self) -> list[Bank]:
        """All banks whose card and weights are there."""
        self._problems = {}
        return [bank for folder in self.folders for bank in self._read_folder(folder)]

    def styles(self) -> list[Style]:
        """All styles, in the order of their banks."""
        return list(self._by_name().values())

    def style(self, name: str) -> Style:
        """The style of this name.

        Raises:
            UnknownStyle: there is none; the hint names those that come near.
            ModelProblem: there are no styles at all.
        """
        styles = self._by_name()
        if not styles:
            raise ModelProblem(f"The models of Impasto are not in {self.folders[0]}.", "Install Impasto again.")
        if name not in styles:
            import difflib

            near = difflib.get_close_matches(name, styles, n=3, cutoff=0.4)
            hint = f"Did you mean {' or '.join(near)}?" if near else "All of them: impasto styles"
            raise UnknownStyle(f"There is no style {quoted(name)}.", hint)
        return styles[name]

    def body_of(self, body: str) -> Bank | None:
        """The bank whose file holds the network with this fingerprint."""
        return next((bank for bank in self.banks() if bank.has_body and bank.body == body), None)

    def _by_name(self) -> dict[str, Style]:
        return {style.name: style for bank in self.banks() for style in _styles_of(bank)}

    def _read_folder(self, folder: Path) -> Iterator[Bank]:
        try:
            cards = sorted(folder.glob("*.json")) if folder.is_dir() else []
        except OSError as error:
            self._problems[folder] = f"The model folder {folder} cannot be read: {error.strerror}."
            return
        for path in cards:
            try:
                card = json.loads(path.read_text(encoding="utf-8"))
                if not isinstance(card, dict) or card.get("kind") != CARD_KIND:
                    continue
                bank = Bank(path.stem, path.with_suffix(".safetensors"), card["body"], card["has_body"], card)
                list(_styles_of(bank))
            except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
                self._problems[path] = f"The model card {path} cannot be used: {type(error).__name__}: {error}."
                continue
            if bank.weights.is_file():
                yield bank
            else:
                self._problems[path] = f"The model card {path} has no weights beside it."


def _styles_of(bank: Bank) -> Iterator[Style]:
    for entry in bank.card["styles"]:
        name = entry["name"]
        # It is a part of file names.
        if not isinstance(name, str) or not name or set(name) & set("/\\\0"):
            raise ValueError(f"{quoted(name)} is no name of a style")
        yield Style(name, str(entry.get("title") or name), str(entry.get("artist") or ""), entry.get("year"), bank)


def place_for_bank(folder: Path, name: str, may_replace: Callable[[Bank], bool]) -> Path:
    """The file for a bank that is to be made.

    Args:
        folder: where it is to lie.
        name: its name.
        may_replace: whether a bank that lies there already may be overwritten.

    Raises:
        BadRequest: the name is that of another model, or something lies there that may not be overwritten.
    """
    path = folder / f"{name}.safetensors"
    # For many file systems capitals are the same letters.
    if path.stem.lower() in OTHER_MODELS:
        raise BadRequest(f"Another model of Impasto has the name {quoted(name)}.", "Give another name with --name.")
    if path.exists():
        bank = next((bank for bank in Library([folder]).banks() if bank.weights == path), None)
        if bank is None or not may_replace(bank):
            raise BadRequest(
                f"There is a file {path} already, with something else in it.",
                "Give another name with --name, or move that file away.",
            )
    return path
