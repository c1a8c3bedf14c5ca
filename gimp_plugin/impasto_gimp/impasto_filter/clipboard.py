"""Pictures from the clipboard as styles: taken, kept by GIMP until that is closed, and found again by their keys."""

from __future__ import annotations

import base64
from typing import Any

from impasto_editor.pictures import check_copied, clipboard_key, clipboard_title, gone
from impasto_editor.texts import tr
from impasto_filter import host, kept
from impasto_filter.pixbufs import picture_in, pixbuf_of, region_of, shrunk
from impasto_link.errors import Problem
from impasto_link.pixels import Region

#: Where the PNG says how many there were before it.
_EARLIER = "tEXt::Earlier"


def keep(picture: Any) -> str:
    """Keep a pixbuf that was in the clipboard and return its key; raises Problem if nothing of it can be seen."""
    profile = picture.get_option("icc-profile")
    picture = shrunk(picture, host.PICTURE_SIDE)
    pixels = host.picture_with_profile(picture, base64.b64decode(profile)) if profile else region_of(picture)
    check_copied(pixels)
    key, keys = clipboard_key(pixels), kept.copied_keys()
    if key not in keys:
        # Compressed so little it takes no time that somebody would feel.
        options = {_EARLIER: str(len(keys)), "compression": "1"}
        kept.keep_copied(key, pixbuf_of(pixels).save_to_bufferv("png", [*options], [*options.values()])[1])
    return key


def title(key: str) -> str:
    """What a picture is called; of one that is gone, a sentence that says so."""
    picture = picture_in(kept.copied(key))
    return gone(key) if picture is None else clipboard_title(int(picture.get_option(_EARLIER)))


def read(key: str, longest: int) -> Region:
    """The pixels of a picture with no side longer than that many; raises Problem if it is gone."""
    picture = picture_in(kept.copied(key))
    if picture is None:
        raise Problem(gone(key), tr("Choose another style."))
    return region_of(shrunk(picture, longest))
