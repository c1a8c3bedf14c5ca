"""Paint pictures in a style, or only their subject or background.

Takes files, folders and patterns; 16 bit pictures stay 16 bit, colour profiles are kept, pictures are turned upright.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from impasto.cli.batch import Batch, Item, add_batch_arguments
from impasto.cli.options import (
    add_style_options,
    area_of,
    idle_area_options,
    read_styles,
    refine_options,
    style_files,
    stylize_options,
)
from impasto.imaging import files
from impasto_link.client import Call, Client, Event
from impasto_link.errors import BadRequest
from impasto_link.pixels import Region


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_batch_arguments(parser)
    add_style_options(parser)
    parser.add_argument(
        "--layers", action="store_true", help="write the painting and, beside it as NAME-mask.png, where it shows"
    )


def run(options: argparse.Namespace) -> int:
    pictures: dict[str, Region] = {}
    wanted = stylize_options(
        options,
        read_styles(options.style, pictures),
        background_style=read_styles(options.background_style, pictures),
        area=area_of(options),
        settings=dict(options.settings),
        refine=refine_options(options),
        flatten=not options.layers,
    )
    idle = idle_area_options(options)
    if idle and not wanted.needs_subject:
        raise BadRequest(
            f"With the area everything there is nothing to do for {idle}.",
            f"Choose another --area, or leave {idle} out.",
        )
    with_mask = options.layers and wanted.area != "everything"
    batch = Batch(
        options,
        suffix_for=lambda source: source.suffix if source.suffix.lower() in files.WRITABLE else ".png",
        beside=lambda target: [mask_beside(target)] if with_mask else [],
        reads=[*style_files([*options.style, *options.background_style]), *([options.mask] if options.mask else [])],
    )
    gray: list[str] = []

    def begin(client: Client, item: Item) -> Call:
        region = batch.read(item)
        if region.format.is_gray and not options.color:
            gray.append(item.source.name)
        mask = None
        if options.mask is not None:
            mask, resized = files.read_mask(options.mask, region.format.width, region.format.height)
            if resized:
                batch.say(f"{options.mask} is not of the size of {item.source} and was resized to it.")
        return client.stylize(region, wanted, mask=mask, pictures=pictures)

    def end(item: Item, result: Event) -> None:
        batch.write(item, item.target, result.regions["pixels"], item.info)
        if "mask" in result.regions:
            batch.write(item, mask_beside(item.target), result.regions["mask"])

    status = batch.run(begin, end)
    if gray:
        what = (
            f"{gray[0]} is gray, and so is its" if len(gray) == 1 else f"{len(gray)} pictures are gray, and so is their"
        )
        batch.say(f"{what} painting. With --color it is painted in colour.")
    return status


def mask_beside(target: Path) -> Path:
    """Where --layers writes the mask of a painting."""
    return target.with_name(f"{target.stem}-mask.png")
