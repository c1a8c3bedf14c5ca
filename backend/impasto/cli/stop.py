"""Stop the server."""

from __future__ import annotations

import argparse
import time

from impasto.cli.running import connect_to_running
from impasto.client import Server
from impasto_link.discovery import runtime_file
from impasto_link.errors import ImpastoError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no options."""


def run(options: argparse.Namespace) -> int:
    client = connect_to_running()
    if client is None:
        print("The server does not run.")
        return 0
    with Server(client) as server:
        server.shutdown()
    for _ in range(100):
        if not runtime_file().exists():
            print("The server has stopped.")
            return 0
        time.sleep(0.1)
    raise ImpastoError("The server was told to stop, but still runs after 10 seconds.")
