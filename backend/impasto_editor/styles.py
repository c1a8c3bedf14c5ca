"""The styles of the server's library, as it tells them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Style:
    """A style for a gallery.

    Attributes:
        name: by which it is asked for.
        title: for a person.
        by: who painted it and when; may be empty.
        thumbnail: a PNG; may be empty.
    """

    name: str
    title: str
    by: str = ""
    thumbnail: bytes = b""

    @property
    def tip(self) -> str:
        """Title, and below it who painted it and when."""
        return f"{self.title}\n{self.by}" if self.by else self.title

    def is_found(self, searched: str) -> bool:
        """Whether each of the words that somebody looks for is a part of title, name, artist or year."""
        words = f"{self.title} {self.name} {self.by}".lower()
        return all(word in words for word in searched.lower().split())


def read_library(entries: Iterable[Mapping[str, Any]]) -> list[Style]:
    """The styles in the answer to ``styles``."""
    return [
        Style(
            entry["name"],
            entry["title"],
            ", ".join(str(entry[key]) for key in ("artist", "year") if entry.get(key)),
            bytes(entry.get("thumbnail") or b""),
        )
        for entry in entries
    ]


def title_of(styles: Sequence[Style], name: str) -> str:
    """The title of a style; the name of one that is not there."""
    return next((style.title for style in styles if style.name == name), name)
