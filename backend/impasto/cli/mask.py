"""Find the subject of a picture: a mask of it, white where the subject is, or a cut-out."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from impasto.cli.options import add_device_option, add_mask_options, mask_options
from impasto.client import SERVER_COMMAND
from impasto.imaging import files
from impasto_link.launch import connect_or_start


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", type=Path, metavar="IN", help="a picture")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="OUT", help="the file to write")
    add_mask_options(parser)
    parser.add_argument("--invert", action="store_true", help="the background instead of the subject")
    parser.add_argument(
        "--cutout", action="store_true", help="the subject itself, the rest transparent, instead of the mask"
    )
    add_device_option(parser)


def run(options: argparse.Namespace) -> int:
    wanted = mask_options(options, invert=options.invert, cutout=options.cutout)
    files.check_target(options.output)
    region, info = files.read(options.input)
    with contextlib.closing(connect_or_start(SERVER_COMMAND)) as client:
        result = client.wait(client.mask(region, wanted)).regions
    if options.cutout:
        files.write(options.output, result["pixels"], info)
    else:
        files.write(options.output, result["mask"])
    return 0
