"""The command line: one module per command, each with ``add_arguments`` and ``run``."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from impasto_link import __version__
from impasto_link.errors import ImpastoError
from impasto_link.files import explain

#: Each command, and the first line of its module; only the module of the one that is given is loaded.
COMMANDS = {
    "stylize": "Paint pictures in a style, or only their subject or background.",
    "video": "Paint clips and animated pictures, frame by frame: with their sound, subtitles and time stamps.",
    "mask": "Find the subject of pictures: masks of it, white where the subject is, or cut-outs.",
    "batch": "Paint pictures, or find their subjects, on many machines: a Ray cluster, or all cores of this one.",
    "live": "Paint a camera, a file or the screen in a window, live, with style, mixture and strength at hand.",
    "styles": "List the styles of the library.",
    "keep": "Keep a picture as a style of the library.",
    "export": "Write a style, a bank or the network that finds the subject as a file for other programs.",
    "inspect": "Draw what a network sees in a picture.",
    "serve": "Run the server in this terminal.",
    "web": "Run the web face: an HTTP API and a page, for browsers and programs.",
    "status": "Say what the server is doing: device, memory, queue, models.",
    "stop": "Stop the server.",
    "train": "Train models: styles, what paints like pictures, or the network that finds the subject.",
    "install": "Put the plugin into an editor: impasto install krita, impasto install gimp.",
    "uninstall": "Take the plugin out of an editor again: impasto uninstall krita, impasto uninstall gimp.",
    "doctor": "Look whether everything is as it has to be, and say how to mend what is not.",
}


def build_parser(*loaded: str) -> argparse.ArgumentParser:
    """The parser of the command line, with all commands and the arguments of those that are named."""
    parser = argparse.ArgumentParser(
        prog="impasto", description="Paint pictures in the manner of a picture, on this machine."
    )
    parser.add_argument("--version", action="version", version=f"impasto {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary)
        if name in loaded:
            module = _module(name)
            command.description = module.__doc__
            module.add_arguments(command)
    return parser


def _module(command: str) -> Any:
    return import_module(f"impasto.cli.{command}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status: 0 done, 1 failed, 2 wrong usage, 128 and more ended by a signal."""
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # Names of files may be bytes that are no text. To print one must not fail; stderr does the same by itself.
        sys.stdout.reconfigure(errors="backslashreplace")
    words = sys.argv[1:] if arguments is None else arguments
    # Before a command there are but --help and --version, which take nothing.
    options = build_parser(*[word for word in words if not word.startswith("-")][:1]).parse_args(words)
    try:
        with _ended_by_signals():
            return _module(options.command).run(options)
    except ImpastoError as error:
        _say(error, error.message, error.hint)
        return 1
    except KeyboardInterrupt as error:
        _say(error, "interrupted")
        return 128 + (error.number if isinstance(error, _Ended) else signal.SIGINT)
    except MemoryError as error:
        _say(error, "There is not enough memory.")
        return 1
    except BrokenPipeError:
        # Somebody piped us into head. Python would complain once more when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        # Folders that may not be looked into, names that are too long, disks that are full: a person can mend those.
        named = isinstance(error.filename, (str, bytes))
        problem = explain(error, Path(os.fsdecode(error.filename))) if named else ImpastoError(f"{error}.")
        _say(error, problem.message, problem.hint)
        return 1


class _Ended(KeyboardInterrupt):
    """The process was asked to end by a signal."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """A terminal that is closed, or `kill`, ends a command as Ctrl-C does: it leaves nothing half done."""

    def end(number: int, frame: object) -> None:
        raise _Ended(number)

    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    # Not those that are ignored, as nohup does it.
    before = {number: signal.signal(number, end) for number in numbers if signal.getsignal(number) == signal.SIG_DFL}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(error: BaseException, message: str, hint: str = "") -> None:
    """What went wrong, what to do about it, and what else is known about it."""
    with suppress(OSError):  # The terminal may be what has gone.
        print(f"impasto: {message}", file=sys.stderr)
        for line in (hint, *getattr(error, "__notes__", ())):
            if line:
                print(f"  {line}", file=sys.stderr)
