"""Train the network that reads a picture as a style of a bank."""

from __future__ import annotations

import argparse

from impasto.cli.training import add_style_training_arguments, planned, shown, training_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_style_training_arguments(parser, "predictor")
    parser.add_argument("--bank", default="classic", help="the bank whose network paints (default: classic)")


def run(options: argparse.Namespace) -> int:
    from impasto.training.picture_nets import PicturePlan, train_predictor
    from impasto.training.predictor import PredictorOptions

    with shown() as tell:
        path = train_predictor(planned(PicturePlan, options), training_options(PredictorOptions, options), tell)
    print(f"Wrote {path}")
    return 0
