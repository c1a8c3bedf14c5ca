"""Pictures from the clipboard as styles: taken, kept by GIMP until that is closed, and found again by their keys."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import Any

from impasto_editor.pictures import check_copied, clipboard_key, clipboard_title, gone
from impasto_editor.texts import tr
from impasto_filter import host, kept
from impasto_filter.pixbufs import picture_in, pixbuf_of, region_of, shrunk
from impasto_link.errors import Problem
from impasto_link.pixels import Region

#: What this process has taken or found, by key; GIMP takes long to give and to keep a large one.
_pictures: dict[str, Any] = {}
#: The numbers of those that GIMP does not keep yet.
_new: dict[str, int] = {}


def take(picture: Any) -> str:
    """Take a pixbuf that was in the clipboard and return its key; raises Problem if nothing of it can be seen."""
    profile = picture.get_option("icc-profile")
    picture = shrunk(picture, host.PICTURE_SIDE)
    pixels = host.picture_with_profile(picture, base64.b64decode(profile)) if profile else region_of(picture)
    check_copied(pixels)
    key, numbers = clipboard_key(pixels), _numbers()
    _pictures[key] = pixbuf_of(pixels)
    if key not in numbers:
        _new[key] = len(numbers)
    return key


def keep(keys: Iterable[str]) -> None:
    """Have GIMP keep those of these pictures that were taken here, for other runs, which are processes of their own."""
    for key in _new.keys() & set(keys):
        # Compressed so little it takes less time.
        _, file = _pictures[key].save_to_bufferv("png", ["compression"], ["1"])
        kept.keep_copied(key, _new.pop(key), file)


def title(key: str) -> str:
    """What a picture is called; of one that is gone, a sentence that says so."""
    number = _numbers().get(key)
    return gone(key) if number is None else clipboard_title(number)


def read(key: str, longest: int) -> Region:
    """The pixels of a picture with no side longer than that many; raises Problem if it is gone."""
    if key not in _pictures:
        picture = picture_in(kept.copied(key))
        if picture is None:
            raise Problem(gone(key), tr("Choose another style."))
        _pictures[key] = picture
    return region_of(shrunk(_pictures[key], longest))


def _numbers() -> dict[str, int]:
    """How many there were before each, by key."""
    return {**kept.copied_keys(), **_new}
