"""Options that several commands have."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from impasto.engines.registry import engine_facts
from impasto.imaging import files
from impasto_link.coats import StyleChoice, Styles
from impasto_link.errors import BadRequest
from impasto_link.options import MASK, REFINE, STYLIZE, MaskOptions, RefineOptions, StylizeOptions
from impasto_link.parameters import Parameter
from impasto_link.pixels import Region

#: What says how the subject is found, and what is done with its edge.
_OF_THE_MASK = ("feather", "grow", "mask_model")


def add_parameters(parser: argparse._ActionsContainer, known: Mapping[str, Parameter], names: Iterable[str]) -> None:
    """Arguments made from parameters: flag, help, range and default are what these say."""
    for name in names:
        parameter = known[name]
        flag = "--" + (parameter.flag or name.replace("_", "-"))
        if parameter.kind == "switch":
            parser.add_argument(flag, dest=name, action="store_true", help=parameter.tip)
            continue
        parser.add_argument(
            flag,
            dest=name,
            type=_TYPES[parameter.kind],
            choices=parameter.values or None,
            default=parameter.default,
            metavar=None if parameter.values else _metavar(parameter),
            help=parameter.tip + _usually(parameter),
        )


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a row of numbers with commas between them") from None


_TYPES: dict[str, Callable[[str], Any]] = {
    "number": float,
    "whole": int,
    "numbers": _numbers,
    "choice": str,
    "name": str,
    "device": str,
}


def _metavar(parameter: Parameter) -> str:
    if parameter.unit == "px":
        return "PX"
    if parameter.kind == "number" and parameter.high <= 4:
        return f"{parameter.low:g}..{parameter.high:g}"
    return {"numbers": "X,X,...", "name": "NAME", "device": "DEVICE"}.get(parameter.kind, "X")


def _usually(parameter: Parameter) -> str:
    default = parameter.default
    if default is None:
        return ""
    return f" (default: {default:g})" if isinstance(default, (int, float)) else f" (default: {default})"


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
    add_parameters(parser, STYLIZE, ("strength", "brush", "keep_colors", "device"))


def add_area_options(parser: argparse.ArgumentParser) -> None:
    """Where the painting shows."""
    tip = f"{STYLIZE['area'].tip} (default: everything, with --mask the subject)"
    parser.add_argument("--area", choices=STYLIZE["area"].values, help=tip)
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
    engines = "; ".join(f"{facts.name}: {facts.tip[:1].lower()}{facts.tip[1:]}" for facts in engine_facts().values())
    parser.add_argument(
        "--engine", default=STYLIZE["engine"].default, metavar="NAME", help=f"what paints. {engines} (default: fixed)"
    )
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        type=_setting,
        default=[],
        metavar="NAME=VALUE",
        help="a setting that only this engine has",
    )
    preset = REFINE["preset"]
    words = "|".join((*preset.values, "N"))
    parser.add_argument("--refine", metavar=words, help=f"{preset.tip}, or how many iterations")
    experts = parser.add_argument_group("refinement, for experts")
    add_parameters(experts, _EXPERT, _EXPERT)


#: Under names of their own, because a request has a longest side, too.
_EXPERT = {
    f"refine_{name}": replace(parameter, flag=parameter.flag or name.replace("_", "-"))
    for name, parameter in REFINE.items()
    if parameter.expert
}


def _setting(text: str) -> tuple[str, bool | int | float | str]:
    """``NAME=VALUE``, the value a number or one of yes and no if it looks like one."""
    name, equals, value = text.partition("=")
    if not name or not equals:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            pass
    return name, {"yes": True, "true": True, "no": False, "false": False}.get(value.lower(), value)


def refine_options(options: argparse.Namespace) -> RefineOptions | None:
    """What the arguments of `add_engine_options` ask for; raises BadRequest as `stylize_options` does."""
    word = options.refine or "normal"
    wanted = RefineOptions(
        preset="normal" if word.isdecimal() else word,
        iterations=int(word) if word.isdecimal() else None,
        **{name.removeprefix("refine_"): getattr(options, name) for name in _EXPERT},
    )
    if options.refine is not None or not _paints(options.engine):
        return wanted
    if wanted != RefineOptions():
        raise BadRequest("There are options for a refinement, but none is asked for.", "Add --refine normal.")
    return None


def _paints(engine: str) -> bool:
    """Whether an engine paints in one pass; of one that only a server elsewhere knows it is taken for granted."""
    facts = engine_facts().get(engine)
    return facts is None or facts.paints


def read_styles(words: list[str], pictures: dict[str, Region]) -> list[StyleChoice]:
    """Styles as a person names them: of the library, or picture files, which are read into ``pictures`` by name."""
    choices = []
    for word in words:
        path, weight = _style_file(word)
        if path is not None:
            choices.append(StyleChoice(_read_picture(path, pictures), _weight(word, weight), "frame"))
        elif any(Path(one).suffix.lower() in files.READABLE for one in (word, word.rpartition(":")[0])):
            raise BadRequest(f"There is no picture {word}.", "Name a file, or a style of: impasto styles")
        else:
            choices.append(_of_the_library(files.as_text(word)))
    return choices


def _of_the_library(word: str) -> StyleChoice:
    return replace(StyleChoice.parse(word), kind="library")


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
    """Read a picture unless it is there already; returns the name that it has as a style: its path."""
    name = files.as_text(path.as_posix())
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
    add_parameters(parser, MASK, _OF_THE_MASK)


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
        **{name: getattr(options, name) for name in _OF_THE_MASK},
    }


def idle_area_options(options: argparse.Namespace) -> str:
    """Which options were given that only say how the subject is found, and what is done with its edge."""
    set_ones = [name for name in _OF_THE_MASK if getattr(options, name) != MASK[name].default]
    given = {"--mask": options.mask, **{f"--{name.replace('_', '-')}": True for name in set_ones}}
    return " and ".join(name for name, value in given.items() if value)


def mask_options(options: argparse.Namespace, **more: Any) -> MaskOptions:
    """What the arguments of `add_mask_options` ask for; raises BadRequest as `stylize_options` does."""
    wanted = {name: getattr(options, name) for name in (*_OF_THE_MASK, "device")}
    return MaskOptions(**wanted, **more)
