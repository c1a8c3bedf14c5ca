"""Pictures as styles. Each has a key that no style of the library has, and by which it is kept with a layer:
``file:PATH``, ``layer:ID`` (the editor's name of the layer) or ``clipboard:DIGEST``.
"""

from __future__ import annotations

from impasto_editor.texts import tr

_KINDS = ("file:", "layer:", "clipboard:")


def is_picture(key: str) -> bool:
    """Whether a style is a picture and not of the library."""
    return key.startswith(_KINDS)


def gone(key: str) -> str:
    """A sentence for a picture that cannot be had any more."""
    kind, _, path = key.partition(":")
    if kind == "file":
        return tr("The picture {file} is not there any more.", file=path)
    if kind == "layer":
        return tr("The layer that was the style is not there any more.")
    return tr("The picture from the clipboard that was the style is not there any more.")
