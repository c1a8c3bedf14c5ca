"""Run the server in this terminal.

The other commands and the editors start it by themselves; run it by hand to choose a device or how long it stays.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
from pathlib import Path

from impasto.command import SERVER_COMMAND
from impasto.server.broker import Broker
from impasto.server.logs import configure_logging, keep_log_short
from impasto.server.options import BrokerOptions
from impasto.server.remote import OpenToOthers, open_to_others
from impasto_link.devices import DEVICES
from impasto_link.discovery import claim, read_server_info
from impasto_link.errors import ImpastoError, ServerGone
from impasto_link.invitation import Invitation
from impasto_link.launch import remember_command
from impasto_link.options import MaskOptions

log = logging.getLogger(__name__)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    defaults = BrokerOptions()
    parser.add_argument(
        "--device",
        action="append",
        metavar="DEVICE",
        help=f"{DEVICES}; give it several times for several workers (default: auto)",
    )
    parser.add_argument(
        "--unload-after",
        type=float,
        default=defaults.unload_after,
        metavar="S",
        help="seconds without work after which models leave the memory, 0 for never (default: %(default)g)",
    )
    parser.add_argument(
        "--memory",
        type=memory_size,
        metavar="SIZE",
        help="the most memory of the computer that each worker may have, such as 8G or 1500M (default: what is free)",
    )
    parser.add_argument(
        "--exit-after",
        type=float,
        default=defaults.exit_after,
        metavar="S",
        help="seconds without use after which the server ends, 0 for never (default: %(default)g)",
    )
    parser.add_argument(
        "--no-shared-memory",
        dest="shared_memory",
        action="store_false",
        help="have programs on this machine send all pixels through the connection",
    )
    parser.add_argument(
        "--remote",
        metavar="HOST:PORT",
        help="also listen for programs on other machines, encrypted, by invitation only",
    )
    parser.add_argument(
        "--invitation",
        type=Path,
        default=Path("impasto-invitation.json"),
        metavar="FILE",
        help="where to write the invitation for --remote (default: %(default)s)",
    )


def memory_size(text: str) -> int:
    """Bytes, as "8G", "1500M" or a plain number say it."""
    number, unit = text.strip().upper().removesuffix("B").removesuffix("I"), 1
    for power, letter in enumerate("KMGT", start=1):
        if number.endswith(letter):
            number, unit = number.removesuffix(letter), 1024**power
    try:
        size = float(number) * unit
        if not 2**30 <= size < 2**60:
            raise argparse.ArgumentTypeError(f"{text} is not enough, or too much: at least 1G.")
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: write it as 8G or 1500M.") from None
    return int(size)


def run(options: argparse.Namespace) -> int:
    # As a job's device is looked at: else each worker would end by itself, with a traceback.
    devices = tuple(MaskOptions(device=one).device for one in options.device or ["auto"])
    if options.remote:
        _check_place_for_invitation(options.invitation)
    with claim() as place:
        if place is None:
            return _runs_already(options)
        # Not before the log is ours: it would be taken away from the server that runs.
        configure_logging()
        keep_log_short()
        remember_command(SERVER_COMMAND)
        remote = open_to_others(options.remote) if options.remote else None
        broker = Broker(
            BrokerOptions(
                remote=remote and remote.access,
                runtime_file=place.runtime,
                shared_memory=options.shared_memory,
                devices=devices,
                unload_after=options.unload_after,
                memory=options.memory,
                exit_after=options.exit_after,
            )
        )
        if remote is not None:
            try:
                _invite(remote, options.invitation)
            except BaseException:
                # It has begun to start workers: let it end as always.
                broker.stop()
                broker.run()
                raise
        try:
            broker.run()
        except Exception:
            log.exception("the server ended by an error")
            return 1
    return 0


def _runs_already(options: argparse.Namespace) -> int:
    running = read_server_info()
    words = f"The server runs already{f' as process {running.pid}' if running else ''}."
    if options.remote:
        raise ImpastoError(f"{words} Other machines cannot reach it.", "impasto stop, then the same command again")
    print(words, file=sys.stderr)
    # Two clients that start it at the same time are both served by the first.
    return 0


def _check_place_for_invitation(file: Path) -> None:
    if not os.path.lexists(file):
        return
    try:
        Invitation.read(file)
    except ServerGone as error:
        raise ImpastoError(
            f"{file} is there already, and is no invitation.", "Name another file with --invitation."
        ) from error


def _invite(remote: OpenToOthers, file: Path) -> None:
    try:
        remote.invitation.write(file)
    except OSError as error:
        raise ImpastoError(
            f"The invitation cannot be written to {file}: {error.strerror}.", "Name another file with --invitation."
        ) from error
    print(f"Programs on other machines reach this server with the file {file}:")
    print(f"  IMPASTO_SERVER={file.name} impasto status")
    listens = " and ".join(remote.access.hosts)
    print(f"It listens at {listens}; the file names {remote.invitation.endpoint}.", flush=True)
