"""The gallery: all styles as pictures with their titles, and a field to search them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from impasto_editor.styles import Style
from impasto_editor.texts import tr
from impasto_filter.gtk import GdkPixbuf, GLib, Gtk, Pango
from impasto_filter.pixbufs import framed, picture_in, square_of

_PICTURE_SIDE = 92
_PICTURE, _TITLE, _NAME, _TIP, _PLAIN = range(5)


class Gallery(Gtk.Box):
    """All styles of the server.

    Args:
        on_choice: called with the name of the style that the user has chosen.
        on_confirm: called when one was clicked twice, or Return pressed on it.
    """

    def __init__(self, on_choice: Callable[[str], None], on_confirm: Callable[[], None]) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._on_choice = on_choice
        self._quiet = False
        self._styles: dict[str, Style] = {}
        self._own: dict[str, Any] = {}
        self.current = ""
        self.search = Gtk.SearchEntry(placeholder_text=tr("Search styles"))
        self.search.set_tooltip_text(tr("Part of a title, an artist or a year"))
        self.search.connect("search-changed", lambda *_: self._filter())
        self._store = Gtk.ListStore(GdkPixbuf.Pixbuf, str, str, str, GdkPixbuf.Pixbuf)
        self._found = self._store.filter_new()
        self._found.set_visible_func(self._is_found)
        self.grid = Gtk.IconView(model=self._found)
        picture = Gtk.CellRendererPixbuf()
        # With cells of its own GTK would make a column as wide as the longest title.
        title = Gtk.CellRendererText(
            wrap_width=_PICTURE_SIDE + 10,
            wrap_mode=Pango.WrapMode.WORD_CHAR,
            alignment=Pango.Alignment.CENTER,
            xalign=0.5,
            yalign=0.0,
        )
        title.set_fixed_size(_PICTURE_SIDE + 14, -1)
        for cell, attribute, column in ((picture, "pixbuf", _PICTURE), (title, "text", _TITLE)):
            self.grid.pack_start(cell, False)
            self.grid.add_attribute(cell, attribute, column)
        self.grid.set_tooltip_column(_TIP)
        self.grid.set_item_padding(3)
        self.grid.set_spacing(2)
        self.grid.set_margin(4)
        self.grid.set_row_spacing(2)
        self.grid.set_column_spacing(2)
        self.grid.set_selection_mode(Gtk.SelectionMode.BROWSE)
        self.grid.get_accessible().set_name(tr("Styles"))
        self.grid.connect("selection-changed", lambda *_: self._on_selection())
        self.grid.connect("item-activated", lambda *_: on_confirm())
        rolled = Gtk.ScrolledWindow(hscrollbar_policy=Gtk.PolicyType.NEVER, shadow_type=Gtk.ShadowType.IN)
        rolled.add(self.grid)
        self.pack_start(self.search, False, False, 0)
        self.pack_start(rolled, True, True, 0)

    def show_styles(self, styles: Sequence[Style]) -> None:
        """Show these styles; the chosen one stays chosen."""
        self._quiet = True
        self._styles = {style.name: style for style in styles}
        self._store.clear()
        for style in styles:
            picture = self._own.get(style.name) or square_of(picture_in(style.thumbnail), _PICTURE_SIDE)
            self._store.append([picture, style.title, style.name, GLib.markup_escape_text(style.tip), picture])
        self._quiet = False
        self.choose(self.current)

    def choose(self, name: str) -> None:
        """Show a style as the chosen one, without telling anybody."""
        self.current = name
        self._quiet = True
        self._frame()
        self.grid.unselect_all()
        for row in self._found:
            if row[_NAME] == name:
                self.grid.select_path(row.path)
                self.grid.set_cursor(row.path, None, False)
                self.grid.scroll_to_path(row.path, False, 0.0, 0.0)
        self._quiet = False

    def title(self, name: str) -> str:
        """The title of a style; empty if there is none of that name."""
        return self._styles[name].title if name in self._styles else ""

    def names(self) -> list[tuple[str, str]]:
        """Names and titles of all styles."""
        return [(style.name, style.title) for style in self._styles.values()]

    def names_as_seen(self) -> list[str]:
        """The names of all styles, those that can be seen first."""
        seen = self.grid.get_visible_range()
        first, last = (end.get_indices()[0] for end in seen) if seen is not None else (0, -1)
        found = [row[_NAME] for row in self._found]
        return list(dict.fromkeys([*found[first : last + 1], *found, *self._styles]))

    def show_own(self, name: str, picture: Any) -> None:
        """Show a pixbuf of the user's own layer for a style, as long as this gallery is there."""
        self._own[name] = square_of(picture, _PICTURE_SIDE)
        for row in self._store:
            if row[_NAME] == name:
                row[_PLAIN] = self._own[name]
        self._frame()

    def _on_selection(self) -> None:
        if self._quiet:
            return
        paths = self.grid.get_selected_items()
        if paths:
            self.current = self._found[paths[0]][_NAME]
            self._frame()
            self._on_choice(self.current)

    def _frame(self) -> None:
        """Put a frame around the chosen picture: the background by which GTK shows it is faint in GIMP's themes."""
        color = self.grid.get_style_context().get_color(Gtk.StateFlags.NORMAL)
        for row in self._store:
            if row[_PLAIN] is not None:
                row[_PICTURE] = framed(row[_PLAIN], color) if row[_NAME] == self.current else row[_PLAIN]

    def _filter(self) -> None:
        self._quiet = True
        self._found.refilter()
        self._quiet = False
        self.choose(self.current)

    def _is_found(self, model: Any, place: Any, data: Any) -> bool:
        style = self._styles.get(model[place][_NAME])
        return style is None or style.is_found(self.search.get_text())
