"""What is finished of a painting that takes long: parts in a hidden folder beside it, with which it is gone on."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, Self

from filelock import FileLock, Timeout

from impasto.imaging.placing import PARTIAL, place
from impasto.imaging.problems import FileProblem, cannot_write
from impasto.video.frames import Clip, Frame
from impasto_link import __version__
from impasto_link.errors import ImpastoError

#: A part ends after so many seconds of the clip, or after so many seconds of work, whichever comes first.
_OF_CLIP, _OF_WORK = 2, 60.0


class Part(Protocol):
    """A part that is being written."""

    def add(self, frame: Frame) -> None:
        """Write a frame; raises OSError."""

    def close(self) -> None:
        """Write what is still on its way; the part is whole then. Raises OSError."""


class Writing(Protocol):
    """How a painting is written."""

    #: What the file depends on, to be compared with what parts were written with.
    facts: Mapping[str, Any]
    #: Of the files of parts.
    part_suffix: str

    def lost(self, name: str) -> list[str]:
        """What of the clip a file of that name cannot hold, in sentences; raises BadRequest where that is too much."""

    def part(self, path: Path) -> Part:
        """Begin a part; raises OSError."""

    def times(self, path: Path) -> list[int]:
        """The time stamps of the frames in a part; raises ImpastoError if it is damaged."""

    def join(self, parts: Sequence[Path], target: Path) -> None:
        """Make one file of all parts, and of what else belongs into it; raises OSError."""


class Parts:
    """The parts of a painting that are finished, and the one that is being written.

    Used as ``with Parts(...) as parts:``. The folder stays until `put`.

    Args:
        target: the painting.
        clip: what is painted.
        writing: how it is written.
        settings: what is asked for.
        tell: is told in sentences what was found.

    Attributes:
        last: the time stamp of the last frame that is finished; None if there is none.
        count: how many frames are finished.
    """

    def __init__(
        self, target: Path, clip: Clip, writing: Writing, settings: Mapping[str, Any], tell: Callable[[str], None]
    ) -> None:
        self.last: int | None = None
        self.count = 0
        self._target, self._writing, self._tell = target, writing, tell
        real = Path(os.path.realpath(target))  # so that it is on the disk of the painting
        self._folder = real.with_name(f".{real.name}.parts")
        self._lock = FileLock(self._folder / "lock")
        self._length = _OF_CLIP / clip.time_base
        stamp = clip.path.stat()
        about = {
            **settings,
            **writing.facts,
            "impasto": __version__,
            "size": stamp.st_size,
            "changed": stamp.st_mtime_ns,
        }
        self._about = json.loads(json.dumps(about, default=str))
        self._done: list[Path] = []
        self._part: Part | None = None
        self._frames = 0
        self._failed: FileProblem | None = None
        self._began: tuple[int, float] = (0, 0.0)

    def __enter__(self) -> Self:
        try:
            self._folder.mkdir(exist_ok=True)
            self._lock.acquire(timeout=0)
            self._find()
        except Timeout:
            raise ImpastoError(
                f"{self._target} is being written already.", "Wait for it, or name another with -o."
            ) from None
        except OSError as error:
            raise cannot_write(self._folder, error) from error
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._close()
        self._lock.release()
        if not self._done:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _find(self) -> None:
        """Find out what is finished; what cannot be used is taken away."""
        manifest = self._folder / "about.json"
        try:
            about = json.loads(manifest.read_bytes())
        except (OSError, ValueError):
            about = None
        if about != self._about:
            if about is not None:
                self._tell(f"{self._target} was begun with other settings, or of another clip, and is painted anew.")
            for path in self._folder.iterdir():
                if path.name != "lock":
                    path.unlink()
            manifest.write_text(json.dumps(self._about), encoding="utf-8")
        self._count()

    def _count(self) -> None:
        bad = False
        for path in sorted(self._folder.glob(f"*{self._writing.part_suffix}")):
            try:
                if bad or path != self._path(len(self._done)):
                    raise ImpastoError("It comes after one that is damaged.")
                times = self._writing.times(path)
            except ImpastoError:
                if not bad:
                    self._tell("A part of what was finished is damaged. It is painted anew, and what comes after it.")
                bad = True
                path.unlink()
                continue
            self._done.append(path)
            self.count += len(times)
            self.last = max(times)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06}{self._writing.part_suffix}"

    def add(self, frame: Frame) -> None:
        """Write a frame.

        Raises:
            FileProblem: it cannot be written, or one before could not be: there must be no gap.
        """
        if self._failed is not None:
            raise self._failed
        path = self._path(len(self._done))
        try:
            if self._part is not None:
                start, began = self._began
                if frame.time - start >= self._length or time.monotonic() - began > _OF_WORK:
                    self._close()
                    path = self._path(len(self._done))
            if self._part is None:
                self._part = self._writing.part(path.with_name(path.name + PARTIAL))
                self._began, self._frames = (frame.time, time.monotonic()), 0
            self._part.add(frame)
            self._frames += 1
        except FileProblem as error:
            self._give_up(path)
            self._failed = error
            raise
        except OSError as error:
            self._give_up(path)
            self._failed = cannot_write(self._target, error)
            raise self._failed from error

    def finish(self) -> None:
        """Finish the part that is being written; raises FileProblem."""
        try:
            self._close()
        except OSError as error:
            raise cannot_write(self._target, error) from error

    def _close(self) -> None:
        part, self._part = self._part, None
        if part is None:
            return
        path = self._path(len(self._done))
        partial = path.with_name(path.name + PARTIAL)
        try:
            part.close()
            os.replace(partial, path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        self._done.append(path)
        self.count += self._frames

    def _give_up(self, path: Path) -> None:
        """Without the part that could not be written."""
        part, self._part = self._part, None
        if part is not None:
            with suppress(OSError):
                part.close()
        path.with_name(path.name + PARTIAL).unlink(missing_ok=True)

    def put(self, *, replace: bool) -> None:
        """Make the painting of its parts and take the folder away.

        Args:
            replace: whether an older file may be replaced.

        Raises:
            FileProblem: it cannot be written.
            FileThere: there is one, and it may not be replaced.
        """
        joined = self._folder / f"joined{PARTIAL}"
        try:
            self._writing.join(self._done, joined)
        except OSError as error:
            joined.unlink(missing_ok=True)
            raise cannot_write(self._target, error) from error
        place(joined, self._target, replace=replace)
        self._done.clear()
