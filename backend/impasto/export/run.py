"""Writing a file: to a name of its own first, and under its own name only when it has been run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from impasto.export.check import Compared, compare
from impasto.export.formats import format_of
from impasto.export.source import Source
from impasto_link.errors import BadRequest, ImpastoError


def export(source: Source, path: Path, *, replace: bool, tell: Callable[[Compared], None] = lambda found: None) -> Path:
    """Write a network in the format of a file's suffix, and run what was written beside Impasto itself.

    Args:
        source: the network.
        path: the file; its folder has to be there.
        replace: whether a file that is there already may go.
        tell: told of each size at which the file was run.

    Returns:
        The file.

    Raises:
        BadRequest: there is no format with this suffix, or the file is there already.
        ImpastoError: what the format needs is not installed, or the file paints otherwise than Impasto.
        OSError: the folder cannot be written to, or the disk is full.
    """
    wanted = format_of(path)
    check_place(path, replace)
    writer = wanted.load()
    # Beside it, for to move a file within a disk takes no room.
    with tempfile.TemporaryDirectory(prefix=".impasto-", dir=path.parent) as folder:
        written = Path(folder) / path.name
        try:
            writer.write(source, written)
            run = writer.open_file(written)
        except (ImpastoError, OSError, MemoryError):
            raise
        except Exception as error:
            what = str(error).strip().partition("\n")[0] or type(error).__name__
            raise ImpastoError(
                f"{source.name} could not be made a file of {wanted.title}: {what}", "Try another format, and tell us."
            ) from error
        for found in compare(source, run):
            tell(found)
        # What lies beside the file comes first, so that it is never there without.
        for part in wanted.files(written):
            os.replace(part, path.parent / part.name)
    return path


def check_place(path: Path, replace: bool) -> None:
    """Raise BadRequest if nothing may be written there, or in no format that there is."""
    if not path.parent.is_dir():
        raise BadRequest(f"There is no folder {path.parent}.", "Make it first, or name another with -o.")
    for file in format_of(path).files(path):
        if file.is_dir():
            raise BadRequest(f"{file} is a folder.", "Name a file with -o.")
        if file.exists() and not replace:
            raise BadRequest(f"{file} is there already.", "Name another with -o, or give --existing replace.")
