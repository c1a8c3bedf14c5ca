"""Which rows an editor shows beside style and area: from the parameters that there are and from what the server tells.

A row is a parameter of the request or one of an engine's own. An editor has a widget for each kind of parameter and
none for a certain one; so what an engine brings along is there as soon as the server tells of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from impasto_editor.choices import Choices
from impasto_editor.texts import tr
from impasto_link.errors import BadRequest
from impasto_link.options import STYLIZE
from impasto_link.parameters import Choice, Parameter

#: What is always to be seen; all else is for those who look for more.
FIRST = ("strength", "brush", "keep_colors", "feather")
#: What has a place of its own, or is the editor's business.
ELSEWHERE = ("area", "device", "flatten", "max_side")
#: What counts only where the server looks for the subject.
_OF_SUBJECTS = ("feather", "grow", "mask_model")


@dataclass(frozen=True)
class Engine:
    """What the server tells of an engine."""

    name: str
    title: str
    tip: str = ""
    refines: bool = False
    parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True)
class Offer:
    """What a server can do.

    Attributes:
        engines: by name, in the order of offer.
        mask_models: what can find the subject.
        subject: whether it finds subjects at all.
    """

    engines: Mapping[str, Engine] = field(default_factory=dict)
    mask_models: tuple[Choice, ...] = ()
    subject: bool = False

    @classmethod
    def of(cls, hello: Mapping[str, Any]) -> Offer:
        """Read it out of the answer to ``hello``; what cannot be read is not offered."""
        engines = [_engine(entry) for entry in hello.get("engines", ())]
        models = [_choice(entry) for entry in hello.get("mask_models", ())]
        return cls(
            {one.name: one for one in engines if one is not None},
            tuple(one for one in models if one is not None),
            "mask" in hello.get("operations", ()),
        )

    def rows(self, engine: str) -> list[Row]:
        """What there is to choose with an engine; what `counts` now is to be shown now."""
        found = self.engines.get(engine)
        own = found.parameters if found is not None else ()
        return [Row(one, first=one.name in FIRST) for one in self._parameters()] + [Row(one, own=True) for one in own]

    def _parameters(self) -> list[Parameter]:
        """Those of a request, the first ones first; names of what only the server knows become a choice."""
        known = {**STYLIZE, "engine": self._engine_choice(), "mask_model": self._model_choice()}
        order = [*FIRST, *(name for name in known if name not in FIRST)]
        return [one for one in (known[name] for name in order) if one is not None and one.name not in ELSEWHERE]

    def _engine_choice(self) -> Parameter | None:
        choices = tuple(Choice(one.name, one.title, one.tip) for one in self.engines.values())
        return _among(STYLIZE["engine"], choices)

    def _model_choice(self) -> Parameter | None:
        return _among(STYLIZE["mask_model"], self.mask_models) if self.subject else None


@dataclass(frozen=True)
class Row:
    """A parameter that is shown.

    Attributes:
        parameter: what it is.
        first: whether it is always to be seen, and not only by those who look for more.
        own: whether it is one of the engine's own.
    """

    parameter: Parameter
    first: bool = False
    own: bool = False

    @property
    def title(self) -> str:
        """What it is called, in the user's language."""
        return tr(self.parameter.title)

    @property
    def tip(self) -> str:
        """What it does, in the user's language."""
        return tr(self.parameter.tip)

    def counts(self, choices: Choices) -> bool:
        """Whether it changes anything with these choices."""
        if self.own or self.parameter.name not in _OF_SUBJECTS:
            return True
        return choices.needs_subject or (self.parameter.name == "feather" and choices.area == "selection")

    def value(self, choices: Choices) -> Any:
        """What was chosen, or what holds if nobody has."""
        values = choices["settings"] if self.own else choices.values
        return values.get(self.parameter.name, self.parameter.default)


def gathered(values: Iterable[tuple[Row, Any]]) -> dict[str, Any]:
    """The values of rows as `Choices` have them, those that are as usual left out."""
    chosen = [(row, value) for row, value in values if value != row.parameter.default]
    settings = {row.parameter.name: value for row, value in chosen if row.own}
    found = {row.parameter.name: value for row, value in chosen if not row.own}
    return {**found, "settings": settings} if settings else found


def _among(parameter: Parameter, choices: tuple[Choice, ...]) -> Parameter | None:
    """A choice among what the server has; None where there is nothing to choose."""
    return replace(parameter, kind="choice", choices=choices) if len(choices) > 1 else None


def _engine(entry: Any) -> Engine | None:
    with suppress(TypeError, KeyError, ValueError, AttributeError, BadRequest):
        return Engine(
            str(entry["name"]),
            str(entry.get("title") or entry["name"]),
            str(entry.get("tip", "")),
            bool(entry.get("refines", False)),
            tuple(Parameter.from_wire(one) for one in entry.get("parameters", ())),
        )
    return None


def _choice(entry: Any) -> Choice | None:
    with suppress(TypeError, KeyError, AttributeError):
        return Choice(str(entry["name"]), str(entry.get("title") or entry["name"]), str(entry.get("tip", "")))
    return None
