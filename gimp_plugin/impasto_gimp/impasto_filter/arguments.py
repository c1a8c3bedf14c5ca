"""The arguments of the procedures: the same in the dialog, in scripts, and for Repeat."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from gi.repository import Gimp, GObject

from impasto_filter import kept
from impasto_filter.choices import AREAS, REFINEMENTS, RESULTS, Choices
from impasto_filter.texts import tr
from impasto_link.options import MASK, STYLIZE, MaskOptions

#: The choices that a configuration has under the same names.
_PLAIN = tuple(
    field.name
    for field in fields(Choices)
    if field.name not in ("picture", "picture_layer", "picture_layer_id", "source", "source_id")
)


def declare_style_transfer(procedure: Any) -> None:
    """The arguments of the Style Transfer. Buttons of the dialog own the mnemonics c, h, l, p, r and s."""
    both = GObject.ParamFlags.READWRITE
    usual = Choices()
    procedure.add_string_argument(
        "style", tr("St_yle"), tr("The name of a style; NAME:WEIGHT, NAME:WEIGHT for a mixture"), usual.style, both
    )
    procedure.add_file_argument(
        "picture",
        tr("P_icture"),
        tr("A picture to paint like, instead of the style"),
        # With OPEN GIMP itself would refuse a file that is not there, in words that name neither it nor the reason.
        Gimp.FileChooserAction.ANY,
        True,
        None,
        both,
    )
    procedure.add_layer_argument(
        "picture-layer", tr("La_yer"), tr("A layer to paint like, instead of the style"), True, both
    )
    procedure.add_string_argument(
        "background-style",
        tr("_Background style"),
        tr("A style of its own for everything but the subject; empty for none"),
        "",
        both,
    )
    procedure.add_double_argument(
        "strength",
        tr("Stren_gth"),
        tr("0 leaves the layer as it is, 1 paints it fully in the style"),
        0.0,
        1.0,
        usual.strength,
        both,
    )
    procedure.add_double_argument(
        "brush",
        tr("Br_ush size"),
        tr("The size of the strokes"),
        *STYLIZE["brush"].bounds,
        usual.brush,
        both,
    )
    procedure.add_boolean_argument(
        "keep-colors",
        tr("_Keep colours"),
        tr("Take light and dark from the style, colours from the layer"),
        usual.keep_colors,
        both,
    )
    procedure.add_choice_argument(
        "area",
        tr("_Area"),
        tr("What is painted. Without a selection, the selection is everything"),
        _choice(AREAS, area_titles()),
        usual.area,
        both,
    )
    procedure.add_double_argument(
        "feather",
        tr("_Feather"),
        tr("Softens the border of the area, in pixels"),
        *MASK["feather"].bounds,
        usual.feather,
        both,
    )
    titles = (tr("None"), tr("Draft"), tr("Normal"), tr("Fine"))
    procedure.add_choice_argument(
        "refine",
        tr("Refine_ment"),
        tr("Works the painting over for longer: minutes, without a GPU more"),
        _choice(REFINEMENTS, titles),
        usual.refine,
        both,
    )
    procedure.add_choice_argument(
        "result",
        tr("Resul_t"),
        tr("What the painting becomes"),
        _choice(RESULTS, (tr("Layer with a layer mask"), tr("One finished layer"))),
        usual.result,
        both,
    )


def declare_find_subject(procedure: Any) -> None:
    """The arguments of Find Subject."""
    both = GObject.ParamFlags.READWRITE
    procedure.add_double_argument(
        "feather",
        tr("_Feather"),
        tr("Softens the border, in pixels"),
        *MASK["feather"].bounds,
        0.0,
        both,
    )
    procedure.add_double_argument(
        "grow",
        tr("_Grow"),
        tr("Moves the border outwards, in pixels; below 0 inwards"),
        *MASK["grow"].bounds,
        0.0,
        both,
    )
    procedure.add_boolean_argument(
        "invert", tr("Show the _background instead"), tr("Hide the subject and show the rest"), False, both
    )


def area_titles() -> tuple[str, ...]:
    """The titles of AREAS."""
    return tr("Selection"), tr("Everything"), tr("Subject"), tr("Background")


def read(config: Any, image: Any) -> Choices:
    """The choices that a configuration has, to paint a layer of this image."""
    found = {name: config.get_property(name.replace("_", "-")) for name in _PLAIN}
    file, layer = config.get_property("picture"), config.get_property("picture-layer")
    if layer is not None:
        # One of another image cannot be found again; but it was not painted in the style either.
        return Choices(**{**found, "style": ""}, picture_layer=layer.get_tattoo() if layer.get_image() == image else 0)
    return Choices(**found, picture=(file.get_path() or "") if file is not None else "")


def write(config: Any, image: Any, choices: Choices) -> None:
    """Have a configuration hold these choices, to paint a layer of this image."""
    from gi.repository import Gio

    for name in _PLAIN:
        config.set_property(name.replace("_", "-"), getattr(choices, name))
    config.set_property("picture", Gio.File.new_for_path(choices.picture) if choices.picture else None)
    config.set_property("picture-layer", kept.find_layer(image, choices.picture_layer, choices.picture_layer_id))


def read_mask_options(config: Any) -> MaskOptions:
    """The options that a configuration of Find Subject has."""
    return MaskOptions(**{name: config.get_property(name) for name in ("feather", "grow", "invert")})


def _choice(names: tuple[str, ...], titles: tuple[str, ...]) -> Any:
    choice = Gimp.Choice.new()
    for number, (name, title) in enumerate(zip(names, titles, strict=True)):
        choice.add(name, number, title, "")
    return choice
