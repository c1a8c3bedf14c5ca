"""What can be said of the filter without GIMP: its imports, texts, mnemonics, and its plain parts."""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from impasto_editor import texts
from impasto_editor.choices import Choices
from impasto_editor.rows import ELSEWHERE
from impasto_editor.texts import choose_language
from impasto_link.options import STYLIZE

PLUGIN = Path(__file__).parents[2] / "gimp_plugin" / "impasto_gimp"
PACKAGE = PLUGIN / "impasto_filter"
SOURCES = [PLUGIN / "impasto_gimp.py", *sorted(PACKAGE.glob("*.py"))]
#: Those that import nothing of GIMP, and can be tried here.
PLAIN = ("animation", "connection", "engine_settings", "favorites", "formats", "mnemonics")


@pytest.fixture(autouse=True)
def _package(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(PLUGIN))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "impasto_filter"]:
        del sys.modules[name]


def test_it_imports_only_the_link_gi_and_the_standard_library() -> None:
    allowed = {*sys.stdlib_module_names, "gi", "impasto_editor", "impasto_filter", "impasto_link"}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{path.name}: a relative import"
                names = [str(node.module)]
            for name in names:
                assert name.partition(".")[0] in allowed, f"{path.name} imports {name}"
                assert not (path.stem in PLAIN and name.startswith("gi")), f"{path.name} needs GIMP"


def test_being_asked_for_its_procedures_costs_little() -> None:
    """GIMP starts a process per run: what only some runs need is imported by those."""
    tree = ast.parse((PLUGIN / "impasto_gimp.py").read_text(encoding="utf-8"))
    top = {str(node.module) for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert not {name for name in top if name.startswith("impasto_link")} - {"impasto_link.errors"}
    for path in SOURCES:
        if (
            path.stem not in ("gtk", "comparison", "gallery", "choosers", "mixture", "progress", "preview", "rows")
            and "dialog" not in path.stem
        ):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                assert not (isinstance(node, ast.ImportFrom) and node.module == "impasto_filter.gtk"), path.name


def test_gimp_takes_it_as_a_plug_in() -> None:
    main = PLUGIN / "impasto_gimp.py"
    assert main.read_text(encoding="utf-8").startswith("#!/usr/bin/env python3\n")
    assert os.name == "nt" or os.access(main, os.X_OK)


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_the_help_has_what_the_dialogs_ask_for(language: str) -> None:
    folder = PACKAGE / "help" / language
    items = ElementTree.parse(folder / "gimp-help.xml").findall("help-item")
    places = {item.attrib["id"]: item.attrib["ref"].partition("#") for item in items}
    assert places.keys() == {"plug-in-impasto-style-transfer", "plug-in-impasto-find-subject"}
    for file, _, place in places.values():
        assert f'id="{place}"' in (folder / file).read_text(encoding="utf-8")


def test_python_3_10_can_read_it() -> None:
    for path in SOURCES:
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))


def test_the_names_of_layers_say_how_an_animation_is_played() -> None:
    from impasto_filter import animation

    names = ["Background (50ms)", "Frame 2 (120 MS) (combine)", "Frame 3(0ms)(replace)", "Frame 4", "Frame 5 (COMBINE)"]
    assert animation.is_animation(names)
    assert animation.is_animation(["Sky", "Frame 2 (10ms)"])
    for still in (["Frame 1 (100ms)"], ["Sky", "Tree", "Frame 3"], ["Sky", "Frameless (ms)"]):
        assert not animation.is_animation(still)
    assert animation.times(names) == pytest.approx([0.0, 0.05, 0.17, 0.17, 0.27])
    assert animation.begins(names) == [0, 0, 2, 2, 2], "the first of those that are seen in each"
    of_webp = ["Frame 1 (50ms)", *names[1:]]
    assert animation.begins(of_webp) == [0, 0, 2, 3, 3], "which says nothing of frames that are complete"
    assert list(map(animation.as_whole, names)) == [
        "Background (50ms) (replace)",
        "Frame 2 (120 MS) (replace)",
        "Frame 3(0ms) (replace)",
        "Frame 4 (replace)",
        "Frame 5 (replace)",
    ]


def test_titles_have_keys_of_their_own_that_gimp_has_not() -> None:
    from impasto_filter.mnemonics import titles

    choose_language(["en"])
    english = ["Paint", "Feather", "Picture file", "Strength", "Save it", "Ärger"]
    found = titles(english)
    assert found["Paint"] == "_Paint"
    assert found["Feather"] == "_Feather"
    assert found["Picture file"] == "P_icture file", "the first letters of its words are taken"
    assert found["Strength"] == "S_trength", "S is GIMP's own"
    keys = [title[title.index("_") + 1].lower() for title in found.values() if "_" in title]
    assert len(keys) == len({*keys, *"chlrs"}) - 5
    choose_language(["zh_CN"])
    assert titles(english)["Feather"] == "羽化(_F)", "the same key in all languages"
    choose_language([])


def test_the_titles_that_get_keys_are_translated() -> None:
    """They are no arguments of `tr`, so no other test sees them."""
    tree = ast.parse((PACKAGE / "arguments.py").read_text(encoding="utf-8"))
    named = [
        constant.value
        for function in tree.body
        if isinstance(function, ast.FunctionDef) and function.name.endswith("_titles")
        for node in ast.walk(function)
        if isinstance(node, ast.Tuple)
        for constant in node.elts
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    ]
    assert {"Paint", "Add Mask"} < {*named}
    catalogue = json.loads((Path(texts.__file__).parent / "texts" / "zh_CN.json").read_text(encoding="utf-8"))
    assert not {*named, *(one.title for name, one in STYLIZE.items() if name not in ELSEWHERE)} - catalogue.keys()


def test_settings_of_an_engine_are_a_text() -> None:
    from impasto_filter.engine_settings import read_settings, write_settings

    wanted: dict[str, bool | int | float | str] = {"amount": 0.5, "passes": 3, "swap": True, "tone": "gray"}
    assert read_settings("amount=0.5, passes = 3,swap=yes, tone=gray,") == wanted
    assert read_settings(write_settings(wanted)) == wanted
    assert read_settings("") == {}
    assert read_settings("swap") == {"swap": True}


@pytest.mark.parametrize(
    ("encoding", "wire", "described"),
    [
        ("R'G'B'A u8", "R'G'B'A u8", ("RGBA", "u8", "srgb")),
        ("R~G~B~ u16", "R~G~B~ u16", ("RGB", "u16", "srgb")),
        ("RGBA half", "RGBA half", ("RGBA", "f16", "linear")),
        ("RGB double", "RGB float", ("RGB", "f32", "linear")),
        ("R'G'B'A u32", "R'G'B'A float", ("RGBA", "f32", "srgb")),
        ("Y' u8", "Y' u8", ("GRAY", "u8", "srgb")),
        ("YA float", "YA float", ("GRAYA", "f32", "linear")),
    ],
)
def test_formats_of_the_wire(encoding: str, wire: str, described: tuple[str, str, str]) -> None:
    from impasto_filter.formats import Encoding

    native = Encoding.parse(encoding)
    assert native is not None
    assert native.on_wire.name == wire
    form = native.on_wire.describe(3, 2, with_profile=False)
    assert (form.channels, form.dtype, form.encoding) == described
    assert native.on_wire.describe(3, 2, with_profile=True).encoding == "icc"


@pytest.mark.parametrize("encoding", ["indexed", "CMYKA float", "R'G'B'A u15", ""])
def test_formats_that_no_layer_has(encoding: str) -> None:
    from impasto_filter.formats import Encoding

    assert Encoding.parse(encoding) is None


def test_favourites_are_kept_and_gimp_is_told(tmp_path: Path) -> None:
    from impasto_filter.favorites import Favorites

    main = tmp_path / "impasto_gimp.py"
    main.touch()
    os.utime(main, (1, 1))
    Favorites(tmp_path, main).add("The Great Wave", Choices.of("great-wave", strength=0.5))
    assert main.stat().st_mtime > 1, "by its date GIMP knows to ask again"
    again = Favorites(tmp_path, main)
    assert again.procedures() == {
        "plug-in-impasto-favorite-great-wave": ("The Great Wave", Choices.of("great-wave", strength=0.5))
    }
    again.remove("great-wave")
    assert not Favorites(tmp_path, main).entries
    old = {"style": "udnie:2, the-scream", "strength": 0.5, "refine": "none"}
    (tmp_path / "impasto-favorites.json").write_text(json.dumps([{"title": "Both", "choices": old}]))
    entries = Favorites(tmp_path, main).entries
    assert entries == {"udnie:2, the-scream": ("Both", Choices.of("udnie:2, the-scream", strength=0.5))}, (
        "an older one's"
    )
    (tmp_path / "impasto-favorites.json").write_text(json.dumps([{"title": "x"}]))
    assert not Favorites(tmp_path, main).entries, "a damaged file is no reason not to start"


def test_favourites_have_procedures_of_their_own(tmp_path: Path) -> None:
    """Styles are named after files of the user's, in any language; GIMP takes only letters, digits and hyphens."""
    from impasto_filter.favorites import PREFIX, Favorites

    styles = ["great-wave", "great_wave", "Great-Wave", "great-wave-", "星空", "向日葵", "向日葵-2", "été", "ete"]
    favorites = Favorites(tmp_path, tmp_path / "impasto_gimp.py")
    for style in styles:
        favorites.add(style, Choices.of(style))
    procedures = favorites.procedures()
    assert [choices.style for _, choices in procedures.values()] == styles
    names = [name.removeprefix(PREFIX) for name in procedures]
    assert all(re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name) for name in names), names
    assert (names[0], names[-1]) == ("great-wave", "ete"), "with nothing lost there is nothing to add"
    assert names[4] == "8d565f08", "the same at each start, for keyboard shortcuts"
