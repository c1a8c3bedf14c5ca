"""Networks in memory, each for as long as the files that it was loaded from are what they were."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path
from typing import TypeVar, cast

from impasto.zoo.library import file_version

log = logging.getLogger(__name__)

T = TypeVar("T")


class Shelf:
    """Keeps what was loaded; loads it anew when one of its files was replaced."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[str, object, object]] = {}

    def take(self, name: str, files: Sequence[Path], load: Callable[[], T], key: Hashable = None) -> T:
        """What lies there, loaded if it does not, or if its files have changed.

        Args:
            name: what a person calls it, as in ``impasto status``.
            files: what it is loaded from.
            load: loads it.
            key: tells apart what has the same name and files, such as a network on two devices.
        """
        place = (*files, key)
        version = [file_version(file) for file in files]
        kept = self._kept.get(place)
        if kept is None or kept[1] != version:
            kept = self._kept[place] = (name, version, load())
            log.info("loaded %s", name)
        return cast(T, kept[2])

    def names(self) -> list[str]:
        """Of what lies there."""
        return sorted({name for name, _, _ in self._kept.values()})

    def clear(self) -> None:
        """Let go of everything."""
        self._kept.clear()
