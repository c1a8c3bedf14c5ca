"""What is asked for: from the fields of a form, or of a JSON object, to options; and how OpenAPI describes them.

All of it is made from the parameters of `impasto_link.options`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from impasto.imaging.formats import SUFFIX_OF
from impasto_link.coats import Coat, StyleChoice
from impasto_link.errors import BadRequest, quoted
from impasto_link.options import MASK, REFINE, STYLIZE, MaskOptions, RefineOptions, StylizeOptions
from impasto_link.parameters import Choice, Parameter, check_all, choice, described, parameters, whole

_FORMATS = [Choice(name, name.upper()) for name in SUFFIX_OF]


@described
@dataclass(frozen=True)
class Writing:
    """As what kind of file results are written."""

    format: str = choice("png", "Format", "The kind of file that comes back", _FORMATS, group="result")
    quality: int = whole(95, "Quality", "Of JPEG, WebP and AVIF", 1, 100, group="result")

    def __post_init__(self) -> None:
        check_all(self)

    @property
    def suffix(self) -> str:
        """As `impasto.imaging.files.encode` takes it."""
        return SUFFIX_OF[self.format]

    @property
    def media_type(self) -> str:
        """As HTTP has it."""
        return f"image/{'jpeg' if self.format == 'jpg' else self.format}"


WRITING: dict[str, Parameter] = parameters(Writing)


class Order(NamedTuple):
    """What is to be done, and as what the results are to come."""

    options: StylizeOptions | MaskOptions
    writing: Writing


#: The fields that are files, by operation; beside them there are pictures as styles.
FILES = {"stylize": ("image", "mask", "selection"), "mask": ("image", "selection")}
#: The fields that are parameters, by operation. Those of a refinement have names of their own beside the request's.
_REFINEMENT = {f"refine_{name}": one for name, one in REFINE.items() if name not in ("preset", "iterations")}
PARAMETERS = {"stylize": {**STYLIZE, **_REFINEMENT, **WRITING}, "mask": {**MASK, **WRITING}}
#: The others, and how OpenAPI describes them.
_STYLES = {"type": "array", "items": {"type": "string"}}
_STRUCTURED: dict[str, dict[str, Any]] = {
    "style": {**_STYLES, "description": "Styles to paint like, each as NAME or NAME:WEIGHT; several are mixed."},
    "background_style": {**_STYLES, "description": "What to paint the background like; style is then the subject's."},
    "coats": {
        "type": "array",
        "items": {"type": "object"},
        "description": "Instead of both, what to paint where, from the bottom to the top: maps of style, where, "
        "strength and engine.",
    },
    "refine": {
        "type": "string",
        "description": f"Optimise the painting afterwards: {', '.join(REFINE['preset'].values)}, or how often.",
    },
    "settings": {"type": "object", "description": "Settings that only the chosen engine has, by name."},
}
STRUCTURED = {"stylize": _STRUCTURED, "mask": dict[str, dict[str, Any]]()}
_IN_JSON = ("coats", "settings")
_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def values_of_form(fields: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The fields of a form as those of a JSON object; what is empty is not given.

    Raises:
        BadRequest: one is there twice, or is no JSON where it has to be.
    """
    values: dict[str, Any] = {}
    for name, text in fields:
        if not text:
            continue
        if name in ("style", "background_style"):
            values.setdefault(name, []).append(text)
        elif name in values:
            raise BadRequest(f"The field {quoted(name)} is there twice.", "Leave one of them out.")
        elif name in _IN_JSON:
            try:
                values[name] = json.loads(text)
            except (ValueError, RecursionError):
                raise BadRequest(f"The field {name} is no JSON.", "Send a JSON text, or all of it as JSON.") from None
        else:
            values[name] = text
    return values


def order_of(
    operation: str, values: Mapping[str, Any], pictures: Collection[str] = (), *, masked: bool = False
) -> Order:
    """What fields ask for.

    Args:
        operation: ``stylize`` or ``mask``.
        values: by name; numbers may be texts.
        pictures: the names of pictures that are sent along as styles.
        masked: whether a mask is sent along.

    Raises:
        BadRequest: there is no such field, or it cannot have that value.
    """
    known = PARAMETERS[operation]
    unknown = sorted(values.keys() - known.keys() - STRUCTURED[operation].keys())
    if unknown:
        raise BadRequest(f"There is no option {quoted(unknown[0])}.", "All options: GET /v1/options")
    given = {name: _typed(known[name], value) for name, value in values.items() if name in known}
    writing = Writing(**{name: given.pop(name) for name in WRITING if name in given})
    if operation == "mask":
        return Order(MaskOptions(**given), writing)
    refining = {name.removeprefix("refine_"): given.pop(name) for name in _REFINEMENT if name in given}
    coats = values.get("coats", ())
    if not isinstance(coats, (list, tuple)):
        raise BadRequest("The coats cannot be read.", "Send them as a list of maps.")
    behind = _styles(values.get("background_style", ()), pictures)
    if masked and not (behind or coats):
        given.setdefault("area", "subject")
    options = StylizeOptions(
        _styles(values.get("style", ()), pictures),
        refine=_refinement(values.get("refine"), refining),
        background_styles=behind,
        coats=tuple(_coat(coat, pictures) for coat in coats),
        settings=values.get("settings", {}),
        **{"flatten": True, **given},
    )
    return Order(options, writing)


def _typed(parameter: Parameter, value: Any) -> Any:
    """A value as its parameter takes it; what cannot be read stays as it is, and the parameter says what is wrong."""
    if not isinstance(value, str):
        return value
    with suppress(ValueError):
        if parameter.kind == "number":
            return float(value)
        if parameter.kind == "whole":
            return int(value)
        if parameter.kind == "numbers":
            return [float(part) for part in value.split(",")]
    if parameter.kind == "switch":
        try:
            return _WORDS[value.lower()]
        except KeyError:
            raise BadRequest(f"{parameter.what} is {quoted(value)}, but has to be true or false.") from None
    return value


def _styles(named: Any, pictures: Collection[str]) -> tuple[StyleChoice, ...]:
    words = [named] if isinstance(named, str) else named
    if not isinstance(words, (list, tuple)) or not all(isinstance(word, str) for word in words):
        raise BadRequest("The styles cannot be read.", "Send a list of texts, each as NAME or NAME:WEIGHT.")
    parsed = map(StyleChoice.parse, words)
    return tuple(StyleChoice(one.name, one.weight, "frame" if one.name in pictures else "library") for one in parsed)


def _coat(entry: Any, pictures: Collection[str]) -> Coat:
    if not isinstance(entry, dict) or entry.keys() - {"style", "where", "strength", "engine"}:
        raise BadRequest("A coat cannot be read.", "Send a map of style, where, strength and engine.")
    return Coat(_styles(entry.pop("style", ()), pictures), **entry)


def _refinement(word: Any, refining: Mapping[str, Any]) -> RefineOptions | None:
    if word is None:
        if refining:
            raise BadRequest("There are options for a refinement, but none is asked for.", "Add refine: normal.")
        return None
    if isinstance(word, str) and not word.isdecimal():
        return RefineOptions(word, **refining)
    return RefineOptions(iterations=_typed(REFINE["iterations"], word), **refining)


# -- For OpenAPI -------------------------------------------------------------------------------------------------------


def properties(operation: str) -> dict[str, Any]:
    """The fields of an operation as JSON schema."""
    return {**STRUCTURED[operation], **{name: _schema(one) for name, one in PARAMETERS[operation].items()}}


def _schema(one: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"title": one.title, "description": f"{one.meaning[:1].upper()}{one.meaning[1:]}."}
    if one.default is not None:
        schema["default"] = list(one.default) if isinstance(one.default, tuple) else one.default
    limits = {"minimum": one.low, "maximum": one.high}
    if one.kind in ("number", "whole"):
        return {"type": "number" if one.kind == "number" else "integer", **limits, **schema}
    if one.kind == "numbers":
        return {"type": "array", "maxItems": one.most, "items": {"type": "number", **limits}, **schema}
    if one.kind == "switch":
        return {"type": "boolean", **schema}
    return {"type": "string", **({"enum": list(one.values)} if one.values else {}), **schema}
