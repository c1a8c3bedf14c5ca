"""Files that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from impasto.imaging.problems import FileProblem, FileThere, cannot_write

#: The names of files that are being written end like this. A run that was killed may leave one behind, hidden; nothing
#: takes it for a picture.
PARTIAL = ".impasto-part"
#: What file systems answer that cannot do what is asked of them (CIFS, FUSE, FAT), which is no harm to the file.
_NOT_ABLE = (errno.EPERM, errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


def check_folder(path: Path) -> None:
    """See that there is a folder for a file.

    Raises:
        FileProblem: there is none.
    """
    folder = _real(path).parent  # where a link leads to
    try:
        if not stat.S_ISDIR(folder.stat().st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    except OSError as error:
        raise cannot_write(path, error) from error


def check_place(path: str | os.PathLike[str]) -> None:
    """Find out before the work is done whether `put` can make or replace a file, by making one without a name.

    Raises:
        FileProblem: there is no such folder, a folder or a write-protected file has that name, or no file can be made.
    """
    path = Path(path)
    place = _real(path)
    try:
        with suppress(FileNotFoundError):
            found = place.stat().st_mode
            if stat.S_ISDIR(found):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if not found & 0o222:
                raise FileProblem(f"{path} is write-protected.", "Name another file, or change its rights.")
        with tempfile.TemporaryFile(dir=place.parent):
            pass
    except OSError as error:
        raise cannot_write(path, error) from error


def put(path: str | os.PathLike[str], data: bytes, *, replace: bool = True) -> None:
    """Write a file that appears whole or not at all.

    Args:
        replace: whether an older file may be replaced. If not, one that is there stays as it is, also one that came
            this very moment, and a link counts as one, wherever it leads.

    Raises:
        FileProblem: no such folder or no right to write there, or the disk is full.
        FileThere: there is one, and it may not be replaced.
    """
    path = Path(path)
    try:
        _place(path, data, replace)
    except FileExistsError as error:
        raise FileThere(f"{path} is there already.", "Name another file.") from error
    except OSError as error:
        raise cannot_write(path, error) from error


def place(finished: Path, path: Path, *, replace: bool) -> None:
    """Give a finished file its final name, on the same disk, in one step.

    Args:
        finished: the file as it was written; it stays if this fails.
        path: its name from now on.
        replace: as `put`.

    Raises:
        FileProblem: as `put`.
        FileThere: likewise.
    """
    try:
        with finished.open("rb") as file:
            _to_disk(file.fileno())
        _name(finished, path, replace)
    except FileExistsError as error:
        raise FileThere(f"{path} is there already.", "Name another file.") from error
    except OSError as error:
        raise cannot_write(path, error) from error


def _place(path: Path, data: bytes, replace: bool) -> None:
    """Write a file beside its final place and then put it there in one step."""
    real = _real(path) if replace else path
    temporary = real.with_name(f".{path.stem[:40]}-{secrets.token_hex(4)}{PARTIAL}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(temporary, flags, 0o666), "wb") as file:
            file.write(data)
            file.flush()
            _to_disk(file.fileno())
        _name(temporary, path, replace)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _name(temporary: Path, path: Path, replace: bool) -> None:
    if replace:
        path = _real(path)  # so that a link stays one, and its target changes
    _take_rights(temporary, path)
    if replace:
        temporary.replace(path)
    else:
        _name_anew(temporary, path)


def _real(path: Path) -> Path:
    """Where links lead to; of those that lead in a circle, the link itself, which cannot be used."""
    return Path(os.path.realpath(path))


def _to_disk(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_ABLE:
            raise


def _take_rights(temporary: Path, path: Path) -> None:
    """Give a new file the rights of the one that it replaces, where the file system has any."""
    with suppress(OSError):
        wanted = stat.S_IMODE(path.stat().st_mode) & 0o777
        if stat.S_IMODE(temporary.stat().st_mode) != wanted:
            temporary.chmod(wanted)


def _name_anew(temporary: Path, path: Path) -> None:
    """Give a file its final name, unless there is one of that name."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        # FAT and many a network's file systems have no second names. There an empty file keeps the place free.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        try:
            temporary.replace(path)
        except BaseException:
            path.unlink()
            raise
    else:
        temporary.unlink()
