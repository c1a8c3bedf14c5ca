"""Texts for people: written in English in the code, translated by a catalogue, placeholders by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from impasto_link.said import translate

#: The languages there are, by their own names.
LANGUAGES = {"en": "English", "zh_CN": "简体中文"}

_catalogue: dict[str, str] = {}


def choose_language(wanted: str, system: str) -> None:
    """Use the language ``wanted`` (a key of LANGUAGES), or with "auto" the one nearest to the locale ``system``."""
    language = wanted
    if wanted not in LANGUAGES:
        language = next((key for key in LANGUAGES if key[:2] == system[:2]), "en")
    _catalogue.clear()
    path = Path(__file__).parent / "texts" / f"{language}.json"
    if path.is_file():
        _catalogue.update(json.loads(path.read_text(encoding="utf-8")))


def tr(text: str, **values: Any) -> str:
    """The text in the user's language, with its placeholders filled in."""
    text = _catalogue.get(text, text)
    return text.format(**values) if values else text


def tr_said(sentence: str) -> str:
    """What the server says in English, in the user's language."""
    return translate(sentence, _catalogue)
