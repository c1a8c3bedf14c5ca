"""A lock on a file, which the system takes back however its holder ends.

It is what filelock does, for the Pythons of editors, which have none; and who only asks does not get in the way of who
wants it. The kernel keeps it, so it is seen from a Flatpak or a container with the same folder, too.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from pathlib import Path

from impasto_link.errors import ImpastoError
from impasto_link.sentences import say

#: Somebody may be asking at the very moment, see `is_held`: it is tried for this long, in seconds.
_PATIENCE = 0.5

if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int, *, shared: bool) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _take(descriptor: int, *, shared: bool) -> None:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)


class FileLock:
    """A lock that at most one process holds.

    Args:
        path: the file; it is made, and stays.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take it, if nobody holds it; returns whether it is ours now.

        Raises:
            OSError: the file cannot be opened.
            ImpastoError: the file system has no locks.
        """
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600)
        deadline = time.monotonic() + _PATIENCE
        while not _try(descriptor, self.path):
            if time.monotonic() > deadline:
                os.close(descriptor)
                return False
            time.sleep(0.01)
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give it back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_held(path: Path) -> bool:
    """Whether a process holds the lock on a file. It is not taken for that, so nobody's `acquire` fails.

    Raises:
        ImpastoError: the file system has no locks.
    """
    try:
        # Windows locks only what is open for writing, and has no lock that can be shared.
        descriptor = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    except OSError:
        return False
    try:
        return not _try(descriptor, path, shared=True)
    finally:
        os.close(descriptor)


def _try(descriptor: int, path: Path, *, shared: bool = False) -> bool:
    try:
        _take(descriptor, shared=shared)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            return False
        raise ImpastoError(
            say(
                "The disk of {parent} has no locks for files: {strerror}.", parent=path.parent, strerror=error.strerror
            ),
            "Name a folder on a disk of this machine in IMPASTO_RUNTIME_DIR.",
        ) from error
    return True
