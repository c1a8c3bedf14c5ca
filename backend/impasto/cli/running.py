"""The server that runs, for the commands that look at it."""

from __future__ import annotations

import sys

import filelock

from impasto_link.client import Client
from impasto_link.discovery import lock_file, log_file, read_server_info
from impasto_link.errors import ServerGone
from impasto_link.launch import connect_running


def connect_to_running() -> Client | None:
    """A client of the server that runs, or None if there is none.

    Raises:
        ServerGone: there is one, but it does not answer.
        ImpastoError: as `impasto_link.launch.connect_running`.
    """
    before = read_server_info()
    client = connect_running()
    # One that has begun or ended meanwhile is another matter.
    if client is None and before is not None and before == read_server_info() and _is_locked():
        end = f"taskkill /F /PID {before.pid}" if sys.platform == "win32" else f"kill -KILL {before.pid}"
        raise ServerGone(
            f"The server runs as process {before.pid}, but does not answer.",
            f"Try again in a moment; if it stays like this, end it with: {end}. Its log: {log_file()}",
        )
    return client


def _is_locked() -> bool:
    """Whether a server is there. After a crash the process that the runtime file names may be any other by now."""
    try:
        with filelock.FileLock(lock_file()).acquire(blocking=False):
            return False
    except filelock.Timeout:
        return True
