"""Train styles: a new bank, or further styles for an existing one.

    impasto train styles night.jpg waves/ --photos ~/photos --name mine

Each file is a style; each folder is one style of all the pictures in it. An interrupted training goes on where it was
when the same command is given again.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from impasto.cli.training import add_run_arguments, planned, shown, training_options
from impasto_link.errors import BadRequest

#: Weights that only the loss of `impasto.nets.look` has.
_OF_LOOK = ("color_weight", "dot_weight", "checker_weight")


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
        "--loss",
        choices=("gram", "look"),
        default="gram",
        help="what to learn by: Gram matrices, or strokes, shapes, shading and colours apart (default: gram)",
    )
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
        ("content_weight", float, "weight of the content"),
        ("style_weight", float, "multiplies each style's own weight"),
        ("tv_weight", float, "weight of the total variation"),
        ("light_weight", float, "weight of keeping the photo's masses of light and dark"),
        ("spike_weight", float, "weight of the penalty on spikes in the normalised layers"),
        ("color_weight", float, "weight of the style's colours, with --loss look"),
        ("dot_weight", float, "weight of the penalty on dots, with --loss look"),
        ("checker_weight", float, "weight of the penalty on checkers, with --loss look"),
    )


def run(options: argparse.Namespace) -> int:
    from impasto.training.bank import BankPlan, train_bank
    from impasto.training.styles import LookOptions, TrainingOptions

    kind = LookOptions if options.loss == "look" else TrainingOptions
    known = {field.name for field in dataclasses.fields(kind)}
    if strange := [name for name in _OF_LOOK if name in options and name not in known]:
        raise BadRequest(f"The loss {options.loss!r} has no {strange[0]}.", "Give --loss look, too.")

    with shown() as tell:
        path = train_bank(planned(BankPlan, options), training_options(kind, options), tell)
    print(f"Wrote {path}")
    return 0
