"""The server that runs, for the commands that look at it."""

from __future__ import annotations

import psutil

from impasto_link.client import Client
from impasto_link.discovery import ServerInfo, log_file, read_server_info
from impasto_link.errors import ServerGone
from impasto_link.launch import connect_running, names_remote
from impasto_link.state import ready_folder


def connect_to_running() -> Client | None:
    """A client of the server that runs, or None if there is none. One that is slow is waited for.

    Raises:
        ServerGone: there is one, but it stands still.
        ImpastoError: as `impasto_link.launch.connect_running`; or no server could work here, and why.
    """
    running = None if names_remote() else read_server_info()
    if running is not None and stands_still(running):
        raise ServerGone(
            f"The server runs as process {running.pid}, but stands still: somebody has stopped it (Ctrl-Z).",
            f"Let it go on with: kill -CONT {running.pid}, or end it with: impasto stop --force. Its log: {log_file()}",
        )
    client = connect_running(any_version=True)
    if client is None:
        # There may be one that cannot be seen.
        ready_folder()
    return client


def stands_still(server: ServerInfo) -> bool:
    """Whether the process of a server was stopped, and not ended."""
    try:
        return psutil.Process(server.pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False
