"""Where pictures are, and where they go."""

from __future__ import annotations

import errno
import glob
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple
from urllib.parse import urlsplit
from urllib.request import url2pathname

from impasto.compute.memory import free_memory
from impasto.imaging import files
from impasto.imaging.opening import open_file
from impasto.imaging.placing import check_place
from impasto.imaging.problems import cannot_read, cannot_write, no_memory
from impasto_link.errors import ImpastoError

Kind = Literal["file", "folder", "other"]

#: ``s3://bucket/photo.jpg``, and not ``C:\photo.jpg``, which has a single letter before its colon.
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+)(?=://)")
#: Fewer bytes are read without a look at how much memory is free.
_SMALL = 1 << 26


class Listing(NamedTuple):
    """What lies in a folder.

    Attributes:
        files: by name, sorted.
        folders: likewise; without links, which may lead back here.
    """

    files: list[Place]
    folders: list[Place]


class Place(ABC):
    """Where a picture, or a folder of pictures, is or is to be. As text it is what people may see: no password.

    Places can be compared, kept in sets and sent to other processes.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """The last part of it."""

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        """What says the format of a file, with its dot; may be empty."""
        return PurePosixPath(self.name).suffix

    @property
    @abstractmethod
    def folder(self) -> Place:
        """Where it lies in."""

    @abstractmethod
    def __truediv__(self, below: str | PurePosixPath) -> Place:
        """A place below this one."""

    def with_name(self, name: str) -> Place:
        """The place of that name beside this one."""
        return self.folder / name

    @abstractmethod
    def relative_to(self, folder: Place) -> str:
        """The way here from a folder above, with slashes; all of the place if the folder is none."""

    @abstractmethod
    def absolute(self) -> Place:
        """The same from wherever one looks."""

    @abstractmethod
    def identity(self) -> Hashable:
        """What tells it from other places, whatever its names; None if there is nothing that could be told apart."""

    @abstractmethod
    def kind(self) -> Kind | None:
        """What is there; None if nothing is."""

    @abstractmethod
    def there(self, names: Iterable[str]) -> set[str]:
        """Those of the names that are taken in this folder, also by a link that leads nowhere."""

    @abstractmethod
    def listing(self) -> Listing:
        """What lies in this folder; raises ImpastoError if it cannot be looked into."""

    @abstractmethod
    def matches(self) -> list[Place]:
        """What this matches as a pattern, sorted."""

    @abstractmethod
    def stamp(self) -> str:
        """Changes whenever the file does, and is told without reading it; raises ImpastoError if there is none."""

    @abstractmethod
    def read(self) -> bytes:
        """The bytes of the file; raises FileProblem."""

    @abstractmethod
    def check(self) -> None:
        """Find out before the work is done whether `put` can write here; raises FileProblem.

        What only trying would tell is not found out.
        """

    @abstractmethod
    def make(self) -> None:
        """Make this folder, and those above it, where they are missing; raises ImpastoError."""

    @abstractmethod
    def put(self, data: bytes, *, replace: bool) -> None:
        """Write a file that appears whole or not at all.

        Raises:
            FileThere: there is one, and it may not be replaced.
            FileProblem: it cannot be written.
        """


def place_of(text: str | os.PathLike[str]) -> Place:
    """The place that a person names: a path, or an address such as ``s3://bucket/photos``.

    Raises:
        ImpastoError: there are no addresses of this kind, or what they need is not installed.
    """
    match = _ADDRESS.match(text) if isinstance(text, str) else None
    if match is None:
        return LocalPlace(Path(text))
    protocol = match[1].lower()
    if protocol == "file":
        return LocalPlace(Path(url2pathname(urlsplit(str(text)).path)))
    from impasto.batch.addresses import address_of

    return address_of(str(text), protocol)


def check_room(nbytes: int, of: str) -> None:
    """See that there is room for a file's bytes; raises FileProblem."""
    if nbytes > _SMALL and nbytes > free_memory():
        raise no_memory(of, f"{nbytes >> 20} MiB")


@dataclass(frozen=True)
class LocalPlace(Place):
    """A file or folder of this machine."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """See `Place`."""
        return self.path.name

    @property
    def folder(self) -> LocalPlace:
        """See `Place`."""
        return LocalPlace(self.path.parent)

    def __truediv__(self, below: str | PurePosixPath) -> LocalPlace:
        return LocalPlace(self.path / below)

    def relative_to(self, folder: Place) -> str:
        """See `Place`."""
        if isinstance(folder, LocalPlace) and self.path.is_relative_to(folder.path):
            return files.as_text(self.path.relative_to(folder.path).as_posix())
        return files.as_text(self.path.absolute().as_posix())

    def absolute(self) -> LocalPlace:
        """See `Place`."""
        return LocalPlace(self.path.absolute())

    def identity(self) -> Hashable:
        """See `Place`; a file has the same by all its links, and in capitals where these mean nothing."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def kind(self) -> Kind | None:
        """See `Place`."""
        if self.path.is_dir():
            return "folder"
        if self.path.is_file():
            return "file"
        return "other" if self.path.exists() else None

    def there(self, names: Iterable[str]) -> set[str]:
        """See `Place`."""
        return {name for name in names if os.path.lexists(self.path / name)}

    def listing(self) -> Listing:
        """See `Place`."""
        try:
            with os.scandir(self.path) as entries:
                found = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            raise ImpastoError(f"{self} could not be looked into: {error.strerror}.") from error
        return Listing(
            [place for one in found if (place := self / one.name).kind() == "file"],
            [self / one.name for one in found if one.is_dir(follow_symlinks=False)],
        )

    def matches(self) -> list[Place]:
        """See `Place`."""
        found = glob.glob(str(self.path), recursive=True)  # noqa: PTH207 - patterns may be absolute
        return [LocalPlace(path) for path in sorted(map(Path, found))]

    def stamp(self) -> str:
        """See `Place`."""
        try:
            status = self.path.stat()
        except OSError as error:
            raise cannot_read(self.path, error) from error
        return f"{status.st_size}-{status.st_mtime_ns}"

    def read(self) -> bytes:
        """See `Place`; of what is no file, such as a pipe, nothing is waited for."""
        try:
            with open_file(self.path) as file:
                check_room(os.fstat(file.fileno()).st_size, str(self))
                return file.read()
        except OSError as error:
            raise cannot_read(self.path, error) from error
        except MemoryError as error:
            raise no_memory(self.path) from error

    def check(self) -> None:
        """See `Place`."""
        check_place(self.path)

    def make(self) -> None:
        """See `Place`."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ImpastoError(
                f"The folder {self} cannot be made: {error.strerror}.", "Name another folder with -o."
            ) from error

    def append(self, lines: bytes) -> None:
        """Write whole lines to the end of the file, in one piece, so that others may do so at the same time.

        What was killed while it wrote has left half a line, which is ended first.

        Raises:
            FileProblem: they cannot be written.
        """
        try:
            with self.path.open("a+b", buffering=0) as file:
                if file.seek(0, os.SEEK_END):
                    file.seek(-1, os.SEEK_END)
                    lines = lines if file.read(1) == b"\n" else b"\n" + lines
                if file.write(lines) != len(lines):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as error:
            raise cannot_write(self.path, error) from error

    def put(self, data: bytes, *, replace: bool) -> None:
        """See `Place`."""
        files.put(self.path, data, replace=replace)
