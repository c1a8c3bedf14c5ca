"""The server that runs, for the commands that look at it."""

from __future__ import annotations

import sys

from impasto_link.client import Client
from impasto_link.discovery import log_file, read_server_info
from impasto_link.errors import ServerGone
from impasto_link.launch import connect_running, names_remote


def connect_to_running() -> Client | None:
    """A client of the server that runs, or None if there is none.

    Raises:
        ServerGone: there is one, but it does not answer.
        ImpastoError: as `impasto_link.launch.connect_running`.
    """
    client = connect_running()
    running = None if client is not None or names_remote() else read_server_info()
    if running is not None:
        end = f"taskkill /F /PID {running.pid}" if sys.platform == "win32" else f"kill -KILL {running.pid}"
        raise ServerGone(
            f"The server runs as process {running.pid}, but does not answer.",
            f"Try again in a moment; if it stays like this, end it with: {end}. Its log: {log_file()}",
        )
    return client
