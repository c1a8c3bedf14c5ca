"""What is known of the picture in the editor: plain values, without the editor's objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from impasto_link.bounds import Bounds


class Facts(NamedTuple):
    """What the docker has to know all the time; cheap to ask."""

    document: Any = None
    """Krita's document, only to be compared; None if there is none."""
    layer: str = ""
    has_selection: bool = False
    layers: tuple[str, ...] = ()
    """All that are selected, the active one among them, from the bottom."""
    animated: bool = False
    """Whether one of them has several frames."""


class OtherLayer(NamedTuple):
    """A layer that can be the style of another one."""

    layer: str
    """Its id."""
    name: str
    depth: int
    """In how many groups it is."""
    image: Any
    """A QImage of it, small."""


@dataclass(frozen=True)
class Source:
    """What is to be painted.

    Attributes:
        document: Krita's document. It may be closed at any time, so it is only to be looked for among the open ones.
        size: the width and height of the document.
        layer: id of the layer.
        name: name of the layer.
        parent: id of the layer's parent.
        position: where the layer's own origin is.
        bounds: the rectangle to paint.
        selection: the selection within it, one byte per pixel, or None.
        remark: a sentence about something unusual; may be empty.
    """

    document: Any
    size: tuple[int, int]
    layer: str
    name: str
    parent: str
    position: tuple[int, int]
    bounds: Bounds
    selection: bytes | None
    remark: str = ""
