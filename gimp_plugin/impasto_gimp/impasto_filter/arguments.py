"""The arguments of the procedures: the same in the dialog, in scripts, and for Repeat.

What a request has as data (`impasto_link.parameters`) becomes an argument by itself; only what GIMP has words of its
own for is declared here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gi.repository import Gimp, Gio, GObject

from impasto_editor.choices import Choices, Styles, read_styles, write_styles
from impasto_editor.pictures import is_from_clipboard
from impasto_editor.rows import ELSEWHERE, Row
from impasto_editor.settings import Settings
from impasto_editor.texts import languages, tr
from impasto_filter import kept
from impasto_filter.engine_settings import read_settings, write_settings
from impasto_filter.mnemonics import titles
from impasto_link.options import MASK, REFINE, STYLIZE
from impasto_link.parameters import Choice, Parameter

AREAS = ("selection", "everything", "subject", "background")
RESULTS = ("mask", "flat", "group")
FRAMES = ("one", "all")
#: The style of a GIMP in which nobody has chosen one.
USUAL_STYLE = "starry-night"
_NO_REFINEMENT = Choice("none", "None")

#: What can be chosen beside styles, area and result, of a painting and of a mask.
PAINTING = {name: one for name, one in STYLIZE.items() if name not in ELSEWHERE}
SUBJECT = {name: one for name, one in MASK.items() if name in ("feather", "grow", "mask_model")}

_BOTH = GObject.ParamFlags.READWRITE
_LARGE = 1 << 30


def area_choices() -> list[tuple[str, str]]:
    """The areas and their titles."""
    return list(zip(AREAS, (tr("Selection"), tr("Everything"), tr("Subject"), tr("Background")), strict=True))


def result_choices() -> list[tuple[str, str]]:
    """What a painting can become."""
    words = tr("Layer with a layer mask"), tr("One finished layer"), tr("Group of layer and mask")
    return list(zip(RESULTS, words, strict=True))


def frame_choices() -> list[tuple[str, str]]:
    """Which layers of an animation can be painted."""
    return list(zip(FRAMES, (tr("This one"), tr("All")), strict=True))


def refine_choices() -> list[tuple[str, str]]:
    """The refinements and their titles."""
    return [(one.value, tr(one.title)) for one in (_NO_REFINEMENT, *REFINE["preset"].choices)]


def painting_titles() -> dict[str, str]:
    """What is shown of the titles in the dialog Style Transfer, by the English ones."""
    first = ("Paint", "Area", "Background style", "Keep colours", "Brush size", "Feather", "Picture file", "Layer")
    others = ("Favourite", "Result", "Refinement", "Strength", "More", "Mix")
    last = ("Picture from Clipboard", "Frames")
    known = (*first, *others)
    return titles((*known, *(one.title for one in PAINTING.values() if one.title not in known), *last))


def subject_titles() -> dict[str, str]:
    """Likewise of the dialog Find Subject."""
    return titles(("Add Mask", "Show the background instead", *(one.title for one in SUBJECT.values())))


def declare_style_transfer(procedure: Any) -> None:
    """The arguments of the Style Transfer."""
    title = painting_titles()
    procedure.add_string_argument(
        "style",
        tr("Style"),
        tr("The name of a style; NAME:WEIGHT, NAME:WEIGHT for a mixture; a line each where there are pictures in it"),
        USUAL_STYLE,
        _BOTH,
    )
    procedure.add_file_argument(
        "picture",
        tr("Picture"),
        tr("A picture to paint like, instead of the style"),
        # With OPEN GIMP itself would refuse a file that is not there, in words that name neither it nor the reason.
        Gimp.FileChooserAction.ANY,
        True,
        None,
        _BOTH,
    )
    procedure.add_layer_argument(
        "picture-layer", tr("Layer"), tr("A layer to paint like, instead of the style"), True, _BOTH
    )
    procedure.add_string_argument(
        "background-style",
        title["Background style"],
        tr("A style of its own for everything but the subject; empty for none"),
        "",
        _BOTH,
    )
    procedure.add_choice_argument(
        "area",
        title["Area"],
        tr("What is painted. Without a selection, the selection is everything"),
        _choice(area_choices()),
        AREAS[0],
        _BOTH,
    )
    procedure.add_choice_argument(
        "refine",
        title["Refinement"],
        tr("Works the painting over for longer: minutes, without a GPU more"),
        _choice(refine_choices()),
        _NO_REFINEMENT.value,
        _BOTH,
    )
    procedure.add_choice_argument(
        "result", title["Result"], tr("What the painting becomes"), _choice(result_choices()), RESULTS[0], _BOTH
    )
    procedure.add_choice_argument(
        "frames",
        title["Frames"],
        tr("Of an animation: this layer, or all layers as its frames, into a new image"),
        _choice(frame_choices()),
        FRAMES[0],
        _BOTH,
    )
    _declare(procedure, PAINTING.values(), title)
    procedure.add_string_argument(
        "settings", tr("Settings"), tr("Of the engine's own: NAME=VALUE, NAME=VALUE"), "", _BOTH
    )


def declare_find_subject(procedure: Any) -> None:
    """The arguments of Find Subject."""
    title = subject_titles()
    _declare(procedure, SUBJECT.values(), title)
    procedure.add_boolean_argument(
        "invert", title["Show the background instead"], tr("Hide the subject and show the rest"), False, _BOTH
    )


def declare_settings(procedure: Any) -> None:
    """The arguments of the settings; those that are left out set back."""
    usual = Settings()
    mode = Gimp.RunMode
    procedure.add_enum_argument("run-mode", tr("Run mode"), tr("Run mode"), mode, mode.NONINTERACTIVE, _BOTH)
    names = {"auto": tr("Language of GIMP"), **languages()}
    procedure.add_choice_argument(
        "language", tr("Language"), tr("Of the filter"), _choice(names.items()), usual.language, _BOTH
    )
    procedure.add_file_argument(
        "invitation",
        tr("Server"),
        tr("For a server on another machine: the invitation file that “impasto serve --remote” wrote there"),
        Gimp.FileChooserAction.ANY,
        True,
        None,
        _BOTH,
    )
    for name, title in (("unload_after", tr("Unload models after")), ("exit_after", tr("End the server after"))):
        words = tr("Minutes; 0 for never")
        procedure.add_int_argument(_argument(name), title, words, 0, 24 * 60, getattr(usual, name), _BOTH)


def read(config: Any) -> Choices:
    """The choices that a configuration has."""
    file, layer = config.get_property("picture"), config.get_property("picture-layer")
    style = _text(config, "style")
    if layer is not None:
        style = kept.key_of(layer)
    elif file is not None:
        style = f"file:{file.get_path() or ''}"
    found = {name: config.get_property(_argument(name)) for name in PAINTING}
    values = {name: _default(name) if value is None else value for name, value in found.items()}
    values["settings"] = read_settings(_text(config, "settings"))
    refine = config.get_property("refine")
    return Choices(
        read_styles(style),
        read_styles(_text(config, "background-style")),
        config.get_property("area"),
        {name: value for name, value in values.items() if value != _default(name)},
        refine="" if refine == _NO_REFINEMENT.value else refine,
        frames=config.get_property("frames"),
        result=config.get_property("result"),
    )


def clipboard_of(config: Any) -> str:
    """The key of the picture from the clipboard that alone is the style; empty if there is none."""
    styles = read(config).styles
    return styles[0].name if len(styles) == 1 and is_from_clipboard(styles[0].name) else ""


def _text(config: Any, name: str) -> str:
    """A text of a configuration; GIMP says None of an empty one that a script has not set."""
    return config.get_property(name) or ""


def write(config: Any, image: Any, choices: Choices) -> None:
    """Have a configuration hold these choices, to paint a layer of this image."""
    write_styles_of(config, image, kept.present(choices.styles, image))
    config.set_property("background-style", write_styles(kept.present(choices.background, image)))
    config.set_property("area", choices.area)
    config.set_property("refine", choices.refine or _NO_REFINEMENT.value)
    config.set_property("result", choices.result or RESULTS[0])
    config.set_property("frames", choices.frames if choices.frames in FRAMES else FRAMES[0])
    for name in PAINTING:
        config.set_property(_argument(name), choices[name])
    config.set_property("settings", write_settings(choices["settings"]))


def write_styles_of(config: Any, image: Any, styles: Styles) -> None:
    """Have a configuration hold these styles; a file alone has an argument of its own, and so has a layer."""
    picture = styles[0].name if len(styles) == 1 else ""
    layer = kept.layer_of(image, picture)
    file = Gio.File.new_for_path(picture.removeprefix("file:")) if picture.startswith("file:") else None
    # Both at once, or one would be followed that does not count any more.
    with config.freeze_notify():
        config.set_property("picture", file)
        config.set_property("picture-layer", layer)
        if file is None and layer is None:
            config.set_property("style", write_styles(styles))


def read_subject(config: Any) -> Choices:
    """The choices that a configuration of Find Subject has."""
    area = "background" if config.get_property("invert") else "subject"
    return Choices(area=area, values={name: config.get_property(_argument(name)) for name in SUBJECT})


def _argument(name: str) -> str:
    return name.replace("_", "-")


def _default(name: str) -> Any:
    return {} if name == "settings" else PAINTING[name].default


def _declare(procedure: Any, parameters: Iterable[Parameter], title: Mapping[str, str]) -> None:
    for one in parameters:
        _DECLARE[one.kind](procedure, one, _argument(one.name), title[one.title], Row(one).tip)


def _declare_number(procedure: Any, one: Parameter, name: str, title: str, tip: str) -> None:
    procedure.add_double_argument(name, title, tip, max(one.low, -_LARGE), min(one.high, _LARGE), one.default, _BOTH)


def _declare_whole(procedure: Any, one: Parameter, name: str, title: str, tip: str) -> None:
    low, high = (round(max(-_LARGE, min(_LARGE, end))) for end in one.bounds)
    procedure.add_int_argument(name, title, tip, low, high, one.default, _BOTH)


def _declare_switch(procedure: Any, one: Parameter, name: str, title: str, tip: str) -> None:
    procedure.add_boolean_argument(name, title, tip, one.default, _BOTH)


def _declare_choice(procedure: Any, one: Parameter, name: str, title: str, tip: str) -> None:
    entries = [(each.value, tr(each.title)) for each in one.choices]
    procedure.add_choice_argument(name, title, tip, _choice(entries), one.default, _BOTH)


def _declare_text(procedure: Any, one: Parameter, name: str, title: str, tip: str) -> None:
    procedure.add_string_argument(name, title, tip, one.default or "", _BOTH)


_DECLARE: dict[str, Callable[[Any, Parameter, str, str, str], None]] = {
    "number": _declare_number,
    "whole": _declare_whole,
    "switch": _declare_switch,
    "choice": _declare_choice,
    "name": _declare_text,
    "text": _declare_text,
}


def _choice(entries: Iterable[tuple[str, str]]) -> Any:
    choice = Gimp.Choice.new()
    for number, (name, title) in enumerate(entries):
        choice.add(name, number, title, "")
    return choice
