"""The arguments and the progress bar that all commands for a picture or a thousand have."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any, Protocol

from tqdm import tqdm

from impasto.batch.outputs import EXISTING
from impasto.batch.plan import Item, Plan, Wanted, make_plan
from impasto.batch.run import Run, Watcher
from impasto.command import SERVER_COMMAND
from impasto.imaging.formats import SUFFIX_OF
from impasto.imaging.remarks import remarks
from impasto_link.client import Call, Client
from impasto_link.errors import printable
from impasto_link.launch import connect_or_start
from impasto_link.pixels import Region

#: How many of the pictures that failed are told; the manifest has them all.
MOST_TOLD = 20

_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n:.1f}/{total} [{elapsed}<{remaining}]{postfix}"


def add_batch_arguments(parser: argparse.ArgumentParser) -> None:
    """Which pictures, and where the results go."""
    parser.add_argument("inputs", nargs="+", metavar="IN", help="pictures, folders of pictures, patterns")
    parser.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="a file, or a folder for several (with a / at its end)"
    )
    parser.add_argument(
        "--recursive", action="store_true", help="take the folders in folders, too, and repeat them below OUT"
    )
    add_existing_option(parser)
    parser.add_argument(
        "--format",
        choices=SUFFIX_OF,
        help="of files in a folder OUT (default: of paintings as the photo came, of masks png)",
    )
    parser.add_argument(
        "--quality", type=int, default=95, metavar="1..100", help="of files of JPEG, WebP and AVIF (default: 95)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def add_existing_option(parser: argparse.ArgumentParser) -> None:
    """What is done about files that are there already."""
    parser.add_argument(
        "--existing",
        choices=EXISTING,
        default=EXISTING[0],
        help="where a file is already: refuse to begin, skip what is there, or replace it (default: refuse)",
    )


def plan_for(options: argparse.Namespace, wanted: Wanted) -> Plan:
    """The plan for the arguments of `add_batch_arguments`; what a person should know of it is said."""
    plan = make_plan(
        options.inputs,
        options.output,
        wanted,
        recursive=options.recursive,
        existing=options.existing,
        format=options.format,
    )
    for note in plan.notes:
        say(note)
    return plan


class Doer(Protocol):
    """What does the pictures of a plan, as `impasto.batch.run.Run`."""

    done: int

    @property
    def failed(self) -> list[str]:
        """For each picture that could not be done a sentence that names it."""

    def go(self) -> None:
        """Do all pictures."""


def by_server(plan: Plan, send: Callable[[Client, Item, Region], Call]) -> Callable[[Watcher], Doer]:
    """Let the server do it.

    Args:
        plan: what is to be done.
        send: sends a picture that was read.
    """
    return lambda watcher: Run(plan, send, lambda: connect_or_start(SERVER_COMMAND), watcher)


def run_plan(plan: Plan, options: argparse.Namespace, doer: Callable[[Watcher], Doer]) -> int:
    """Do what is planned, under a progress bar; the exit status, 1 if some pictures failed.

    Args:
        plan: what is to be done.
        options: the arguments of `add_batch_arguments`.
        doer: makes what does it; a person hears of it by what is given.

    Raises:
        ImpastoError: nothing more can be done; or why the only picture failed.
    """
    total = len(plan.items)
    quiet = options.quiet or not sys.stderr.isatty()
    with tqdm(total=total, unit="picture", disable=quiet or not total, bar_format=_BAR) as bar, remarks(say):
        run = doer(_Bar(bar))
        try:
            run.go()
        except BaseException as error:
            if total > 1:
                error.add_note(f"{run.done} of {total} pictures are done. {_how_to_go_on(options)}")
            raise
        finally:
            for sentence in run.failed[:MOST_TOLD]:
                say(sentence)
            if len(run.failed) > MOST_TOLD and plan.manifest is not None:
                say(f"{len(run.failed) - MOST_TOLD} more are told in {plan.manifest.place}.")
    if run.failed:
        say(f"{len(run.failed)} of {total} pictures failed. {_how_to_go_on(options)}")
    return 1 if run.failed else 0


def say(text: str) -> None:
    """Tell the person something, above the progress bar."""
    tqdm.write(printable(text), file=sys.stderr)


def _how_to_go_on(options: argparse.Namespace) -> str:
    if options.existing == "replace":
        return "Files that were there before may not be replaced yet."
    return "To go on, give the same command with --existing skip."


class _Bar:
    """Shows how far a run is."""

    def __init__(self, bar: tqdm[Any]) -> None:
        self._bar = bar

    def say(self, text: str) -> None:
        """See `impasto.batch.run.Watcher`."""
        say(text)

    def at(self, done: float, name: str, doing: str) -> None:
        """See `impasto.batch.run.Watcher`."""
        self._bar.n = done
        self._bar.set_description(printable(name), refresh=False)
        self._bar.set_postfix_str(doing)
