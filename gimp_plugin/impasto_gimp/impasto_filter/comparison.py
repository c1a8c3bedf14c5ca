"""A small picture before and after, with a border between them that follows the mouse."""

from __future__ import annotations

from typing import Any

from impasto_editor.texts import tr
from impasto_filter.gtk import Gdk, GdkPixbuf, Gtk

_WHITE, _BLACK = 0xFFFFFFFF, 0x000000FF
#: The checks behind what is transparent, and their side in pixels.
_CHECKS = (0x666666, 0x999999)
_CHECK = 8


class Comparison(Gtk.EventBox):
    """Shows a picture before at the left and after at the right.

    Drawn by copying pixels and not with cairo, for which PyGObject needs another package that many systems lack.

    Args:
        side: the longest side, in pixels.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self._image = Gtk.Image()
        self._image.set_size_request(side, side * 3 // 4)
        self.add(self._image)
        self._before: Any = None
        self._after: Any = None
        self._border = 0.5
        self.add_events(Gdk.EventMask.POINTER_MOTION_MASK | Gdk.EventMask.LEAVE_NOTIFY_MASK)
        self.connect("motion-notify-event", self._on_motion)
        self.set_tooltip_text(tr("Before and after: move the mouse over it to compare"))
        self.get_accessible().set_name(tr("Preview"))

    def show_pictures(self, before: Any, after: Any, *, through: bool = False) -> None:
        """Show two pixbufs, the second of them over the first, or with ``through`` over checks."""
        width, height = after.get_width(), after.get_height()
        below = before.scale_simple(width, height, GdkPixbuf.InterpType.BILINEAR)
        self._before = _on_checks(below)
        if through:
            self._after = _on_checks(after)
        else:
            self._after = self._before.copy()
            after.composite(self._after, 0, 0, width, height, 0.0, 0.0, 1.0, 1.0, GdkPixbuf.InterpType.NEAREST, 255)
        self._draw()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to see yet."""
        return self._after is None

    def _on_motion(self, widget: Any, event: Any) -> None:
        if self._after is not None:
            width = self._after.get_width()
            left = (self.get_allocated_width() - width) / 2
            self._border = min(1.0, max(0.0, (event.x - left) / width))
            self._draw()

    def _draw(self) -> None:
        width, height = self._after.get_width(), self._after.get_height()
        border = round(self._border * width)
        picture = self._after.copy()
        if border > 0:
            self._before.copy_area(0, 0, border, height, picture, 0, 0)
        if 0 < border < width - 1:
            picture.new_subpixbuf(border, 0, 1, height).fill(_WHITE)
            picture.new_subpixbuf(border - 1, 0, 1, height).fill(_BLACK)
        self._image.set_from_pixbuf(picture)


def _on_checks(picture: Any) -> Any:
    width, height = picture.get_width(), picture.get_height()
    return picture.composite_color_simple(width, height, GdkPixbuf.InterpType.NEAREST, 255, _CHECK, *_CHECKS)
