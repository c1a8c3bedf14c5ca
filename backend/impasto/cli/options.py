"""Options that several commands have."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from impasto_link.options import AREAS, BRUSH_RANGE, MASK_MODELS, MaskOptions, StylizeOptions


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
    add_device_option(parser)


def add_device_option(parser: argparse.ArgumentParser) -> None:
    """Where to compute."""
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda", help="where to compute (default: auto)")


def add_area_options(parser: argparse.ArgumentParser) -> None:
    """Where the painting shows."""
    parser.add_argument("--area", choices=AREAS, help="where to paint (default: everything, with --mask the subject)")
    parser.add_argument(
        "--background-style",
        action="append",
        default=[],
        metavar="NAME[:WEIGHT]",
        help="another style for the background; --style is then the subject's",
    )
    parser.add_argument(
        "--mask", type=Path, metavar="FILE", help="a gray picture, white where the subject is, instead of finding it"
    )
    add_mask_options(parser)


def add_mask_options(parser: argparse.ArgumentParser) -> None:
    """How the mask of the subject is made."""
    parser.add_argument("--feather", type=float, default=0.0, metavar="PX", help="soften the edge of the mask")
    parser.add_argument(
        "--grow", type=float, default=0.0, metavar="PX", help="move the edge of the mask outwards, below 0 inwards"
    )
    parser.add_argument(
        "--mask-model", choices=MASK_MODELS, default=MASK_MODELS[0], help="what finds the subject (default: impasto)"
    )


def stylize_options(options: argparse.Namespace, style: list[str], **more: Any) -> StylizeOptions:
    """What the arguments ask for; raises BadRequest with a sentence about a value that cannot be used."""
    return StylizeOptions.of(
        style,
        strength=options.strength,
        brush=options.brush,
        keep_colors=options.keep_colors,
        device=options.device,
        **more,
    )


def area_options(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of `StylizeOptions` that `add_area_options` asks for."""
    area = options.area or ("subject" if options.mask and not options.background_style else "everything")
    return {
        "area": area,
        "background_style": options.background_style,
        "feather": options.feather,
        "grow": options.grow,
        "mask_model": options.mask_model,
    }


def mask_options(options: argparse.Namespace, **more: Any) -> MaskOptions:
    """What the arguments of `add_mask_options` ask for; raises BadRequest as `stylize_options` does."""
    return MaskOptions(
        mask_model=options.mask_model, feather=options.feather, grow=options.grow, device=options.device, **more
    )
