"""Pictures one after the other through the server: what the commands for one picture or a thousand have in common."""

from __future__ import annotations

import argparse
import errno
import logging
import sys
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from impasto.cli.outputs import EXISTING, Outputs, add_existing_option, plan_targets
from impasto.cli.sources import find_sources
from impasto.command import SERVER_COMMAND
from impasto.imaging import files
from impasto.imaging.formats import SUFFIX_OF
from impasto_link.client import Call, Client, Event
from impasto_link.errors import BadRequest, Cancelled, ImpastoError, ServerGone, UnknownStyle, WorkerDied
from impasto_link.launch import connect_or_start
from impasto_link.pixels import Region

#: How many pictures lie at the server besides the one that it works on, so that it never waits for a file.
AHEAD = 1
#: How often a picture is tried: its job may be cancelled by a server that is ending, and then the server has ended.
TRIES = 3

#: Of our own modules only: what the libraries beneath them log is for them to tell in words.
_LOG = logging.getLogger("impasto")
_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n:.1f}/{total} [{elapsed}<{remaining}]{postfix}"
#: With these of the disk no other picture can be written either.
_FULL = {errno.ENOSPC, errno.EDQUOT}
#: What may be well with the same picture the next time.
_PASSING = (ServerGone, WorkerDied, Cancelled)


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


@dataclass
class Item:
    """A picture on its way.

    Attributes:
        source: the picture.
        target: where the result goes.
        targets: that, and what is written beside it, as far as it is to be written.
        info: what the picture's file said besides its pixels, once it is read.
        call: its call, or why it could not be sent.
        tries: how often it was sent.
    """

    source: Path
    target: Path
    targets: set[Path]
    info: files.FileInfo | None = None
    call: Call | ImpastoError | None = None
    tries: int = 0


class Batch:
    """All pictures of a command.

    Args:
        options: the arguments of `add_batch_arguments`.
        suffix_for: the suffix of a result in a folder, by its source, where none was asked for.
        beside: what is written beside a result, by its place.
        reads: the other files that the command reads, such as a mask.
    """

    def __init__(
        self,
        options: argparse.Namespace,
        suffix_for: Callable[[Path], str],
        *,
        beside: Callable[[Path], Sequence[Path]] = lambda target: (),
        reads: Sequence[Path] = (),
    ) -> None:
        if not 1 <= options.quality <= 100:
            raise BadRequest(f"The quality is {options.quality}, but has to be from 1 to 100.")
        self._options = options
        targets, notes = _plan(options, suffix_for)
        written = {target: [target, *beside(target)] for target in targets}
        _check_apart(written)
        self._outputs = Outputs(options.existing, [*targets.values(), *reads])
        missing = self._outputs.missing([one for some in written.values() for one in some])
        self._items = [
            Item(source, target, missing.intersection(written[target]))
            for target, source in targets.items()
            if missing.intersection(written[target])
        ]
        for note in notes:
            self.say(note)
        if left := len(targets) - len(self._items):
            self.say(f"{left} of {len(targets)} pictures are there already and stay as they are.")
        self._done = self._failed = 0

    def say(self, text: str) -> None:
        """Tell the person something, above the progress bar."""
        tqdm.write(files.as_text(text), file=sys.stderr)

    def read(self, item: Item) -> Region:
        """Read a picture, unless its result would not fit into the format that it is to have."""
        region, item.info = files.read(item.source)
        files.check_target(item.target, region.format.width, region.format.height)
        return region

    def write(self, item: Item, target: Path, region: Region, info: files.FileInfo | None = None) -> None:
        """Write one of the files of a picture, if it is to be written."""
        if target in item.targets:
            suffix, of = target.suffix.lower(), files.as_text(target)
            data = files.encode(suffix, region, info, quality=self._options.quality, of=of)
            self._outputs.put(target, data)

    def run(self, begin: Callable[[Client, Item], Call], end: Callable[[Item, Event], None]) -> int:
        """Do all pictures; the exit status, 1 if some failed. One that fails does not keep the others from being done.

        Args:
            begin: reads a picture and sends it.
            end: writes what came of it.

        Raises:
            ImpastoError: nothing more can be done; or why the only picture failed.
        """
        if not self._items:
            return 0
        total = len(self._items)
        quiet = self._options.quiet or not sys.stderr.isatty()
        try:
            self._client = connect_or_start(SERVER_COMMAND)
            try:
                bar = tqdm(total=total, unit="picture", disable=quiet, bar_format=_BAR)
                with bar as self._bar, _above_the_bar(self.say):
                    self._work(begin, end)
            finally:
                self._client.close()
        except BaseException as error:
            if total > 1:
                error.add_note(f"{self._done} of {total} pictures are done. {self._how_to_go_on()}")
            raise
        if self._failed:
            self.say(f"{self._failed} of {total} pictures failed. {self._how_to_go_on()}")
        return 1 if self._failed else 0

    def _how_to_go_on(self) -> str:
        if self._options.existing == EXISTING[2]:
            return "Files that were there before may not be replaced yet."
        return "To go on, give the same command with --existing skip."

    def _work(self, begin: Callable[[Client, Item], Call], end: Callable[[Item, Event], None]) -> None:
        waiting, sent = deque(self._items), deque[Item]()
        while waiting or sent:
            # What is tried once more goes alone: another picture may have been the reason.
            while waiting and len(sent) <= (0 if sent and sent[0].tries else AHEAD):
                sent.append(waiting.popleft())
                self._send(sent[-1], begin)
            item = sent.popleft()
            try:
                self._finish(item, end)
                self._done += 1
            except ImpastoError as error:
                if isinstance(error, ServerGone):
                    # What was sent ahead has gone with it.
                    waiting.extendleft(reversed(sent))
                    sent.clear()
                if isinstance(error, _PASSING) and item.tries < TRIES:
                    waiting.appendleft(item)
                else:
                    self._fail(item, error)
                if isinstance(error, ServerGone) and waiting:
                    self._connect_again(error)
            self._bar.n = self._done + self._failed
            self._bar.refresh()

    def _send(self, item: Item, begin: Callable[[Client, Item], Call]) -> None:
        try:
            item.call = begin(self._client, item)
        except MemoryError:
            item.call = ImpastoError(f"There is not enough memory to read {item.source}.")
        except ImpastoError as error:
            item.call = error

    def _finish(self, item: Item, end: Callable[[Item, Event], None]) -> None:
        self._bar.set_description(item.source.name)
        item.tries += 1
        if isinstance(item.call, ImpastoError):
            raise item.call
        assert item.call is not None
        for event in self._client.events(item.call):
            if event.kind in ("progress", "preview"):
                self._bar.n = self._done + self._failed + event.fraction
                self._bar.set_postfix_str(event.doing)
            elif event.kind == "accepted" and event.place:
                self._bar.set_postfix_str(f"{event.place} before it")
        assert item.call.result is not None
        for note in item.call.result.fields.get("notes", ()):
            self.say(f"{item.source.name}: {note}")
        try:
            end(item, item.call.result)
        except MemoryError:
            raise ImpastoError(f"There is not enough memory to write {item.target}.") from None
        finally:
            item.call = None  # and with it the pixels

    def _fail(self, item: Item, error: ImpastoError) -> None:
        full = isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL
        if full or isinstance(error, UnknownStyle) or len(self._items) == 1:
            raise error
        # One bad picture must not keep the other ninety-nine from being painted.
        self._failed += 1
        self.say(str(error) if str(item.source) in error.message else f"{item.source}: {error}")

    def _connect_again(self, error: ServerGone) -> None:
        self.say(f"{error.message} Going on with a new one.")
        with suppress(ImpastoError):
            self._client.close()
        self._client = connect_or_start(SERVER_COMMAND)


class _Warnings(logging.Handler):
    """Says what is logged as a warning, as when a file is read or written, where it does not break into a bar."""

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        self._say(self.format(record))


@contextmanager
def _above_the_bar(say: Callable[[str], None]) -> Iterator[None]:
    handler = _Warnings(say)
    _LOG.addHandler(handler)
    try:
        yield
    finally:
        _LOG.removeHandler(handler)


def _plan(options: argparse.Namespace, suffix_for: Callable[[Path], str]) -> tuple[dict[Path, Path], list[str]]:
    """The picture for each file to be written, and what was passed over, in sentences."""
    sources, notes = find_sources(options.inputs, recursive=options.recursive, output=Path(options.output))
    if options.format is not None:
        suffix_for = lambda source: SUFFIX_OF[options.format]  # noqa: E731
    several = [source.path for source in sources] != [Path(options.inputs[0])]
    targets = plan_targets(sources, options.output, suffix_for, several=several)
    if options.format is not None and Path(options.output) in targets:
        raise BadRequest(f"The name of the file {options.output} says its format.", "--format is for folders.")
    return targets, notes


def _check_apart(written: Mapping[Path, Sequence[Path]]) -> None:
    """Find out before the work is done whether what is written beside a result is another result."""
    taken = set(written)
    for target, (_, *beside) in written.items():
        for one in beside:
            if one in taken:
                raise BadRequest(f"The mask of {target} would overwrite {one}.", "Name another place with -o.")
            taken.add(one)
