"""Pictures as styles, by their keys (`impasto_editor.pictures`): files, layers and what was in the clipboard."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from gi.repository import Gio

from impasto_editor.pictures import gone, is_from_clipboard
from impasto_editor.texts import tr
from impasto_filter import clipboard, host, kept
from impasto_link.errors import Problem
from impasto_link.pixels import Region


class Pictures:
    """Reads pictures, each once.

    Args:
        image: the image whose layer is painted, in which layers are looked for that were kept with a painting.
        longest: no side is longer than this, in pixels.
    """

    def __init__(self, image: Any, longest: int) -> None:
        self._image, self._longest = image, longest
        self._read: dict[str, tuple[str, Region]] = {}

    def read(self, key: str) -> tuple[str, Region]:
        """The title and the pixels of a picture; raises Problem if it is gone or cannot be read."""
        if key not in self._read:
            self._read[key] = self._find(key)
        return self._read[key]

    def _find(self, key: str) -> tuple[str, Region]:
        kind, _, path = key.partition(":")
        if kind == "file":
            return Path(path).stem, host.picture_of_file(Gio.File.new_for_path(path), self._longest)
        if is_from_clipboard(key):
            return clipboard.title(key), clipboard.read(key, self._longest)
        layer = kept.layer_of(self._image, key)
        if layer is None:
            raise Problem(gone(key), tr("Choose another style."))
        return layer.get_name(), host.picture_of_layer(layer, self._longest)


def title_of(image: Any, key: str) -> str:
    """What a picture is called."""
    if is_from_clipboard(key):
        return clipboard.title(key)
    kind, _, path = key.partition(":")
    layer = kept.layer_of(image, key)
    return Path(path).stem if kind == "file" else layer.get_name() if layer is not None else gone(key)
