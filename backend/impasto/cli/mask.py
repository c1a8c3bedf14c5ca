"""Find the subject of pictures: masks of it, white where the subject is, or cut-outs."""

from __future__ import annotations

import argparse

from impasto.cli.batch import Batch, Item, add_batch_arguments
from impasto.cli.options import add_mask_options, add_parameters, mask_options, of_group
from impasto_link.client import Call, Client, Event
from impasto_link.options import MASK


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_batch_arguments(parser)
    add_mask_options(parser)
    add_parameters(parser, of_group(MASK, "result", "running"))


def run(options: argparse.Namespace) -> int:
    wanted = mask_options(options)
    # JPEG would blur the edge of a mask, and has no transparency.
    batch = Batch(options, suffix_for=lambda source: ".png")

    def begin(client: Client, item: Item) -> Call:
        return client.mask(batch.read(item), wanted)

    def end(item: Item, result: Event) -> None:
        if options.cutout:
            batch.write(item, item.target, result.regions["pixels"], item.info)
        else:
            batch.write(item, item.target, result.regions["mask"])

    return batch.run(begin, end)
