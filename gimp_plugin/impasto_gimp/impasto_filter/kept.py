"""What is kept with a painting: how it was painted, and how the layers that this speaks of are found again.

It is in parasites of the layers, and so goes along when the image is saved or duplicated.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from gi.repository import Gimp

from impasto_filter.choices import Choices

_CHOICES = "impasto"
#: On layers that paintings speak of: what tells one from all others, those of other images, too.
_IDENTITY = "impasto-layer"


def keep(painting: Any, choices: Choices, image: Any, source: Any) -> None:
    """Keep with a painting how it was made; within a group of undo, of which this becomes a part.

    Args:
        painting: the new layer.
        choices: how it was painted.
        image: the image.
        source: the layer that was painted; None if it is not there any more.
    """
    like = image.get_layer_by_tattoo(choices.picture_layer) if choices.picture_layer else None
    choices = replace(
        choices,
        picture_layer=like.get_tattoo() if like is not None else 0,
        picture_layer_id=_identify(like) if like is not None else "",
        source=source.get_tattoo() if source is not None else 0,
        source_id=_identify(source) if source is not None else "",
    )
    painting.attach_parasite(Gimp.Parasite.new(_CHOICES, Gimp.PARASITE_PERSISTENT, choices.to_json().encode()))


def choices_of(layer: Any) -> Choices | None:
    """How a layer was painted; None if it was not."""
    return Choices.from_json(_read(layer, _CHOICES))


def source_of(image: Any, layer: Any) -> Any:
    """What a layer was painted from; None if it was not painted, or that is not in the image."""
    choices = choices_of(layer)
    return find_layer(image, choices.source, choices.source_id) if choices is not None else None


def find_layer(image: Any, tattoo: int, identity: str) -> Any:
    """The layer of an image that a painting speaks of; None if it is not there.

    The tattoo is GIMP's number of a layer, which survives saving. But each image counts for itself, a duplicate of an
    image anew; and the identity alone does not tell a layer from its duplicates.

    Args:
        image: the image.
        tattoo: the layer's tattoo when the painting was made; 0 for no layer.
        identity: its identity; empty if an earlier version painted, which kept tattoos only.
    """
    found = image.get_layer_by_tattoo(tattoo) if tattoo else None
    if not identity or (found is not None and _read(found, _IDENTITY) == identity):
        return found
    return next((layer for layer in with_children(image.get_layers()) if _read(layer, _IDENTITY) == identity), None)


def with_children(layers: Iterable[Any]) -> Iterator[Any]:
    """The layers, and after each group those in it."""
    for layer in layers:
        yield layer
        if layer.is_group():
            yield from with_children(layer.get_children())


def _identify(layer: Any) -> str:
    """The identity of a layer, which gets one if it has none."""
    identity = _read(layer, _IDENTITY)
    if not identity:
        identity = uuid.uuid4().hex
        # Undone together with the painting, so that the layer is wholly as it was.
        flags = Gimp.PARASITE_PERSISTENT | Gimp.PARASITE_UNDOABLE
        layer.attach_parasite(Gimp.Parasite.new(_IDENTITY, flags, identity.encode()))
    return identity


def _read(layer: Any, name: str) -> str:
    """The text of a parasite; empty if there is none."""
    parasite = layer.get_parasite(name)
    return bytes(parasite.get_data()).decode("utf-8", "replace") if parasite is not None else ""
