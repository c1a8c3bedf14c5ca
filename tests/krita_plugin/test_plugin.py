"""What can be said of the docker without Krita: its imports, texts, icons and actions, and its plain parts."""

from __future__ import annotations

import ast
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[2] / "krita_plugin"
PACKAGE = PLUGIN / "impasto_krita"
SOURCES = sorted(PACKAGE.glob("*.py"))


def test_it_imports_only_the_shared_parts_krita_qt_and_the_standard_library() -> None:
    allowed = {*sys.stdlib_module_names, "krita", "PyQt5", "PyQt6", "impasto_krita", "impasto_editor", "impasto_link"}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path.name}: a relative import"
                names = [str(node.module)]
            for name in names:
                top = name.partition(".")[0]
                assert top in allowed, f"{path.name} imports {name}"
                assert top not in ("PyQt5", "PyQt6") or path.name == "qt.py", f"{path.name} imports Qt by itself"


def test_python_3_10_can_read_it() -> None:
    for path in SOURCES:
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))


def test_krita_is_spoken_to_in_few_places() -> None:
    speaking = {path.name for path in SOURCES if re.search(r"^from krita import", path.read_text(), re.MULTILINE)}
    assert speaking == {"host.py", "docker.py", "extension.py"}


def test_icons_come_in_pairs_and_are_all_there() -> None:
    found = {path.stem for path in (PACKAGE / "icons").glob("*.svg")}
    names = {name.rpartition("-")[0] for name in found}
    assert found == {f"{name}-{theme}" for name in names for theme in ("dark", "light")}
    used = set()
    for path in SOURCES:
        used |= set(re.findall(r'\bicon\("(\w+)"', path.read_text(encoding="utf-8")))
    assert used == names
    for path in (PACKAGE / "icons").glob("*.svg"):
        ElementTree.parse(path)


def test_actions_of_the_menu_are_described() -> None:
    described = {one.get("name") for one in ElementTree.parse(PLUGIN / "impasto_krita.action").iter("Action")}
    source = (PACKAGE / "extension.py").read_text(encoding="utf-8")
    assert described == set(re.findall(r'^    "(impasto_krita_\w+)":', source, re.MULTILINE))


@pytest.mark.parametrize("size", [1, 2, 4, 5, 8, 10, 16, 20])
@pytest.mark.parametrize(("count", "step"), [(7, 1), (7, 2), (9, 3), (8, 5), (1, 4)])
def test_thinned(package: None, size: int, count: int, step: int) -> None:
    from impasto_krita.colors import thinned

    row = bytes(i % 251 for i in range(size * count))
    wanted = b"".join(row[i * size : (i + 1) * size] for i in range(0, count, step))
    assert thinned(memoryview(row), count, step) == wanted


def test_colour_spaces_of_the_wire(package: None) -> None:
    from impasto_krita.colors import ColorSpace

    exact = ColorSpace("RGBA", "U16", "sRGB built-in").nearest_wire()
    assert exact.format(3, 2).to_wire() == {
        "width": 3,
        "height": 2,
        "channels": "BGRA",
        "dtype": "u16",
        "encoding": "srgb",
        "premultiplied": False,
    }
    assert ColorSpace("RGBA", "F32", "sRGB-elle-V2-g10.icc").nearest_wire().format(1, 1).encoding == "linear"
    assert ColorSpace("RGBA", "U8", "ClayRGB-elle-V2-g22.icc").nearest_wire().depth == "U16"
    assert ColorSpace("CMYKA", "F32", "any").nearest_wire() == ColorSpace("RGBA", "F32", "sRGB-elle-V2-g10.icc")
