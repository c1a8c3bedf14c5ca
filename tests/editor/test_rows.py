"""The rows that an editor shows: made from parameters and from what a server tells, whatever engines it has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from impasto_editor.choices import Choices
from impasto_editor.rows import Offer, Row, gathered
from impasto_link.options import STYLIZE
from impasto_link.parameters import Parameter

WAVES = Parameter("waves", "whole", 3, "Waves", "How many waves there are", low=1, high=9)
FROTH = Parameter("froth", "switch", False, "Froth", "Whether there is froth")
HELLO: dict[str, Any] = {
    "operations": ["stylize", "mask"],
    "engines": [
        {"name": "fixed", "title": "Trained networks", "tip": "", "accepts": ["library", "picture"], "parameters": []},
        {"name": "sea", "title": "Sea", "accepts": ["picture"], "parameters": [WAVES.to_wire(), FROTH.to_wire()]},
    ],
    "mask_models": [{"name": "impasto", "title": "Impasto", "tip": ""}, {"name": "u2net", "title": "U2-Net"}],
}


def named(rows: list[Row]) -> dict[str, Row]:
    return {row.parameter.name: row for row in rows}


def test_an_engine_that_nobody_here_knows_has_its_rows() -> None:
    rows = named(Offer.of(HELLO).rows("sea"))
    assert rows["engine"].parameter.values == ("fixed", "sea")
    assert rows["mask_model"].parameter.values == ("impasto", "u2net")
    assert (rows["waves"].parameter, rows["waves"].own, rows["waves"].first) == (WAVES, True, False)
    assert rows["waves"].tip == "How many waves there are"
    assert named(Offer.of(HELLO).rows("fixed")).keys() == rows.keys() - {"waves", "froth"}


def test_what_has_been_chosen_goes_along_and_comes_back() -> None:
    rows = Offer.of(HELLO).rows("sea")
    values = {"waves": 5, "froth": False, "engine": "sea", "strength": 0.5, "brush": 1.0}
    choices = Choices(values=gathered((row, values.get(row.parameter.name, row.parameter.default)) for row in rows))
    assert choices.values == {"engine": "sea", "strength": 0.5, "settings": {"waves": 5}}
    back = Choices.from_json(choices.to_json())
    assert back == choices
    assert {row.parameter.name: row.value(back) for row in rows if row.parameter.name in values} == values


@pytest.mark.parametrize(
    "hello",
    [
        {},
        {"engines": ["fixed", "adain"], "mask_models": ["impasto"]},
        {"engines": [{"name": "fixed", "parameters": [{"kind": "?"}]}], "mask_models": [None, {}]},
        {"engines": [{"name": "fixed", "title": "The only one"}], "mask_models": HELLO["mask_models"]},
    ],
)
def test_where_there_is_nothing_to_choose_there_is_no_row(hello: dict[str, Any]) -> None:
    rows = named(Offer.of(hello).rows("fixed"))
    assert not {"engine", "mask_model"} & rows.keys()
    assert list(rows)[:2] == ["strength", "brush"]


def test_a_row_is_shown_where_it_counts() -> None:
    rows = named(Offer.of(HELLO).rows("sea"))

    def shown(area: str, background: str = "") -> set[str]:
        choices = Choices.of("udnie", background, area=area)
        return {name for name in ("strength", "feather", "grow", "mask_model", "waves") if rows[name].counts(choices)}

    assert shown("everything") == {"strength", "waves"}
    assert shown("selection") == {"strength", "waves", "feather"}
    assert (
        shown("subject") == shown("everything", "great-wave") == {"strength", "feather", "grow", "mask_model", "waves"}
    )


def test_a_parameter_of_requests_has_a_row_without_being_named_here() -> None:
    elsewhere = {"area", "device", "flatten", "max_side", "engine", "mask_model"}
    assert named(Offer().rows("fixed")).keys() == STYLIZE.keys() - elsewhere


def test_no_editor_names_an_engine() -> None:
    root = Path(__file__).parents[2]
    for folder in ("krita_plugin", "gimp_plugin", "backend/impasto_editor"):
        for path in (root / folder).rglob("*.py"):
            named = [name for name in ("adain", "gatys", "dummy") if name in path.read_text(encoding="utf-8").lower()]
            assert not named, f"{path.name} names {named}"
