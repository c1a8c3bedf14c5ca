"""Where results go, and what may be replaced there."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence

from impasto.batch.places import LocalPlace, Place, place_of
from impasto.batch.sources import Source
from impasto.imaging import files
from impasto_link.errors import BadRequest
from impasto_link.pixels import Region

#: What can be done about files that are there already: refuse to begin, leave them out, or replace them.
EXISTING = ("refuse", "skip", "replace")

_GO_ON = "Give --existing skip to go on where it stopped, or --existing replace."


class Outputs:
    """The files that a command may write.

    None of the files that it reads is ever overwritten, whatever its name there, by links, in other capitals; nor is a
    file that it wrote itself. Others are replaced only if that was asked for.

    Args:
        existing: one of `EXISTING`.
        inputs: what the command reads.
    """

    def __init__(self, existing: str, inputs: Iterable[Place]) -> None:
        self.existing = existing
        self._own: dict[Hashable, Place] = {}
        for place in inputs:
            self._note(place)

    def missing(self, targets: Sequence[Place]) -> set[Place]:
        """Those of the files that are to be written: all of them, or those that are not there yet.

        Raises:
            BadRequest: one is a file that the command reads, or is there and that is to be refused.
            FileProblem: no file can be made in a folder.
        """
        for target in targets:
            self._check(target)
        there = _there(targets)
        if there and self.existing == "refuse":
            first = min(there, key=str)
            if len(targets) == 1:
                raise BadRequest(f"{first} is there already.", "Name another with -o, or give --existing replace.")
            raise BadRequest(f"{len(there)} of {len(targets)} files are there already, such as {first}.", _GO_ON)
        missing = set(targets) - (there if self.existing == "skip" else set())
        one_of_each = {target.folder.identity(): target for target in sorted(missing, key=str)}
        for target in {*one_of_each.values(), *(missing & there)}:
            target.check()
        return missing

    def put(self, target: Place, data: bytes) -> bool:
        """Write one of the files; False if one has come meanwhile, and what is there is to be left out.

        Raises:
            FileProblem: it cannot be written.
            BadRequest: as `missing`.
        """
        self._check(target)
        try:
            target.put(data, replace=self.existing == "replace")
        except files.FileThere:
            if self.existing != "skip":
                raise
            return False
        self._note(target)
        return True

    def write(self, target: Place, region: Region, info: files.FileInfo | None, quality: int) -> bool:
        """Write a picture as one of the files, in the format that its name says; as `put`."""
        of = files.as_text(str(target))
        return self.put(target, files.encode(target.suffix.lower(), region, info, quality=quality, of=of))

    def _note(self, place: Place) -> None:
        if (identity := place.identity()) is not None:
            self._own[identity] = place

    def _check(self, target: Place) -> None:
        own = self._own.get(target.identity())
        if own is not None:
            which = "" if own == target else f", which is {target},"
            raise BadRequest(
                f"{own}{which} would be overwritten.",
                "What a command reads is never replaced. Name another place with -o.",
            )
        if isinstance(target, LocalPlace) and target.kind() == "folder":
            raise BadRequest(f"{target} is a folder.", "Name another place with -o.")


def _there(targets: Iterable[Place]) -> set[Place]:
    names = defaultdict[Place, set[str]](set)
    for target in targets:
        names[target.folder].add(target.name)
    return {folder / name for folder, wanted in names.items() for name in folder.there(wanted)}


def names_folder(output: str, *, several: bool) -> bool:
    """Whether results go into a folder of this name, each under its own, rather than into one file."""
    place = place_of(output)
    kind = place.kind()
    if kind == "folder" or output.endswith(("/", os.sep)):
        return True
    if kind is not None:
        return False
    return place.suffix == "" or (several and place.suffix.lower() not in files.WRITABLE)


def plan_targets(
    sources: Sequence[Source], output: str, suffix_for: Callable[[Place], str], *, several: bool
) -> dict[Place, Place]:
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
    out = place_of(output)
    if not names_folder(output, several=several):
        if len(sources) > 1:
            raise BadRequest(f"{len(sources)} pictures do not go into one file, {output}.", "Name a folder with -o.")
        files.check_format(out.name)
        return {out: sources[0].place}
    targets: dict[Place, Place] = {}
    places = [out / source.below / f"{source.place.stem}{suffix_for(source.place)}" for source in sources]
    wanted = Counter(places)
    for source, place in zip(sources, places, strict=True):
        # A painting of a.psd beside one of a.png becomes a.psd.png.
        alone = wanted[place] == 1 or place.name == source.place.name
        target = place if alone else place.with_name(f"{source.place.name}{place.suffix}")
        if (other := targets.setdefault(target, source.place)) != source.place:
            raise BadRequest(
                f"{other} and {source.place} would both become {target}.",
                "Give each a folder of its own with -o, or name the folder above them and --recursive.",
            )
    for folder in sorted({target.folder for target in targets}, key=str):
        folder.make()
    return targets
