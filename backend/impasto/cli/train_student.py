"""Train a student: a small network that paints like a bank's, for phones, browsers and live video.

    impasto train student --photos ~/photos --name mine

It has the styles of all installed banks that share the network. An interrupted training goes on where it was when the
same command is given again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from impasto.cli.training import add_run_arguments, planned, shown, training_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--photos", type=Path, required=True, help="folder of photos to learn from, some thousand")
    parser.add_argument("--bank", default="classic", help="whose network and styles it learns (default: classic)")
    parser.add_argument("--name", default="small", help="name of the student (default: small)")
    parser.add_argument(
        "--width",
        type=int,
        default=8,
        help="channels of the first layer; the bank that is installed has 32 (default: 8)",
    )
    parser.add_argument(
        "--blocks", type=int, default=3, help="residual blocks; the bank that is installed has 5 (default: 3)"
    )
    add_run_arguments(
        parser,
        None,
        ("crop", int, "side of the crops in pixels"),
        ("slim_steps", int, "steps that show which channels can go, before those of the student"),
        ("slim_weight", float, "weight of the penalty on many channels in these steps"),
        ("pixel_weight", float, "weight of painting each pixel as the bank does"),
        ("feature_weight", float, "weight of painting the same strokes and shapes at the same places"),
        ("gram_weight", float, "weight of painting the same strokes, wherever they are"),
        ("mix_share", float, "which share of the paintings is in a mixture of two styles, from 0 to 1"),
        ("code_speed", float, "how many times faster the codes of the styles learn"),
    )


def run(options: argparse.Namespace) -> int:
    from impasto.training.student import StudentPlan, train_student
    from impasto.training.student_net import StudentOptions

    with shown() as tell:
        path = train_student(planned(StudentPlan, options), training_options(StudentOptions, options), tell)
    print(f"Wrote {path}")
    return 0
