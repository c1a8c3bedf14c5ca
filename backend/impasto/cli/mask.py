"""Find the subject of pictures: masks of it, white where the subject is, or cut-outs."""

from __future__ import annotations

import argparse

from impasto.batch.manifest import settings_of
from impasto.batch.plan import Item, Wanted
from impasto.cli.options import add_mask_options, add_parameters, mask_options, of_group
from impasto.cli.plans import add_batch_arguments, by_server, plan_for, run_plan
from impasto_link.client import Call, Client
from impasto_link.options import MASK
from impasto_link.pixels import Region


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_batch_arguments(parser)
    add_mask_options(parser)
    add_parameters(parser, of_group(MASK, "result", "running"))


def run(options: argparse.Namespace) -> int:
    asked = mask_options(options)
    plan = plan_for(options, wanted_of(options))

    def send(client: Client, item: Item, region: Region) -> Call:
        return client.mask(region, asked)

    return run_plan(plan, options, by_server(plan, send))


def wanted_of(options: argparse.Namespace) -> Wanted:
    """What the arguments ask for."""
    asked = mask_options(options)
    return Wanted(
        asked,
        settings_of("mask", asked, quality=options.quality),
        # JPEG would blur the edge of a mask, and has no transparency.
        suffix_for=lambda source: ".png",
        files=lambda target: {"pixels" if options.cutout else "mask": target},
        quality=options.quality,
    )
