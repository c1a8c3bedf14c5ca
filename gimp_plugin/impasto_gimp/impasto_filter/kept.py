"""What is kept with a painting: how it was painted, and how the layers that this speaks of are found again.

It is in parasites of the layers, and so goes along when the image is saved or duplicated. A layer is known there by
``TATTOO:IDENTITY``; while GIMP runs, by ``#`` and GIMP's number of it, which is no change of the layer. A picture from
the clipboard is in a parasite of GIMP itself until that is closed: each run of the filter is a process of its own.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from gi.repository import Gimp

from impasto_editor.choices import Choices, Styles
from impasto_editor.pictures import is_from_clipboard

_CHOICES = "impasto"
#: On layers that paintings speak of: what tells one from all others, those of other images, too.
_IDENTITY = "impasto-layer"
_LAYER = "layer:"
#: Before number and key of a picture from the clipboard.
_COPIED = "impasto-copied-"


def keep(painting: Any, text: str, image: Any, source: Any) -> None:
    """Keep with a painting how it was made; within a group of undo, of which this becomes a part.

    Args:
        painting: the new layer.
        text: how it was painted, as `Choices.to_json` has it.
        image: the image.
        source: the layer that was painted; None if it is not there any more.
    """
    choices = Choices.from_json(text) or Choices()
    choices = replace(
        choices,
        styles=_lasting(choices.styles, image),
        background=_lasting(choices.background, image),
        source=_name(source) if source is not None else "",
    )
    painting.attach_parasite(Gimp.Parasite.new(_CHOICES, Gimp.PARASITE_PERSISTENT, choices.to_json().encode()))


def text_of(layer: Any) -> str:
    """How a layer was painted, as text; empty if it was not."""
    return _read(layer, _CHOICES)


def choices_of(layer: Any) -> Choices | None:
    """How a layer was painted; None if it was not."""
    return Choices.from_json(text_of(layer))


def source_of(image: Any, layer: Any) -> Any:
    """What a layer was painted from; None if it was not painted, or that is not in the image."""
    choices = choices_of(layer)
    return find_layer(image, choices.source) if choices is not None else None


def key_of(layer: Any) -> str:
    """The key of a layer as a style, for as long as GIMP runs."""
    return f"{_LAYER}#{layer.get_id()}"


def layer_of(image: Any, key: str) -> Any:
    """The layer that a key means, in this image or while GIMP runs in any; None if it is none or not there."""
    return find_layer(image, key.removeprefix(_LAYER)) if key.startswith(_LAYER) else None


def find_layer(image: Any, name: str) -> Any:
    """The layer that a painting speaks of; None if it is not there.

    The tattoo is GIMP's number of a layer within an image, which survives saving. But each image counts for itself, a
    duplicate of an image anew; and the identity alone does not tell a layer from its duplicates.

    Args:
        image: the image.
        name: ``TATTOO:IDENTITY``, or ``#`` and GIMP's number of the layer. Of an earlier version, which kept tattoos
            only, the identity is empty.
    """
    if name.startswith("#"):
        number = int(name[1:]) if name[1:].isdecimal() else 0
        return Gimp.Layer.get_by_id(number) if number and Gimp.Item.id_is_valid(number) else None
    tattoo, _, identity = name.partition(":")
    found = image.get_layer_by_tattoo(int(tattoo)) if tattoo.isdecimal() and int(tattoo) else None
    if not identity or (found is not None and _read(found, _IDENTITY) == identity):
        return found
    return next((layer for layer in with_children(image.get_layers()) if _read(layer, _IDENTITY) == identity), None)


def with_children(layers: Iterable[Any]) -> Iterator[Any]:
    """The layers, and after each group those in it."""
    for layer in layers:
        yield layer
        if layer.is_group():
            yield from with_children(layer.get_children())


def present(styles: Styles, image: Any) -> Styles:
    """Styles that were kept, without the layers and the pictures from the clipboard that are not there any more."""
    copied = copied_keys()
    found = (
        (one, layer_of(image, one.name)) for one in styles if one.name in copied or not is_from_clipboard(one.name)
    )
    return tuple(
        replace(one, name=key_of(layer)) if layer is not None else one
        for one, layer in found
        if layer is not None or not one.name.startswith(_LAYER)
    )


def keep_copied(key: str, number: int, file: bytes) -> None:
    """Keep a picture from the clipboard, and how many there were before it, until GIMP is closed."""
    # From Python a parasite takes no bytes above 127.
    Gimp.attach_parasite(Gimp.Parasite.new(f"{_COPIED}{number}-{key}", 0, base64.b64encode(file)))


def copied_keys() -> dict[str, int]:
    """The keys of all pictures from the clipboard that are kept, and their numbers."""
    names = (name.removeprefix(_COPIED) for name in Gimp.get_parasite_list() if name.startswith(_COPIED))
    return {key: int(number) for number, _, key in (name.partition("-") for name in names)}


def copied(key: str) -> bytes:
    """A picture that was kept under this key; empty if it is gone."""
    number = copied_keys().get(key)
    if number is None:
        return b""
    return base64.b64decode(bytes(Gimp.get_parasite(f"{_COPIED}{number}-{key}").get_data()))


def _lasting(styles: Styles, image: Any) -> Styles:
    """Styles with layers by names that last. One of another image cannot be found again, and is left out."""
    found = ((one, layer_of(image, one.name)) for one in styles)
    return tuple(
        replace(one, name=_LAYER + _name(layer)) if layer is not None else one
        for one, layer in found
        if not one.name.startswith(_LAYER) or (layer is not None and layer.get_image() == image)
    )


def _name(layer: Any) -> str:
    return f"{layer.get_tattoo()}:{_identify(layer)}"


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
