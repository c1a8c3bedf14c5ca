"""The styles and pictures that are mixed, each with its weight."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from impasto_editor.choices import Styles
from impasto_editor.texts import tr
from impasto_filter.gtk import Gtk, Pango
from impasto_link.coats import StyleChoice

_MOST = 10.0


class Mixture(Gtk.ScrolledWindow):
    """A list of what is mixed.

    Args:
        on_change: called with the styles when the user has changed a weight or taken one out.
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
        self._grid = Gtk.Grid(column_spacing=6, border_width=4)
        self._grid.show()
        self.add(self._grid)

    def follow(self, styles: Styles, title: Callable[[str], str]) -> None:
        """Show these styles, each by its title."""
        self._styles = styles
        shown = [(one.name, title(one.name)) for one in styles]
        if shown == self._shown:
            # The field in which somebody writes a weight has to stay.
            return
        self._shown = shown
        for old in self._grid.get_children():
            old.destroy()
        for number, (one, (_, words)) in enumerate(zip(styles, shown, strict=True)):
            self._add(number, one, words)
        self._grid.show_all()

    def _add(self, number: int, style: StyleChoice, title: str) -> None:
        words = Gtk.Label(label=title, xalign=0.0, hexpand=True, ellipsize=Pango.EllipsizeMode.END)
        weight = Gtk.SpinButton.new_with_range(0.0, _MOST, 0.1)
        weight.set_digits(1)
        weight.set_value(style.weight)
        weight.set_tooltip_text(tr("How much it counts in the mixture"))
        weight.get_accessible().set_name(title)
        weight.connect("value-changed", lambda one: self._weigh(number, one.get_value()))
        out = Gtk.Button.new_from_icon_name("window-close-symbolic", Gtk.IconSize.MENU)
        out.set_relief(Gtk.ReliefStyle.NONE)
        out.set_tooltip_text(tr("Take it out of the mixture"))
        out.connect("clicked", lambda _: self._take_out(number))
        for column, widget in enumerate((words, weight, out)):
            self._grid.attach(widget, column, number, 1, 1)

    def _weigh(self, number: int, weight: float) -> None:
        styles = list(self._styles)
        styles[number] = replace(styles[number], weight=round(weight, 2))
        self._on_change(tuple(styles))

    def _take_out(self, number: int) -> None:
        self._on_change(self._styles[:number] + self._styles[number + 1 :])
