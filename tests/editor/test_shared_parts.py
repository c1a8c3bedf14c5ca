"""What all editors share, without any editor."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import impasto_editor
from impasto_editor import request
from impasto_editor.choices import Choices, read_styles, write_styles
from impasto_editor.frames import Frames
from impasto_editor.mixture import alone, evened, joined, shares, taken_out, titles, with_share
from impasto_editor.pictures import check_copied, clipboard_key, clipboard_title, is_from_clipboard, is_picture
from impasto_editor.preview import NewestWins
from impasto_editor.settings import Settings
from impasto_editor.status import doing, status
from impasto_editor.styles import read_library
from impasto_editor.texts import choose_language, languages, tr, tr_error
from impasto_editor.thumbnails import OwnThumbnails
from impasto_link.client import Call, Event
from impasto_link.coats import MAX_STYLES, StyleChoice, check_styles
from impasto_link.errors import ImpastoError, Problem
from impasto_link.pixels import PixelFormat, Region

PACKAGE = Path(impasto_editor.__file__).parent
PIXELS = Region(PixelFormat(2, 1), bytes(8))
SELECTION = Region(PixelFormat(2, 1, "GRAY", "u8", "linear"), bytes((0, 255)))


def no_picture(key: str) -> tuple[str, Region]:
    raise AssertionError(key)


def test_it_needs_the_link_and_the_standard_library() -> None:
    for path in PACKAGE.glob("*.py"):
        source = ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 10))
        for node in ast.walk(source):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                allowed = {*sys.stdlib_module_names, "impasto_link", "impasto_editor"}
                assert name.partition(".")[0] in allowed, f"{path.name} imports {name}"


# --- choices


def test_choices_come_back_from_what_was_kept() -> None:
    choices = Choices(
        (StyleChoice("udnie", 2.0), StyleChoice("file:/a, b:3.png")),
        read_styles("great-wave"),
        "selection",
        {"strength": 0.5, "engine": "adain", "keep_colors": True},
        refine="draft",
        frames="range",
        result="group",
        source="{1}",
    )
    assert Choices.from_json(choices.to_json()) == choices
    assert (choices["strength"], choices["brush"], choices["engine"]) == (0.5, 1.0, "adain")


def test_what_earlier_versions_of_the_docker_kept_is_understood() -> None:
    kept = {"style": "file:/a, b.png", "background_style": "udnie", "strength": 0.5, "area": "selection", "refine": ""}
    choices = Choices.from_json(json.dumps({**kept, "feather": 8, "source": "{1}"}))
    assert choices == Choices(
        (StyleChoice("file:/a, b.png"),),
        (StyleChoice("udnie"),),
        "selection",
        {"strength": 0.5, "feather": 8},
        source="{1}",
    )


def test_what_earlier_versions_of_the_filter_kept_is_understood() -> None:
    kept = {"style": "", "picture_layer": 7, "picture_layer_id": "ab", "refine": "none", "source": 3, "source_id": "cd"}
    choices = Choices.from_entry(kept)
    assert choices is not None
    assert (choices.style, choices.refine, choices.source) == ("layer:7:ab", "", "3:cd")
    picture = Choices.from_entry({"style": "udnie", "picture": "/a.png", "source": 0, "result": "flat"})
    assert picture is not None
    assert (picture.style, picture.source, picture.result) == ("file:/a.png", "", "flat")
    mixed = Choices.from_entry({"style": "udnie:2, the-scream"})
    assert mixed is not None
    assert mixed.styles == (StyleChoice("udnie", 2.0), StyleChoice("the-scream"))


@pytest.mark.parametrize("text", ["{", "[]", "1", "null"])
def test_what_cannot_be_read_is_nothing(text: str) -> None:
    assert Choices.from_json(text) is None


@pytest.mark.parametrize(
    "entry",
    [
        {"styles": 3, "strength": "much", "area": None, "of a newer version": 1},
        {"style": "a:b", "brush": True, "settings": 3},
        {"style": 5, "picture": 0, "engine": 3},
    ],
)
def test_what_makes_no_sense_is_as_usual(entry: dict[str, Any]) -> None:
    assert Choices.from_entry(entry) == Choices()


@pytest.mark.parametrize(
    "text",
    ["udnie", "udnie:2, the-scream", "udnie, the-scream", "file:/a, b.png", "file:/a, b:2:3\nudnie:1\nlayer:7:ab:0.5"],
)
def test_styles_are_written_as_they_are_read(text: str) -> None:
    assert write_styles(read_styles(text)) == text


# --- frames


class Flicker:
    """An animation of two frames, of one pixel each."""

    def __init__(self) -> None:
        self.times: Sequence[float] = (0.0, 0.25)
        self.painted: dict[int, Region] = {}

    def read(self, number: int) -> dict[str, Region]:
        return {"pixels": Region(PixelFormat(1, 1), bytes((number,) * 4)), "selection": SELECTION}

    def put(self, number: int, pixels: Region) -> None:
        self.painted[number] = pixels

    def place(self, mask: Any, title: str, *, group: bool, kept: str) -> tuple[Any, str]:
        raise AssertionError(title)

    def close(self) -> None:
        raise AssertionError


def test_frames_are_asked_for_one_after_the_other() -> None:
    animation, pictures = Flicker(), list[str]()

    def picture(key: str) -> tuple[str, Region]:
        pictures.append(key)
        return "Coffee", PIXELS

    frames = Frames(animation, Choices.of("file:/a.png", area="selection", feather=2.0), picture, flatten=True)
    said = []
    for number in range(2):
        op, fields, regions = frames.request()
        said.append(fields["sequence"])
        assert (op, fields["flatten"]) == ("stylize", True)
        assert regions["pixels"].data[0] == number
        # A selection with a soft border is sent as a mask, with every frame.
        assert regions.keys() == {"pixels", "mask", "style:Coffee 2"}
        assert frames.far(0.5, "painting") == ((number + 0.5) / 2, f"frame {number + 1} of 2: painting")
        assert frames.take(Event("done", regions={"pixels": PIXELS})) == (number == 0)
    assert [one["at"] for one in said] == [0.0, 0.25]
    assert (
        said[0]["id"] == said[1]["id"] != Frames(animation, Choices.of("udnie"), no_picture, flatten=True).request()[1]
    )
    assert animation.painted == {0: PIXELS, 1: PIXELS}
    assert pictures == ["file:/a.png"], "read once"


# --- mixtures


def weights(styles: tuple[StyleChoice, ...]) -> dict[str, float]:
    return {one.name: one.weight for one in styles}


def test_a_style_that_joins_counts_as_much_as_the_others_do() -> None:
    assert weights(joined(alone("udnie"), "great-wave")) == {"udnie": 1.0, "great-wave": 1.0}
    three = joined(read_styles("udnie:0.9, great-wave:0.3"), "the-scream")
    assert shares(three) == pytest.approx([0.5, 1 / 6, 1 / 3])
    assert joined(three, "udnie") == three
    assert joined((), "udnie") == alone("udnie")
    assert weights(joined(read_styles("udnie:0"), "great-wave"))["great-wave"] == 1.0


def test_a_mixture_takes_no_more_than_the_server_does() -> None:
    styles = tuple(StyleChoice(f"style-{number}") for number in range(MAX_STYLES))
    check_styles(styles)
    with pytest.raises(Problem, match=str(MAX_STYLES)):
        joined(styles, "one more")
    assert joined(styles, "style-3") == styles


def test_the_last_one_left_counts_fully() -> None:
    styles = read_styles("udnie:0.2, great-wave:0.3, the-scream:0.5")
    assert weights(taken_out(styles, "udnie")) == {"great-wave": 0.3, "the-scream": 0.5}
    assert taken_out(taken_out(styles, "udnie"), "the-scream") == alone("great-wave")
    assert taken_out(alone("udnie"), "udnie") == ()


def test_a_share_leaves_the_others_as_they_are_to_one_another() -> None:
    styles = read_styles("udnie:1, great-wave:3, the-scream:1")
    for share in (0.1, 1.0, 0.0, 1.0, 0.5):
        styles = with_share(styles, "udnie", share)
        assert shares(styles)[0] == pytest.approx(share, abs=0.002)
        assert sum(shares(styles)) == pytest.approx(1.0)
        check_styles(styles)
        assert read_styles(write_styles(styles)) == styles
    assert shares(styles) == pytest.approx([0.5, 0.375, 0.125], abs=0.001)
    assert shares(with_share(read_styles("udnie:2, great-wave:0, the-scream:0"), "udnie", 0.5)) == [0.5, 0.25, 0.25]
    assert shares(read_styles("udnie:0, great-wave:0")) == [0.0, 0.0]
    assert weights(evened(styles)) == {"udnie": 1.0, "great-wave": 1.0, "the-scream": 1.0}


def test_a_mixture_is_called_by_all_its_titles() -> None:
    assert titles(read_styles("udnie:2, the-scream"), str.title) == "Udnie, The-Scream"


# --- requests


def test_measures_shrink_with_the_picture() -> None:
    choices = Choices.of("udnie", "great-wave", area="selection", strength=0.5, brush=2.0, feather=8.0)
    options, sent = request.painting(choices, {"pixels": PIXELS}, no_picture, reduced_by=4, max_side=256)
    assert (options.brush, options.feather, options.max_side, options.strength) == (0.5, 2.0, 256, 0.5)
    assert [one.name for one in options.background_styles] == ["great-wave"]
    assert list(sent) == ["pixels"]
    smallest = request.painting(Choices.of("udnie", brush=0.5), {"pixels": PIXELS}, no_picture, reduced_by=8)[0]
    assert smallest.brush == 0.25


def test_a_background_of_its_own_goes_only_where_both_are_painted() -> None:
    options, _ = request.painting(Choices.of("udnie", "great-wave", area="subject"), {}, no_picture)
    assert (options.area, options.background_styles) == ("subject", ())


def test_a_selection_is_feathered_by_the_server_as_a_subject_is() -> None:
    regions = {"pixels": PIXELS, "selection": SELECTION}
    soft = Choices.of("udnie", area="selection", feather=8.0, grow=4.0)
    options, sent = request.painting(soft, regions, no_picture)
    assert (options.area, options.feather, options.grow) == ("subject", 8.0, 0.0)
    assert sorted(sent) == ["mask", "pixels"]
    assert request.margin(soft) == 12
    hard = Choices.of("udnie", area="selection")
    options, sent = request.painting(hard, regions, no_picture)
    assert (options.area, sorted(sent), request.margin(hard)) == ("everything", ["pixels", "selection"], 0)
    # Between subject and background it is their border that is soft.
    both = Choices.of("udnie", "great-wave", area="selection", feather=8.0)
    options, sent = request.painting(both, regions, no_picture)
    assert (options.area, options.feather, sorted(sent)) == ("everything", 8.0, ["pixels", "selection"])


def test_pictures_go_along_under_names_that_no_style_has() -> None:
    choices = Choices((StyleChoice("file:/home/me/a.png", 2.0), StyleChoice("udnie")), read_styles("clipboard:1"))
    options, sent = request.painting(choices, {"pixels": PIXELS}, lambda key: (key[:4], PIXELS))
    assert [(one.name, one.weight) for one in options.styles] == [("file 1", 2.0), ("udnie", 1.0)]
    assert [one.name for one in options.background_styles] == ["clip 2"]
    assert list(sent) == ["pixels", "style:file 1", "style:clip 2"]


def test_without_a_style_nothing_is_asked_for() -> None:
    with pytest.raises(Problem, match="style"):
        request.painting(Choices(), {"pixels": PIXELS}, no_picture)


def test_a_subject_is_asked_for_with_what_masks_heed() -> None:
    choices = Choices.of("udnie", area="background", feather=8.0, grow=-4.0, brush=2.0)
    options, sent = request.subject(choices, {"pixels": PIXELS, "selection": SELECTION}, reduced_by=2, max_side=64)
    assert (options.feather, options.grow, options.invert, options.max_side) == (4.0, -2.0, True, 64)
    assert sorted(sent) == ["pixels", "selection"]


# --- pictures


def test_what_is_copied_twice_is_one_style() -> None:
    key = clipboard_key(PIXELS)
    assert key == clipboard_key(Region(PIXELS.format, bytes(8)))
    assert key != clipboard_key(Region(PIXELS.format, bytes(7) + b"1"))
    assert is_picture(key)
    assert is_from_clipboard(key)
    assert not is_from_clipboard("file:/home/me/clipboard:1.png")
    assert [clipboard_title(earlier) for earlier in (0, 1)] == ["Clipboard", "Clipboard 2"]


def test_a_picture_of_which_nothing_can_be_seen_is_refused() -> None:
    with pytest.raises(Problem, match="clipboard is wholly transparent"):
        check_copied(PIXELS)
    check_copied(Region(PIXELS.format, bytes(7) + b"1"))
    check_copied(SELECTION)


# --- the preview


class Timers:
    """A toolkit of which one can say when time passes."""

    def __init__(self) -> None:
        self.due: list[Callable[[], object]] = []

    def later(self, _seconds: float, function: Callable[[], object]) -> None:
        self.due.append(function)

    def pass_by(self) -> None:
        due, self.due = self.due, []
        for function in due:
            function()


class Server:
    """Takes requests and answers when it is told to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fields: list[Any] = []
        self.calls: list[Call] = []
        self.cancelled: list[Call] = []

    def submit(self, op: str, fields: Any = None, regions: Any = None, on_event: Any = None) -> Call:
        self.asked.append(op)
        self.fields.append(fields)
        self.calls.append(Call("", on_event))
        return self.calls[-1]

    def cancel(self, call: Call) -> None:
        self.cancelled.append(call)


class Watched:
    """A preview, and what it has told."""

    def __init__(self) -> None:
        self.timers, self.server = Timers(), Server()
        self.told: list[object] = []
        self.preview = NewestWins(
            self.server,
            self.timers.later,
            answered=lambda event: self.told.append(event.kind),
            refused=lambda error: self.told.append(str(error)),
            working=self.told.append,
        )

    def wants(self, op: str) -> None:
        self.preview.update(lambda: (op, {}, {}))


def test_the_newest_wins_and_one_is_under_way() -> None:
    watched = Watched()
    for op in "abc":
        watched.wants(op)
    assert watched.preview.busy
    watched.timers.pass_by()
    assert watched.server.asked == ["c"]
    watched.wants("d")
    watched.wants("e")
    watched.timers.pass_by()
    assert watched.server.asked == ["c"]
    watched.server.calls[0].add(Event("progress"))
    watched.server.calls[0].add(Event("done"))
    watched.timers.pass_by()
    assert watched.server.asked == ["c", "e"]
    assert watched.told == [True, False, "done", True]


def test_what_was_stopped_is_neither_sent_nor_shown() -> None:
    watched = Watched()
    watched.wants("a")
    watched.preview.stop()
    watched.timers.pass_by()
    assert watched.server.asked == []
    watched.wants("b")
    watched.timers.pass_by()
    watched.preview.stop()
    assert watched.server.cancelled == watched.server.calls
    watched.server.calls[0].add(Event("cancelled"))
    assert watched.told == [True, False]
    assert not watched.preview.busy


def test_a_preview_that_cannot_be_made_says_so_and_goes_on() -> None:
    watched = Watched()

    def impossible() -> Any:
        raise Problem("There is no layer.")

    watched.preview.update(impossible)
    watched.timers.pass_by()
    watched.wants("a")
    watched.timers.pass_by()
    assert watched.told == ["There is no layer.", True]


# --- the layer in every style


class Gallery:
    """A gallery whose server is there for as long as somebody says so."""

    def __init__(self) -> None:
        self.timers, self.server = Timers(), Server()
        self.ready = True
        self.read: list[int] = []
        self.made: list[str] = []
        self.thumbnails = OwnThumbnails(
            self.server, lambda: self.ready, self.timers.later, lambda name, _: self.made.append(name)
        )

    def layer(self, longest: int) -> Region:
        self.read.append(longest)
        return PIXELS

    def begin(self, *names: str) -> None:
        self.thumbnails.begin(self.layer, names)

    def answer(self, kind: str = "done") -> None:
        self.server.calls[-1].add(Event(kind, regions={"pixels": PIXELS} if kind == "done" else {}))
        self.timers.pass_by()


def test_own_thumbnails_are_made_one_after_the_other_small_and_not_of_pictures() -> None:
    gallery = Gallery()
    gallery.begin("udnie", "file:/home/me/a.png", "great-wave")
    assert gallery.read == [320]
    assert gallery.server.asked == ["preview"]
    assert gallery.server.fields[0]["max_side"] == 160
    gallery.answer("progress")
    assert gallery.server.asked == ["preview"], "never two at a time"
    gallery.answer()
    gallery.answer()
    assert gallery.made == ["udnie", "great-wave"]
    assert [fields["styles"] for fields in gallery.server.fields] == [[["udnie", 1.0]], [["great-wave", 1.0]]]
    gallery.thumbnails.resume()
    assert len(gallery.server.calls) == 2, "all are made"


def test_own_thumbnails_give_way_and_go_on_where_they_were() -> None:
    gallery = Gallery()
    gallery.begin("udnie", "great-wave")
    gallery.answer()
    gallery.thumbnails.pause()
    assert gallery.server.cancelled == [gallery.server.calls[1]], "a painting does not wait for it"
    gallery.answer("cancelled")
    assert len(gallery.server.calls) == 2
    gallery.thumbnails.resume()
    gallery.answer()
    assert gallery.made == ["udnie", "great-wave"]


def test_own_thumbnails_pause_between_two() -> None:
    gallery = Gallery()
    gallery.begin("udnie", "great-wave")
    gallery.server.calls[0].add(Event("done", regions={"pixels": PIXELS}))
    gallery.thumbnails.pause()
    gallery.thumbnails.resume()
    gallery.timers.pass_by()
    assert len(gallery.server.calls) == 2, "never two at a time"


def test_own_thumbnails_outlive_a_style_that_cannot_be_painted_and_a_server_that_is_gone() -> None:
    gallery = Gallery()
    gallery.begin("broken", "udnie")
    gallery.answer("failed")
    gallery.ready = False
    gallery.answer("failed")
    assert len(gallery.server.calls) == 2, "nobody is asked who is not there"
    gallery.ready = True
    gallery.thumbnails.resume()
    gallery.answer()
    assert gallery.made == ["udnie"]


def test_own_thumbnails_of_another_layer_begin_anew_and_of_none_not_at_all() -> None:
    gallery = Gallery()
    gallery.begin("udnie", "great-wave")
    gallery.begin("great-wave")
    gallery.answer()
    assert gallery.made == ["great-wave"]

    def empty(longest: int) -> Region:
        raise Problem("The layer is empty.")

    gallery.begin("udnie")
    gallery.thumbnails.begin(empty, ["udnie"])
    gallery.thumbnails.resume()
    gallery.answer("cancelled")
    assert len(gallery.server.calls) == 3


# --- words


def session(state: str, **more: Any) -> Any:
    facts = {"state": state, "waited": 2.6, "late": 0.0, "process": 0, "problem": None, "invitation": "", "hello": {}}
    return SimpleNamespace(**{**facts, **more})


def workers(*states: str) -> Mapping[str, Any]:
    return {"workers": [{"state": state, "name": f"GPU {number}"} for number, state in enumerate(states)]}


@pytest.mark.parametrize(
    ("given", "words", "waiting", "remedy"),
    [
        (session("starting"), "The server is starting, 3 s …", True, ""),
        (session("greeting"), "Connecting to the server …", True, ""),
        (session("ready", late=12.3, process=5), "The server, process 5, has not answered for 12 s", True, ""),
        (session("ready", hello=workers("starting", "idle")), "The server is loading PyTorch …", True, ""),
        (session("ready", hello=workers("idle", "broken", "busy")), "Ready: GPU 0, GPU 2", False, ""),
        (session("ready", hello=workers("broken")), "The server cannot paint", False, ""),
        (session("ready", hello=workers("idle"), invitation="/a"), "On another machine. Ready: GPU 0", False, ""),
        (session("offline", problem=ImpastoError("It broke.", "Mend it.")), "It broke. Mend it.", False, "Try again"),
        (session("offline"), "The server does not run.", False, "Start it"),
    ],
)
def test_the_server_is_described(given: Any, words: str, waiting: bool, remedy: str) -> None:
    found = status(given)
    assert found.words.startswith(words)
    assert (found.waiting, found.remedy, found.trouble) == (waiting, remedy, given.problem is not None)


def test_a_job_is_described() -> None:
    assert doing(Event("accepted", place=2)) == (0.0, "waiting, 2 before it")
    assert doing(Event("accepted")) == (0.0, "waiting")
    assert doing(Event("progress", fraction=0.5, doing="painting")) == (0.5, "painting")
    assert doing(Event("done")) is None


def test_the_language_follows_the_system() -> None:
    try:
        for wanted in (["auto", "zh_TW"], ["zh_CN.UTF-8", "en"], ["xx", "", "zh"], ["zh@pinyin"]):
            choose_language(wanted)
            assert tr("Paint") == "绘制"
        assert tr("Set {name} back", name="X") == "重置X"
        assert tr("not in any catalogue") == "not in any catalogue"
        assert tr("") == ""
        assert tr_error(ImpastoError("There is no selection.", "Not known.")) == "没有选区。 Not known."
        for wanted in (["auto", "de_DE"], ["en", "zh_CN"], ["C", "zh_CN"], []):
            choose_language(wanted)
            assert tr("Paint") == "Paint"
    finally:
        choose_language([])
    assert languages() == {"en": "English", "zh_CN": "简体中文"}


# --- styles and settings


def test_styles_are_found_by_all_words() -> None:
    styles = read_library(
        [
            {"name": "great-wave", "title": "The Great Wave", "artist": "Hokusai", "year": 1831, "thumbnail": b"png"},
            {"name": "mine", "title": "Mine"},
        ]
    )
    wave, mine = styles
    assert (wave.by, wave.tip, wave.thumbnail) == ("Hokusai, 1831", "The Great Wave\nHokusai, 1831", b"png")
    assert (mine.by, mine.tip, mine.thumbnail) == ("", "Mine", b"")
    assert wave.is_found("hoku WAVE 18")
    assert not wave.is_found("wave monet")


def test_settings_come_back_and_nonsense_does_not() -> None:
    kept: dict[str, str] = {}
    settings = Settings(result="group", unload_after=3, invitation="/a", refine="fine")
    settings.remember_picture("/b")
    settings.remember_picture("/c")
    settings.remember_picture("/b")
    settings.save(kept.__setitem__)
    assert Settings.load(kept.get) == settings
    assert settings.pictures == ["/c", "/b"]
    assert settings.server_arguments[:2] == ["--unload-after", "180"]
    nonsense = {"result": "?", "unload_after": "many", "refine": "", "pictures": "{"}
    assert Settings.load(lambda name, default: nonsense.get(name, default)) == Settings()
