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

from plugin_texts import check_placeholders_are_filled, placeholders, texts

PLUGIN = Path(__file__).parents[2] / "gimp_plugin" / "impasto_gimp"
PACKAGE = PLUGIN / "impasto_filter"
SOURCES = [PLUGIN / "impasto_gimp.py", *sorted(PACKAGE.glob("*.py"))]
#: Those that import nothing of GIMP, and can be tried here.
PLAIN = ("choices", "connection", "favorites", "formats", "texts")


@pytest.fixture(autouse=True)
def _package(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(PLUGIN))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "impasto_filter"]:
        del sys.modules[name]


def catalogue() -> dict[str, str]:
    from impasto_filter.texts import read_catalogue

    return read_catalogue(PACKAGE / "locale" / "zh_CN.po")


def test_it_imports_only_the_link_gi_and_the_standard_library() -> None:
    allowed = {*sys.stdlib_module_names, "gi", "impasto_filter", "impasto_link"}
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
            path.stem not in ("gtk", "comparison", "gallery", "choosers", "progress", "preview")
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


def test_every_text_is_translated() -> None:
    assert not texts(SOURCES) - catalogue().keys()


def test_every_translation_has_the_same_placeholders_and_mnemonics() -> None:
    for english, chinese in catalogue().items():
        assert placeholders(english) == placeholders(chinese), english
        assert chinese.strip(), english
        letter = re.search(r"_(\w)", english)
        if letter and english in texts(SOURCES):
            assert f"(_{letter[1].upper()})" in chinese, english


def test_every_placeholder_is_filled() -> None:
    check_placeholders_are_filled(SOURCES)


def test_mnemonics_do_not_clash() -> None:
    """Those that are seen at once, with GIMP's own buttons: Cancel, Help, Load, Reset, Save."""

    def letters(source: str) -> list[str]:
        return [letter.lower() for letter in re.findall(r'tr\(\s*"[^"]*_(\w)[^"]*"', source)]

    source = {path.stem: path.read_text(encoding="utf-8") for path in SOURCES}
    transfer, _, subject = source["arguments"].partition("def declare_find_subject")
    # Of the arguments those whose widgets are GIMP's; the others have labels of the dialog's own.
    scales = re.findall(r'"(?:strength|brush|feather|keep-colors)",\s*tr\("([^"]*)"', transfer)
    assert len(scales) == 4
    shown = [title[title.index("_") + 1].lower() for title in scales]
    # The star is shown with one of two labels.
    shown += [*letters(source["style_dialog"].replace("☆ Fa_", "☆ Fa")), *letters(source["choosers"]), *"chlrs"]
    assert len(shown) == len(set(shown)), sorted(shown)
    shown = [*letters(subject), *letters(source["subject_dialog"]), *"chlrs"]
    assert len(shown) == len(set(shown)), sorted(shown)


def test_the_language_follows_gimp() -> None:
    from impasto_filter.texts import choose_language, tr

    choose_language(["zh_TW.UTF-8", "zh_TW", "zh", "C"])
    assert tr("Style Transfer") == "风格迁移"
    assert tr("Paint “{name}” again", name="X") == "再次绘制“X”"
    choose_language(["de_DE.UTF-8", "de", "C"])
    assert tr("Style Transfer") == "Style Transfer"
    choose_language(["en_GB", "zh_CN"])
    assert tr("Style Transfer") == "Style Transfer"
    choose_language(["zh_CN"])
    assert tr("not in any catalogue") == "not in any catalogue"


def test_what_the_server_says_is_translated_with_its_numbers() -> None:
    from impasto_filter.texts import choose_language, tr_error, tr_said
    from impasto_link.errors import UnknownStyle

    choose_language(["zh_CN"])
    assert tr_said("refining") == "正在细化"
    assert tr_said("refining, loss 1.23") == "正在细化，损失 1.23"  # noqa: RUF001
    encoder = "Impasto's compact encoder refines in its place, less finely."
    assert "575 MB 中的 12%" in tr_said(f"VGG-19 is being downloaded (12% of 575 MB); {encoder}")
    lost = "VGG-19 could not be downloaded ('Name or service not known')"
    assert tr_said(f"{lost}; {encoder}").startswith("无法下载 VGG-19")
    offline = f"VGG-19 is not there, and IMPASTO_OFFLINE forbids to download it; {encoder}"
    assert tr_said(offline).startswith("没有 VGG-19")
    error = UnknownStyle("There is no style 'mine'.", "All of them: impasto styles")
    assert tr_error(error).startswith("没有风格 'mine'。")
    memory = "A picture of 256 megapixels needs about 12.5 GiB of memory, and 3.1 GiB are free."
    assert tr_said(memory).startswith("256 百万像素的图像约需 12.5 GiB")
    assert tr_said("nobody ever said {this} 5 times") == "nobody ever said {this} 5 times"
    choose_language(["en"])
    assert tr_said("refining, loss 1.23") == "refining, loss 1.23"


def test_catalogues_may_have_long_entries(tmp_path: Path) -> None:
    from impasto_filter.texts import read_catalogue

    path = tmp_path / "xx.po"
    path.write_text('msgid ""\nmsgstr "Language: xx\\n"\n\n# a note\nmsgid ""\n"one "\n"\\"two\\""\nmsgstr "1 "\n"2"\n')
    assert read_catalogue(path) == {'one "two"': "1 2"}


def test_choices_become_options() -> None:
    from impasto_filter.choices import Choices

    choices = Choices("udnie:2, the-scream", background_style="great-wave", strength=0.5, brush=2.0, feather=8.0)
    options = choices.options(reduced_by=4.0, max_side=256)
    assert [(one.name, one.weight) for one in options.styles] == [("udnie", 2.0), ("the-scream", 1.0)]
    assert options.area == "everything"
    assert [one.name for one in options.background_styles] == ["great-wave"]
    assert (options.brush, options.feather, options.max_side, options.refine) == (0.5, 2.0, 256, None)
    assert Choices("udnie", brush=0.5).options(reduced_by=8.0).brush == 0.25
    assert Choices("udnie", background_style="x", area="subject").options().background_styles == ()
    refined = Choices("udnie", refine="draft").options().refine
    assert refined is not None
    assert refined.preset == "draft"
    assert Choices("udnie", picture="a.png").options(with_picture=True).styles[0].name == "picture"
    assert Choices.from_json(choices.to_json()) == choices
    assert Choices.from_json("{") is None
    assert Choices.from_json('{"style": "x", "of a newer version": 1, "brush": "thick"}') == Choices("x")
    old = Choices.from_json('{"style": "x", "picture_layer": 7, "source": 5}')
    assert old == Choices("x", picture_layer=7, source=5), "kept by the first version, which had tattoos only"


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
    from impasto_filter.choices import Choices
    from impasto_filter.favorites import Favorites

    main = tmp_path / "impasto_gimp.py"
    main.touch()
    os.utime(main, (1, 1))
    Favorites(tmp_path, main).add("The Great Wave", Choices("great-wave", strength=0.5))
    assert main.stat().st_mtime > 1, "by its date GIMP knows to ask again"
    again = Favorites(tmp_path, main)
    assert again.procedures() == {
        "plug-in-impasto-favorite-great-wave": ("The Great Wave", Choices("great-wave", strength=0.5))
    }
    again.remove("great-wave")
    assert not Favorites(tmp_path, main).entries
    (tmp_path / "impasto-favorites.json").write_text(json.dumps([{"title": "x"}]))
    assert not Favorites(tmp_path, main).entries, "a damaged file is no reason not to start"


def test_favourites_have_procedures_of_their_own(tmp_path: Path) -> None:
    """Styles are named after files of the user's, in any language; GIMP takes only letters, digits and hyphens."""
    from impasto_filter.choices import Choices
    from impasto_filter.favorites import PREFIX, Favorites

    styles = ["great-wave", "great_wave", "Great-Wave", "great-wave-", "星空", "向日葵", "向日葵-2", "été", "ete"]
    favorites = Favorites(tmp_path, tmp_path / "impasto_gimp.py")
    for style in styles:
        favorites.add(style, Choices(style))
    procedures = favorites.procedures()
    assert [choices.style for _, choices in procedures.values()] == styles
    names = [name.removeprefix(PREFIX) for name in procedures]
    assert all(re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", name) for name in names), names
    assert (names[0], names[-1]) == ("great-wave", "ete"), "with nothing lost there is nothing to add"
    assert names[4] == "8d565f08", "the same at each start, for keyboard shortcuts"
