"""A picture of a plan as it is read, and what is entered of it in the manifest."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from impasto.batch.manifest import Entry
from impasto.batch.places import Place
from impasto.batch.plan import Item
from impasto.imaging import files
from impasto_link.errors import ImpastoError, UnknownStyle
from impasto_link.pixels import Region

#: With these of the disk no other picture can be written either.
_FULL = {errno.ENOSPC, errno.EDQUOT}


@dataclass
class Picture:
    """A picture, and what is known of it so far.

    Attributes:
        item: what is to be done.
        stamp: see `impasto.batch.places.Place.stamp`, once it is read.
        sha256: of its bytes, likewise.
        info: what its file said besides its pixels, likewise.
    """

    item: Item
    stamp: str = ""
    sha256: str = ""
    info: files.FileInfo | None = None

    def read(self) -> Region:
        """Read it, unless its result would not fit into the format that it is to have; raises FileProblem."""
        source = self.item.source
        self.stamp = source.stamp()
        data = source.read()
        self.sha256 = sha256(data).hexdigest()
        region, self.info = files.decode(data, str(source))
        files.check_format(self.item.target.name, region.format.width, region.format.height)
        return region

    def entry(self, folder: Place, settings: Mapping[str, Any], seconds: float, error: ImpastoError | None) -> Entry:
        """What became of it, for the manifest of a folder."""
        return Entry(
            source=files.as_text(str(self.item.source.absolute())),
            targets=tuple(place.relative_to(folder) for place in self.item.files.values()),
            sha256=self.sha256,
            stamp=self.stamp,
            settings=settings,
            seconds=seconds,
            error=None if error is None else files.as_text(str(error)),
        )


def ends_all(error: ImpastoError) -> bool:
    """Whether every other picture would fail by the same, too."""
    return isinstance(error, UnknownStyle) or (isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL)
