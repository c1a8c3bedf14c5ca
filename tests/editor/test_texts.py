"""The texts of all plug-ins, and the catalogues that translate them."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import pytest

import impasto_editor
from impasto.engines.registry import BUILT_IN
from impasto.masking.models import mask_models
from impasto_editor.rows import Offer
from impasto_link.options import REFINE, STYLIZE
from impasto_link.parameters import Parameter
from plugin_texts import check_placeholders_are_filled, placeholders, texts

ROOT = Path(__file__).parents[2]
SHARED = sorted(Path(impasto_editor.__file__).parent.glob("*.py"))
PLUGINS = {
    "krita": sorted((ROOT / "krita_plugin").rglob("*.py")),
    "gimp": sorted((ROOT / "gimp_plugin").rglob("*.py")),
}
CATALOGUES = sorted((Path(impasto_editor.__file__).parent / "texts").glob("*.json"))


def entries(path: Path) -> dict[str, str]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: path.stem)
@pytest.mark.parametrize("plugin", PLUGINS)
def test_every_text_is_translated(plugin: str, catalogue: Path) -> None:
    assert not texts([*SHARED, *PLUGINS[plugin]]) - entries(catalogue).keys()


def words_of(parameter: Parameter) -> set[str]:
    words = {parameter.title, parameter.tip}
    for choice in parameter.choices:
        words |= {choice.title, choice.tip}
    return words - {""}


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: path.stem)
def test_every_parameter_that_an_editor_shows_is_translated(catalogue: Path) -> None:
    shown = [row.parameter for row in Offer().rows("fixed")]
    shown += [STYLIZE["engine"], STYLIZE["mask_model"], REFINE["preset"]]
    missing = set().union(*map(words_of, shown)) - entries(catalogue).keys()
    assert not missing


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: path.stem)
def test_what_the_server_offers_is_translated(catalogue: Path) -> None:
    ours = [import_module(name).FACTS for name in BUILT_IN]
    words = {word for facts in ours for word in (facts.title, facts.tip)}
    words |= {word for model in mask_models().values() for word in (model.title, model.tip)}
    words |= {word for facts in ours for parameter in facts.parameters for word in words_of(parameter)}
    assert not words - entries(catalogue).keys()


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: path.stem)
def test_every_translation_has_the_same_placeholders(catalogue: Path) -> None:
    for english, translated in entries(catalogue).items():
        assert placeholders(english) == placeholders(translated), english
        assert translated.strip(), english


@pytest.mark.parametrize("catalogue", CATALOGUES, ids=lambda path: path.stem)
def test_no_key_under_the_mouse_is_lost(catalogue: Path) -> None:
    for english, translated in entries(catalogue).items():
        if english.count("_") == 1 and "{" not in english and " " + english[english.index("_") + 1] != "  ":
            assert "_" in translated, english


@pytest.mark.parametrize("plugin", PLUGINS)
def test_every_placeholder_is_filled(plugin: str) -> None:
    check_placeholders_are_filled([*SHARED, *PLUGINS[plugin]])
