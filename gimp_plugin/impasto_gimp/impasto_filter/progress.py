"""The window that shows how far it is, with a Cancel that lets the server know.

GIMP's own Cancel, in its status bar, kills this process; the server then finds out by itself.
"""

from __future__ import annotations

import time
from typing import Any

from gi.repository import Gimp

from impasto_editor.texts import tr
from impasto_filter.gtk import GimpUi, Gtk
from impasto_filter.pixbufs import pixbuf_of
from impasto_link.pixels import Region

#: A painting that takes less than so many seconds shows no window, which would only flicker.
_PATIENCE = 0.4
_KEEP = 1


class ProgressWindow:
    """A watcher of `painter` with a bar and buttons.

    Args:
        title: what is done.
        can_keep: whether the work can be ended early with what there is.
    """

    def __init__(self, title: str, *, can_keep: bool) -> None:
        self.cancelled = self.enough = False
        self._since = time.monotonic()
        self._shown = False
        self._title = title
        Gimp.progress_init(title)
        self.dialog = GimpUi.Dialog(title=title, role="impasto-progress")
        self.dialog.set_resizable(False)
        GimpUi.window_set_transient(self.dialog)
        if can_keep:
            self._keep = self.dialog.add_button(tr("_Keep What Is There"), _KEEP)
            self._keep.set_tooltip_text(tr("End the refinement now and take the best picture so far"))
            self._keep.set_sensitive(False)
        self.dialog.add_button(tr("_Cancel"), Gtk.ResponseType.CANCEL)
        self.dialog.connect("response", self._on_response)
        self.dialog.connect("delete-event", self._on_close)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=12, border_width=12)
        self._picture = Gtk.Image(no_show_all=True)
        self._bar = Gtk.ProgressBar()
        self._words = Gtk.Label(xalign=0.0, width_chars=44)
        for widget in (self._picture, self._bar, self._words):
            box.pack_start(widget, False, False, 0)
        self.dialog.get_content_area().pack_start(box, True, True, 0)
        box.show_all()

    def progress(self, fraction: float, words: str) -> None:
        """Show how far it is."""
        if self.cancelled:
            fraction, words = 0.0, tr("stopping")
        words = words[:1].upper() + words[1:]
        self._bar.set_fraction(min(1.0, fraction))
        self._words.set_text(words)
        Gimp.progress_update(min(1.0, fraction))

    def show(self, picture: Region) -> None:
        """Show what there is so far."""
        self._picture.set_from_pixbuf(pixbuf_of(picture))
        self._picture.show()
        self._keep.set_sensitive(True)

    def live(self) -> None:
        """Let the buttons be pressed."""
        if not self._shown and time.monotonic() - self._since > _PATIENCE:
            self._shown = True
            self.dialog.present()
        while Gtk.events_pending():
            Gtk.main_iteration()

    def close(self) -> None:
        """The work is over."""
        Gimp.progress_end()
        self.dialog.destroy()

    def _on_close(self, dialog: Any, event: Any) -> bool:
        self._on_response(dialog, Gtk.ResponseType.CANCEL)
        return True  # the window goes when the work has ended

    def _on_response(self, dialog: Any, response: int) -> None:
        if response == _KEEP:
            self.enough = True
            self._keep.set_sensitive(False)
        else:
            self.cancelled = True
            self.dialog.set_response_sensitive(Gtk.ResponseType.CANCEL, False)
