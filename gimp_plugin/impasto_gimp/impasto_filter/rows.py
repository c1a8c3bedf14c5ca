"""Rows of the dialogs: made from parameters, for those of an engine's own, too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gi.repository import GObject

from impasto_editor.rows import Offer, Row
from impasto_editor.texts import tr
from impasto_filter.choosers import ChoiceBox
from impasto_filter.engine_settings import read_settings, write_settings
from impasto_filter.gtk import GimpUi, Gtk
from impasto_link.parameters import Parameter

#: Where values of fewer than so many units are chosen, two decimals are shown.
_COARSE = 20.0
#: Of what is folded, in pixels.
_HEIGHT = 160


def spin_scale(dialog: Any, parameter: Parameter) -> Any:
    """GIMP's slider for a number among the arguments of a procedure's dialog."""
    scale = dialog.get_spin_scale(parameter.name.replace("_", "-"), _factor(parameter))
    _spaced(scale, parameter)
    return scale


def labelled(title: str, widget: Any) -> Any:
    """A name before a widget."""
    box = Gtk.Box(spacing=12)
    box.pack_start(Gtk.Label(label=title, use_underline=True, xalign=0.0, mnemonic_widget=widget), False, False, 0)
    box.pack_start(widget, True, True, 0)
    return box


class ServersChoice(Gtk.Box):
    """One of what the server has, by the name of a parameter; not to be seen before it has told of more than one.

    Args:
        config: the configuration.
        parameter: what is chosen.
        title: with its key.
    """

    def __init__(self, config: Any, parameter: Parameter, title: str) -> None:
        super().__init__(spacing=12, no_show_all=True)
        self._parameter = parameter
        self._box = ChoiceBox(config, parameter.name.replace("_", "-"), [])
        label = Gtk.Label(label=title, use_underline=True, xalign=0.0, mnemonic_widget=self._box)
        for widget, wide in ((label, False), (self._box, True)):
            widget.show()
            self.pack_start(widget, wide, wide, 0)

    def offer(self, offer: Offer) -> None:
        """Offer what the server has told of."""
        found = [row.parameter for row in offer.rows("") if row.parameter.name == self._parameter.name]
        self.set_visible(bool(found))
        for one in found:
            self._box.offer([(each.value, tr(each.title)) for each in one.choices])


class More(Gtk.Expander):
    """What is rarely changed, folded; and what the engine that is chosen has of its own.

    Args:
        dialog: the procedure's dialog.
        config: its configuration.
        parameters: what has a row here; those that name what only the server knows are seen once it has told.
        titles: of the parameters and of this, by the English ones.
    """

    def __init__(self, dialog: Any, config: Any, parameters: list[Parameter], titles: dict[str, str]) -> None:
        super().__init__(label=titles["More"], use_underline=True)
        self.set_tooltip_text(tr("What is rarely changed"))
        self._config, self._offer = config, Offer()
        self._shown: tuple[str, Offer] = "", self._offer
        self._of_server: list[ServersChoice] = []
        self._own = EngineRows(config)
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6, margin_top=6)
        for one in parameters:
            box.pack_start(self._row(dialog, one, titles[one.title]), False, False, 0)
        box.pack_start(self._own, False, False, 0)
        # Or the dialog would become higher than small screens.
        rolled = Gtk.ScrolledWindow(hscrollbar_policy=Gtk.PolicyType.NEVER, min_content_height=_HEIGHT)
        rolled.add(box)
        self.add(rolled)
        config.connect("notify::engine", lambda *_: self._show_own())

    def offer(self, offer: Offer) -> None:
        """Offer what the server has."""
        self._offer = offer
        for one in self._of_server:
            one.offer(offer)
        self._show_own()

    def _row(self, dialog: Any, parameter: Parameter, title: str) -> Any:
        name = parameter.name.replace("_", "-")
        if parameter.kind in ("number", "whole"):
            return spin_scale(dialog, parameter)
        if parameter.kind == "switch":
            return dialog.get_widget(name, GObject.TYPE_NONE)
        if parameter.kind == "name":
            self._of_server.append(ServersChoice(self._config, parameter, title))
            return self._of_server[-1]
        return labelled(title, ChoiceBox(self._config, name, [(one.value, tr(one.title)) for one in parameter.choices]))

    def _show_own(self) -> None:
        engine = self._config.get_property("engine")
        if self._shown != (engine, self._offer):
            self._shown = engine, self._offer
            self._own.show_rows([row for row in self._offer.rows(engine) if row.own])


class EngineRows(Gtk.Box):
    """What an engine has of its own; the values are in one text of a configuration."""

    def __init__(self, config: Any) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._config = config
        self._follow: list[Callable[[dict[str, Any]], None]] = []
        self._quiet = False
        config.connect("notify::settings", lambda *_: self._on_notify())

    def show_rows(self, rows: list[Row]) -> None:
        """Show these rows, and no others."""
        for old in self.get_children():
            old.destroy()
        self._follow.clear()
        for row in rows:
            make = _WIDGETS.get(row.parameter.kind)
            if make is not None:
                widget, follow = make(row, self._setter(row.parameter))
                widget.set_tooltip_text(row.tip)
                self.pack_start(widget, False, False, 0)
                self._follow.append(self._reader(row.parameter, follow))
        self._on_notify()
        self.show_all()

    def _setter(self, parameter: Parameter) -> Callable[[Any], None]:
        def choose(value: Any) -> None:
            if self._quiet:
                return
            settings = read_settings(self._config.get_property("settings"))
            settings.pop(parameter.name, None)
            if value != parameter.default:
                settings[parameter.name] = value
            self._config.set_property("settings", write_settings(settings))

        return choose

    def _reader(self, parameter: Parameter, follow: Callable[[Any], None]) -> Callable[[dict[str, Any]], None]:
        return lambda settings: follow(settings.get(parameter.name, parameter.default))

    def _on_notify(self) -> None:
        settings = read_settings(self._config.get_property("settings"))
        self._quiet = True
        for follow in self._follow:
            follow(settings)
        self._quiet = False


#: A widget, and what has it show a value.
_Made = tuple[Any, Callable[[Any], None]]
_Choose = Callable[[Any], None]


def _number(row: Row, choose: _Choose) -> _Made:
    parameter, factor = row.parameter, _factor(row.parameter)
    low, high = (factor * end for end in parameter.bounds)
    step = 0.01 if high - low < _COARSE else 1.0
    adjustment = Gtk.Adjustment(lower=low, upper=high, step_increment=step, page_increment=10 * step)
    scale = GimpUi.SpinScale.new(adjustment, row.title, 2 if step < 1 else 0)
    _spaced(scale, parameter)

    def changed(one: Any) -> None:
        value = one.get_value() / factor
        choose(round(value) if parameter.kind == "whole" else round(value, 6))

    adjustment.connect("value-changed", changed)
    return scale, lambda value: adjustment.set_value(factor * float(value))


def _switch(row: Row, choose: _Choose) -> _Made:
    button = Gtk.CheckButton(label=row.title)
    button.connect("toggled", lambda one: choose(one.get_active()))
    return button, lambda value: button.set_active(bool(value))


def _choice(row: Row, choose: _Choose) -> _Made:
    box = Gtk.ComboBoxText()
    for one in row.parameter.choices:
        box.append(one.value, tr(one.title))
    box.connect("changed", lambda one: choose(one.get_active_id()))
    return labelled(row.title, box), lambda value: box.set_active_id(str(value))


def _text(row: Row, choose: _Choose) -> _Made:
    entry = Gtk.Entry()
    entry.connect("changed", lambda one: choose(one.get_text()))
    return labelled(row.title, entry), lambda value: entry.get_text() == str(value) or entry.set_text(str(value))


_WIDGETS: dict[str, Callable[[Row, _Choose], _Made]] = {
    "number": _number,
    "whole": _number,
    "switch": _switch,
    "choice": _choice,
    "name": _text,
    "text": _text,
}


def _factor(parameter: Parameter) -> float:
    return 100.0 if parameter.unit == "%" else 1.0


def _spaced(scale: Any, parameter: Parameter) -> None:
    low, high = parameter.slider or parameter.bounds
    factor = _factor(parameter)
    if parameter.slider:
        scale.set_scale_limits(factor * low, factor * high)
    if parameter.scale != "even":
        # Twice and half as large lie about as far from the middle.
        scale.set_gamma(2.0)
    if factor * (high - low) >= _COARSE:
        scale.set_digits(0)
