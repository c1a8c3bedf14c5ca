"""Options that several commands have."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from impasto.imaging import files
from impasto_link.devices import DEVICES
from impasto_link.errors import BadRequest
from impasto_link.options import (
    AREAS,
    BRUSH_RANGE,
    ENGINES,
    FEATURES,
    MASK_MODELS,
    OPTIMIZERS,
    REFINEMENTS,
    STYLE_LOSSES,
    MaskOptions,
    RefineOptions,
    StyleChoice,
    Styles,
    StylizeOptions,
)
from impasto_link.pixels import Region


def add_style_options(parser: argparse.ArgumentParser) -> None:
    """The options of `impasto_link.options.StylizeOptions`."""
    parser.add_argument(
        "--style",
        action="append",
        required=True,
        metavar="STYLE[:WEIGHT]",
        help="what to paint like: a style of the library or a picture file; several are mixed by weight",
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
    parser.add_argument(
        "--device", default="auto", metavar="DEVICE", help=f"where to compute: {DEVICES} (default: auto)"
    )


def add_area_options(parser: argparse.ArgumentParser) -> None:
    """Where the painting shows."""
    parser.add_argument("--area", choices=AREAS, help="where to paint (default: everything, with --mask the subject)")
    parser.add_argument(
        "--background-style",
        action="append",
        default=[],
        metavar="STYLE[:WEIGHT]",
        help="another style for the background; --style is then the subject's",
    )
    parser.add_argument(
        "--mask",
        type=Path,
        metavar="FILE",
        help="white where the subject is, or a cut-out of it, instead of finding it",
    )
    add_mask_options(parser)


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Which engine paints, and how a refinement is done."""
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        default=ENGINES[0],
        help="fixed: trained networks; adain: for pictures; gatys: optimise the photo (default: fixed)",
    )
    parser.add_argument(
        "--refine",
        metavar="|".join((*REFINEMENTS, "N")),
        help="optimise the painting afterwards: thoroughness in a word, or a number of iterations",
    )
    experts = parser.add_argument_group("refinement, for experts")
    experts.add_argument("--refine-side", type=int, metavar="PX", help="longest side at which pixels are optimised")
    experts.add_argument("--style-loss", choices=STYLE_LOSSES, help="what is compared with the style")
    experts.add_argument("--optimizer", choices=OPTIMIZERS, help="how the loss is brought down")
    experts.add_argument("--content-weight", type=float, default=1.0, metavar="X", help="how closely content is kept")
    experts.add_argument("--tv-weight", type=float, default=1.0, metavar="X", help="how much roughness costs")
    experts.add_argument(
        "--layer-weights",
        type=_numbers,
        metavar="X,X,...",
        help="how much the style counts in relu1_1, relu2_1 and so on to relu5_1 (default: alike)",
    )
    experts.add_argument(
        "--features", choices=FEATURES, default=FEATURES[0], help="the network that measures (default: VGG-19 if there)"
    )


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a row of numbers with commas between them") from None


def refine_options(options: argparse.Namespace) -> RefineOptions | None:
    """What the arguments of `add_engine_options` ask for; raises BadRequest as `stylize_options` does."""
    word = options.refine or "normal"
    wanted = RefineOptions(
        preset="normal" if word.isdecimal() else word,
        iterations=int(word) if word.isdecimal() else None,
        max_side=options.refine_side,
        style_loss=options.style_loss,
        optimizer=options.optimizer,
        content_weight=options.content_weight,
        tv_weight=options.tv_weight,
        features=options.features,
        layer_weights=options.layer_weights,
    )
    if options.refine is not None or options.engine == "gatys":
        return wanted
    if wanted != RefineOptions():
        raise BadRequest("There are options for a refinement, but none is asked for.", "Add --refine normal.")
    return None


def read_styles(words: list[str], pictures: dict[str, Region]) -> list[StyleChoice]:
    """Styles as a person names them: of the library, or picture files, which are read into ``pictures`` by name."""
    choices = []
    for word in words:
        path, weight = _style_file(word)
        if path is not None:
            choices.append(StyleChoice(_read_picture(path, pictures), _weight(word, weight)))
        elif any(Path(one).suffix.lower() in files.READABLE for one in (word, word.rpartition(":")[0])):
            raise BadRequest(f"There is no picture {word}.", "Name a file, or a style of: impasto styles")
        else:
            choices.append(StyleChoice.parse(files.as_text(word)))
    return choices


def style_files(words: list[str]) -> list[Path]:
    """Those of the styles that are picture files."""
    return [path for path, _ in map(_style_file, words) if path is not None]


def _style_file(word: str) -> tuple[Path | None, str]:
    """The picture file that a style names, if it is one, and its weight. A colon may be a part of the file's name."""
    file, colon, weight = word.rpartition(":")
    if Path(word).is_file():
        return Path(word), "1"
    return (Path(file), weight) if colon and Path(file).is_file() else (None, "")


def _read_picture(path: Path, pictures: dict[str, Region]) -> str:
    """Read a picture unless it is there already; returns the name that it has as a style: its path, with a slash in it.

    No style of the library has one, because its thumbnail and its example are files of its name.
    """
    name = files.as_text(path.as_posix())
    if "/" not in name:
        name = f"./{name}"
    if name not in pictures:
        pictures[name] = files.read(path)[0]
    return name


def _weight(word: str, weight: str) -> float:
    try:
        return float(weight)
    except ValueError:
        raise BadRequest(
            f"The weight in {word!r} is not a number.", "Write FILE:WEIGHT, such as sunflowers.jpg:0.7."
        ) from None


def add_mask_options(parser: argparse.ArgumentParser) -> None:
    """How the mask of the subject is made."""
    parser.add_argument("--feather", type=float, default=0.0, metavar="PX", help="soften the edge of the mask")
    parser.add_argument(
        "--grow", type=float, default=0.0, metavar="PX", help="move the edge of the mask outwards, below 0 inwards"
    )
    parser.add_argument(
        "--mask-model", choices=MASK_MODELS, default=MASK_MODELS[0], help="what finds the subject (default: impasto)"
    )


def stylize_options(options: argparse.Namespace, style: Styles, **more: Any) -> StylizeOptions:
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
        "feather": options.feather,
        "grow": options.grow,
        "mask_model": options.mask_model,
    }


def idle_area_options(options: argparse.Namespace) -> str:
    """Which options were given that only say how the subject is found, and what is done with its edge."""
    given = {
        "--mask": options.mask,
        "--mask-model": options.mask_model != MASK_MODELS[0],
        "--feather": options.feather,
        "--grow": options.grow,
    }
    return " and ".join(name for name, value in given.items() if value)


def mask_options(options: argparse.Namespace, **more: Any) -> MaskOptions:
    """What the arguments of `add_mask_options` ask for; raises BadRequest as `stylize_options` does."""
    return MaskOptions(
        mask_model=options.mask_model, feather=options.feather, grow=options.grow, device=options.device, **more
    )
