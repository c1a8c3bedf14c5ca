"""The pictures that a command line names: files, folders and patterns."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from impasto.imaging import files
from impasto_link.errors import BadRequest


class Source(NamedTuple):
    """A picture, and the folder in which it lay, as seen from the folder that was named."""

    path: Path
    below: Path = Path()


class Sources:
    """What is found where a person says that pictures are.

    In folders, what is hidden (as Apple's ``._a.jpg`` and Impasto's own unfinished files are) and links that lead
    nowhere are no pictures; other files that cannot be read are counted, so that nothing is passed over in silence.

    Args:
        recursive: whether to look into the folders of folders, too.
        output: where the results go, which is no source of pictures.
    """

    def __init__(self, *, recursive: bool, output: Path) -> None:
        self.found: list[Source] = []
        self._recursive = recursive
        self._output = output
        self._other: Counter[str] = Counter()
        self._folders = 0
        self._notes: list[str] = []

    def add(self, name: str) -> None:
        """Take in a file, a folder, or what matches a pattern.

        Raises:
            BadRequest: nothing matches the pattern, or it is a pipe.
        """
        path = Path(name)
        if name == "-" or (path.exists() and not path.is_file() and not path.is_dir()):
            raise BadRequest(f"{name} is no file: pictures are not read from pipes.", "Save it to a file first.")
        if path.is_dir():
            self._add_folder(path)
        elif path.exists() or not glob.has_magic(name):
            self.found.append(Source(path))
        else:
            matches = sorted(Path(one) for one in glob.glob(name, recursive=True))  # noqa: PTH207 - patterns may be absolute
            if not matches:
                raise BadRequest(f"No file matches {name}.")
            self.found += [Source(one) for one in matches if one.is_file()]

    def notes(self) -> list[str]:
        """What was passed over, in sentences."""
        notes = list(self._notes)
        if self._other:
            kinds = ", ".join(sorted(self._other))
            notes.append(f"{_count(self._other.total(), 'file')} passed over ({kinds}).")
        if self._folders:
            notes.append(f"{_count(self._folders, 'folder')} passed over; --recursive looks into folders, too.")
        return notes

    def _add_folder(self, folder: Path) -> None:
        before = len(self.found)
        for inside in self._walk(folder):
            names = sorted(one.name for one in inside.iterdir() if not one.name.startswith(".") and one.is_file())
            for name in names:
                if Path(name).suffix.lower() in files.READABLE:
                    self.found.append(Source(inside / name, inside.relative_to(folder)))
                else:
                    self._other[Path(name).suffix.lower() or "no suffix"] += 1
        if len(self.found) == before:
            self._notes.append(f"There are no pictures in {folder}.")

    def _walk(self, folder: Path) -> Iterator[Path]:
        """The folder and those in it, but for the one that the results go to."""

        def unseen(error: OSError) -> None:
            self._notes.append(f"{error.filename} could not be looked into: {error.strerror}.")

        for name, inside, _ in os.walk(folder, onerror=unseen):
            inside[:] = sorted(
                one for one in inside if not one.startswith(".") and not self._is_output(Path(name, one))
            )
            if not self._recursive:
                self._folders += len(inside)
                inside.clear()
            yield Path(name)

    def _is_output(self, folder: Path) -> bool:
        return self._output.is_dir() and self._output.samefile(folder)


def find_sources(inputs: list[str], *, recursive: bool, output: Path) -> tuple[list[Source], list[str]]:
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
    once: dict[Path, Source] = {}
    for source in sources.found:
        once.setdefault(source.path.absolute(), source)
    return list(once.values()), notes


def _count(number: int, what: str) -> str:
    return f"1 {what} was" if number == 1 else f"{number} {what}s were"
