"""What the user has chosen in the docker, and how it is said to the server and kept with a layer."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any

from impasto_link.options import BRUSH_RANGE, StyleChoice, StylizeOptions


@dataclass(frozen=True)
class Choices:
    """How a layer is to be painted.

    Attributes:
        style: the name of the style.
        background_style: a style of its own for the background; empty for none.
        strength: 0 gives the original, 1 the full style.
        brush: size of the strokes.
        keep_colors: whether the layer keeps its colours.
        area: ``everything``, ``subject``, ``background`` or ``selection``.
        feather: softens the border of the area, in pixels.
        refine: how thoroughly to refine, one of `impasto_link.options.REFINEMENTS`; empty for not at all.
        source: the id of the layer that was painted; for what is kept with the result.
    """

    style: str = ""
    background_style: str = ""
    strength: float = 1.0
    brush: float = 1.0
    keep_colors: bool = False
    area: str = "everything"
    feather: float = 0.0
    refine: str = ""
    source: str = ""

    @property
    def needs_subject(self) -> bool:
        """Whether the server has to find the subject."""
        return self.area in ("subject", "background") or bool(self.background_style)

    @property
    def two_styles(self) -> bool:
        """Whether the background has a style of its own."""
        return bool(self.background_style) and self.area in ("everything", "selection")

    def options(self, *, reduced_by: int = 1, **more: Any) -> StylizeOptions:
        """The options of a request.

        Args:
            reduced_by: by how much the picture that is sent is smaller than the layer. Strokes and feather shrink with
                it, strokes down to the smallest that the server takes.
            more: other options of the request.
        """
        # A selection is sent as pixels of its own and is feathered by Krita.
        area = "everything" if self.area == "selection" else self.area
        return StylizeOptions.of(
            StyleChoice(self.style),
            background_style=StyleChoice(self.background_style) if self.two_styles else (),
            refine=self.refine,
            strength=self.strength,
            brush=max(BRUSH_RANGE[0], self.brush / reduced_by),
            keep_colors=self.keep_colors,
            area=area,
            feather=self.feather / reduced_by if self.needs_subject else 0.0,
            **more,
        )

    def to_json(self) -> str:
        """As text, to be kept with a layer."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Choices | None:
        """What was kept with a layer; None if it cannot be read."""
        try:
            entry = json.loads(text)
            return cls(**{field.name: entry[field.name] for field in fields(cls) if field.name in entry})
        except (ValueError, TypeError):
            return None
