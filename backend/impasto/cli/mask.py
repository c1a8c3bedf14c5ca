"""Find the subject of pictures: masks of it, white where the subject is, or cut-outs."""

from __future__ import annotations

import argparse

from impasto.batch.manifest import settings_of
from impasto.batch.plan import Item, Wanted
from impasto.cli.options import add_mask_options, add_parameters, mask_options, of_group
from impasto.cli.plans import add_batch_arguments, plan_for, run_plan
from impasto_link.client import Call, Client
from impasto_link.options import MASK
from impasto_link.pixels import Region


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_batch_arguments(parser)
    add_mask_options(parser)
    add_parameters(parser, of_group(MASK, "result", "running"))


def run(options: argparse.Namespace) -> int:
    wanted = mask_options(options)
    plan = plan_for(
        options,
        Wanted(
            settings_of("mask", wanted, quality=options.quality),
            # JPEG would blur the edge of a mask, and has no transparency.
            suffix_for=lambda source: ".png",
            files=lambda target: {"pixels" if options.cutout else "mask": target},
            quality=options.quality,
        ),
    )

    def send(client: Client, item: Item, region: Region) -> Call:
        return client.mask(region, wanted)

    return run_plan(plan, options, send)
