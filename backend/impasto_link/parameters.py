"""Parameters as data: what a person can choose, said once.

The command line's arguments, the check of what comes over the wire, GIMP's arguments, Krita's rows and the tables of
the documentation are made from it. A field of a dataclass is declared with its parameter:

    strength: float = number(1.0, "Strength", "0 gives the original, 1 the full style", 0.0, 1.0, unit="%")

and `parameters` gives them by name. An engine states parameters of its own in the same words; they travel as data.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from numbers import Integral, Real
from typing import Any, TypeVar

from impasto_link.devices import DEVICES, is_device
from impasto_link.errors import BadRequest, quoted
from impasto_link.sentences import say

#: Letters in the name of something that the server knows: an engine, a network.
MAX_NAME = 1000


@dataclass(frozen=True)
class Choice:
    """One of several values.

    Attributes:
        value: as in Python and on the wire.
        title: what an editor calls it.
        tip: what it means, if the title does not say so.
    """

    value: str
    title: str
    tip: str = ""


@dataclass(frozen=True)
class Parameter:
    """What a person can choose, as data.

    Attributes:
        name: as in Python and on the wire.
        kind: ``number``, ``whole`` (a number without fraction), ``numbers`` (a row of them), ``switch``, ``choice``
            (one of ``choices``), ``name`` (of something that the server knows) or ``device``.
        default: what holds if nobody chooses; where it is None, None may be chosen, too.
        title: what a row in an editor is called; English, which editors translate.
        tip: what it does, in a sentence without a full stop.
        more: what beyond it only documentation says, without a full stop.
        low, high: the range of numbers, and of ``numbers`` each of them.
        choices: of a ``choice``, in the order of offer.
        unit: "px", "x" (times), or "%", of which a value of 1 is shown as 100.
        scale: how a slider is spaced: ``even``, ``log`` (half and twice lie equally far from 1) or ``square`` (finer
            near 0).
        slider: what a slider reaches, where that is less than the range.
        most: how many ``numbers`` there may be.
        noun: how a sentence about it begins; by default "The" and the title.
        flag: on the command line; by default the name. Empty: not there.
        group: what it is about: ``look``, ``where`` (the painting shows), ``engine``, ``refinement``, ``result`` (in
            which form it comes back) or ``running``.
        expert: whether it is only for people who know the method.
    """

    name: str
    kind: str
    default: Any
    title: str
    tip: str = ""
    more: str = ""
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[Choice, ...] = ()
    unit: str = ""
    scale: str = "even"
    slider: tuple[float, float] | None = None
    most: int = 0
    noun: str = ""
    flag: str | None = None
    group: str = "look"
    expert: bool = False

    def __post_init__(self) -> None:
        if self.scale == "log" and not self.reach[0] > 0.0:
            raise ValueError(f"{self.title} begins at {self.reach[0]:g}, which has no logarithm")

    @property
    def values(self) -> tuple[str, ...]:
        """Of a ``choice``, in the order of offer."""
        return tuple(choice.value for choice in self.choices)

    @property
    def bounds(self) -> tuple[float, float]:
        """The range."""
        return self.low, self.high

    @property
    def what(self) -> str:
        """How a sentence about it begins."""
        return self.noun or f"The {self.title[:1].lower()}{self.title[1:]}"

    @property
    def meaning(self) -> str:
        """What it does, as documentation says it: a phrase without a full stop."""
        return "; ".join(filter(None, [self.tip[:1].lower() + self.tip[1:], self.more]))

    @property
    def allowed(self) -> str:
        """What it can be, in words: ``0.25 to 4``, ``gram, mean-std, wasserstein``."""
        span = f"{self.low:.15g} to {self.high:.15g}"
        words = {
            "numbers": f"1 to {self.most} numbers, {span}",
            "switch": "true or false",
            "choice": ", ".join(self.values),
            "name": "a name",
            "device": DEVICES,
        }
        return words.get(self.kind, span)

    def check(self, value: object) -> Any:
        """The value in the type that it has to have.

        Raises:
            BadRequest: it has another one, or is not in the range.
        """
        return None if value is None and self.default is None else _CHECKS[self.kind](self, value)

    @property
    def reach(self) -> tuple[float, float]:
        """What a slider reaches."""
        return self.slider or self.bounds

    def place(self, value: float) -> float:
        """Where on a slider a value lies, from 0 to 1; one beyond the slider's reach lies at its end."""
        low, high = self.reach
        start, end, here = map(self._even, (low, high, min(max(value, low), high)))
        return (here - start) / (end - start)

    def at(self, place: float) -> float:
        """The value at a place on a slider, from 0 to 1."""
        low, high = map(self._even, self.reach)
        even = low + place * (high - low)
        if self.scale == "log":
            return math.exp(even)
        return math.copysign(even * even, even) if self.scale == "square" else even

    def _even(self, value: float) -> float:
        """A value on the scale on which a slider is even."""
        if self.scale == "log":
            return math.log(value)
        return math.copysign(math.sqrt(abs(value)), value) if self.scale == "square" else value

    def text(self, value: float) -> str:
        """A number as a person reads it, with its unit: ``80 %``, ``1.5 x``, ``12 px``."""
        shown = 100 * value if self.unit == "%" else value
        return f"{round(shown, 2):g} {self.unit}".strip()

    def to_wire(self) -> dict[str, Any]:
        """As a header has it; what is as usual is left out, and so are bounds that there are none."""
        usual = {field.name: field.default for field in dataclasses.fields(self)}
        entry = {name: getattr(self, name) for name, value in usual.items() if getattr(self, name) != value}
        entry["default"] = self.default
        entry["choices"] = [dataclasses.astuple(choice) for choice in self.choices]
        return entry

    @classmethod
    def from_wire(cls, entry: Mapping[str, Any]) -> Parameter:
        """Read it out of a header; what is not known is ignored.

        Raises:
            BadRequest: it is none.
        """
        known = {field.name: entry[field.name] for field in dataclasses.fields(cls) if field.name in entry}
        try:
            known["choices"] = tuple(Choice(*map(str, one)) for one in known.get("choices", ()))
            known["slider"] = tuple(known["slider"]) if known.get("slider") else None
            found = cls(**known)
            if found.kind not in _CHECKS or not isinstance(found.name, str) or not isinstance(found.title, str):
                raise ValueError(found.kind)
            found.check(found.default)
        except (TypeError, ValueError, KeyError, BadRequest) as error:
            raise BadRequest(say("A parameter cannot be read: {error}.", error=quoted(error))) from None
        return found


def _check_number(parameter: Parameter, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, Real) or not is_finite(value):
        raise BadRequest(
            say(
                "{what} has to be a number, not {value}.",
                what=parameter.what,
                title=parameter.title,
                value=quoted(value),
            )
        )
    number = float(value)
    if not parameter.low <= number <= parameter.high:
        raise BadRequest(
            say(
                "{what} is {number}, but has to be from {low} to {high}.",
                what=parameter.what,
                title=parameter.title,
                number=f"{number:g}",
                low=f"{parameter.low:g}",
                high=f"{parameter.high:g}",
            )
        )
    return number


def _check_whole(parameter: Parameter, value: object) -> int:
    low, high = parameter.low, parameter.high
    # Numbers of numpy are of these kinds, too.
    if isinstance(value, bool) or not isinstance(value, Integral) or not low <= int(value) <= high:
        raise BadRequest(
            say(
                "{what} has to be a whole number from {low} to {high}, not {value}.",
                what=parameter.what,
                title=parameter.title,
                low=f"{low:.0f}",
                high=f"{high:.0f}",
                value=quoted(value),
            )
        )
    return int(value)


def _check_numbers(parameter: Parameter, value: object) -> tuple[float, ...]:
    if not isinstance(value, (list, tuple)) or not 1 <= len(value) <= parameter.most:
        raise BadRequest(
            say(
                "{what} have to be 1 to {most} numbers.",
                what=parameter.what,
                title=parameter.title,
                most=parameter.most,
            )
        )
    one = dataclasses.replace(parameter, noun=f"One of {parameter.what[:1].lower()}{parameter.what[1:]}")
    return tuple(_check_number(one, each) for each in value)


def _check_switch(parameter: Parameter, value: object) -> bool:
    return bool(value)


def _check_choice(parameter: Parameter, value: object) -> str:
    if not isinstance(value, str) or value not in parameter.values:
        raise BadRequest(
            say("{what} {value} is not known.", what=parameter.what, title=parameter.title, value=quoted(value)),
            say("Known are {known}.", known=", ".join(parameter.values)),
        )
    return value


def _check_name(parameter: Parameter, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or not value.isprintable():
        raise BadRequest(
            say("{what} {value} is not known.", what=parameter.what, title=parameter.title, value=quoted(value))
        )
    return value


def _check_device(parameter: Parameter, value: object) -> str:
    if not isinstance(value, str) or not is_device(value):
        raise BadRequest(
            say("{what} {value} is not known.", what=parameter.what, title=parameter.title, value=quoted(value)),
            say("Use {devices}.", devices=DEVICES),
        )
    return value


_CHECKS = {
    "number": _check_number,
    "whole": _check_whole,
    "numbers": _check_numbers,
    "switch": _check_switch,
    "choice": _check_choice,
    "name": _check_name,
    "device": _check_device,
}


def is_finite(value: Real | float) -> bool:
    """Whether a number is one that a float has room for."""
    try:
        return math.isfinite(value)
    except OverflowError:
        # A whole number of too many digits.
        return False


# --- fields of dataclasses


def number(default: float, title: str, tip: str, low: float, high: float, **facts: Any) -> Any:
    """A field that is a number."""
    return _declared("number", default, title, tip, low=low, high=high, **facts)


def whole(default: int | None, title: str, tip: str, low: int, high: int, **facts: Any) -> Any:
    """A field that is a number without fraction."""
    return _declared("whole", default, title, tip, low=low, high=high, **facts)


def numbers(title: str, tip: str, low: float, high: float, most: int, **facts: Any) -> Any:
    """A field that is a row of numbers, or None."""
    return _declared("numbers", None, title, tip, low=low, high=high, most=most, **facts)


def switch(title: str, tip: str, **facts: Any) -> Any:
    """A field that is off unless it is switched on."""
    return _declared("switch", False, title, tip, **facts)


def choice(default: str | None, title: str, tip: str, choices: Iterable[Choice], **facts: Any) -> Any:
    """A field that is one of several values."""
    return _declared("choice", default, title, tip, choices=tuple(choices), **facts)


def name(default: str | None, title: str, tip: str, **facts: Any) -> Any:
    """A field that names something which the server knows."""
    return _declared("name", default, title, tip, **facts)


def device() -> Any:
    """A field that says where to compute."""
    return _declared("device", "auto", "Device", "Where to compute", group="running")


def _declared(kind: str, default: Any, title: str, tip: str, **facts: Any) -> Any:
    parameter = Parameter("", kind, default, title, tip, **facts)
    return dataclasses.field(default=default, metadata={"parameter": parameter})


@cache
def parameters(options: type) -> dict[str, Parameter]:
    """The parameters of a dataclass by name, in the order of its fields."""
    return {
        field.name: dataclasses.replace(field.metadata["parameter"], name=field.name)
        for field in dataclasses.fields(options)
        if "parameter" in field.metadata
    }


_Options = TypeVar("_Options", bound=type)


def described(options: _Options) -> _Options:
    """A dataclass whose docstring ends with its parameters."""
    lines = [f"    {one.name}: {one.meaning}; {one.allowed}." for one in parameters(options).values()]
    heading = "" if "Attributes:" in (options.__doc__ or "") else "\n\n    Attributes:"
    options.__doc__ = "\n    ".join([(options.__doc__ or "").rstrip() + heading, *lines, ""])
    return options


def check_all(options: Any) -> None:
    """Bring every parameter of a dataclass, which may be frozen, into its type; raises as `Parameter.check` does."""
    for parameter in parameters(options.__class__).values():
        object.__setattr__(options, parameter.name, parameter.check(getattr(options, parameter.name)))


def check_settings(given: Mapping[str, Any], known: Mapping[str, Parameter], of: str) -> dict[str, Any]:
    """Values for parameters by name, each in its type.

    Args:
        given: the values.
        known: the parameters that there are.
        of: whose they are, for a sentence: ``the engine fixed``.

    Raises:
        BadRequest: there is no such parameter, or it cannot have that value.
    """
    unknown = [one for one in given if one not in known]
    if unknown:
        has = say("It has {known}.", known=", ".join(known)) if known else say("It has none.")
        raise BadRequest(
            say("{of} has no setting {name}.", of=of[:1].upper() + of[1:], name=quoted(unknown[0])),
            has,
        )
    return {one: known[one].check(value) for one, value in given.items()}
