"""What is set once, in one small dialog."""

from __future__ import annotations

from typing import Any

from impasto_editor.settings import Settings
from impasto_editor.texts import languages, tr
from impasto_filter.gtk import GimpUi, Gio, Gtk
from impasto_filter.mnemonics import titles
from impasto_filter.settings import write_setting

_DAY = 24 * 60


def ask(settings: Settings, parent: Any = None) -> bool:
    """Show the settings and keep what is chosen; whether they may have changed.

    Raises:
        OSError: they cannot be kept.
    """
    dialog = GimpUi.Dialog(title=tr("Settings of Style Transfer"), role="impasto-settings")
    if parent is not None:
        dialog.set_transient_for(parent)
        dialog.set_modal(True)
    dialog.add_button(tr("_Cancel"), Gtk.ResponseType.CANCEL)
    dialog.add_button(tr("_OK"), Gtk.ResponseType.OK)
    dialog.set_default_response(Gtk.ResponseType.OK)
    form = _Form(settings)
    dialog.get_content_area().pack_start(form, True, True, 0)
    form.show_all()
    accepted = bool(dialog.run() == Gtk.ResponseType.OK)
    if accepted:
        form.take()
        settings.save(write_setting)
    dialog.destroy()
    return accepted


class _Form(Gtk.Grid):
    """The rows; `take` puts what they say into the settings."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(row_spacing=6, column_spacing=12, border_width=12)
        self._settings = settings
        self._language = Gtk.ComboBoxText()
        for name, title in {"auto": tr("Language of GIMP"), **languages()}.items():
            self._language.append(name, title)
        self._language.set_active_id(settings.language)
        self._language.set_tooltip_text(tr("Of the menu from the next start of GIMP on"))
        self._invitation = Gtk.FileChooserButton(title=tr("Invitation of a server"))
        self._invitation.set_tooltip_text(
            tr("For a server on another machine: the invitation file that “impasto serve --remote” wrote there")
        )
        if settings.invitation:
            self._invitation.set_file(Gio.File.new_for_path(settings.invitation))
        self._here = Gtk.CheckButton(label=tr("On this machine"), active=not settings.invitation)
        self._here.connect("toggled", lambda _: self._on_here())
        self._unload_after = _minutes(settings.unload_after, tr("The memory of the models is given back"))
        self._exit_after = _minutes(settings.exit_after, tr("Counts when the filter starts the server"))
        rows = {
            "Server": self._here,
            "Invitation": self._invitation,
            "Unload models after": self._unload_after,
            "End the server after": self._exit_after,
            "Language": self._language,
        }
        for number, (title, widget) in enumerate(zip(titles(rows).values(), rows.values(), strict=True)):
            widget.set_hexpand(True)
            label = Gtk.Label(label=title, use_underline=True, xalign=0.0, mnemonic_widget=widget)
            self.attach(label, 0, number, 1, 1)
            self.attach(widget, 1, number, 1, 1)
        self._on_here()

    def take(self) -> None:
        """Put what is shown into the settings."""
        settings, file = self._settings, self._invitation.get_file()
        settings.invitation = (file.get_path() or "") if file is not None and not self._here.get_active() else ""
        settings.unload_after = self._unload_after.get_value_as_int()
        settings.exit_after = self._exit_after.get_value_as_int()
        settings.language = self._language.get_active_id() or "auto"

    def _on_here(self) -> None:
        here = self._here.get_active()
        self._invitation.set_sensitive(not here)
        for field in (self._unload_after, self._exit_after):
            field.set_sensitive(here)


def _minutes(value: int, tip: str) -> Any:
    field = Gtk.SpinButton.new_with_range(0, _DAY, 1)
    field.set_value(value)
    field.set_tooltip_text(f"{tip}. {tr('Minutes; 0 for never')}")
    return field
