"""The tables of options in the documentation, made from `impasto_link.parameters`: `make docs-tables` writes them."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

from impasto.cli import stylize, video, web
from impasto.engines.registry import engine_facts
from impasto.masking.models import mask_models
from impasto_editor.rows import Offer
from impasto_link.coats import Coat
from impasto_link.options import MASK, REFINE, STYLIZE
from impasto_link.parameters import Parameter, parameters

ROOT = Path(__file__).parents[1]


def command_line(command: ModuleType) -> Callable[[], Iterator[str]]:
    """All options of a command but those for experts."""

    def table() -> Iterator[str]:
        parser = argparse.ArgumentParser(add_help=False)
        command.add_arguments(parser)
        yield "| option | |"
        yield "|---|---|"
        # What all commands have comes last.
        _, common, *groups = parser._action_groups
        for group in (*groups, common):
            if "experts" not in (group.title or ""):
                yield from (_option(action) for action in group._group_actions if action.option_strings)

    return table


def own_options() -> Iterator[str]:
    """What `impasto video` has besides what it has from `impasto stylize`."""
    of_stylize = set(command_line(stylize)())
    yield "| option | |"
    yield "|---|---|"
    yield from (row for row in command_line(video)() if row not in of_stylize)


def _option(action: argparse.Action) -> str:
    flag = action.option_strings[-1]
    value = "" if action.nargs == 0 else f" {action.metavar or '|'.join(map(str, action.choices or ()))}"
    text = (action.help or "").replace("%%", "%").replace("%(default)s", str(action.default))
    return f"| `{_cell(flag + value)}` | {_cell(text)} |"


def fields(known: dict[str, Parameter]) -> Callable[[], Iterator[str]]:
    """The fields of a request, as a program sends them."""

    def table() -> Iterator[str]:
        yield "| field | value | default | |"
        yield "|---|---|---|---|"
        yield from (_values(one.name, one) for one in known.values())

    return table


def rows() -> Iterator[str]:
    """What Krita's docker shows beside style and area, all folded out."""
    yield "| | |"
    yield "|---|---|"
    yield from (f"| {one.title} | {_cell(one.meaning)} |" for one in _choices())


def arguments() -> Iterator[str]:
    """What GIMP's procedure takes beside styles, area and result."""
    yield "| argument | value | default | |"
    yield "|---|---|---|---|"
    yield from (_values(one.name.replace("_", "-"), one) for one in _choices())


def _choices() -> Iterator[Parameter]:
    """What editors let choose, with an engine that has nothing of its own."""
    told = {
        "operations": ["mask"],
        "engines": [facts.to_wire() for facts in engine_facts().values()],
        "mask_models": [model.to_wire() for model in mask_models().values()],
    }
    return (row.parameter for row in Offer.of(told).rows("fixed"))


def _values(name: str, one: Parameter) -> str:
    return f"| `{name}` | {_cell(one.allowed)} | {_default(one)} | {_cell(one.meaning)} |"


def _default(parameter: Parameter) -> str:
    default = parameter.default
    if default is None:
        return "nil"
    return f"{default:g}" if isinstance(default, float) else str(default).lower()


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


TABLES: dict[str, dict[str, Callable[[], Iterator[str]]]] = {
    "README.md": {"impasto stylize": command_line(stylize)},
    "docs/gimp.md": {"arguments": arguments},
    "docs/krita.md": {"rows": rows},
    "docs/video.md": {"impasto video": own_options},
    "docs/web.md": {"impasto web": command_line(web)},
    "docs/wire.md": {
        "stylize": fields(STYLIZE),
        "coat": fields(parameters(Coat)),
        "refine": fields(REFINE),
        "mask": fields(MASK),
    },
}


def renewed(path: str) -> str:
    """The text of a file with its tables as they have to be."""
    text = (ROOT / path).read_text(encoding="utf-8")
    for name, rows in TABLES[path].items():
        begin, end = f"<!-- table: {name} (make docs-tables) -->", "<!-- end of table -->"
        table = "\n".join([begin, "", *rows(), "", end])
        before, found, rest = text.partition(begin)
        _, also_found, after = rest.partition(end)
        if not (found and also_found):
            raise SystemExit(f"{path} has no place for the table {name!r}.")
        text = before + table + after
    return text


def main() -> None:
    for path in TABLES:
        (ROOT / path).write_text(renewed(path), encoding="utf-8")


if __name__ == "__main__":
    main()
