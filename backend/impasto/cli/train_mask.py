"""Train the network that finds the subject.

    impasto train mask --subjects people/ cats/ --val people-val/ --backgrounds scenes/

A folder of subjects holds pictures NAME.jpg and their masks NAME.png, white where the subject is. An interrupted
training goes on where it was when the same command is given again.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from impasto.cli.training import add_run_arguments, planned, shown, training_options
from impasto.masking.models import mask_models


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--subjects", nargs="+", type=Path, required=True, help="folders of pictures with masks")
    parser.add_argument("--val", nargs="*", type=Path, default=[], help="the same, only to measure on")
    parser.add_argument("--weak", type=Path, help="folder of masks made by a machine, of pictures in --photos")
    parser.add_argument(
        "--weak-model",
        choices=mask_models(),
        help="let this network, ours or one of impasto[rembg], mask the pictures in --photos; where it is unsure, "
        "--weak counts",
    )
    parser.add_argument("--photos", type=Path, help="folder of the pictures of --weak and --weak-model")
    parser.add_argument("--backgrounds", nargs="*", type=Path, default=[], help="photos without subject, or folders")
    begin = parser.add_mutually_exclusive_group()
    begin.add_argument("--encoder", type=Path, help="MobileNetV2 weights (default: torchvision's, downloaded once)")
    begin.add_argument(
        "--start",
        nargs="?",
        const="",
        metavar="FILE",
        help="learn on from this network, without a file from the one that is installed",
    )
    parser.add_argument(
        "--shares",
        nargs="+",
        type=_share,
        default=argparse.SUPPRESS,
        metavar="SET=TIMES",
        help="see pictures whose names begin with SET so many times as often",
    )
    parser.add_argument(
        "--average",
        nargs="+",
        type=Path,
        default=[],
        metavar="WORK",
        help="with --export: write the mean of this network and those of these folders, which began with the same one",
    )
    parser.add_argument("--no-painted", action="store_true", help="learn from photos only, not from paintings of them")
    add_run_arguments(
        parser,
        Path("runs/subject"),
        ("side", int, "side of the views in pixels, a multiple of 32"),
        ("encoder_speed", float, "how many times slower the encoder learns, below 1"),
        ("weak_weight", float, "how much weak masks count"),
        ("variety", float, "how much views differ from the pictures, 0 to 1"),
    )


def _share(text: str) -> tuple[str, float]:
    name, _, times = text.partition("=")
    try:
        factor = float(times)
    except ValueError:
        factor = -1.0
    if not name or not 0 <= factor < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not SET=TIMES, such as cats=2")
    return name, factor


def run(options: argparse.Namespace) -> int:
    from impasto.training.masks import MaskTrainingOptions
    from impasto.training.subject_net import SubjectPlan, train_subject_net

    if "shares" in options:
        options.shares = dict(options.shares)
    with shown() as tell:
        path, scores = train_subject_net(
            planned(SubjectPlan, options), training_options(MaskTrainingOptions, options), tell
        )
    print(f"Wrote {path}")
    for group, found in scores.items():
        print(f"{group:>10}  " + "  ".join(f"{key} {value:.3f}" for key, value in found.items()))
    return 0
