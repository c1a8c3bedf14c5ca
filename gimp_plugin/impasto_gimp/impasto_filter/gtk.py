"""GTK, as the windows use it. Imported only when there is somebody to look."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import gi

gi.require_version("Gdk", "3.0")
gi.require_version("Gtk", "3.0")
gi.require_version("GimpUi", "3.0")

from gi.repository import Gdk, GdkPixbuf, GimpUi, Gio, GLib, Gtk, Pango  # noqa: E402

__all__ = ["GLib", "Gdk", "GdkPixbuf", "GimpUi", "Gio", "Gtk", "Pango", "ask_clipboard", "start"]


def start() -> bool:
    """Has to be called before any window is made; whether there is a screen to show it on."""
    if not Gtk.init_check(sys.argv)[0]:
        return False
    GimpUi.init("impasto_gimp")
    return True


def ask_clipboard(take: Callable[[Any, list[str]], None]) -> None:
    """Have a function called with what was copied: a picture as a pixbuf or None, and if it is None the paths of files.

    Later, since whoever has it may be slow to give it.
    """
    clipboard = Gtk.Clipboard.get(Gdk.SELECTION_CLIPBOARD)

    def on_image(_: Any, picture: Any, *data: Any) -> None:
        if picture is not None:
            take(picture, [])
        else:
            clipboard.request_uris(on_files)

    def on_files(_: Any, addresses: Any, *data: Any) -> None:
        paths = [Gio.File.new_for_uri(address).get_path() for address in addresses or ()]
        take(None, [path for path in paths if path])

    clipboard.request_image(on_image)
