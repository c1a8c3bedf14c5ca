"""What server and link say to people has codes and values, and every catalogue knows them."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import impasto
import impasto_editor
import impasto_link
from impasto.client import Server
from impasto_editor.texts import choose_language, tr_error, tr_said
from impasto_link import errors
from impasto_link.errors import BadRequest, ImpastoError, UnknownStyle, from_wire
from impasto_link.sentences import Sentence, parts_to_wire, say, several_from_wire, several_to_wire, text_from_wire
from plugin_texts import placeholders

CATALOGUES = sorted((Path(impasto_editor.__file__).parent / "texts" / "said").glob("*.json"))
_BACKEND, _LINK = Path(impasto.__file__).parent, Path(impasto_link.__file__).parent
#: What an editor can hear of. Files are read by the command line alone, and images by Python.
SPEAKERS = [
    path
    for folder in (_LINK, *(_BACKEND / name for name in ("server", "engines", "pipeline", "masking", "zoo", "compute")))
    for path in sorted(folder.rglob("*.py"))
] + [_BACKEND / "imaging" / f"{name}.py" for name in ("icc", "pixels", "profiles")]
#: Whose progress an editor may show.
WORKERS = [_BACKEND / "keeping.py", *sorted((_BACKEND / "training").glob("*.py"))]
ERRORS = {kind.__name__ for kind in errors._all_kinds(ImpastoError)}
#: Commands are the same in every language.
COMMANDS = ("chmod ", "pip ", "rm ", "sudo ", "Run it without sudo")


def constants(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)


def calls(files: list[Path] = SPEAKERS) -> Iterator[tuple[str, str, ast.Call]]:
    """Each call of what speakers do, where it is, and the name of what is called."""
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.id if isinstance(node.func, ast.Name) else "." + getattr(node.func, "attr", "")
                yield f"{path.name}, line {node.lineno}", name, node


def said() -> dict[str, set[str]]:
    """All that can be said, by code, and the values that come with it."""
    found: dict[str, set[str]] = {}
    for _, name, call in calls():
        if name in ERRORS:
            found.update({code: set() for argument in call.args[:2] for code in constants(argument)})
    for _, name, call in calls(SPEAKERS + WORKERS):
        if name in ("Progress", "progress", ".part", ".over"):
            found.update({code: set() for argument in call.args for code in constants(argument)})
        elif name == "say":
            for code in constants(call.args[0]):
                found.setdefault(code, {str(one.arg) for one in call.keywords})
    return found


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: path.stem)
def test_all_that_is_said_is_in_every_catalogue(catalogue: Path) -> None:
    entries = json.loads(catalogue.read_text(encoding="utf-8"))
    for code, values in said().items():
        assert code in entries, f"{catalogue.name} has no: {code}"
        assert placeholders(entries[code]) <= values | placeholders(code), code
    # Values that are words of ours have entries, too.
    assert not entries.keys() - said().keys() - {"mask", "selection", "more", "none"}


def test_what_is_filled_in_is_said_apart() -> None:
    """Or it could not be translated: a sentence with a value in it is none of any catalogue."""
    for where, name, call in calls():
        if name in ERRORS:
            for argument in call.args[:2]:
                filled = isinstance(argument, ast.JoinedStr) and ast.unparse(argument).lstrip("f'\"")
                assert not filled or filled.startswith(COMMANDS), f"{where}: use say(...)"


def test_every_value_has_a_place() -> None:
    for where, name, call in calls(SPEAKERS + WORKERS):
        if name == "say":
            for code in constants(call.args[0]):
                assert placeholders(code) <= {str(one.arg) for one in call.keywords}, where


@pytest.fixture
def chinese() -> Iterator[None]:
    choose_language(["zh_CN"])
    yield
    choose_language(["en"])


@pytest.mark.usefixtures("chinese")
def test_errors_of_the_server_arrive_translated(server: Server) -> None:
    photo = np.zeros((8, 8, 3), np.uint8)
    with pytest.raises(UnknownStyle) as unknown:
        server.stylize(photo, "undie")
    assert str(unknown.value) == "There is no style 'undie'. Did you mean udnie?"
    assert tr_error(unknown.value) == "没有风格 'undie'。 您是否指 udnie？"  # noqa: RUF001
    with pytest.raises(BadRequest) as strong:
        server.stylize(photo, "udnie", strength=7)
    assert tr_error(strong.value).startswith("“强度”是 7")


@pytest.mark.usefixtures("chinese")
def test_sentences_travel_with_their_values() -> None:
    inner = say("VGG-19 is being downloaded ({done} of {whole} MB)", done="12%", whole=575)
    outer = say("{state}; Impasto's compact encoder refines in its place, less finely.", state=inner)
    fields = {"notes": [], "doing": str(outer), **parts_to_wire(doing=outer)}
    back = text_from_wire(json.loads(json.dumps(fields)), "doing")
    assert back == outer
    assert tr_said(back).startswith("正在下载 VGG-19（575 MB 中的 12%）")  # noqa: RUF001
    both = several_from_wire(several_to_wire(notes=["reading", outer]), "notes")
    assert [type(one) for one in both] == [str, Sentence]
    assert tr_said(both[0]) == "正在读取"


@pytest.mark.parametrize(
    "entry",
    [
        7,
        [],
        ["{x}", {}],
        ["{x:>9999999999}", {"x": "y"}],
        ["{x.y}", {"x": "z"}],
        [["a"], 3],
        ["{", {}],
        "text",
        {"a": 1},
    ],
)
def test_what_cannot_be_read_is_said_in_english(entry: object) -> None:
    error = from_wire({"code": "failed", "message": "It is so.", "said": {"message": entry}})
    assert str(error) == "It is so."
    assert tr_said(error.message) == "It is so."


@pytest.mark.usefixtures("chinese")
def test_a_sentence_with_fewer_values_than_its_translation_needs_is_said_in_english() -> None:
    told = say("{what} has to be a number, not {value}.", what="Strength", value="'x'")
    assert tr_said(told) == "Strength has to be a number, not 'x'."
