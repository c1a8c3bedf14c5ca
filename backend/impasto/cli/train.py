"""Train models: styles, what paints like pictures, or the network that finds the subject."""

from __future__ import annotations

import argparse

from impasto.cli import train_adain, train_encoder, train_mask, train_predictor, train_student, train_styles

KINDS = {
    "styles": train_styles,
    "student": train_student,
    "mask": train_mask,
    "encoder": train_encoder,
    "predictor": train_predictor,
    "adain": train_adain,
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    for name, module in KINDS.items():
        summary = (module.__doc__ or "").partition("\n")[0]
        kind = kinds.add_parser(
            name, help=summary, description=module.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        module.add_arguments(kind)


def run(options: argparse.Namespace) -> int:
    return KINDS[options.kind].run(options)
