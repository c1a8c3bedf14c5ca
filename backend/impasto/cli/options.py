"""Options that several commands have."""

from __future__ import annotations

import argparse

from impasto_link.options import BRUSH_RANGE, StylizeOptions


def add_style_options(parser: argparse.ArgumentParser) -> None:
    """The options of `impasto_link.options.StylizeOptions`."""
    parser.add_argument(
        "--style",
        action="append",
        required=True,
        metavar="NAME[:WEIGHT]",
        help="what to paint like; give it several times to mix styles by weight",
    )
    add_look_options(parser)


def add_look_options(parser: argparse.ArgumentParser) -> None:
    """The same without the style."""
    parser.add_argument(
        "--strength",
        type=float,
        default=1.0,
        metavar="0..1",
        help="0 gives the original, 1 the full style (default: 1)",
    )
    low, high = BRUSH_RANGE
    parser.add_argument(
        "--brush", type=float, default=1.0, metavar=f"{low:g}..{high:g}", help="size of the strokes (default: 1)"
    )
    parser.add_argument("--keep-colors", action="store_true", help="keep the colours of the photo")
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda", help="where to compute (default: auto)")


def stylize_options(options: argparse.Namespace, style: list[str]) -> StylizeOptions:
    """What the arguments ask for; raises BadRequest with a sentence about a value that cannot be used."""
    return StylizeOptions.of(
        style,
        strength=options.strength,
        brush=options.brush,
        keep_colors=options.keep_colors,
        device=options.device,
    )
