"""What is known of an engine before it is loaded. Without PyTorch: the broker tells it to clients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from impasto_link.parameters import Parameter

#: What an engine can be told to paint like.
LIBRARY, PICTURE, TEXT = "library", "picture", "text"


@dataclass(frozen=True)
class EngineFacts:
    """What an engine states of itself.

    Attributes:
        name: by which it is asked for.
        title: what an editor calls it.
        tip: what it is good for, in a sentence.
        accepts: what it paints like: ``library`` (styles by name), ``picture``, ``text``.
        paints: whether it paints in one pass.
        refines: whether it optimises a painting, or the photo.
        halo: how far a pixel of its painting sees to each side, in pixels at the painting's scale.
        stride: where its grid has corners, in pixels: an area that begins at one is painted as in the whole picture.
        smallest: the shortest side that it takes, in pixels; smaller pictures are continued by their edge before.
        parameters: what can be set beside what all engines have.
        follows: whether its `paint` takes ``smoothing``, so that the colours of a video do not flicker.
    """

    name: str
    title: str
    tip: str
    accepts: frozenset[str]
    paints: bool = True
    refines: bool = False
    halo: int = 0
    stride: int = 1
    smallest: int = 1
    parameters: tuple[Parameter, ...] = ()
    follows: bool = False

    @property
    def settings(self) -> dict[str, Parameter]:
        """Its own parameters by name."""
        return {one.name: one for one in self.parameters}

    def to_wire(self) -> dict[str, Any]:
        """As ``hello`` tells it."""
        return {
            "name": self.name,
            "title": self.title,
            "tip": self.tip,
            "accepts": sorted(self.accepts),
            "paints": self.paints,
            "refines": self.refines,
            "parameters": [one.to_wire() for one in self.parameters],
        }
