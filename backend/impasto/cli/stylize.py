"""Paint pictures in a style, or only their subject or background.

Takes files, folders and patterns; 16 bit pictures stay 16 bit, colour profiles are kept, pictures are turned upright.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from hashlib import sha256
from pathlib import PurePosixPath

from impasto.batch.manifest import settings_of
from impasto.batch.places import LocalPlace, Place
from impasto.batch.plan import Item, Wanted
from impasto.cli.options import (
    add_style_options,
    area_of,
    idle_area_options,
    read_styles,
    refine_options,
    style_files,
    stylize_options,
)
from impasto.cli.plans import add_batch_arguments, by_server, plan_for, run_plan, say
from impasto.imaging import files
from impasto_link.client import Call, Client
from impasto_link.coats import StyleChoice
from impasto_link.errors import BadRequest
from impasto_link.options import StylizeOptions
from impasto_link.pixels import Region


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_batch_arguments(parser)
    add_style_options(parser)
    parser.add_argument(
        "--layers", action="store_true", help="write the painting and, beside it as NAME-mask.png, where it shows"
    )


def run(options: argparse.Namespace) -> int:
    wanted = wanted_of(options)
    assert isinstance(wanted.options, StylizeOptions)
    asked = wanted.options
    plan = plan_for(options, wanted)
    gray: list[str] = []

    def send(client: Client, item: Item, region: Region) -> Call:
        if region.format.is_gray and not options.color:
            gray.append(item.source.name)
        mask = None
        if wanted.mask is not None:
            name, size = str(options.mask), (region.format.width, region.format.height)
            mask, resized = files.decode_mask(wanted.mask, name, *size)
            if resized:
                say(f"{name} is not of the size of {item.source} and was resized to it.")
        return client.stylize(region, asked, mask=mask, pictures=wanted.pictures)

    status = run_plan(plan, options, by_server(plan, send))
    if gray:
        what = (
            f"{gray[0]} is gray, and so is its" if len(gray) == 1 else f"{len(gray)} pictures are gray, and so is their"
        )
        say(f"{what} painting. With --color it is painted in colour.")
    return status


def wanted_of(options: argparse.Namespace) -> Wanted:
    """What the arguments ask for."""
    pictures: dict[str, Region] = {}
    asked = stylize_options(
        options,
        read_styles(options.style, pictures),
        background_style=read_styles(options.background_style, pictures),
        area=area_of(options),
        settings=dict(options.settings),
        refine=refine_options(options),
        flatten=not options.layers,
    )
    idle = idle_area_options(options)
    if idle and not asked.needs_subject:
        raise BadRequest(
            f"With the area everything there is nothing to do for {idle}.",
            f"Choose another --area, or leave {idle} out.",
        )
    with_mask = options.layers and asked.area != "everything"
    mask_place = [] if options.mask is None else [LocalPlace(options.mask)]
    mask = next((place.read() for place in mask_place), None)
    return Wanted(
        asked,
        settings_of(
            "stylize",
            _by_content(asked, pictures),
            quality=options.quality,
            mask=None if mask is None else sha256(mask).hexdigest(),
        ),
        suffix_for=lambda source: source.suffix if source.suffix.lower() in files.WRITABLE else ".png",
        files=lambda target: {"pixels": target, **({"mask": mask_beside(target)} if with_mask else {})},
        reads=[*map(LocalPlace, style_files([*options.style, *options.background_style])), *mask_place],
        quality=options.quality,
        pictures=pictures,
        mask=mask,
    )


def mask_beside(target: Place) -> Place:
    """Where --layers writes the mask of a painting."""
    return target.with_name(f"{target.stem}-mask.png")


def _by_content(wanted: StylizeOptions, pictures: dict[str, Region]) -> StylizeOptions:
    """The same with pictures as styles named by what is in them: it is the same style wherever the file lies."""

    def named(choice: StyleChoice) -> StyleChoice:
        if choice.kind != "frame":
            return choice
        content = sha256(pictures[choice.name].data).hexdigest()
        return replace(choice, name=f"{PurePosixPath(choice.name).name} {content}")

    return replace(
        wanted,
        styles=tuple(map(named, wanted.styles)),
        background_styles=tuple(map(named, wanted.background_styles)),
    )
