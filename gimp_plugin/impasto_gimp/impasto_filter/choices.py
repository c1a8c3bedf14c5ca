"""What the user has chosen, and how it is said to the server and kept with a layer."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from impasto_link.options import STYLIZE, StylizeOptions

#: Under this name a picture as a style is sent.
PICTURE = "picture"

AREAS = ("selection", "everything", "subject", "background")
REFINEMENTS = ("none", "draft", "normal", "fine")
RESULTS = ("mask", "flat")


@dataclass(frozen=True)
class Choices:
    """How a layer is to be painted. The names are those of the procedure's arguments.

    Attributes:
        style: the name of the style; ``NAME:WEIGHT, NAME:WEIGHT`` for a mixture.
        picture: the path of a picture to paint like instead; empty for none.
        picture_layer: the tattoo of a layer of the same image to paint like instead; 0 for none.
        picture_layer_id: its identity, by which `kept` finds it again; for what is kept with the result.
        background_style: a style of its own for the background; empty for none.
        strength: 0 gives the original, 1 the full style.
        brush: size of the strokes.
        keep_colors: whether the layer keeps its colours.
        area: one of AREAS; the selection, if there is none, is everything.
        feather: softens the border of the area, in pixels.
        refine: one of REFINEMENTS.
        result: ``mask``, a layer with a mask, or ``flat``, one finished layer.
        source: the tattoo of the layer that was painted; for what is kept with the result.
        source_id: its identity, likewise.
    """

    style: str = "starry-night"
    picture: str = ""
    picture_layer: int = 0
    picture_layer_id: str = ""
    background_style: str = ""
    strength: float = 1.0
    brush: float = 1.0
    keep_colors: bool = False
    area: str = "selection"
    feather: float = 0.0
    refine: str = "none"
    result: str = "mask"
    source: int = 0
    source_id: str = ""

    @property
    def uses_selection(self) -> bool:
        """Whether a selection, where there is one, limits what is painted."""
        return self.area != "everything"

    @property
    def two_styles(self) -> bool:
        """Whether the background has a style of its own."""
        return bool(self.background_style) and self.area in ("everything", "selection")

    def options(self, *, with_picture: bool = False, reduced_by: float = 1.0, **more: Any) -> StylizeOptions:
        """The options of a request.

        Args:
            with_picture: whether a picture is sent along, as PICTURE, to paint like.
            reduced_by: by how much the picture that is sent is smaller than the layer. Strokes and feather shrink with
                it, strokes down to the smallest that the server takes.
            more: other options of the request, which come before these.
        """
        area = self.area if self.area in ("subject", "background") else "everything"
        wanted: dict[str, Any] = {
            "background_style": _names(self.background_style) if self.two_styles else (),
            "refine": None if self.refine == "none" else self.refine,
            "strength": self.strength,
            "brush": max(STYLIZE["brush"].low, self.brush / reduced_by),
            "keep_colors": self.keep_colors,
            "area": area,
            "feather": self.feather / reduced_by if area != "everything" or self.two_styles else 0.0,
            **more,
        }
        return StylizeOptions.of(PICTURE if with_picture else _names(self.style), **wanted)

    def to_json(self) -> str:
        """As text, to be kept with a layer."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Choices | None:
        """What was kept with a layer; None if it cannot be read."""
        try:
            return cls.from_entry(json.loads(text))
        except ValueError:
            return None

    @classmethod
    def from_entry(cls, entry: Any) -> Choices | None:
        """The choices in a map, of this version or another one; None if it is none."""
        if not isinstance(entry, dict):
            return None
        kinds = {field.name: type(field.default) for field in fields(cls)}
        return cls(**{name: entry[name] for name, kind in kinds.items() if isinstance(entry.get(name), kind)})


def _names(text: str) -> list[str]:
    return [name for name in (part.strip() for part in text.split(",")) if name]
