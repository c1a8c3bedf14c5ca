"""Options that several commands have."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from impasto.engines.registry import engine_facts
from impasto.imaging import files
from impasto.masking.models import mask_models
from impasto_link.coats import StyleChoice, Styles
from impasto_link.devices import DEVICES
from impasto_link.errors import BadRequest
from impasto_link.options import MASK, REFINE, STYLIZE, MaskOptions, RefineOptions, StylizeOptions
from impasto_link.parameters import Parameter
from impasto_link.pixels import Region

#: Under names of their own, because a request has a longest side, too.
_REFINEMENT = {
    f"refine_{name}": replace(parameter, name=f"refine_{name}", flag=parameter.flag or name.replace("_", "-"))
    for name, parameter in REFINE.items()
    if parameter.flag != ""
}


def of_group(known: dict[str, Parameter], *groups: str) -> list[Parameter]:
    """The parameters of some groups that the command line has."""
    return [one for one in known.values() if one.group in groups and one.flag != ""]


def add_parameters(parser: argparse._ActionsContainer, wanted: Iterable[Parameter]) -> None:
    """Arguments made from parameters: flag, help, range and default are what these say."""
    for parameter in wanted:
        if parameter.kind == "switch":
            parser.add_argument(flag_of(parameter), dest=parameter.name, action="store_true", help=_help(parameter))
        else:
            parser.add_argument(
                flag_of(parameter),
                dest=parameter.name,
                type=_TYPES[parameter.kind],
                choices=parameter.values or None,
                default=parameter.default,
                metavar=None if parameter.values else _metavar(parameter),
                help=_help(parameter),
            )


def flag_of(parameter: Parameter) -> str:
    """What a parameter is called on the command line: ``--keep-colors``."""
    return "--" + (parameter.flag or parameter.name.replace("_", "-"))


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
    if parameter.unit in ("%", "x"):
        return f"{parameter.low:g}..{parameter.high:g}"
    return {"numbers": "X,X,...", "name": "NAME", "device": "DEVICE"}.get(parameter.kind, "X")


def _help(parameter: Parameter) -> str:
    # A percent sign would begin a place for a value.
    tip = (parameter.tip[:1].lower() + parameter.tip[1:]).replace("%", "%%")
    if parameter.kind == "device":
        tip += f": {DEVICES}"
    default = parameter.default
    if default is None or parameter.kind == "switch":
        return tip
    return f"{tip} (default: {default:g})" if isinstance(default, (int, float)) else f"{tip} (default: {default})"


def add_style_options(parser: argparse.ArgumentParser) -> None:
    """All of `impasto_link.options.StylizeOptions`, by what they are about."""
    look = parser.add_argument_group("how it looks")
    look.add_argument(
        "--style",
        action="append",
        required=True,
        metavar="STYLE[:WEIGHT]",
        help="what to paint like: a style of the library or a picture file; several are mixed by weight",
    )
    add_parameters(look, of_group(STYLIZE, "look"))
    _add_area_options(parser.add_argument_group("where it shows"))
    _add_engine_options(parser.add_argument_group("what paints it"))
    add_parameters(parser.add_argument_group("refinement, for experts"), _REFINEMENT.values())
    add_parameters(parser, of_group(STYLIZE, "result", "running"))


def add_look_options(parser: argparse.ArgumentParser) -> None:
    """How a painting looks, without its style, and where it is computed."""
    add_parameters(parser, of_group(STYLIZE, "look", "running"))


def _add_area_options(parser: argparse._ActionsContainer) -> None:
    area = STYLIZE["area"]
    parser.add_argument(
        "--area", choices=area.values, help="where to paint (default: everything, with --mask the subject)"
    )
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


def add_mask_options(parser: argparse._ActionsContainer) -> None:
    """How the mask of the subject is made."""
    for one in of_group(MASK, "where"):
        add_parameters(parser, [_with_names(one, ", ".join(mask_models())) if one.name == "mask_model" else one])


def _with_names(parameter: Parameter, names: str) -> Parameter:
    """With the names that are known here; a server elsewhere may know others."""
    return replace(parameter, tip=f"{parameter.tip}: {names}")


def _engines() -> str:
    known = engine_facts().values()
    return ", ".join(f"{facts.name} ({facts.tip[:1].lower()}{facts.tip[1:]})" for facts in known)


def _add_engine_options(parser: argparse._ActionsContainer) -> None:
    for one in of_group(STYLIZE, "engine"):
        add_parameters(parser, [_with_names(one, _engines()) if one.name == "engine" else one])
    parser.add_argument(
        "--set",
        dest="settings",
        action="append",
        type=_setting,
        default=[],
        metavar="NAME=VALUE",
        help="a setting that only this engine has",
    )
    parser.add_argument(
        "--refine",
        metavar="|".join((*REFINE["preset"].values, "N")),
        help="optimise the painting afterwards: thoroughness in a word, or a number of iterations",
    )


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
    """The refinement that the arguments ask for; raises BadRequest as `stylize_options` does."""
    word = options.refine or "normal"
    wanted = RefineOptions(
        preset="normal" if word.isdecimal() else word,
        iterations=int(word) if word.isdecimal() else None,
        **{name.removeprefix("refine_"): getattr(options, name) for name in _REFINEMENT},
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
            choices.append(style_of_the_library(files.as_text(word)))
    return choices


def style_of_the_library(word: str) -> StyleChoice:
    """A style of the library as a person names it, perhaps with a weight."""
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


def stylize_options(options: argparse.Namespace, style: Styles, **more: Any) -> StylizeOptions:
    """What the arguments ask for; raises BadRequest with a sentence about a value that cannot be used."""
    return StylizeOptions.of(style, **{**given(options, STYLIZE), **more})


def mask_options(options: argparse.Namespace) -> MaskOptions:
    """What the arguments of `impasto mask` ask for; raises BadRequest as `stylize_options` does."""
    return MaskOptions(**given(options, MASK))


def given(options: argparse.Namespace, known: dict[str, Parameter]) -> dict[str, Any]:
    """The values of those parameters that a command has arguments for, by name."""
    return {name: getattr(options, name) for name in known if hasattr(options, name)}


def area_of(options: argparse.Namespace) -> str:
    """Where to paint: with a mask, but no style for what is around it, the subject."""
    return options.area or ("subject" if options.mask and not options.background_style else "everything")


def idle_area_options(options: argparse.Namespace) -> str:
    """Which options were given that only say how the subject is found, and what is done with its edge."""
    changed = [one for one in of_group(MASK, "where") if getattr(options, one.name) != one.default]
    return " and ".join([*(["--mask"] if options.mask else []), *map(flag_of, changed)])
