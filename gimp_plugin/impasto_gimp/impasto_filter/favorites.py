"""Favourite styles: each is an entry of the menu of its own and paints without a dialog.

GIMP asks a plug-in for its procedures when its main file has another date than the last time, so that is what a change
touches. To be asked at every start of GIMP would take half a second of each.
"""

from __future__ import annotations

import json
import re
import zlib
from pathlib import Path

from impasto_editor.choices import Choices, write_styles

PREFIX = "plug-in-impasto-favorite-"


class Favorites:
    """The favourites of this GIMP, with the settings that they had when they became it.

    Args:
        folder: GIMP's folder of this user.
        main: the main file of the plug-in.
    """

    def __init__(self, folder: Path, main: Path) -> None:
        self._path = folder / "impasto-favorites.json"
        self._main = main
        self.entries: dict[str, tuple[str, Choices]] = {}
        try:
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            for entry in stored:
                choices = Choices.from_entry(entry["choices"])
                if choices is not None:
                    self.entries[write_styles(choices.styles)] = (str(entry["title"]), choices)
        except (OSError, ValueError, KeyError, TypeError):
            self.entries.clear()

    def add(self, title: str, choices: Choices) -> None:
        """Make a style with its settings a favourite; raises OSError if that cannot be kept."""
        self.entries[write_styles(choices.styles)] = (title, choices)
        self._keep()

    def remove(self, style: str) -> None:
        """Make it none any more; raises OSError if that cannot be kept."""
        self.entries.pop(style, None)
        self._keep()

    def procedures(self) -> dict[str, tuple[str, Choices]]:
        """Names of procedures, and title and choices of each."""
        return {_procedure(style): entry for style, entry in self.entries.items()}

    def _keep(self) -> None:
        entries = [{"title": title, "choices": choices.to_entry()} for title, choices in self.entries.values()]
        self._path.write_text(json.dumps(entries, indent=1, ensure_ascii=False), encoding="utf-8")
        self._main.touch()


def _procedure(style: str) -> str:
    """The name of the procedure of a style: GIMP takes letters without accents, digits and hyphens."""
    name = re.sub("[^a-z0-9]+", "-", style.lower()).strip("-")
    if name == style:
        return PREFIX + name
    # What others may have in common is told apart by a sum, which is the same at each start.
    return PREFIX + f"{name}-{zlib.crc32(style.encode()):08x}".lstrip("-")
