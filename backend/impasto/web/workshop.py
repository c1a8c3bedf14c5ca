"""Reading and writing pictures, in processes of their own: what a hostile picture breaks or blows up is one of those.

Each has its limits of memory and time; one that dies or is ended costs the one request, and another takes its place.
"""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeVar

from pebble import ProcessPool

from impasto.imaging import files
from impasto.imaging.metadata import FileInfo
from impasto.imaging.opening import limit_pixels
from impasto.imaging.remarks import remarks
from impasto.web.orders import Writing
from impasto.web.settings import WebOptions
from impasto_link.errors import ImpastoError
from impasto_link.pixels import Region

log = logging.getLogger(__name__)

Result = TypeVar("Result")

#: Beside its pixels a process may take so many bytes, and for each pixel so many: twice four channels of floats.
_BASE, _EACH_PIXEL = 1 << 30, 32


class Upload(NamedTuple):
    """A file that was sent.

    Attributes:
        name: what the sender calls it; it is only ever said in sentences.
        data: the file.
    """

    name: str
    data: bytes


@dataclass(frozen=True)
class Decoded:
    """The pictures of one request.

    Attributes:
        regions: by the kinds of frames of the wire.
        info: what else the file of the picture to be painted said.
        notes: what was done to them, in sentences.
    """

    regions: dict[str, Region]
    info: FileInfo
    notes: tuple[str, ...]

    @property
    def nbytes(self) -> int:
        """What they take of the memory."""
        return sum(region.format.nbytes for region in self.regions.values())


class Workshop:
    """The processes. Each method raises ImpastoError with a sentence about the picture."""

    def __init__(self, options: WebOptions) -> None:
        self._seconds = options.decode_seconds
        self._pool = ProcessPool(
            options.processes,
            initializer=_prepare,
            initargs=(options.most_pixels,),
            context=multiprocessing.get_context("spawn"),
        )

    async def decode(self, uploads: Mapping[str, Upload]) -> Decoded:
        """Read the pictures of a request, by the kinds of their frames; masks come in the size of the picture."""
        return await self._do(_decode, dict(uploads))

    async def encode(self, region: Region, info: FileInfo | None, writing: Writing) -> tuple[bytes, tuple[str, ...]]:
        """A result as the bytes of a file, and what was done to it."""
        # What lies in shared memory cannot be sent as it is.
        return await self._do(_encode, replace(region, data=bytes(region.data)), info, writing)

    async def convert(self, data: bytes, writing: Writing) -> bytes:
        """A result as a file of another kind."""
        return await self._do(_convert, data, writing)

    async def _do(self, work: Callable[..., Result], *arguments: Any) -> Result:
        future = self._pool.schedule(work, arguments, timeout=self._seconds)
        try:
            return await asyncio.wrap_future(future)
        except ImpastoError:
            raise
        except Exception as error:
            log.info("a picture: %r", error)
            what = "took too long" if isinstance(error, TimeoutError) else "broke the program that reads it"
            raise files.FileProblem(f"The picture {what}.", "Save it as PNG or JPEG, and try again.") from error

    def close(self) -> None:
        """End the processes, whatever they do."""
        self._pool.stop()
        self._pool.join()


# -- What the processes do ---------------------------------------------------------------------------------------------


def _prepare(most_pixels: int) -> None:
    limit_pixels(most_pixels)
    if sys.platform == "linux":
        import resource

        limit = _BASE + _EACH_PIXEL * most_pixels
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        # A process that breaks leaves nothing on the disk, and none writes there at all.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _decode(uploads: dict[str, Upload]) -> Decoded:
    notes: list[str] = []
    with remarks(lambda remark: notes.append(f"{remark}.")):
        pixels, info = files.decode(uploads["pixels"].data, uploads["pixels"].name)
        regions = {"pixels": pixels}
        for kind, upload in uploads.items():
            if kind in ("mask", "selection"):
                size = pixels.format.width, pixels.format.height
                regions[kind], resized = files.decode_mask(upload.data, upload.name, *size)
                if resized:
                    notes.append(f"{upload.name} is not of the size of the picture and was resized to it.")
            elif kind != "pixels":
                regions[kind] = files.decode(upload.data, upload.name)[0]
    return Decoded(regions, info, tuple(notes))


def _convert(data: bytes, writing: Writing) -> bytes:
    region, info = files.decode(data, "The result")
    return _encode(region, info, writing)[0]


def _encode(region: Region, info: FileInfo | None, writing: Writing) -> tuple[bytes, tuple[str, ...]]:
    notes: list[str] = []
    with remarks(lambda remark: notes.append(f"{remark}.")):
        data = files.encode(writing.suffix, region, info, quality=writing.quality)
    return data, tuple(notes)
