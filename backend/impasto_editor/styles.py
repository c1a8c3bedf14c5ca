"""The styles of the server's library, as it tells them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from impasto_editor.preview import Connection
from impasto_editor.texts import tr_said
from impasto_link.client import Event
from impasto_link.sentences import several_from_wire


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


class Library:
    """The styles of one server, asked for whenever they have changed.

    Args:
        connection: to the server.
        told: is called when the styles are known, or known anew, with sentences about those that cannot be read.

    Attributes:
        styles: what is known; stays when the server is gone.
        known: whether the server that there is now has told its styles.
    """

    def __init__(self, connection: Connection, told: Callable[[list[str]], None]) -> None:
        self.styles: list[Style] = []
        self.known = False
        self._connection, self._told = connection, told
        self._asked_for: str | None = None

    def follow(self, hello: Mapping[str, Any] | None) -> None:
        """Take note of what the server says of itself; None if there is none."""
        state = None if hello is None else str(hello.get("library", ""))
        if state == self._asked_for:
            return
        self._asked_for = state
        if state is None:
            self.known = False
        else:
            self._connection.submit("styles", {"thumbnails": True}, on_event=self._on_event)

    def _on_event(self, event: Event) -> None:
        if event.kind != "done":
            return
        self.styles, self.known = read_library(event.fields["styles"]), True
        self._told([tr_said(problem) for problem in several_from_wire(event.fields, "problems")])
