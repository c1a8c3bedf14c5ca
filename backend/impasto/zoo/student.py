"""Students on disk: small networks that paint like a bank's, with the same styles by the same names.

A file is laid out as a bank's, but is none: its styles are those of the bank, and would otherwise stand in the library
twice. Its card says which network it is the student of, and of each style for which strokes and strengths it has codes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from impasto.nets.style_bank import StyleBankNet
from impasto.zoo.bank import StyleCodes, fingerprint, read_codes, stored
from impasto.zoo.grid import CodeGrid
from impasto.zoo.library import file_version
from impasto.zoo.storage import Card, read_card, write_model
from impasto_link.errors import ModelProblem, quoted
from impasto_link.sentences import say

CARD_KIND = "style-student"


@dataclass(frozen=True)
class Student:
    """A student as its card describes it.

    Attributes:
        path: its file, which holds the network (`impasto.zoo.bank.load_body`) and the codes (`load_student_codes`).
        teacher: fingerprint of the network that it paints like.
        card: the whole card.
    """

    path: Path
    teacher: str
    card: Card

    @property
    def name(self) -> str:
        """That of the file."""
        return self.path.stem

    @cached_property
    def grids(self) -> dict[str, CodeGrid]:
        """By name of the styles that it has, where their codes stand.

        Raises:
            ModelProblem: the card is damaged.
        """
        try:
            return _grids(self.card)
        except ValueError as error:
            raise ModelProblem(
                say("The card of the model {path} cannot be read: {error}.", path=self.path, error=quoted(error))
            ) from error


def save_student(
    path: Path,
    net: StyleBankNet,
    codes: Mapping[str, StyleCodes],
    styles: Sequence[Mapping[str, Any]],
    teacher: str,
    card: Mapping[str, Any],
) -> None:
    """Write a student and its card.

    Args:
        path: the ``.safetensors`` file; its folder is made if it is not there.
        net: the network.
        codes: of each style by name.
        styles: what the card says of each of them besides its grid; each has a ``name``.
        teacher: fingerprint of the network that it paints like.
        card: what else the card says: title, licence, training, quality.

    Raises:
        ModelProblem: the folder cannot be written to, or the disk is full.
    """
    entries = [{**style, **codes[style["name"]].grid._asdict()} for style in styles]
    full_card = {
        "kind": CARD_KIND,
        "format": 1,
        "name": path.stem,
        **card,
        "student_of": teacher,
        "width": net.width,
        "blocks": net.blocks,
        "body": fingerprint(net),
        "styles": entries,
    }
    write_model(path, stored(net, {name: style.codes for name, style in codes.items()}), full_card)


def load_student_codes(path: Path) -> dict[str, StyleCodes]:
    """The codes of each style of a student, by name.

    Raises:
        ModelProblem: the file is missing or damaged, or has other codes than its card tells of.
    """

    def grid_of(card: Card, name: str) -> CodeGrid:
        found = _grids(card).get(name)
        if found is None:
            raise ValueError(f"the card says nothing of {quoted(name)}")
        return found

    return read_codes(path, grid_of)


def _grids(card: Card) -> dict[str, CodeGrid]:
    """Where the codes of each style stand, by its name; raises ValueError if the card does not say it."""
    try:
        return {entry["name"]: CodeGrid.of_card(entry) for entry in card["styles"]}
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"the styles are not told of: {error!r}") from error


def student_at(path: Path) -> Student | None:
    """The student of this file; None if there is none or it is something else."""
    return _student_of(path, file_version(path.with_suffix(".json"))) if path.is_file() else None


@lru_cache(maxsize=64)
def _student_of(path: Path, card_version: object) -> Student | None:
    # It is asked for with each frame of a live picture, among all models that there are.
    try:
        card = read_card(path)
    except ModelProblem:
        return None
    teacher = card.get("student_of")
    return Student(path, teacher, card) if card.get("kind") == CARD_KIND and isinstance(teacher, str) else None


def student_named(folders: Sequence[Path], name: str) -> Student | None:
    """The student whose file is called so, of the last of the folders that has one."""
    known = (path for folder in reversed(folders) for path in sorted(folder.glob("*.safetensors")))
    return next((found for path in known if path.stem == name and (found := student_at(path))), None)


def find_student(folders: Sequence[Path], body: str) -> Student | None:
    """The student of the network with the fingerprint ``body``, of the last of the folders that has one."""
    paths = (path for folder in reversed(folders) for path in sorted(folder.glob("*.safetensors")))
    return next((found for path in paths if (found := student_at(path)) and found.teacher == body), None)
