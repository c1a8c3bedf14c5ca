"""The command line: one module per command, each with ``add_arguments`` and ``run``."""

from __future__ import annotations

import argparse
import io
import os
import sys
from collections.abc import Sequence

from impasto.cli import doctor, inspect, install, keep, mask, serve, status, stop, styles, stylize, train, uninstall
from impasto_link import __version__
from impasto_link.errors import ImpastoError

COMMANDS = {
    "stylize": stylize,
    "mask": mask,
    "styles": styles,
    "keep": keep,
    "inspect": inspect,
    "serve": serve,
    "status": status,
    "stop": stop,
    "train": train,
    "install": install,
    "uninstall": uninstall,
    "doctor": doctor,
}


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="impasto", description="Paint pictures in the manner of a picture, on this machine."
    )
    parser.add_argument("--version", action="version", version=f"impasto {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        summary = (module.__doc__ or "").partition("\n")[0]
        command = commands.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(command)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # Names of files may be bytes that are no text. To print one must not fail; stderr does the same by itself.
        sys.stdout.reconfigure(errors="backslashreplace")
    options = build_parser().parse_args(arguments)
    try:
        return COMMANDS[options.command].run(options)
    except ImpastoError as error:
        print(f"impasto: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"  {error.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("impasto: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Somebody piped us into head. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # Folders that may not be looked into, names that are too long, disks that are full: a person can mend those.
        what = f"{error.filename}: " if error.filename else ""
        print(f"impasto: {what}{error.strerror or error}", file=sys.stderr)
        return 1
