"""Parameters as data: one declaration, and all that is made from it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from impasto_link.errors import BadRequest
from impasto_link.options import MASK, REFINE, STYLIZE, RefineOptions, StylizeOptions
from impasto_link.parameters import Choice, Parameter, check_settings

ALL = [*STYLIZE.values(), *REFINE.values(), *MASK.values()]


@pytest.mark.parametrize("parameter", ALL, ids=lambda one: one.name)
def test_a_parameter_is_the_same_after_the_wire(parameter: Parameter) -> None:
    assert Parameter.from_wire(parameter.to_wire()) == parameter
    assert parameter.check(parameter.default) == parameter.default
    assert parameter.tip[0] == parameter.tip[0].upper()
    assert not parameter.tip.endswith(".")


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"name": "x", "kind": "magic", "default": 1, "title": "X"},
        {"name": "x", "kind": "number", "default": "much", "title": "X"},
        {"name": "x", "kind": "number", "default": 2.0, "title": "X", "high": 1.0},
        {"name": "x", "kind": "number", "default": 2.0, "title": "X", "low": "none"},
        {"name": "x", "kind": "number", "default": 2.0, "title": "X", "low": 0.0, "scale": "log"},
        {"name": "x", "kind": "choice", "default": "a", "title": "X", "choices": [[]]},
        {"name": 5, "kind": "switch", "default": False, "title": "X"},
    ],
)
def test_what_is_no_parameter_is_refused_in_a_sentence(entry: dict[str, object]) -> None:
    with pytest.raises(BadRequest, match="cannot be read"):
        Parameter.from_wire(entry)


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("strength", 7, "The strength is 7, but has to be from 0 to 1."),
        ("strength", math.nan, "The strength has to be a number, not"),
        ("strength", 10**400, "The strength has to be a number, not"),
        ("brush", True, "The brush size has to be a number, not"),
        ("area", "moon", "The area 'moon' is not known."),
        ("max_side", 20.5, "A preview's longest side has to be a whole number from 16 to 1048576, not"),
        ("engine", "", "The engine '' is not known."),
        ("device", "cuda:x", "The device 'cuda:x' is not known."),
    ],
)
def test_what_does_not_fit_is_refused_with_title_and_range(name: str, value: Any, sentence: str) -> None:
    with pytest.raises(BadRequest) as refused:
        StylizeOptions.of("udnie", **{name: value})
    assert refused.value.message.startswith(sentence)


@pytest.mark.parametrize("weights", [(), (1,) * 6, "11", (1, -1)])
def test_weights_of_layers_are_some_numbers(weights: tuple[float, ...]) -> None:
    with pytest.raises(BadRequest, match="he weights of the layers"):
        RefineOptions(layer_weights=weights)


@pytest.mark.parametrize("parameter", [STYLIZE["brush"], STYLIZE["feather"], STYLIZE["grow"], STYLIZE["strength"]])
def test_a_slider_gives_back_the_value_of_a_place(parameter: Parameter) -> None:
    low, high = parameter.reach
    for value in (low, (low + high) / 3, high):
        assert parameter.at(parameter.place(value)) == pytest.approx(value)
    assert (parameter.place(low), parameter.place(high)) == (0, 1)
    assert parameter.place(parameter.high) == 1


def test_sliders_are_spaced_as_their_scale_says() -> None:
    brush, feather = STYLIZE["brush"], STYLIZE["feather"]
    assert brush.place(1.0) == pytest.approx(0.5)
    assert feather.at(0.5) == pytest.approx(50.0)


def test_values_are_said_with_their_units() -> None:
    assert STYLIZE["strength"].text(0.805) == "80.5 %"
    assert STYLIZE["brush"].text(1.5) == "1.5 x"
    assert STYLIZE["feather"].text(12.0) == "12 px"


def test_settings_are_checked_against_those_that_there_are() -> None:
    known = {
        "drip": Parameter("drip", "number", 0.0, "Drip", low=0.0, high=1.0),
        "paper": Parameter("paper", "choice", "rough", "Paper", choices=(Choice("rough", "Rough"),)),
    }
    assert check_settings({"drip": 1, "paper": "rough"}, known, "the engine x") == {"drip": 1.0, "paper": "rough"}
    with pytest.raises(BadRequest, match="The engine x has no setting 'wind'"):
        check_settings({"wind": 1}, known, "the engine x")
    with pytest.raises(BadRequest, match="The drip is 2, but"):
        check_settings({"drip": 2}, known, "the engine x")


@pytest.mark.parametrize(
    "settings", [5, {3: 1}, {"x": []}, {"x": math.inf}, {"x": "a" * 2000}, {"x": 10**400}, {"x": 2**64}]
)
def test_settings_are_single_values_under_names(settings: Any) -> None:
    with pytest.raises(BadRequest, match="setting"):
        StylizeOptions.of("udnie", settings=settings)


def test_docstrings_tell_the_parameters() -> None:
    assert "keep_colors: take light and dark from the style" in (StylizeOptions.__doc__ or "")
    assert all(field.name in (StylizeOptions.__doc__ or "") for field in dataclasses.fields(StylizeOptions))
