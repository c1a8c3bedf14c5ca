"""The style library: which styles there are, from the cards beside the weights. Needs no torch.

A bank is a file ``NAME.safetensors`` with its card ``NAME.json`` and, if there are any, ``NAME.thumbnails/STYLE.jpg``.
Shipped banks lie in the package, a user's own in a folder of the user's. Both folders are looked at anew at every
question, so a file that is put there shows up without a restart; a card is read again when it has changed.
``NAME.exemplars/STYLE.jpg`` is a picture of the manner of a style, for engines that need one to look at; for a picture
that was kept it is that picture, as STYLE.png if it has alpha.

Cards come from anywhere. One with odd values costs nothing but itself, and says why in `Library.problems`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from impasto.zoo.grid import CodeGrid
from impasto_link.errors import BadRequest, ModelProblem, UnknownStyle, printable, quoted
from impasto_link.files import read_regular
from impasto_link.sentences import say
from impasto_link.state import runtime_dir

log = logging.getLogger(__name__)

CARD_KIND = "style-bank"
#: Bounds on what a card may say and what may lie beside it; all of a library goes into one message.
MAX_CARD_BYTES = 1 << 22
MAX_STYLES_OF_BANK = 1000
MAX_WORDS = 200
MAX_YEAR = 9999
MAX_THUMBNAIL_BYTES = 1 << 20
MAX_THUMBNAILS_BYTES = 1 << 25
MAX_STYLES, MAX_PROBLEMS = 10_000, 100


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
    return Library().model(name)


def file_version(path: Path) -> tuple[Path, int]:
    """By which is noticed that a model was replaced: the file and when it was changed, 0 if it is not there."""
    return path, path.stat().st_mtime_ns if path.exists() else 0


@dataclass(frozen=True)
class Bank:
    """A bank as its card describes it.

    Attributes:
        weights: the safetensors file.
        body: fingerprint of the network that the styles belong to; the file may hold that network or only styles.
        grid: for which strokes and strengths each style has a code.
        card: the whole card.
    """

    name: str
    weights: Path
    body: str
    has_body: bool
    grid: CodeGrid
    card: dict[str, Any] = field(repr=False, compare=False)

    @property
    def style_names(self) -> list[str]:
        """The names of its styles."""
        return [entry["name"] for entry in self.card["styles"]]

    @property
    def is_kept_picture(self) -> bool:
        """Whether it is one picture, read at a glance by `impasto keep`."""
        return "predicted_by" in self.card and len(self.style_names) == 1

    def homeless(self) -> str:
        """What is said of it where no bank has its network."""
        if self.is_kept_picture:
            return say(
                "The style {name} was kept for a network that is not installed any more. Keep its picture again: "
                "impasto keep PICTURE --name {name}",
                name=printable(self.style_names[0]),
            )
        return say(
            "The styles of the bank {bank} belong to a network that is not installed. Bring the bank back that they "
            "were added to, or train them anew.",
            bank=printable(self.name),
        )


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
            # Not what a link leads to: it is sent to whoever asks.
            return read_regular(path, MAX_THUMBNAIL_BYTES, follow=False)
        except OSError:
            return None

    def exemplar(self) -> Path | None:
        """A picture in the style, which a refinement goes by, if there is one."""
        folder = self.bank.weights.with_suffix(".exemplars")
        there = (folder / f"{self.name}{suffix}" for suffix in (".png", ".jpg"))
        return next((path for path in there if path.is_file()), None)

    @property
    def kept_picture(self) -> Path | None:
        """The picture that it was read from, if it is one that was kept, and was kept beside the code."""
        return self.exemplar() if self.bank.is_kept_picture else None

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
        #: What there was at the last look: the cards of each folder, and what each of them said.
        self._seen: dict[Path, dict[str, _Stamp | None]] = {}
        self._read: dict[Path, _ReadCard] = {}
        self._problems: dict[Path, str] = {}
        #: What all of that came to, which is looked up again and again while a picture is painted; None if some of it
        #: may be another matter in a moment.
        self._known: _Known | None = None

    def model(self, name: str) -> Path:
        """The file of a model that is no bank: of the last folder that has one, or where the first should have it."""
        there = (folder / name for folder in reversed(self.folders))
        return next((path for path in there if path.is_file()), self.folders[0] / name)

    def state(self) -> str:
        """A word that changes with the cards in the folders: cheap to ask, and says whether to look at them again."""
        digest = hashlib.blake2b(digest_size=8)
        for folder in self.folders:
            digest.update(f"{folder} {self._look(folder)}".encode(errors="surrogateescape"))
        return digest.hexdigest()

    def problems(self) -> list[str]:
        """What was wrong with models at the last look, each in a sentence."""
        found = [*self._problems.values()]
        more = len(found) - MAX_PROBLEMS
        return found if more <= 0 else [*found[:MAX_PROBLEMS], say("And {more} more models cannot be used.", more=more)]

    def banks(self) -> list[Bank]:
        """All banks whose card and weights are there."""
        return list(self._look_up().banks)

    def _look_up(self) -> _Known:
        """What there is; put together anew only if something has changed."""
        seen = tuple(tuple(self._look(folder).items()) for folder in self.folders)
        if self._known is not None and self._known.seen == seen:
            return self._known
        self._problems = {path: said for path, said in self._problems.items() if path in self.folders}
        banks = [bank for folder in self.folders for bank in self._read_folder(folder)]
        self._read = {path: card for path, card in self._read.items() if path.name in self._seen.get(path.parent, ())}
        styles = {style.name: style for bank in banks for style in _styles_of(bank)}
        bodies = {bank.body for bank in banks if bank.has_body}
        for style in styles.values():
            if style.bank.body not in bodies and style.kept_picture is None:
                self._problems[style.bank.weights] = style.bank.homeless()
        known = _Known(seen, banks, styles)
        # What could not be read for want of descriptors, perhaps, is tried again at the next look.
        whole = all(folder / name in self._read for folder, cards in self._seen.items() for name in cards)
        self._known = known if whole and not self._problems.keys() & set(self.folders) else None
        return known

    def styles(self) -> list[Style]:
        """All styles, in the order of their banks.

        Raises:
            ModelProblem: those that come with Impasto cannot be looked for; there is no telling which there are.
        """
        found = list(self._look_up().styles.values())
        if not found and self.folders[0] in self._problems:
            raise ModelProblem(self._problems[self.folders[0]], "Try again in a moment.")
        return found

    def to_wire(self, *, thumbnails: bool) -> list[dict[str, Any]]:
        """What the operation ``styles`` says: all that goes into one message, of the styles and of their pictures."""
        room = MAX_THUMBNAILS_BYTES if thumbnails else 0
        entries = []
        for style in self.styles()[:MAX_STYLES]:
            entries.append(entry := style.to_wire(thumbnail=room > 0))
            room -= len(entry.get("thumbnail") or b"")
        return entries

    def style(self, name: str) -> Style:
        """The style of this name.

        Raises:
            UnknownStyle: there is none; the hint names those that come near.
            ModelProblem: there are no styles at all.
        """
        styles = self._look_up().styles
        if not styles:
            raise ModelProblem(
                say("The models of Impasto are not in {folders}.", folders=self.folders[0]),
                "Install Impasto again. If it was only moved, end the server that began before: impasto stop",
            )
        if name not in styles:
            import difflib

            near = difflib.get_close_matches(name[:MAX_WORDS], styles, n=3, cutoff=0.5)
            hint = say("Did you mean {near}?", near=" or ".join(near)) if near else say("All of them: impasto styles")
            raise UnknownStyle(say("There is no style {name}.", name=quoted(name)), hint)
        return styles[name]

    def body_of(self, body: str) -> Bank | None:
        """The bank whose file holds the network with this fingerprint."""
        return next((bank for bank in self._look_up().banks if bank.has_body and bank.body == body), None)

    def _look(self, folder: Path) -> dict[str, _Stamp | None]:
        """The cards in a folder, by name, and by what a change of each shows."""
        try:
            with os.scandir(folder) as entries:
                there = {entry.name: entry for entry in entries}
            cards = sorted(name for name in there if name.endswith(".json"))
            self._seen[folder] = {name: _stamp(there[name], f"{name[:-5]}.safetensors" in there) for name in cards}
            self._problems.pop(folder, None)
        except (FileNotFoundError, NotADirectoryError):
            self._seen[folder] = {}
        except OSError as error:
            # For want of descriptors, perhaps. What was there is there.
            self._problems[folder] = say(
                "The model folder {folder} cannot be read: {reason}.", folder=printable(folder), reason=error.strerror
            )
        return self._seen.get(folder, {})

    def _read_folder(self, folder: Path) -> Iterator[Bank]:
        for name, stamp in self._seen.get(folder, {}).items():
            path = folder / name
            card = self._read_card(path, stamp)
            if card.bank is not None and not (stamp and stamp.has_weights):
                self._problems[path] = say("The model card {path} has no weights beside it.", path=printable(path))
            elif card.bank is not None:
                yield card.bank
            elif card.problem:
                self._problems[path] = say(
                    "The model card {path} cannot be used: {reason}.", path=printable(path), reason=card.problem
                )

    def _read_card(self, path: Path, stamp: _Stamp | None) -> _ReadCard:
        known = self._read.get(path)
        if known is not None and known.stamp == stamp:
            return known
        try:
            card = json.loads(read_regular(path, MAX_CARD_BYTES))
            self._read[path] = _ReadCard(stamp, _bank_of(path, card))
        except OSError as error:
            # It may be another matter in a moment.
            return _ReadCard(stamp, None, f"{type(error).__name__}: {error.strerror}")
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            self._read[path] = _ReadCard(stamp, None, printable(f"{type(error).__name__}: {error}"))
        return self._read[path]


class _Stamp(NamedTuple):
    """By which a change of a card, or that its weights have come or gone, is noticed."""

    changed_ns: int
    size: int
    inode: int
    has_weights: bool


class _Known(NamedTuple):
    """What there was at a look, and what that came to."""

    seen: tuple[object, ...]
    banks: list[Bank]
    styles: dict[str, Style]


class _ReadCard(NamedTuple):
    """What a card said when it was last read: a bank, or what is wrong with it, or that it is none of ours."""

    stamp: _Stamp | None
    bank: Bank | None
    problem: str = ""


def _stamp(card: os.DirEntry[str], has_weights: bool) -> _Stamp | None:
    try:
        status = card.stat()
    except OSError:
        return None
    return _Stamp(status.st_mtime_ns, status.st_size, status.st_ino, has_weights)


def _bank_of(path: Path, card: Any) -> Bank | None:
    """The bank of a card; None if it is one of something else; raises ValueError, KeyError or TypeError."""
    if not isinstance(card, dict) or card.get("kind") != CARD_KIND:
        return None
    name = _words("the name of the file", path.stem)
    body, grid = _words("the body", card["body"]), CodeGrid.of_card(card)
    bank = Bank(name, path.with_suffix(".safetensors"), body, card["has_body"], grid, card)
    if not isinstance(card["styles"], list) or len(card["styles"]) > MAX_STYLES_OF_BANK:
        raise ValueError(f"its styles have to be a list of at most {MAX_STYLES_OF_BANK}")
    list(_styles_of(bank))
    return bank


def _styles_of(bank: Bank) -> Iterator[Style]:
    for entry in bank.card["styles"]:
        name = entry["name"]
        # It is a part of file names.
        if not isinstance(name, str) or name in ("", ".", "..") or set(name) & set("/\\\0"):
            raise ValueError(f"{quoted(name)} is no name of a style")
        year = entry.get("year")
        if year is not None and (type(year) is not int or abs(year) > MAX_YEAR):
            raise ValueError(f"the year {quoted(year)} of {quoted(name)} is none")
        title, artist = (_words(f"the {what} of a style", entry.get(what) or "") for what in ("title", "artist"))
        yield Style(_words("the name of a style", name), title or name, artist, year, bank)


def _words(what: str, value: object) -> str:
    """A line of text, to be shown on screens and terminals."""
    if not isinstance(value, str) or len(value) > MAX_WORDS or value != printable(value):
        raise ValueError(f"{what} has to be a line of at most {MAX_WORDS} letters, not {quoted(value)}")
    return value


def other_models() -> frozenset[str]:
    """The names of models that are no banks: a bank of such a name would be taken for one of them."""
    folder = shipped_models()
    banks = {bank.weights for bank in Library([folder]).banks()}
    return frozenset({path.stem for path in folder.glob("*.safetensors") if path not in banks} | {"vgg19"})


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
    if path.stem.lower() in other_models():
        raise BadRequest(
            say("Another model of Impasto has the name {name}.", name=quoted(name)), "Give another name with --name."
        )
    if path.exists():
        bank = next((bank for bank in Library([folder]).banks() if bank.weights == path), None)
        if bank is None or not may_replace(bank):
            raise BadRequest(
                say("There is a file {path} already, with something else in it.", path=path),
                "Give another name with --name, or move that file away.",
            )
    return path
