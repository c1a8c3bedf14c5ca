"""What a person can ask for: one set of words for the wire, the command line, the plugins and the Python API."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Union

from impasto_link.errors import BadRequest

ENGINES = ("fixed",)
BRUSH_RANGE = (0.25, 4.0)
MAX_STYLES = 16


@dataclass(frozen=True)
class StyleChoice:
    """A style of the library and its share in a mixture; shares are relative to their sum."""

    name: str
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise BadRequest("A style has to have a name.")
        object.__setattr__(self, "weight", _number("The weight of a style", self.weight, 0.0, 1e6))

    @classmethod
    def parse(cls, text: str) -> StyleChoice:
        """Read ``NAME`` or ``NAME:WEIGHT``."""
        name, colon, weight = text.partition(":")
        if not colon:
            return cls(name)
        try:
            return cls(name, float(weight))
        except ValueError:
            raise BadRequest(
                f"The weight in {text!r} is not a number.", "Write NAME:WEIGHT, such as starry-night:0.7."
            ) from None


#: The ways in which a person may name styles.
Styles = Union[str, StyleChoice, Iterable[str | StyleChoice], "dict[str, float]"]


@dataclass(frozen=True)
class StylizeOptions:
    """How a layer is to be painted.

    Attributes:
        styles: what to paint like; several are mixed by weight.
        engine: ``fixed``, the trained feed-forward networks.
        strength: 0 gives the original, 1 the full style.
        brush: size of the strokes; 2 paints with strokes twice as large as the network's own, from 0.25 to 4.
        keep_colors: keep the colours of the original and take only light and dark from the style.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:N``.
        max_side: for a preview, the longest side of the answer in pixels; strokes shrink with the picture.
    """

    styles: tuple[StyleChoice, ...]
    engine: str = "fixed"
    strength: float = 1.0
    brush: float = 1.0
    keep_colors: bool = False
    device: str = "auto"
    max_side: int | None = None

    def __post_init__(self) -> None:
        if not 0 < len(self.styles) <= MAX_STYLES:
            raise BadRequest(f"A picture takes 1 to {MAX_STYLES} styles, not {len(self.styles)}.")
        if not any(choice.weight > 0 for choice in self.styles):
            raise BadRequest("All styles have the weight 0.", "Give at least one of them a weight above 0.")
        if self.engine not in ENGINES:
            raise BadRequest(f"The engine {self.engine!r} is not known.", f"Known are {', '.join(ENGINES)}.")
        object.__setattr__(self, "strength", _number("The strength", self.strength, 0.0, 1.0))
        object.__setattr__(self, "brush", _number("The brush size", self.brush, *BRUSH_RANGE))
        kind, _, index = str(self.device).partition(":")
        if kind not in ("auto", "cpu", "cuda") or (index and (kind != "cuda" or not index.isdecimal())):
            raise BadRequest(f"The device {self.device!r} is not known.", "Use auto, cpu, cuda or cuda:1.")
        if self.max_side is not None and (type(self.max_side) is not int or self.max_side < 16):
            raise BadRequest("A preview's longest side has to be a whole number of at least 16 pixels.")

    @classmethod
    def of(cls, style: Styles, **options: Any) -> StylizeOptions:
        """Options for a style named as a person would: ``"udnie"``, ``["udnie:2", "the-scream"]``, ``{"udnie": 2}``."""
        if isinstance(style, (str, StyleChoice)):
            style = [style]
        if isinstance(style, dict):
            style = [StyleChoice(name, weight) for name, weight in style.items()]
        chosen = tuple(one if isinstance(one, StyleChoice) else StyleChoice.parse(one) for one in style)
        return cls(chosen, **options)

    def to_wire(self) -> dict[str, Any]:
        """The fields of a request's header."""
        entry = {field.name: getattr(self, field.name) for field in fields(self) if field.name != "styles"}
        return {**entry, "styles": [[choice.name, choice.weight] for choice in self.styles]}

    @classmethod
    def from_wire(cls, entry: dict[str, Any]) -> StylizeOptions:
        """Read the options out of a header; what it does not name has its default, what is not known is ignored."""
        try:
            styles = tuple(StyleChoice(name, weight) for name, weight in entry["styles"])
        except (KeyError, TypeError, ValueError):
            raise BadRequest("The request names no styles.", "Send them as a list of [name, weight] pairs.") from None
        known = {field.name for field in fields(cls)} - {"styles"}
        return cls(styles, **{key: value for key, value in entry.items() if key in known})


def _number(what: str, value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise BadRequest(f"{what} has to be a number, not {value!r}.")
    if not low <= value <= high:
        raise BadRequest(f"{what} is {value:g}, but has to be from {low:g} to {high:g}.")
    return float(value)
