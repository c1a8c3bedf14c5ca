"""Stop the server."""

from __future__ import annotations

import argparse
import time

from impasto.cli.running import connect_to_running
from impasto.client import Server
from impasto_link.client import Client
from impasto_link.discovery import read_server_info
from impasto_link.errors import ImpastoError, Refused, ServerGone
from impasto_link.launch import names_remote


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no options."""


def run(options: argparse.Namespace) -> int:
    client = connect_to_running()
    if client is None:
        print("The server does not run.")
        return 0
    with Server(client) as server:
        server.shutdown()
        if names_remote():
            gone = _falls_silent(client)
            print(f"The server on the other machine {'has stopped' if gone else 'was told to stop'}.")
            return 0
    for _ in range(100):
        if read_server_info() is None:
            print("The server has stopped.")
            return 0
        time.sleep(0.1)
    raise ImpastoError("The server was told to stop, but still runs after 10 seconds.")


def _falls_silent(client: Client) -> bool:
    """Whether a server on another machine is gone, as far as can be told from here: it answers no more."""
    for _ in range(20):
        try:
            client.ask("hello", timeout=1)
        except (ServerGone, Refused):
            return True
        time.sleep(0.1)
    return False
