"""The styles and pictures that are mixed, each with its share."""

from __future__ import annotations

from collections.abc import Callable

from impasto_editor.choices import Styles
from impasto_editor.mixture import SHARE, shares, take_out_words, taken_out, with_share
from impasto_editor.texts import tr
from impasto_filter.gtk import Gtk, Pango


class Mixture(Gtk.ScrolledWindow):
    """A list of what is mixed.

    Args:
        on_change: called with the styles when the user has changed a share or taken one out.
    """

    def __init__(self, on_change: Callable[[Styles], None]) -> None:
        super().__init__(
            hscrollbar_policy=Gtk.PolicyType.NEVER,
            shadow_type=Gtk.ShadowType.IN,
            propagate_natural_height=True,
            max_content_height=130,
            no_show_all=True,
        )
        self._on_change = on_change
        self._styles: Styles = ()
        self._shown: list[tuple[str, str]] = []
        self._fields: list[Gtk.SpinButton] = []
        self._quiet = False
        self._grid = Gtk.Grid(column_spacing=6, border_width=4)
        self._grid.show()
        self.add(self._grid)

    def follow(self, styles: Styles, title: Callable[[str], str]) -> None:
        """Show these styles, each by its title."""
        self._styles = styles
        shown = [(one.name, title(one.name)) for one in styles]
        # The field in which somebody writes a share has to stay.
        if shown != self._shown:
            self._shown = shown
            for old in self._grid.get_children():
                old.destroy()
            self._fields = [self._add(number, *one) for number, one in enumerate(shown)]
            self._grid.show_all()
        self._quiet = True
        for field, share in zip(self._fields, shares(styles), strict=True):
            field.set_value(round(100.0 * share))
            field.set_sensitive(len(styles) > 1)
        self._quiet = False

    def _add(self, number: int, name: str, title: str) -> Gtk.SpinButton:
        words = Gtk.Label(label=title, xalign=0.0, hexpand=True, ellipsize=Pango.EllipsizeMode.END)
        share = Gtk.SpinButton.new_with_range(100.0 * SHARE.low, 100.0 * SHARE.high, 1.0)
        share.set_tooltip_text(tr(SHARE.tip))
        share.get_accessible().set_name(title)
        share.connect("value-changed", lambda one: self._weigh(name, one.get_value() / 100.0))
        out = Gtk.Button.new_from_icon_name("window-close-symbolic", Gtk.IconSize.MENU)
        out.set_relief(Gtk.ReliefStyle.NONE)
        out.set_tooltip_text(take_out_words())
        out.connect("clicked", lambda _: self._on_change(taken_out(self._styles, name)))
        for column, widget in enumerate((words, share, Gtk.Label(label="%"), out)):
            self._grid.attach(widget, column, number, 1, 1)
        return share

    def _weigh(self, name: str, share: float) -> None:
        if not self._quiet:
            self._on_change(with_share(self._styles, name, share))
