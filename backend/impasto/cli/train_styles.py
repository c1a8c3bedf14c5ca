"""Train styles: a new bank, or further styles for an existing one.

    impasto train styles night.jpg waves/ --photos ~/photos --name mine

Each file is a style; each folder is one style of all the pictures in it. An interrupted training goes on where it was
when the same command is given again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from impasto.cli.training import LOOK_WEIGHTS, add_run_arguments, planned, shown, training_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paintings", nargs="*", type=Path, metavar="PAINTING", help="a picture, or a folder for one style"
    )
    parser.add_argument("--recipe", type=Path, help="a TOML file that names the styles instead")
    parser.add_argument("--paintings-dir", type=Path, help="where the pictures of the recipe lie (default: beside it)")
    parser.add_argument("--photos", type=Path, required=True, help="folder of photos to learn from, some thousand")
    parser.add_argument("--name", required=True, help="name of the bank")
    base = parser.add_mutually_exclusive_group()
    base.add_argument("--add-to", metavar="BANK", help="train only new styles for the network of this bank")
    base.add_argument("--start", metavar="BANK", help="learn on from the network and the styles of this bank")
    parser.add_argument(
        "--codes-only",
        action="store_true",
        help="with --start: leave the network as it is, so that other styles of it and kept pictures stay good",
    )
    parser.add_argument(
        "--pictures",
        nargs="*",
        type=Path,
        default=[],
        metavar="FOLDER",
        help="learn to paint like any picture, too, from these folders, of each as much",
    )
    parser.add_argument("--views", type=int, default=1200, help="views of them to learn from (default: 1200)")
    parser.add_argument("--vgg", type=Path, help="VGG-19 weights (default: torchvision's, downloaded once)")
    parser.add_argument("--thumbnail-photo", type=Path, help="what the thumbnails show (default: one of the photos)")
    parser.add_argument(
        "--no-exemplars", action="store_true", help="do not paint the examples of the styles, by which one can refine"
    )
    add_run_arguments(
        parser,
        None,
        ("crop", int, "side of the crops in pixels"),
        ("code_speed", float, "how many times faster the codes of the styles learn"),
        *LOOK_WEIGHTS,
        ("picture_share", float, "which share of the paintings is like the pictures, from 0 to 1"),
    )


def run(options: argparse.Namespace) -> int:
    from impasto.training.bank import BankPlan, train_bank
    from impasto.training.styles import TrainingOptions

    with shown() as tell:
        path = train_bank(planned(BankPlan, options), training_options(TrainingOptions, options), tell)
    print(f"Wrote {path}")
    return 0
