"""Where the results of a command go, and what may be replaced there."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from impasto.cli.sources import Source
from impasto.imaging import files
from impasto_link.errors import BadRequest, ImpastoError

EXISTING = ("refuse", "skip", "replace")

_GO_ON = "Give --existing skip to go on where it stopped, or --existing replace."


def add_existing_option(parser: argparse.ArgumentParser) -> None:
    """What is done about files that are there already."""
    parser.add_argument(
        "--existing",
        choices=EXISTING,
        default=EXISTING[0],
        help="where a file is already: refuse to begin, skip what is there, or replace it (default: refuse)",
    )


class Outputs:
    """The files that a command may write.

    None of the files that it reads is ever overwritten, whatever its name there, by links, in other capitals; nor is a
    file that it wrote itself. Others are replaced only if that was asked for.

    Args:
        existing: one of `EXISTING`.
        inputs: what the command reads.
    """

    def __init__(self, existing: str, inputs: Iterable[Path]) -> None:
        self.existing = existing
        self._own = {file: path for path in inputs if (file := _file(path)) is not None}

    def missing(self, targets: Sequence[Path]) -> set[Path]:
        """Those of the files that are to be written: all of them, or those that are not there yet.

        Raises:
            BadRequest: one is a file that the command reads, or is there and that is to be refused.
            FileProblem: no file can be made in a folder.
        """
        for target in targets:
            self._check(target)
        there = {target for target in targets if os.path.lexists(target)}
        if there and self.existing == "refuse":
            first = min(there)
            if len(targets) == 1:
                raise BadRequest(f"{first} is there already.", "Name another with -o, or give --existing replace.")
            raise BadRequest(f"{len(there)} of {len(targets)} files are there already, such as {first}.", _GO_ON)
        missing = set(targets) - (there if self.existing == "skip" else set())
        one_of_each = {target.resolve().parent: target for target in sorted(missing)}
        for target in {*one_of_each.values(), *(missing & there)}:
            files.check_place(target)
        return missing

    def put(self, target: Path, data: bytes) -> None:
        """Write one of the files; one that came meanwhile is treated as one that was there.

        Raises:
            FileProblem: it cannot be written.
            BadRequest: as `missing`.
        """
        self._check(target)
        try:
            files.put(target, data, replace=self.existing == "replace")
        except files.FileThere:
            if self.existing != "skip":
                raise
        if (written := _file(target)) is not None:
            self._own[written] = target

    def _check(self, target: Path) -> None:
        file = _file(target)
        own = None if file is None else self._own.get(file)
        if own is not None:
            which = "" if own == target else f", which is {target},"
            raise BadRequest(
                f"{own}{which} would be overwritten.",
                "What a command reads is never replaced. Name another place with -o.",
            )
        if target.is_dir():
            raise BadRequest(f"{target} is a folder.", "Name another place with -o.")


def _file(path: Path) -> tuple[int, int] | None:
    """What tells a file from others, whatever its names; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def names_folder(output: str, *, several: bool) -> bool:
    """Whether results go into a folder of this name, each under its own, rather than into one file."""
    path = Path(output)
    if path.is_dir() or output.endswith(("/", os.sep)):
        return True
    if path.exists():
        return False
    return path.suffix == "" or (several and path.suffix.lower() not in files.WRITABLE)


def plan_targets(
    sources: Sequence[Source], output: str, suffix_for: Callable[[Path], str], *, several: bool
) -> dict[Path, Path]:
    """What goes where: one picture into the file OUT, or each under its own name into the folder OUT, which is made.

    Args:
        suffix_for: of a file in a folder, by its source.
        several: whether more than a single file was named.

    Returns:
        The source of each file to be written.

    Raises:
        BadRequest: two pictures would go into one file.
        ImpastoError: the file is of no known format, or the folder cannot be made.
    """
    if output == "-":
        raise BadRequest(
            "Pictures are written to files, not to the standard output.", "Name a file or a folder with -o."
        )
    path = Path(output)
    if not names_folder(output, several=several):
        if len(sources) > 1:
            raise BadRequest(f"{len(sources)} pictures do not go into one file, {output}.", "Name a folder with -o.")
        files.check_target(path)
        return {path: sources[0].path}
    targets: dict[Path, Path] = {}
    places = [path / source.below / f"{source.path.stem}{suffix_for(source.path)}" for source in sources]
    wanted = Counter(places)
    for source, place in zip(sources, places, strict=True):
        # A painting of a.psd beside one of a.png becomes a.psd.png.
        alone = wanted[place] == 1 or place.name == source.path.name
        target = place if alone else place.with_name(f"{source.path.name}{place.suffix}")
        if (other := targets.setdefault(target, source.path)) != source.path:
            raise BadRequest(
                f"{other} and {source.path} would both become {target}.",
                "Give each a folder of its own with -o, or name the folder above them and --recursive.",
            )
    _make_folders(targets)
    return targets


def _make_folders(targets: Iterable[Path]) -> None:
    for folder in sorted({target.parent for target in targets}):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ImpastoError(
                f"The folder {folder} cannot be made: {error.strerror}.", "Name another folder with -o."
            ) from error
