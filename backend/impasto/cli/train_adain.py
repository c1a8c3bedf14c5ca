"""Train the decoder of AdaIN, which paints like any picture."""

from __future__ import annotations

import argparse

from impasto.cli.training import add_style_training_arguments, planned, shown, training_options


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_style_training_arguments(parser, "adain")


def run(options: argparse.Namespace) -> int:
    from impasto.training.adain import AdaINOptions
    from impasto.training.picture_nets import PicturePlan, train_adain

    with shown() as tell:
        path = train_adain(planned(PicturePlan, options), training_options(AdaINOptions, options), tell)
    print(f"Wrote {path}")
    return 0
