"""From what was chosen to what the server is asked for: options, and the regions that go along."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from impasto_editor.choices import Choices
from impasto_editor.pictures import is_picture
from impasto_editor.texts import tr
from impasto_link.coats import STYLE_FRAME, StyleChoice
from impasto_link.errors import Problem
from impasto_link.options import MASK, STYLIZE, MaskOptions, StylizeOptions
from impasto_link.pixels import Region

#: A feathered border reaches about so many times its feather outwards.
_REACH = 1.5

#: What gives the title and the pixels of a picture by its key; raises ImpastoError if it is gone.
ReadPicture = Callable[[str], "tuple[str, Region]"]


def margin(choices: Choices) -> int:
    """By how many pixels the rectangle that is sent has to be larger than the selection."""
    return math.ceil(_REACH * choices["feather"]) if choices.feathers_selection else 0


def painting(
    choices: Choices,
    regions: Mapping[str, Region],
    picture: ReadPicture,
    *,
    reduced_by: float = 1.0,
    **more: Any,
) -> tuple[StylizeOptions, dict[str, Region]]:
    """What is asked for to have a layer painted.

    Args:
        choices: how.
        regions: ``pixels`` and, if a selection limits them, ``selection``.
        picture: reads the pictures among the styles.
        reduced_by: by how much the pixels are smaller than the layer. What is measured in its pixels shrinks along;
            strokes do, too, down to the smallest that there are.
        more: other options of the request, which come before these.

    Raises:
        ImpastoError: no style is chosen, or a picture is gone.
    """
    if not choices.styles:
        raise Problem(tr("Choose a style first."))
    sent = dict(regions)

    def along(style: StyleChoice) -> StyleChoice:
        if not is_picture(style.name):
            return replace(style, kind="library")
        title, region = picture(style.name)
        # Where a file lies is nobody's business; and two pictures may have one title.
        name = f"{title} {len(sent)}"
        sent[STYLE_FRAME + name] = region
        return replace(style, name=name, kind="frame")

    area = choices.area if choices.area in ("subject", "background") else "everything"
    if choices.feathers_selection and "selection" in sent:
        # The border of a subject is what the server softens; so the selection is sent as one.
        sent["mask"], area = sent.pop("selection"), "subject"
    wanted = {
        **_measured(choices.values, reduced_by),
        "brush": max(STYLIZE["brush"].low, choices["brush"] / reduced_by),
        "area": area,
        "refine": choices.refine,
        **more,
    }
    if not choices.needs_subject:
        # What was set for a subject stays set, unseen; of a selection only the border is softened.
        wanted.update({"grow": 0.0} if area == "subject" else {"grow": 0.0, "feather": 0.0})
    styles = tuple(map(along, choices.styles))
    background = tuple(map(along, choices.background)) if choices.two_styles else ()
    return StylizeOptions.of(styles, background_style=background, **wanted), sent


def subject(
    choices: Choices, regions: Mapping[str, Region], *, reduced_by: float = 1.0, **more: Any
) -> tuple[MaskOptions, dict[str, Region]]:
    """What is asked for to have the subject of a layer found, or with the area ``background`` what is not the subject.

    Arguments as of `painting`.
    """
    values = {name: value for name, value in choices.values.items() if name in MASK}
    wanted = {**_measured(values, reduced_by), "invert": choices.area == "background", **more}
    return MaskOptions(**wanted), {kind: regions[kind] for kind in ("pixels", "selection") if kind in regions}


def _measured(values: Mapping[str, Any], reduced_by: float) -> dict[str, Any]:
    """Values for a picture that is smaller than the layer."""
    found = dict(values)
    for name, value in found.items():
        if name in STYLIZE and STYLIZE[name].unit == "px":
            found[name] = value / reduced_by
    return found
