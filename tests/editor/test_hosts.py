"""Each editor's own part has the functions that HOST.md asks for."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import impasto_editor
from impasto_editor.host import Host

if TYPE_CHECKING:
    # Only for mypy: the modules themselves want their editors.
    from impasto_filter import host as gimp_host
    from impasto_krita import host as krita_host

    _KRITA: Host = krita_host
    _GIMP: Host = gimp_host

ROOT = Path(__file__).parents[2]
HOSTS = {
    "krita": ROOT / "krita_plugin" / "impasto_krita" / "host.py",
    "gimp": ROOT / "gimp_plugin" / "impasto_gimp" / "impasto_filter" / "host.py",
}
WANTED = {name: function for name, function in vars(Host).items() if inspect.isfunction(function) and name[0] != "_"}


@pytest.mark.parametrize("editor", HOSTS)
def test_a_host_has_all_functions_and_says_what_they_do(editor: str) -> None:
    source = ast.parse(HOSTS[editor].read_text(encoding="utf-8"))
    found = {node.name: node for node in source.body if isinstance(node, ast.FunctionDef)}
    assert WANTED.keys() <= found.keys()
    for name, function in WANTED.items():
        assert ast.get_docstring(found[name]), name
        by_name = [p.name for p in inspect.signature(function).parameters.values() if p.kind is p.KEYWORD_ONLY]
        assert set(by_name) <= {one.arg for one in found[name].args.kwonlyargs}, name


def test_the_guide_names_them_all() -> None:
    guide = (Path(impasto_editor.__file__).parent / "HOST.md").read_text(encoding="utf-8")
    for name in WANTED:
        assert f"`{name}(" in guide, name
    for path in Path(impasto_editor.__file__).parent.glob("*.py"):
        assert path.stem in ("__init__", "host") or f"| `{path.stem}` |" in guide, path.stem
