"""Texts for people: written in English in the code, translated by gettext catalogues, placeholders by name.

The catalogues are read as translators write them, without compiling: GIMP starts a process per run, and to read the
hundred entries takes two milliseconds. Neither does it need a C locale of the language, which many systems lack.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from impasto_link.errors import ImpastoError
from impasto_link.said import translate

_FOLDER = Path(__file__).parent / "locale"

_catalogue: dict[str, str] = {}


def choose_language(wanted: Sequence[str]) -> None:
    """Use the first of the languages ("zh_CN.UTF-8", "zh", "en") that there is a catalogue for; else English."""
    _catalogue.clear()
    there = {path.stem: path for path in _FOLDER.glob("*.po")}
    for name in wanted:
        language = name.partition(".")[0].partition("@")[0]
        if language[:2] in ("en", "C"):
            return
        found = language if language in there else next((one for one in there if one[:2] == language[:2]), None)
        if found is not None:
            _catalogue.update(read_catalogue(there[found]))
            return


def read_catalogue(path: Path) -> dict[str, str]:
    """The entries of a PO file: texts and their translations, without contexts and plurals, which we do not use."""
    entries: dict[str, str] = {}
    key, text, parts = "", "", {"msgid": "", "msgstr": ""}
    for line in [*path.read_text(encoding="utf-8").splitlines(), 'msgid ""']:
        word, _, quoted = line.partition(" ")
        if word == "msgid":
            if parts["msgid"] and parts["msgstr"]:
                entries[parts["msgid"]] = parts["msgstr"]
            parts = {"msgid": "", "msgstr": ""}
        if word in parts:
            key, text = word, quoted
        elif line.startswith('"'):
            text = line
        else:
            continue
        # The escapes of PO files are those of C, and so, as far as anybody uses them, those of Python.
        parts[key] += ast.literal_eval(text)
    return entries


def tr(text: str, **values: Any) -> str:
    """The text in the user's language, with its placeholders filled in."""
    text = _catalogue.get(text, text)
    return text.format(**values) if values else text


def tr_said(sentence: str) -> str:
    """What the server says in English, in the user's language."""
    return translate(sentence, _catalogue)


def tr_error(error: ImpastoError) -> str:
    """What happened and what to do about it, in the user's language."""
    return " ".join(tr_said(sentence) for sentence in (error.message, error.hint) if sentence)
