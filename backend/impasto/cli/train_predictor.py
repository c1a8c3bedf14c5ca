"""Train the network that reads a picture as a style of a bank."""

from __future__ import annotations

import argparse
import logging

from impasto.cli.training import add_style_training_arguments, planned, training_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_style_training_arguments(parser, "predictor")
    parser.add_argument("--bank", default="classic", help="the bank whose network paints (default: classic)")


def run(options: argparse.Namespace) -> int:
    from impasto.training.picture_nets import PicturePlan, train_predictor
    from impasto.training.predictor import PredictorOptions

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    path = train_predictor(planned(PicturePlan, options), training_options(PredictorOptions, options))
    print(f"Wrote {path}")
    return 0
