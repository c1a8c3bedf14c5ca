"""Pictures as styles. Each has a key that no style of the library has, and by which it is kept with a layer:
``file:PATH``, ``layer:ID`` (the editor's name of the layer) or ``clipboard:DIGEST``.
"""

from __future__ import annotations

import hashlib

from impasto_editor.texts import tr
from impasto_link.errors import Problem
from impasto_link.pixels import Region

_CLIPBOARD = "clipboard:"
_KINDS = ("file:", "layer:", _CLIPBOARD)


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


def is_from_clipboard(key: str) -> bool:
    """Whether a style is a picture that was in the clipboard."""
    return key.startswith(_CLIPBOARD)


def clipboard_key(pixels: Region) -> str:
    """The key of what was in the clipboard; the same for the same pixels."""
    return _CLIPBOARD + hashlib.sha256(pixels.data).hexdigest()[:16]


def clipboard_title(earlier: int) -> str:
    """What a picture from the clipboard is called, where there are so many earlier ones."""
    return tr("Clipboard {number}", number=earlier + 1) if earlier else tr("Clipboard")


def nothing_copied() -> Problem:
    """What is raised where the clipboard has no picture."""
    return Problem(tr("There is no picture in the clipboard."), tr("Copy one, then try again."))


def check_visible(pixels: Region, sentence: str) -> None:
    """Raise Problem with this sentence if nothing of an 8 bit picture can be seen."""
    if pixels.format.has_alpha and not any(memoryview(pixels.data)[3::4]):
        raise Problem(sentence, tr("Choose another picture."))


def check_copied(pixels: Region) -> None:
    """Raise Problem if nothing of a picture from the clipboard can be seen."""
    check_visible(pixels, tr("The picture in the clipboard is wholly transparent."))
