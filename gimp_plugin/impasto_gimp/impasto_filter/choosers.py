"""Small parts of the dialogs: boxes of choices that follow a configuration, and the page for a picture as a style."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from gi.repository import Gimp

from impasto_editor.pictures import nothing_copied
from impasto_editor.texts import tr
from impasto_filter import arguments, clipboard, host, kept
from impasto_filter.gtk import GimpUi, Gio, Gtk, ask_clipboard
from impasto_filter.pixbufs import pixbuf_of, shrunk
from impasto_link.errors import Problem
from impasto_link.pixels import Region

_READ_SIDE, _SHOWN_SIDE = 512, 420


class ChoiceBox(Gtk.ComboBoxText):
    """One of several values of a property of a configuration.

    Args:
        config: the configuration.
        name: the name of the property, which is a text.
        entries: values and their titles.
        alias: values that are shown as another one.
    """

    def __init__(
        self, config: Any, name: str, entries: Iterable[tuple[str, str]], alias: dict[str, str] | None = None
    ) -> None:
        super().__init__()
        self._config, self._name, self._alias = config, name, alias or {}
        self._quiet = False
        self.offer(entries)
        self.connect("changed", lambda *_: self._on_changed())
        config.connect(f"notify::{name}", lambda *_: self._follow())
        self.set_tooltip_text(config.find_property(name).blurb)

    def offer(self, entries: Iterable[tuple[str, str]]) -> None:
        """Offer these values."""
        self._quiet = True
        self.remove_all()
        for value, title in entries:
            self.append(value, title)
        self._quiet = False
        self._follow()

    def _follow(self) -> None:
        value = self._config.get_property(self._name)
        self._quiet = True
        if not self.set_active_id(self._alias.get(value, value)):
            # Of a style that is not in the library any more, or of a mixture. Shown as another one it would stay,
            # since choosing that would change nothing.
            self.append(value, value)
            self.set_active_id(value)
        self._quiet = False

    def _on_changed(self) -> None:
        if not self._quiet and self.get_active_id() is not None:
            self._config.set_property(self._name, self.get_active_id())


def picture_key(file: Any, layer: Any, copied: str) -> object:
    """What tells one picture to paint like from another; None if there is neither file nor layer, nor one copied."""
    return layer.get_id() if layer is not None else file.get_uri() if file is not None else copied or None


class PicturePage(Gtk.Box):
    """Chooses a picture to paint like: a file, a layer of an open image, or what is in the clipboard.

    Args:
        titles: what is shown of the English ones, with their keys.
        on_choice: called when another picture is chosen.
        say: is given a sentence about what is wrong.
    """

    def __init__(self, titles: dict[str, str], on_choice: Callable[[], None], say: Callable[[str], None]) -> None:
        super().__init__(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        self._on_choice, self._say = on_choice, say
        self._quiet = False
        self._read: tuple[object, Region] | None = None
        self._file: Any = None
        self._copied = ""
        #: Which answer of the clipboard counts: none that comes after something else was chosen.
        self._asked = 0
        self.connect("destroy", lambda *_: self._forget_asking())
        self.file = Gtk.FileChooserButton(title=tr("Picture to Paint Like"), action=Gtk.FileChooserAction.OPEN)
        self.file.set_tooltip_text(tr("Any file that GIMP can open"))
        self.file.connect("file-set", lambda *_: self._on_file())
        self.layer = Gtk.ComboBoxText()
        self.layer.set_tooltip_text(tr("A layer of any image that is open"))
        self.layer.append("", tr("No layer"))
        for image in Gimp.get_images():
            for one in kept.with_children(image.get_layers()):
                self.layer.append(str(one.get_id()), f"{image.get_name()}: {one.get_name()}")
        self.layer.set_active(0)
        self.layer.connect("changed", lambda *_: self._on_layer())
        self.clipboard = Gtk.Button(label=titles["Picture from Clipboard"], use_underline=True)
        self.clipboard.set_tooltip_text(tr("What was copied, also a file copied in a file manager"))
        self.clipboard.connect("clicked", lambda *_: self._on_clipboard())
        grid = Gtk.Grid(row_spacing=6, column_spacing=6)
        for row, (title, widget) in enumerate((("Picture file", self.file), ("Layer", self.layer))):
            label = Gtk.Label(label=titles[title], use_underline=True, xalign=0.0, mnemonic_widget=widget)
            widget.set_hexpand(True)
            grid.attach(label, 0, row, 1, 1)
            grid.attach(widget, 1, row, 1, 1)
        grid.attach(self.clipboard, 1, 2, 1, 1)
        self._image = Gtk.Image(icon_name=GimpUi.ICON_IMAGE, pixel_size=64)
        frame = Gtk.Frame(shadow_type=Gtk.ShadowType.IN)
        # On the same ground as the pictures of the gallery.
        frame.get_style_context().add_class("view")
        frame.add(self._image)
        self.pack_start(grid, False, False, 0)
        self.pack_start(frame, True, True, 0)

    def follow(self, config: Any) -> None:
        """Show what a configuration says."""
        layer = config.get_property("picture-layer")
        self._hold(config.get_property("picture"), layer, arguments.clipboard_of(config))

    def _hold(self, file: Any = None, layer: Any = None, copied: str = "") -> None:
        """Have this picture chosen, and show it."""
        self._forget_asking()
        self._file, self._copied = file, copied
        self._quiet = True
        if file is not None:
            self.file.set_file(file)
        else:
            self.file.unselect_all()
        self.layer.set_active_id(str(layer.get_id()) if layer is not None else "")
        self._quiet = False
        self._show()

    @property
    def chosen_file(self) -> Any:
        """The file, or None."""
        return None if self.chosen_layer is not None else self._file

    @property
    def chosen_layer(self) -> Any:
        """The layer, or None."""
        number = int(self.layer.get_active_id() or 0)
        return Gimp.Layer.get_by_id(number) if number and Gimp.Item.id_is_valid(number) else None

    @property
    def chosen_copied(self) -> str:
        """The key of the picture from the clipboard; empty if it is none."""
        return self._copied

    @property
    def key(self) -> str:
        """By which the picture is known as a style; empty if none is chosen."""
        if self.chosen_layer is not None:
            return kept.key_of(self.chosen_layer)
        return f"file:{self._file.get_path() or ''}" if self._file is not None else self._copied

    def _picture(self, file: Any, layer: Any, copied: str) -> Region | None:
        """A picture, or None of none; raises Problem if it cannot be read."""
        key = picture_key(file, layer, copied)
        if key is None:
            return None
        if self._read is None or self._read[0] != key:
            if layer is not None:
                region = host.picture_of_layer(layer, _READ_SIDE)
            elif file is not None:
                region = host.picture_of_file(file, _READ_SIDE)
            else:
                region = clipboard.read(copied, _READ_SIDE)
            self._read = (key, region)
        return self._read[1]

    def _on_file(self) -> None:
        if not self._quiet:
            self._hold(self.file.get_file())
            self._on_choice()

    def _on_layer(self) -> None:
        if not self._quiet:
            self._hold(layer=self.chosen_layer)
            self._on_choice()

    def _forget_asking(self) -> None:
        self._asked += 1

    def _on_clipboard(self) -> None:
        self._forget_asking()
        asked = self._asked

        def take(picture: Any, files: list[str]) -> None:
            if asked != self._asked:
                return
            try:
                if picture is None and not files:
                    raise nothing_copied()
                # Of several files the last one, as where all of them become styles.
                file = Gio.File.new_for_path(files[-1]) if picture is None else None
                copied = clipboard.take(picture) if picture is not None else ""
                # What cannot be read does not become the style.
                self._picture(file, None, copied)
            except Problem as problem:
                self._say(str(problem))
                return
            self._hold(file, copied=copied)
            self._on_choice()

        ask_clipboard(take)

    def _show(self) -> None:
        try:
            picture = self._picture(self.chosen_file, self.chosen_layer, self._copied)
        except Problem as problem:
            self._say(str(problem))
            picture = None
        if picture is None:
            self._image.set_from_icon_name(GimpUi.ICON_IMAGE, Gtk.IconSize.DIALOG)
            return
        self._image.set_from_pixbuf(shrunk(pixbuf_of(picture), _SHOWN_SIDE))
