"""From what a person names to the pictures that are to be done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from impasto.batch.manifest import Manifest
from impasto.batch.outputs import Outputs, plan_targets
from impasto.batch.places import Place, place_of
from impasto.batch.sources import find_sources
from impasto.imaging.formats import SUFFIX_OF
from impasto_link.errors import BadRequest
from impasto_link.options import MaskOptions, StylizeOptions
from impasto_link.pixels import Region


@dataclass(frozen=True)
class Wanted:
    """What is to be made of pictures, besides which and where.

    Attributes:
        options: how they are painted, or how their subject is found.
        settings: on which the results depend, see `impasto.batch.manifest.settings_of`.
        suffix_for: the suffix of a result in a folder, by its source.
        files: what is written, by the place of the result: for each region of an answer ("pixels", "mask") its place.
            The place of the result itself is among them.
        reads: what is read besides the pictures, such as a mask.
        quality: of JPEG, WebP and AVIF, 1 to 100.
        pictures: pictures as styles, by the names that the options have for them.
        mask: a file that tells where the subject is.
    """

    options: StylizeOptions | MaskOptions
    settings: Mapping[str, Any]
    suffix_for: Callable[[Place], str]
    files: Callable[[Place], Mapping[str, Place]]
    reads: Sequence[Place] = ()
    quality: int = 95
    pictures: Mapping[str, Region] = field(default_factory=dict)
    mask: bytes | None = None


@dataclass(frozen=True)
class Item:
    """A picture that is to be done.

    Attributes:
        source: the picture.
        target: where the result goes.
        files: what is to be written, by the region of the answer that it is: the result, and what lies beside it.
    """

    source: Place
    target: Place
    files: Mapping[str, Place]

    def absolute(self) -> Item:
        """The same from wherever one looks."""
        files = {name: place.absolute() for name, place in self.files.items()}
        return Item(self.source.absolute(), self.target.absolute(), files)


@dataclass(frozen=True)
class Plan:
    """All that is to be done.

    Attributes:
        items: the pictures, in the order in which they were named.
        notes: what a person should know, in sentences.
        outputs: where the results are written through.
        manifest: of the folder that they go to; None for a single file.
        wanted: what is to be made of them.
    """

    items: Sequence[Item]
    notes: Sequence[str]
    outputs: Outputs
    manifest: Manifest | None
    wanted: Wanted


def make_plan(
    inputs: Sequence[str],
    output: str,
    wanted: Wanted,
    *,
    recursive: bool = False,
    existing: str = "refuse",
    format: str | None = None,
) -> Plan:
    """Find the pictures, and see what of them is to be done; folders for the results are made.

    Args:
        inputs: files, folders and patterns.
        output: a file, or a folder for several.
        wanted: what is to be made.
        recursive: whether to take the folders in folders, too.
        existing: one of `impasto.batch.outputs.EXISTING`. What was there already is never made anew unless it is to be
            replaced; where the manifest tells that it would be another picture today, a note says so.
        format: of files in a folder, a key of `impasto.imaging.formats.SUFFIX_OF`; otherwise as ``wanted`` has it.

    Raises:
        ImpastoError: something is wrong with what was named, or nothing can be written there.
    """
    if not 1 <= wanted.quality <= 100:
        raise BadRequest(f"The quality is {wanted.quality}, but has to be from 1 to 100.")
    out = place_of(output)
    sources, notes = find_sources(inputs, recursive=recursive, output=out)
    several = [source.place for source in sources] != [place_of(inputs[0])]
    suffix_for = wanted.suffix_for if format is None else lambda source: SUFFIX_OF[format]
    targets = plan_targets(sources, output, suffix_for, several=several)
    if format is not None and out in targets:
        raise BadRequest(f"The name of the file {out} says its format.", "--format is for folders.")
    written = {target: wanted.files(target) for target in targets}
    _check_apart(written)
    manifest = None if out in targets else Manifest(out)
    outputs = Outputs(existing, [*targets.values(), *wanted.reads])
    missing = outputs.missing([place for some in written.values() for place in some.values()])
    items = [
        Item(source, target, {name: place for name, place in written[target].items() if place in missing})
        for target, source in targets.items()
        if not missing.isdisjoint(written[target].values())
    ]
    left = {target: source for target, source in targets.items() if missing.isdisjoint(written[target].values())}
    if left:
        notes = [*notes, *_about(left, len(targets), manifest, wanted.settings)]
    return Plan(items, notes, outputs, manifest, wanted)


def _check_apart(written: Mapping[Place, Mapping[str, Place]]) -> None:
    """Find out before the work is done whether what is written beside a result is another result."""
    taken = set(written)
    for target, places in written.items():
        for place in places.values():
            if place == target:
                continue
            if place in taken:
                raise BadRequest(f"The mask of {target} would overwrite {place}.", "Name another place with -o.")
            taken.add(place)


def _about(
    left: Mapping[Place, Place], total: int, manifest: Manifest | None, settings: Mapping[str, Any]
) -> Iterable[str]:
    """What a person should know about the results that are there already, given the source of each."""
    yield f"{len(left)} of {total} pictures are there already and stay as they are."
    if manifest is None:
        return
    done = manifest.done()
    other = []
    for target, source in left.items():
        entry = done.get(target.relative_to(manifest.folder))
        if entry is not None and not entry.is_of(source, settings):
            other.append(target)
    if other:
        yield (
            f"{len(other)} of these were made with other settings, or of a picture that has changed since, such as "
            f"{other[0]}. --existing replace makes them anew."
        )
