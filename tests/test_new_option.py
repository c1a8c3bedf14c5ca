"""A new option is declared in one place: the command line, the wire's check and the tables have it by that."""

from __future__ import annotations

import runpy
from argparse import ArgumentParser
from dataclasses import dataclass
from pathlib import Path

import pytest

from impasto.cli import options as cli
from impasto.cli import stylize
from impasto_editor.choices import Choices
from impasto_editor.rows import Offer
from impasto_link.errors import BadRequest
from impasto_link.options import STYLIZE, StylizeOptions
from impasto_link.parameters import described, number, parameters

TABLES = runpy.run_path(str(Path(__file__).parents[1] / "docs" / "tables.py"))


@described
@dataclass(frozen=True)
class WithDrip(StylizeOptions):
    """As it would be if `StylizeOptions` had one line more."""

    drip: float = number(0.0, "Drip", "How far the paint runs down", 0.0, 50.0, unit="px")


@pytest.fixture
def drip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STYLIZE, "drip", parameters(WithDrip)["drip"])
    monkeypatch.setattr(cli, "StylizeOptions", WithDrip)


@pytest.fixture
def parser(drip: None) -> ArgumentParser:
    parser = ArgumentParser(prog="impasto stylize")
    stylize.add_arguments(parser)
    return parser


def test_the_command_line_has_it(parser: ArgumentParser) -> None:
    assert "--drip PX how far the paint runs down (default: 0)" in " ".join(parser.format_help().split())
    given = parser.parse_args(["in.png", "-o", "out.png", "--style", "udnie", "--drip", "12"])
    wanted = cli.stylize_options(given, "udnie", area="everything")
    assert isinstance(wanted, WithDrip)
    assert wanted.drip == 12.0


def test_the_wire_has_it_and_checks_it() -> None:
    entry = WithDrip.of("udnie", drip=3).to_wire()
    assert entry["drip"] == 3.0
    assert WithDrip.from_wire(entry) == WithDrip.of("udnie", drip=3)
    with pytest.raises(BadRequest, match="The drip is 70, but has to be from 0 to 50"):
        WithDrip.from_wire({**entry, "drip": 70})


def test_editors_show_it(drip: None) -> None:
    (row,) = (row for row in Offer().rows("fixed") if row.parameter.name == "drip")
    assert row.value(Choices.of("udnie", drip=12.0)) == 12.0


def test_tables_and_docstrings_have_it(drip: None) -> None:
    assert "| `--drip PX` | how far the paint runs down (default: 0) |" in list(
        TABLES["TABLES"]["README.md"]["impasto stylize"]()
    )
    assert "| `drip` | 0 to 50 | 0 | how far the paint runs down |" in list(TABLES["fields"](STYLIZE)())
    assert "drip: how far the paint runs down; 0 to 50." in (WithDrip.__doc__ or "")


@pytest.mark.parametrize("path", TABLES["TABLES"])
def test_the_tables_of_the_documentation_are_as_the_options_are(path: str) -> None:
    found = (TABLES["ROOT"] / path).read_text(encoding="utf-8")
    assert found == TABLES["renewed"](path), f"{path} is stale: run make docs-tables"
