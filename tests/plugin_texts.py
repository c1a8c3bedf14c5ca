"""The texts of a plugin, and those of the link that a plugin shows, as their sources have them."""

from __future__ import annotations

import ast
import string
from collections.abc import Iterator, Sequence
from pathlib import Path


def calls_of(sources: Sequence[Path], *functions: str) -> Iterator[tuple[Path, ast.Call]]:
    for path in sources:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in functions:
                yield path, node


def texts(sources: Sequence[Path]) -> set[str]:
    """What has to be in a catalogue of what plugins say."""
    calls = [call for _, call in calls_of(sources, "tr")]
    return {str(one.value) for call in calls for one in call.args if isinstance(one, ast.Constant)}


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def check_placeholders_are_filled(sources: Sequence[Path]) -> None:
    for path, call in calls_of(sources, "tr"):
        if isinstance(call.args[0], ast.Constant):
            given = {keyword.arg for keyword in call.keywords}
            assert placeholders(str(call.args[0].value)) == given, f"{path.name}, line {call.lineno}"
