"""Texts for people: written in English in the code, translated by a catalogue, placeholders by name.

A catalogue is a file LANGUAGE.json in the folder ``texts``: English texts and their translations, and under "" what the
language is called in itself; ``texts/said/LANGUAGE.json`` has what server and link say, by the codes of
`impasto_link.sentences`. A new language is two new files there.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from impasto_link.errors import ImpastoError
from impasto_link.sentences import Sentence

FOLDER = Path(__file__).parent / "texts"

#: What editors say, and what server and link say, by its code.
_catalogue: dict[str, str] = {}
_said: dict[str, str] = {}


def languages() -> dict[str, str]:
    """The languages that there are, by their own names: ``en``: English, ``zh_CN``: 简体中文."""
    return {"en": "English", **{path.stem: _read(path)[""] for path in sorted(FOLDER.glob("*.json"))}}


def choose_language(wanted: Iterable[str]) -> None:
    """Use the first of these languages that there is a catalogue for, or one near to it; else English.

    Args:
        wanted: as systems name them: ``zh_CN.UTF-8``, ``zh``, ``en_GB``, ``C``. Other words are passed over.
    """
    _catalogue.clear()
    _said.clear()
    there = sorted(FOLDER.glob("*.json"))
    for name in wanted:
        language = name.partition(".")[0].partition("@")[0]
        if language == "C" or language[:2] == "en":
            return
        near = [path for path in there if language and path.stem[:2] == language[:2]]
        if near:
            found = next((path for path in near if path.stem == language), near[0])
            _catalogue.update(_read(found))
            del _catalogue[""]
            _said.update(_read(FOLDER / "said" / found.name))
            return


def tr(text: str, **values: Any) -> str:
    """The text in the user's language, with its placeholders filled in."""
    text = _catalogue.get(text, text)
    return text.format(**values) if values else text


def tr_said(sentence: str) -> str:
    """What server or link say, in the user's language; in English where no catalogue has it."""
    if not isinstance(sentence, Sentence):
        return _said.get(sentence) or _catalogue.get(sentence, sentence)
    known = _said.get(sentence.code)
    if known is None:
        return str(sentence)
    try:
        return known.format(**{name: tr_said(value) for name, value in sentence.values.items()})
    except KeyError:  # a server of another version tells fewer values
        return str(sentence)


def tr_error(error: ImpastoError) -> str:
    """What happened and what to do about it, in the user's language."""
    return " ".join(tr_said(sentence) for sentence in (error.message, error.hint) if sentence)


def _read(path: Path) -> dict[str, str]:
    return dict(json.loads(path.read_text(encoding="utf-8")))
