"""What was done in a folder: one line for each picture and try, so that a run can be resumed and looked into."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Self

from impasto.batch.places import LocalPlace, Place
from impasto_link import __version__
from impasto_link.options import MASK, REFINE, STYLIZE, MaskOptions, StylizeOptions
from impasto_link.parameters import Parameter

#: What it is called in the folder of the results.
NAME = "impasto-manifest.jsonl"
#: What the folder of its parts is called at an address.
PARTS = "impasto-manifest"
#: Seconds from one part to the next. Who is killed loses what was to be written down of this time, and no pictures.
PART_EVERY = 30.0
#: How many parts are read at once.
READERS = 16


@dataclass(frozen=True)
class Entry:
    """A picture and what became of it, as a line of the manifest.

    Attributes:
        source: the picture: an absolute path, or an address without its password.
        targets: what was to be written, as seen from the manifest's folder.
        sha256: of the bytes of the source, in hexadecimal digits; empty if they could not be read.
        stamp: changes when the source does, see `impasto.batch.places.Place.stamp`; empty likewise.
        settings: what was asked for, see `settings_of`.
        seconds: how long it took.
        error: why it failed, in a sentence; None if it was done.
        version: of Impasto.
        when: it ended, in UTC, as in ISO 8601.
    """

    source: str
    targets: tuple[str, ...]
    sha256: str
    stamp: str
    settings: Mapping[str, Any]
    seconds: float
    error: str | None = None
    version: str = __version__
    when: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="milliseconds"))

    def to_line(self) -> bytes:
        """As a line of the manifest, with its end."""
        entry = {**asdict(self), "seconds": round(self.seconds, 3)}
        return json.dumps(entry, ensure_ascii=False).encode() + b"\n"

    @classmethod
    def from_line(cls, line: bytes) -> Entry | None:
        """Read a line; None if it is none, as the last one of a run that was killed while it wrote."""
        try:
            entry = json.loads(line)
            known = {field.name: entry[field.name] for field in fields(cls)}
            known["targets"] = tuple(map(str, known["targets"]))
            return cls(**{**known, "when": str(known["when"])})
        except (ValueError, TypeError, KeyError):
            return None

    def is_of(self, source: Place, settings: Mapping[str, Any]) -> bool:
        """Whether it was made of the picture as it is now, with these settings.

        Only a picture whose stamp is another is read.

        Raises:
            ImpastoError: the picture cannot be read.
        """
        if settings != self.settings:
            return False
        return source.stamp() == self.stamp or sha256(source.read()).hexdigest() == self.sha256


class Manifest:
    """The manifest of a folder.

    Of this machine: a file to which each line is added at once and in one piece. Runs that write into one folder at the
    same time do not disturb each other, and one that is killed leaves at most half a line, which is passed over.

    At an address, where nothing can be added to a file: a folder of parts. Each run writes new ones, every
    `PART_EVERY` seconds, and changes none.

    Lines are added within ``with manifest:``.

    Args:
        folder: of the results.

    Attributes:
        place: of the file, or of the folder of parts.
    """

    def __init__(self, folder: Place) -> None:
        self.folder = folder
        self.place = folder / (NAME if isinstance(folder, LocalPlace) else PARTS)
        self._run = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
        self._lines: list[bytes] = []
        self._parts = 0
        self._written = 0.0

    def done(self) -> dict[str, Entry]:
        """How each target was made the last time that it was, by its name as seen from the folder."""
        kind = self.place.kind()
        parts = self.place.listing().files if kind == "folder" else [self.place] if kind else []
        with ThreadPoolExecutor(READERS) as readers:
            lines = [line for part in readers.map(lambda part: part.read(), parts) for line in part.splitlines()]
        entries = [entry for line in lines if (entry := Entry.from_line(line)) is not None and entry.error is None]
        return {target: entry for entry in sorted(entries, key=lambda entry: entry.when) for target in entry.targets}

    def __enter__(self) -> Self:
        """Find out before the work is done whether lines can be added; raises FileProblem if not."""
        if isinstance(self.place, LocalPlace):
            self.place.check()
        else:
            self._put_part()
        return self

    def __exit__(self, *_: object) -> None:
        """Write down what has not been yet; raises FileProblem as `add` does."""
        self._flush()

    def add(self, entry: Entry) -> None:
        """Add a line; raises FileProblem if the disk is full, or the like."""
        if isinstance(self.place, LocalPlace):
            self.place.append(entry.to_line())
            return
        self._lines.append(entry.to_line())
        if time.monotonic() - self._written >= PART_EVERY:
            self._flush()

    def _flush(self) -> None:
        if self._lines:
            self._put_part()
            self._parts += 1
            self._lines.clear()

    def _put_part(self) -> None:
        # The first one, which is empty, shows whether one may write there; it gets its lines later.
        part = self.place / f"{self._run}-{self._parts:06}.jsonl"
        part.put(b"".join(self._lines), replace=self._parts == 0)
        self._written = time.monotonic()


def settings_of(operation: str, options: StylizeOptions | MaskOptions, **more: Any) -> dict[str, Any]:
    """What was asked for, as the manifest has it: the fields of the wire that are not what they are by default.

    So a version of Impasto with further options still knows what was made before. Where it was computed does not count.

    Args:
        operation: ``stylize`` or ``mask``.
        options: what was asked for.
        more: on what else the files depend; None and empty is not told.
    """
    wire = options.to_wire()
    asked = _changed({**wire, "device": ""}, {**STYLIZE, **MASK})
    if wire.get("refine") is not None:
        asked["refine"] = _changed(wire["refine"], REFINE)
    return json.loads(json.dumps({"operation": operation, **asked, **_changed(more, {})}))


def _changed(values: Mapping[str, Any], known: Mapping[str, Parameter]) -> dict[str, Any]:
    return {
        name: value
        for name, value in values.items()
        if value not in (None, "", (), [], {}) and not (name in known and value == known[name].default)
    }
