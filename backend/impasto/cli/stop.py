"""Stop the server."""

from __future__ import annotations

import argparse
import contextlib
import sys
import time

import psutil

from impasto.cli.running import connect_to_running, stands_still
from impasto_link.client import Client
from impasto_link.discovery import ServerInfo, lock_file, read_server_info
from impasto_link.errors import ImpastoError, Refused, ServerGone
from impasto_link.launch import connect_running, names_remote

#: So long a server may take to end by itself, in seconds: its workers have two to finish what they do.
_PATIENCE = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--force", action="store_true", help="end its process if it does not answer; paintings under way are lost"
    )


def run(options: argparse.Namespace) -> int:
    if names_remote():
        return _stop_remote()
    running = read_server_info()
    if options.force and running is not None:
        _end(running)
    else:
        client = connect_to_running()
        if client is None:
            print("The server does not run.")
            return 0
        with contextlib.closing(client):
            client.ask("shutdown")
    if not _ends_within(_PATIENCE):
        raise ImpastoError("The server was told to stop, but still runs after 10 seconds.", "impasto stop --force")
    print("The server has stopped.")
    return 0


def _end(running: ServerInfo) -> None:
    """End a server politely, or its process if that does not help."""
    try:
        client = None if stands_still(running) else connect_running(timeout=_PATIENCE)
        if client is not None:
            with contextlib.closing(client):
                client.ask("shutdown", timeout=_PATIENCE)
            if _ends_within(_PATIENCE):
                return
    except ImpastoError as error:
        print(f"It does not do as it is told: {error.message}", file=sys.stderr)
    process = psutil.Process(running.pid)
    _check_holder(process)
    process.terminate()
    if not _ends_within(0.0 if stands_still(running) else _PATIENCE) and read_server_info() == running:
        process.kill()


def _check_holder(process: psutil.Process) -> None:
    """Raises ImpastoError unless a process is that which holds the lock: in a container, numbers mean others."""
    lock = lock_file()
    try:
        if any(lock.samefile(file.path) for file in process.open_files()):
            return
    except (psutil.Error, OSError):
        pass
    raise ImpastoError(f"The process {process.pid} cannot be seen to be the server.", f"To see who is: fuser {lock}")


def _ends_within(seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while read_server_info() is not None:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _stop_remote() -> int:
    client = connect_to_running()
    assert client is not None, "one on another machine answers, or there is an error"
    with contextlib.closing(client):
        client.ask("shutdown")
        gone = _falls_silent(client)
    print(f"The server on the other machine {'has stopped' if gone else 'was told to stop'}.")
    return 0


def _falls_silent(client: Client) -> bool:
    """Whether a server on another machine is gone, as far as can be told from here: it answers no more."""
    for _ in range(20):
        try:
            client.ask("hello", timeout=1)
        except (ServerGone, Refused):
            return True
        time.sleep(0.1)
    return False
