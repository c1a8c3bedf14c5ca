"""Train the compact encoder: distil VGG-19 into a small network."""

from __future__ import annotations

import argparse

from impasto.cli.training import add_training_arguments, planned, shown, training_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_training_arguments(parser, "encoder")


def run(options: argparse.Namespace) -> int:
    from impasto.training.distillation import DistillationOptions
    from impasto.training.picture_nets import PicturePlan, train_encoder

    with shown() as tell:
        path = train_encoder(planned(PicturePlan, options), training_options(DistillationOptions, options), tell)
    print(f"Wrote {path}")
    return 0
