"""Pictures as styles and refinement, as far as they can be told without Krita."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from impasto_link import codec
from impasto_link.errors import Problem, WrongVersion
from impasto_link.options import StylizeOptions
from impasto_link.pixels import PixelFormat, Region
from impasto_link.session import Session


@pytest.fixture
def pictures(without_qt: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A file and a layer of the same name as styles; their pixels are whether they are small."""
    from impasto_krita import pictures as module

    def region(picture: Any, *, small: bool) -> Region:
        return Region(PixelFormat(1, 1, "GRAY"), bytes([small]))

    monkeypatch.setattr(module.Picture, "region", region)
    found = module.Pictures()
    for key in ("file:/pictures/udnie.jpg", "layer:{1}"):
        found._add(module.Picture(key, "udnie", None))
    return found


def test_pictures_are_sent_along_under_names_of_their_own(pictures: Any) -> None:
    from impasto_editor import request
    from impasto_editor.choices import Choices

    def asked(choices: Choices, *, small: bool) -> tuple[StylizeOptions, dict[str, Region]]:
        return request.painting(choices, {}, partial(pictures.read, small=small))

    choices = replace(Choices.of("file:/pictures/udnie.jpg", "layer:{1}"), refine="draft")
    options, along = asked(choices, small=True)
    style, background = options.styles[0].name, options.background_styles[0].name
    assert set(along) == {f"style:{style}", f"style:{background}"}
    assert style != background
    assert "pictures/" not in str(along.keys()), "where a file lies is not told"
    assert bytes(along[f"style:{style}"].data) == b"\1"
    assert options.refine is not None
    assert options.refine.preset == "draft"

    options, along = asked(Choices.of("udnie", "layer:{1}"), small=False)
    assert options.styles[0].name == "udnie", "the library's style, though a picture has the same title"
    assert list(along) == [f"style:{options.background_styles[0].name}"]
    assert asked(Choices.of("udnie", "layer:{1}", area="subject"), small=False)[1] == {}, "painted alone"


def test_a_picture_that_is_gone_is_named(pictures: Any) -> None:
    pictures.remove("file:/pictures/udnie.jpg")
    with pytest.raises(Problem, match=r"/pictures/udnie\.jpg is not there any more"):
        pictures.read("file:/pictures/udnie.jpg", small=False)
    with pytest.raises(Problem, match="from the clipboard"):
        pictures.read("clipboard:12", small=False)


def test_the_newest_comes_first(pictures: Any) -> None:
    assert [one.key for one in pictures.all()] == ["layer:{1}", "file:/pictures/udnie.jpg"]


def test_a_file_of_an_earlier_session_stays_though_it_is_not_there_now(pictures: Any) -> None:
    (key,) = pictures.expect(["/nowhere/x.png"])
    pictures.look(key)
    assert key in pictures
    assert pictures.all()[0].path == "/nowhere/x.png"
    pictures.remove(key)
    pictures.look(key)
    assert key not in pictures


def test_settings_come_back_as_they_were(settings_of_krita: dict[str, str]) -> None:
    from impasto_krita.settings import Settings, settings

    settings.cache_clear()
    kept = settings()
    assert (kept.pictures, kept.refine, kept.paint_on_click) == ([], "draft", True)
    kept.pictures = ["/a, b/ü.png", "/c.jpg"]
    kept.paint_on_click = False
    kept.keep()
    assert Settings.load(settings_of_krita.get) == kept
    assert settings() is kept, "the windows share them"


def test_a_problem_of_the_connection_is_translated_with_its_numbers(package: None) -> None:
    from impasto_editor.texts import choose_language
    from impasto_krita.status import describe

    choose_language(["zh_CN"])
    session = Session()
    with pytest.raises(WrongVersion) as raised:
        codec.check_version({"v": 99})
    session.problem = raised.value
    said = describe(session)
    assert f"99 和 {codec.PROTOCOL}。" in said
    assert "请在两边安装相同版本" in said
    choose_language([])
