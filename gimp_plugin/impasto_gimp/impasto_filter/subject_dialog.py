"""The dialog of Find Subject: what stays to be seen, and three settings."""

from __future__ import annotations

from typing import Any

from gi.repository import GObject

from impasto_editor import request
from impasto_editor.rows import Offer
from impasto_editor.texts import tr
from impasto_filter import arguments, gtk, host
from impasto_filter.comparison import Comparison
from impasto_filter.gtk import GdkPixbuf, GimpUi, Gtk
from impasto_filter.pixbufs import pixbuf_of, region_of
from impasto_filter.preview import READ_SIDE, SHOWN_SIDE, Preview, Request
from impasto_filter.rows import ServersChoice, spin_scale
from impasto_link.pixels import Region


class SubjectDialog:
    """One run of the dialog; arguments as of `StyleDialog`."""

    def __init__(self, procedure: Any, config: Any, layer: Any) -> None:
        gtk.start()
        self._config = config
        self._regions, self._reduced_by = host.read_small(host.find_source(layer, use_selection=False), READ_SIDE)
        self.dialog = GimpUi.ProcedureDialog.new(procedure, config, tr("Find Subject"))
        self._titles = arguments.subject_titles()
        self.dialog.set_ok_label(self._titles["Add Mask"])
        self.comparison = Comparison(SHOWN_SIDE)
        self.preview = Preview(self._request, self._show, self._say, self._on_greeted)
        self._status = Gtk.Label(xalign=0.0, wrap=True, max_width_chars=46, width_chars=46)
        self._spinner = Gtk.Spinner()
        self._lay_out()
        config.connect("notify", lambda *_: self.preview.update())

    def ask(self) -> bool:
        """Show the dialog until it is answered; whether a mask is wanted."""
        self.preview.start()
        accepted = self.dialog.run()
        self.preview.close()
        self.dialog.destroy()
        return bool(accepted)

    def _lay_out(self) -> None:
        status = Gtk.Box(spacing=6)
        status.pack_start(self._status, True, True, 0)
        status.pack_end(self._spinner, False, False, 0)
        feather, grow = (spin_scale(self.dialog, arguments.SUBJECT[name]) for name in ("feather", "grow"))
        model = arguments.SUBJECT["mask_model"]
        self._model = ServersChoice(self._config, model, self._titles[model.title])
        box = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6, border_width=12)
        box.pack_start(self.comparison, True, True, 0)
        for widget in (status, feather, grow, self._model, self.dialog.get_widget("invert", GObject.TYPE_NONE)):
            box.pack_start(widget, False, False, 0)
        self.dialog.get_content_area().pack_start(box, True, True, 0)
        box.show_all()

    def _on_greeted(self) -> None:
        self._model.offer(Offer.of(self.preview.connection.hello))

    def _request(self) -> Request:
        choices = arguments.read_subject(self._config)
        options, sent = request.subject(choices, self._regions, reduced_by=self._reduced_by, max_side=SHOWN_SIDE)
        return "mask", options.to_wire(), sent

    def _show(self, regions: Any) -> None:
        mask = regions["mask"]
        small = pixbuf_of(self._regions["pixels"]).scale_simple(
            mask.format.width, mask.format.height, GdkPixbuf.InterpType.BILINEAR
        )
        self.comparison.show_pictures(small, _seen_through(small, mask), through=True)

    def _say(self, words: str, busy: bool) -> None:
        self._status.set_text(words)
        if busy:
            self._spinner.start()
        else:
            self._spinner.stop()


def _seen_through(picture: Any, mask: Region) -> Any:
    """A pixbuf with a mask as its alpha."""
    return pixbuf_of(region_of(picture), mask.data)
