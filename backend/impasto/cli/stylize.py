"""Paint pictures in a style, or only their subject or background.

Takes files, folders and patterns; 16 bit pictures stay 16 bit, colour profiles are kept, pictures are turned upright.
"""

from __future__ import annotations

import argparse
import contextlib
import glob
import sys
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from impasto.cli.options import (
    add_area_options,
    add_engine_options,
    add_style_options,
    area_options,
    idle_area_options,
    read_styles,
    refine_options,
    stylize_options,
)
from impasto.client import SERVER_COMMAND
from impasto.imaging import files
from impasto_link.client import Call, Client
from impasto_link.errors import BadRequest, Cancelled, ImpastoError, ServerGone
from impasto_link.launch import connect_or_start
from impasto_link.options import StylizeOptions
from impasto_link.pixels import Region


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("inputs", nargs="+", metavar="IN", help="pictures, folders of pictures, patterns")
    parser.add_argument(
        "-o", "--output", required=True, type=Path, metavar="OUT", help="a file, or a folder for several"
    )
    add_style_options(parser)
    add_area_options(parser)
    add_engine_options(parser)
    parser.add_argument(
        "--layers", action="store_true", help="write the painting and, beside it as NAME-mask.png, where it shows"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def run(options: argparse.Namespace) -> int:
    pictures: dict[str, Region] = {}
    wanted = stylize_options(
        options,
        read_styles(options.style, pictures),
        background_style=read_styles(options.background_style, pictures),
        engine=options.engine,
        refine=refine_options(options),
        flatten=not options.layers,
        **area_options(options),
    )
    idle = idle_area_options(options)
    if idle and not wanted.needs_subject:
        raise BadRequest(
            f"With the area everything there is nothing to do for {idle}.",
            f"Choose another --area, or leave {idle} out.",
        )
    sources = find_sources(options.inputs)
    targets = plan_targets(sources, options.output)
    if options.layers and wanted.area != "everything":
        check_masks(targets, [*sources, options.mask] if options.mask else sources)
    failed = 0
    total = len(sources)
    with (
        contextlib.closing(connect_or_start(SERVER_COMMAND)) as client,
        tqdm(total=total, unit="picture", disable=options.quiet or not sys.stderr.isatty(), bar_format=_BAR) as bar,
    ):
        waiting = zip(sources, targets, strict=True)
        sent: deque[Sent] = deque()
        for number in range(total):
            while len(sent) <= AHEAD and (pair := next(waiting, None)) is not None:
                try:
                    sent.append(send(client, *pair, options.mask, wanted, pictures, bar))
                except ServerGone:
                    raise
                except ImpastoError as error:
                    sent.append(Sent(*pair, error))
            job = sent.popleft()
            bar.set_description(job.source.name)
            try:
                finish(client, job, bar, number)
            except (ServerGone, Cancelled):
                raise
            except ImpastoError as error:
                if total == 1:
                    raise
                # One bad picture must not keep the other ninety-nine from being painted.
                failed += 1
                bar.write(f"{job.source}: {error}", file=sys.stderr)
            bar.n = number + 1
            bar.refresh()
    if failed:
        print(f"{failed} of {total} pictures could not be painted.", file=sys.stderr)
    return 1 if failed else 0


_BAR = "{desc}: {percentage:3.0f}%|{bar}| {n:.1f}/{total} [{elapsed}<{remaining}]{postfix}"


#: How many pictures lie at the server besides the one that is painted, so that it never waits for a file.
AHEAD = 1


class Sent(NamedTuple):
    """A picture on its way: the call and what its file said, or why it could not be sent."""

    source: Path
    target: Path
    call: Call | ImpastoError
    info: files.FileInfo | None = None


def send(
    client: Client,
    source: Path,
    target: Path,
    mask_file: Path | None,
    wanted: StylizeOptions,
    pictures: Mapping[str, Region],
    bar: tqdm[Any],
) -> Sent:
    region, info = files.read(source)
    mask = None
    if mask_file is not None:
        mask, resized = files.read_mask(mask_file, region.format.width, region.format.height)
        if resized:
            bar.write(f"{mask_file} is not of the size of {source} and was resized to it.", file=sys.stderr)
    return Sent(source, target, client.stylize(region, wanted, mask=mask, pictures=pictures), info)


def finish(client: Client, job: Sent, bar: tqdm[Any], number: int) -> None:
    if isinstance(job.call, ImpastoError):
        raise job.call
    for event in client.events(job.call):
        if event.kind in ("progress", "preview"):
            bar.n = number + event.fraction
            bar.set_postfix_str(event.doing)
        elif event.kind == "accepted" and event.place:
            bar.set_postfix_str(f"{event.place} before it")
    assert job.call.result is not None
    for note in job.call.result.fields.get("notes", ()):
        bar.write(f"{job.source.name}: {note}", file=sys.stderr)
    result = job.call.result.regions
    files.write(job.target, result["pixels"], job.info)
    if "mask" in result:
        files.write(mask_beside(job.target), result["mask"])


def find_sources(inputs: list[str]) -> list[Path]:
    """The pictures that were named, folders and patterns replaced by what is in them."""
    found: list[Path] = []
    for name in inputs:
        path = Path(name)
        if path.is_dir():
            inside = sorted(one for one in path.iterdir() if one.suffix.lower() in files.SUFFIXES)
            if not inside:
                raise BadRequest(f"There are no pictures in {path}.")
            found += inside
        elif path.exists() or not glob.has_magic(name):
            found.append(path)
        else:
            matches = sorted(Path(one) for one in glob.glob(name, recursive=True))  # noqa: PTH207 - patterns may be absolute
            if not matches:
                raise BadRequest(f"No file matches {name}.")
            found += matches
    return found


def plan_targets(sources: list[Path], output: Path) -> list[Path]:
    """Where each picture goes: into the file OUT, or under its own name into the folder OUT."""
    is_file = not output.is_dir() and (output.suffix != "" or output.exists())
    if is_file and len(sources) == 1:
        files.check_target(output)
        return [output]
    if is_file:
        raise BadRequest(f"{len(sources)} pictures do not go into one file, {output}.", "Name a folder with -o.")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImpastoError(
            f"The folder {output} cannot be made: {error.strerror}.", "Name another folder with -o."
        ) from error
    targets = []
    for source in sources:
        suffix = source.suffix if source.suffix.lower() in files.SUFFIXES else ".png"
        targets.append(output / f"{source.stem}{suffix}")
    taken: set[Path] = set()
    for source, target in zip(sources, targets, strict=True):
        if target in taken:
            raise BadRequest(f"Two pictures would both become {target}.", "Paint them one after the other.")
        if target.exists() and target.samefile(source):
            raise BadRequest(f"{source} would be overwritten by its painting.", "Name another folder with -o.")
        taken.add(target)
    return targets


def mask_beside(target: Path) -> Path:
    """Where --layers writes the mask of a painting."""
    return target.with_name(f"{target.stem}-mask.png")


def check_masks(targets: list[Path], inputs: list[Path]) -> None:
    """Find out before the work is done whether the masks of --layers would overwrite something else of the command."""
    taken = {path.resolve() for path in (*targets, *inputs)}
    for target in targets:
        mask = mask_beside(target)
        if mask.resolve() in taken:
            raise BadRequest(f"The mask of {target} would overwrite {mask}.", "Name another place with -o.")
        taken.add(mask.resolve())
