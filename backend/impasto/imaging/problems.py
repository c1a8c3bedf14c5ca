"""What can be wrong with a picture file, in words."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from impasto_link.errors import ImpastoError


class FileProblem(ImpastoError):
    """A picture file cannot be read or written."""

    code = "file"


class NoPicture(FileProblem):
    """It is no picture, or of a kind that is not read."""

    code = "no-picture"


class TooLarge(FileProblem):
    """A picture has more pixels than are read."""

    code = "too-large"


class FileThere(FileProblem):
    """There is a file already where one was to be written, and it may not be replaced."""

    code = "file-there"


def as_text(name: str | os.PathLike[str]) -> str:
    """A file's name as text that can be sent and drawn: bytes that are no text are spelled out, as Python prints them.

    Two such names that differ still differ as texts.
    """
    return str(name).encode(errors="backslashreplace").decode()


def cannot_read(path: Path, error: OSError) -> FileProblem:
    """Why the system does not give the bytes of a file."""
    if error.errno in (errno.EACCES, errno.EPERM):
        hint = "Choose another place, or change its rights."
        return FileProblem(f"There is no permission to read {path}.", hint)
    if error.errno == errno.ENOENT:
        return FileProblem(f"There is no file {path}.")
    return _of_system(path, "read", error)


def cannot_write(path: Path, error: OSError) -> FileProblem:
    """Why the system does not take the bytes of a file."""
    folder = path.parent
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        hint = "Choose another place, or change its rights."
        return FileProblem(f"There is no permission to write in {folder}.", hint)
    if error.errno == errno.ENOENT:
        return FileProblem(f"There is no folder {folder}.", "Create it first.")
    return _of_system(path, "written", error)


def is_empty(path: Path | str) -> FileProblem:
    """That a file has no bytes."""
    return FileProblem(f"{path} is empty.", "It may not have been saved or copied completely.")


def no_memory(path: Path | str, size: str = "") -> FileProblem:
    """That a picture does not go into the memory."""
    return FileProblem(
        f"There is not enough memory for {path}{' of ' if size else ''}{size}.",
        "Close other programs, or make the picture smaller.",
    )


def _of_system(path: Path, done: str, error: OSError) -> FileProblem:
    space = "Free some space and try again."
    known = {
        errno.EISDIR: (f"{path} is a folder, not a file.", ""),
        errno.ENOTDIR: (f"{path.parent} is not a folder.", ""),
        errno.ENOSPC: (f"The disk is full: {path} was not {done}.", space),
        errno.EDQUOT: (f"The disk quota is used up: {path} was not {done}.", space),
        errno.ENAMETOOLONG: (f"The name of {path} is too long.", ""),
    }
    return FileProblem(*known.get(error.errno or 0, (f"{path} could not be {done}: {error.strerror}.", "")))
