"""Pictures from their places to the places of their results, without a server: what each worker of a cluster does."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from impasto.batch.manifest import Entry
from impasto.batch.outputs import Outputs
from impasto.batch.places import Place
from impasto.batch.plan import Item, Plan
from impasto.batch.reading import Picture, ends_all
from impasto.compute.accelerator import give_memory_back, is_out_of_memory, pick_device
from impasto.compute.memory import hold_to_what_is_free
from impasto.imaging import files
from impasto.imaging.remarks import remarks
from impasto.pipeline import Layer, Pipeline
from impasto.progress import nobody
from impasto.zoo.library import Library
from impasto_link.errors import ImpastoError, NotEnoughMemory, quoted
from impasto_link.options import MaskOptions, StylizeOptions
from impasto_link.pixels import Region

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """What is to be done with each picture of a plan, with all that it takes: it can be sent to another machine.

    Attributes:
        options: see `impasto.batch.plan.Wanted`.
        pictures: likewise.
        mask: likewise.
        quality: likewise.
        settings: likewise.
        existing: what is done where a file has come meanwhile, one of `impasto.batch.outputs.EXISTING`.
        folder: of the manifest; that of the result where there is none.
    """

    options: StylizeOptions | MaskOptions
    pictures: Mapping[str, Region]
    mask: bytes | None
    quality: int
    settings: Mapping[str, Any]
    existing: str
    folder: Place

    @classmethod
    def of(cls, plan: Plan) -> Task:
        """That of a plan in which there are pictures."""
        wanted = plan.wanted
        folder = plan.items[0].target.folder if plan.manifest is None else plan.manifest.folder
        return cls(
            wanted.options,
            wanted.pictures,
            wanted.mask,
            wanted.quality,
            wanted.settings,
            plan.outputs.existing,
            folder.absolute(),
        )


@dataclass(frozen=True)
class Painted:
    """What became of a picture.

    Attributes:
        entry: for the manifest; None if a file has come meanwhile that is to stay.
        notes: what a person should know, in sentences.
        error: why it could not be done.
        last: whether every other picture would fail by the same, as where the disk is full.
    """

    entry: Entry | None
    notes: tuple[str, ...] = ()
    error: str | None = None
    last: bool = False


class Painter:
    """Loads the networks once, and then does one picture after the other.

    Args:
        task: what is done with each.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._device = pick_device(task.options.device)
        self._pipeline = Pipeline(Library(), self._device)

    def paint(self, item: Item, *, again: bool = False) -> Painted:
        """Do a picture. What is wrong with it is never raised.

        Args:
            item: the picture.
            again: whether somebody who did not come back to tell has begun with it before: what lies where its results
                are to be is taken for them.
        """
        began = time.monotonic()
        picture = Picture(item)
        error: ImpastoError | None = None
        written = True
        notes: list[str] = []
        with remarks(notes.append):
            try:
                region = picture.read()
                if not (again and self._is_there(item)):
                    written = self._write(picture, self._paint(region, notes))
            except Exception as problem:
                error = self._in_words(problem)
        if not written:
            return Painted(None, (*notes, f"{item.target} has come while it was made, and stays as it is."))
        entry = picture.entry(self._task.folder, self._task.settings, time.monotonic() - began, error)
        return Painted(entry, tuple(notes), entry.error, error is not None and ends_all(error))

    def _is_there(self, item: Item) -> bool:
        return self._task.existing != "replace" and all(place.kind() == "file" for place in item.files.values())

    def _paint(self, region: Region, notes: list[str]) -> Layer:
        if self._device.type == "cpu":
            hold_to_what_is_free()
        task, size = self._task, (region.format.width, region.format.height)
        if isinstance(task.options, MaskOptions):
            return self._pipeline.mask(region, task.options, nobody)
        mask = None
        if task.mask is not None:
            mask, resized = files.decode_mask(task.mask, "The mask", *size)
            if resized:
                notes.append("The mask is not of its size and was resized to it.")
        layer = self._pipeline.stylize(region, task.options, nobody, subject_mask=mask, pictures=task.pictures)
        notes += layer.notes
        return layer

    def _write(self, picture: Picture, layer: Layer) -> bool:
        """Write what came of a picture; whether that was still to be written."""
        outputs = Outputs(self._task.existing, [picture.item.source])
        regions = {"pixels": (layer.pixels, picture.info), "mask": (layer.mask, None)}
        written = []
        for name, place in picture.item.files.items():
            region, info = regions[name]
            if region is not None:
                written.append(outputs.write(place, region, info, self._task.quality))
        return any(written)

    def _in_words(self, error: Exception) -> ImpastoError:
        if isinstance(error, ImpastoError):
            return error
        if is_out_of_memory(error):
            log.info("out of memory", exc_info=error)
            give_memory_back(self._device)
            return NotEnoughMemory("The memory did not suffice for this picture.", "Fewer workers leave more to each.")
        log.error("a picture failed", exc_info=error)
        return ImpastoError(f"Something unexpected went wrong: {quoted(error)}")
