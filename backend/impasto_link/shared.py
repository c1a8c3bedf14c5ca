"""Frames in shared memory: on the same machine pixels need not go through sockets, four times there and back.

The server has a folder in shared memory that only its user can enter. Whoever sends a large frame puts it there as a
file and sends the file's name; whoever receives it maps the file and takes the name away. A client knows that it sees
the same folder as the server, and not one of a container of its own, when a file in it says what the server says.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Collection
from pathlib import Path
from typing import IO, Any

from impasto_link.errors import BadRequest, quoted
from impasto_link.files import open_regular, read_regular
from impasto_link.pixels import Buffer
from impasto_link.sentences import say

#: Smaller frames go through the socket: below, it is as fast.
LEAST_BYTES = 1 << 20
#: So many seconds after it was put there, a file that nobody knows of is one that nobody will ask for.
FORGOTTEN_AFTER = 120.0

_ROOT = Path("/dev/shm")
_PREFIX = "impasto-"
_NAME = re.compile(r"[0-9a-f]{32}")
_KEY_FILE = "key"


class SharedFolder:
    """A folder in shared memory, as the server or one of its clients sees it.

    Attributes:
        path: where it is.
        key: what the file in it says by which it is known.
    """

    def __init__(self, path: Path, key: str) -> None:
        self.path = path
        self.key = key
        #: Of the server: its hold on the folder, which ends with its process however that ends.
        self._lock: IO[str] | None = None

    @classmethod
    def create(cls) -> SharedFolder | None:
        """The folder of a new server, or None if this system has no memory to share by files."""
        if sys.platform != "linux" or not os.access(_ROOT, os.W_OK):
            return None
        try:
            _remove_abandoned()
            folder = cls(Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_ROOT)), secrets.token_hex(16))
            folder._lock = (folder.path / _KEY_FILE).open("w", encoding="ascii")
            _hold(folder._lock)
            folder._lock.write(folder.key)
            folder._lock.flush()
        except OSError:
            return None
        return folder

    @classmethod
    def of_server(cls, said: object) -> SharedFolder | None:
        """The folder that a server says it has, or None if it is not to be seen from here."""
        if not isinstance(said, dict) or not hasattr(os, "O_NOFOLLOW"):
            return None
        folder = cls(Path(str(said.get("folder"))), str(said.get("key")))
        try:
            known = read_regular(folder.path / _KEY_FILE, 100, follow=False) if _is_ours(folder.path) else None
        except (OSError, ValueError):
            return None
        return folder if known == folder.key.encode() else None

    def to_wire(self) -> dict[str, Any]:
        """What a server says of its folder."""
        return {"folder": str(self.path), "key": self.key}

    def put(self, frame: Buffer) -> str | None:
        """Put a frame there; its name, or None where it is small or there is no room for it."""
        left = memoryview(frame).cast("B")
        if left.nbytes < LEAST_BYTES:
            return None
        name = secrets.token_hex(16)
        try:
            descriptor = os.open(self.path / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError:
            return None
        try:
            while left:
                left = left[os.write(descriptor, left) :]
        except OSError:
            self._forget(name)
            return None
        finally:
            os.close(descriptor)
        return name

    def look(self, name: object) -> memoryview:
        """The frame of that name, which stays there.

        Raises:
            BadRequest: there is none.
        """
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise BadRequest(say("{name} is no name of a frame in shared memory.", name=quoted(name)))
        try:
            file = open_regular(self.path / name, follow=False)
        except OSError as error:
            raise BadRequest("A frame in shared memory is not there any more.", "Send it again.") from error
        with file:
            try:
                return memoryview(mmap.mmap(file.fileno(), 0, mmap.MAP_SHARED, mmap.PROT_READ))
            except (OSError, ValueError) as error:
                raise BadRequest("A frame in shared memory cannot be read.", "Send it again.") from error

    def take(self, name: object) -> memoryview:
        """The frame of that name, for nobody else; its memory is given back when the last view of it is gone.

        Raises:
            BadRequest: there is none.
        """
        frame = self.look(name)
        self._forget(str(name))
        return frame

    def sweep(self, wanted: Collection[str]) -> None:
        """Remove what was put there long ago, except names that are still ``wanted``."""
        before = time.time() - FORGOTTEN_AFTER
        with contextlib.suppress(OSError):
            for file in self.path.iterdir():
                if _NAME.fullmatch(file.name) and file.name not in wanted and file.lstat().st_mtime < before:
                    file.unlink(missing_ok=True)

    def remove(self) -> None:
        """The server ends, and nobody needs it any more."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            self._lock.close()

    def _forget(self, name: str) -> None:
        with contextlib.suppress(OSError):
            (self.path / name).unlink()


def _hold(file: IO[Any]) -> None:
    """Lock a file; raises OSError if another process has it."""
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_ours(path: Path) -> bool:
    """Whether a folder is this user's and nobody else may enter it; anybody can make one with such a name."""
    status = path.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077


def _remove_abandoned() -> None:
    """Remove the folders of servers of this user that were killed."""
    for path in _ROOT.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):
            if _is_ours(path):
                with open_regular(path / _KEY_FILE, follow=False) as file:
                    _hold(file)
                    shutil.rmtree(path, ignore_errors=True)
