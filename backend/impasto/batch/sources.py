"""The pictures that a person names: files, folders and patterns."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from impasto.batch.places import Listing, Place, place_of
from impasto.imaging import files
from impasto_link.errors import BadRequest, ImpastoError


class Source(NamedTuple):
    """A picture, and the folder in which it lay, as seen from the folder that was named."""

    place: Place
    below: PurePosixPath = PurePosixPath()


class Sources:
    """What is found where a person says that pictures are.

    In folders, what is hidden (as Apple's ``._a.jpg`` and Impasto's own unfinished files are) and links that lead
    nowhere are no pictures; other files that cannot be read are counted, so that nothing is passed over in silence.

    Args:
        recursive: whether to look into the folders of folders, too.
        output: where the results go, which is no source of pictures.
    """

    def __init__(self, *, recursive: bool, output: Place) -> None:
        self.found: list[Source] = []
        self._recursive = recursive
        self._output = output.identity()
        self._other: Counter[str] = Counter()
        self._folders = 0
        self._notes: list[str] = []

    def add(self, name: str) -> None:
        """Take in a file, a folder, or what matches a pattern.

        Raises:
            BadRequest: nothing matches the pattern, or it is a pipe.
        """
        place = place_of(name)
        kind = place.kind()
        if name == "-" or kind == "other":
            raise BadRequest(f"{name} is no file: pictures are not read from pipes.", "Save it to a file first.")
        if kind == "folder":
            self._add_folder(place)
        elif kind == "file" or not glob.has_magic(str(place)):
            self.found.append(Source(place))
        elif matches := place.matches():
            self.found += [Source(one) for one in matches if one.kind() == "file"]
        else:
            raise BadRequest(f"No file matches {place}.")

    def notes(self) -> list[str]:
        """What was passed over, in sentences."""
        notes = list(self._notes)
        if self._other:
            kinds = ", ".join(sorted(self._other))
            notes.append(f"{_count(self._other.total(), 'file')} passed over ({kinds}).")
        if self._folders:
            notes.append(f"{_count(self._folders, 'folder')} passed over; --recursive looks into folders, too.")
        return notes

    def _add_folder(self, folder: Place) -> None:
        before = len(self.found)
        for below, listing in self._walk(folder):
            for place in _seen(listing.files):
                if place.suffix.lower() in files.READABLE:
                    self.found.append(Source(place, below))
                else:
                    self._other[place.suffix.lower() or "no suffix"] += 1
        if len(self.found) == before:
            self._notes.append(f"There are no pictures in {folder}.")

    def _walk(self, folder: Place) -> Iterator[tuple[PurePosixPath, Listing]]:
        """What lies in the folder and those in it, but for the one that the results go to."""
        waiting = [(folder, PurePosixPath())]
        while waiting:
            folder, below = waiting.pop()
            try:
                listing = folder.listing()
            except ImpastoError as error:
                self._notes.append(str(error))
                continue
            yield below, listing
            inside = [one for one in _seen(listing.folders) if self._output is None or one.identity() != self._output]
            if self._recursive:
                waiting += [(one, below / one.name) for one in reversed(inside)]
            else:
                self._folders += len(inside)


def find_sources(inputs: Iterable[str], *, recursive: bool, output: Place) -> tuple[list[Source], list[str]]:
    """The pictures that were named, each once, and what was passed over, in sentences.

    Raises:
        BadRequest: there are none, or as `Sources.add`.
    """
    sources = Sources(recursive=recursive, output=output)
    for name in inputs:
        sources.add(name)
    notes = sources.notes()
    if not sources.found:
        raise BadRequest(" ".join(notes) or "There are no pictures.")
    once: dict[Place, Source] = {}
    for source in sources.found:
        once.setdefault(source.place.absolute(), source)
    return list(once.values()), notes


def _seen(places: Iterable[Place]) -> list[Place]:
    return [place for place in places if not place.name.startswith(".")]


def _count(number: int, what: str) -> str:
    return f"1 {what} was" if number == 1 else f"{number} {what}s were"
