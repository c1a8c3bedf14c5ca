"""The dialog of the Style Transfer: the styles at the left, what they make of the layer at the right."""

from __future__ import annotations

from typing import Any

from gi.repository import Gimp, GObject

from impasto_filter import arguments, gtk, host, kept, painter
from impasto_filter.choices import AREAS, REFINEMENTS, RESULTS
from impasto_filter.choosers import ChoiceBox, PicturePage, picture_key
from impasto_filter.comparison import Comparison
from impasto_filter.favorites import Favorites
from impasto_filter.gallery import Gallery
from impasto_filter.gtk import GimpUi, Gtk, pixbuf_of
from impasto_filter.preview import READ_SIDE, SHOWN_SIDE, Preview, Request
from impasto_filter.texts import tr
from impasto_link.errors import Problem
from impasto_link.pixels import Region

_PICTURE_SIDE = 512


class StyleDialog:
    """One run of the dialog.

    Args:
        procedure: the procedure that is run.
        config: its configuration, with the last values.
        image: the image.
        layer: the layer that is selected.
        favorites: the favourites of this GIMP.
    """

    def __init__(self, procedure: Any, config: Any, image: Any, layer: Any, favorites: Favorites) -> None:
        gtk.start()
        self._config, self._image, self._layer, self._favorites = config, image, layer, favorites
        self._origin = self._take_over(layer)
        self._quiet = False
        self._read: tuple[object, dict[str, Region], float] | None = None
        self.dialog = GimpUi.ProcedureDialog.new(procedure, config, tr("Style Transfer"))
        self.dialog.set_ok_label(tr("_Paint"))
        self.dialog.set_default_size(1060, 680)
        self.gallery = Gallery(self._on_style, lambda: self.dialog.response(Gtk.ResponseType.OK))
        self.picture = PicturePage(self._on_picture, lambda words: self._say(words, False))
        self.comparison = Comparison(SHOWN_SIDE)
        self.preview = Preview(self._request, self._show, self._say, self._on_greeted)
        self._status = Gtk.Label(xalign=0.0, yalign=0.0, wrap=True, max_width_chars=46, width_chars=46)
        self._spinner = Gtk.Spinner(valign=Gtk.Align.START)
        self._favorite = Gtk.ToggleButton(use_underline=True)
        self._favorite.set_tooltip_text(
            tr("Keeps style and settings in Filters > Artistic > Favourite Styles, from GIMP's next start on")
        )
        self._background = ChoiceBox(config, "background-style", [("", tr("Same style"))])
        self._lay_out()
        self._follow_picture()
        self._on_change()
        # Not before: when the pages are laid out the first of them comes up by itself.
        self._stack.connect("notify::visible-child", lambda *_: self._on_picture())
        self._favorite.connect("toggled", lambda *_: self._on_favorite())
        config.connect("notify", lambda *_: self._on_change())

    def ask(self) -> tuple[Any, str] | None:
        """Show the dialog until it is answered: the layer to paint and the title of the painting, or None."""
        self.preview.update()
        self.preview.start()
        accepted = self.dialog.run()
        self.preview.close()
        layer, title = self._target, self.gallery.title(self._config.get_property("style"))
        if self._has_picture():
            title = tr("Painting")
            if self.picture.chosen_layer is not None:
                # GIMP does not remember layers; so Repeat says that there is no style, and not paint in another one.
                self._config.set_property("style", "")
        self.dialog.destroy()
        return (layer, title) if accepted else None

    def _take_over(self, layer: Any) -> Any:
        """Start from how the layer was painted, if it was; returns what it was painted from, if that is there."""
        choices = kept.choices_of(layer)
        if choices is None:
            return None
        arguments.write(self._config, self._image, choices)
        return kept.source_of(self._image, layer)

    @property
    def _target(self) -> Any:
        again = self._origin is not None and self._again.get_active()
        return self._origin if again else self._layer

    # --- how it looks

    def _lay_out(self) -> None:
        self._stack = Gtk.Stack()
        self._stack.add_titled(self.gallery, "styles", tr("Styles"))
        self._stack.add_titled(self.picture, "picture", tr("Any Picture"))
        top = Gtk.Box(spacing=6)
        top.pack_start(Gtk.StackSwitcher(stack=self._stack), False, False, 0)
        top.pack_end(self._favorite, False, False, 0)
        left = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        left.pack_start(top, False, False, 0)
        left.pack_start(self._stack, True, True, 0)

        status = Gtk.Box(spacing=6)
        status.pack_start(self._status, True, True, 0)
        status.pack_end(self._spinner, False, False, 0)
        right = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        right.pack_start(self.comparison, True, True, 0)
        right.pack_start(status, False, False, 0)
        self._again = Gtk.CheckButton(active=True)
        if self._origin is not None:
            self._again.set_label(tr("Paint “{name}” again", name=self._origin.get_name()))
            self._again.set_tooltip_text(
                tr("This layer was painted by Impasto. Paint from the same layer once more, not from the painting")
            )
            self._again.connect("toggled", lambda *_: self._on_change())
            right.pack_start(self._again, False, False, 0)
        for scale in self._scales():
            right.pack_start(scale, False, False, 0)
        right.pack_start(self._boxes(), False, False, 0)
        right.pack_start(self.dialog.get_widget("keep-colors", GObject.TYPE_NONE), False, False, 0)

        # Or the boxes in it, which fill their column, would have it share the room that is for the styles.
        right.set_hexpand(False)
        both = Gtk.Box(spacing=12, border_width=12)
        both.pack_start(left, True, True, 0)
        both.pack_start(right, False, False, 0)
        self.dialog.get_content_area().pack_start(both, True, True, 0)
        both.show_all()

    def _scales(self) -> list[Any]:
        strength = self.dialog.get_spin_scale("strength", 100.0)
        brush = self.dialog.get_spin_scale("brush", 1.0)
        # Twice and half as large lie about as far from the middle.
        brush.set_gamma(2.0)
        strength.set_digits(0)
        self._feather = self.dialog.get_spin_scale("feather", 1.0)
        self._feather.set_scale_limits(0.0, 200.0)
        self._feather.set_gamma(2.0)
        self._feather.set_digits(0)
        return [strength, brush, self._feather]

    def _boxes(self) -> Any:
        areas = list(zip(AREAS, arguments.area_titles(), strict=True))
        alias = {}
        if Gimp.Selection.is_empty(self._image):
            # Without a selection both are everything; kept is the one that will follow a selection.
            areas = [("selection", areas[1][1]), *areas[2:]]
            alias = {"everything": "selection"}
        results = zip(RESULTS, (tr("Layer with a layer mask"), tr("One finished layer")), strict=True)
        titles = (tr("None"), tr("Draft"), tr("Normal"), tr("Fine"))
        rows = (
            (tr("_Area"), ChoiceBox(self._config, "area", areas, alias)),
            (tr("_Background style"), self._background),
            (tr("Refine_ment"), ChoiceBox(self._config, "refine", zip(REFINEMENTS, titles, strict=True))),
            (tr("Resul_t"), ChoiceBox(self._config, "result", results)),
        )
        grid = Gtk.Grid(row_spacing=6, column_spacing=12)
        for row, (title, box) in enumerate(rows):
            box.set_hexpand(True)
            grid.attach(Gtk.Label(label=title, use_underline=True, xalign=0.0, mnemonic_widget=box), 0, row, 1, 1)
            grid.attach(box, 1, row, 1, 1)
        return grid

    # --- what happens

    def _on_greeted(self) -> None:
        def show(event: Any) -> None:
            if event.kind != "done":
                return
            styles = event.fields.get("styles", ())
            self.gallery.show_styles(styles)
            # One that is not there any more stays, and the preview says so, until the user chooses another one.
            if styles and not self._first_style() and not self._has_picture():
                self._config.set_property("style", styles[0]["name"])
            self._background.offer([("", tr("Same style")), *self.gallery.names()])
            self._show_favorite()
            problems = event.fields.get("problems", ())
            if problems:
                self._say(" ".join(map(str, problems)), False)

        self.preview.connection.submit("styles", {"thumbnails": True}, on_event=show)

    def _on_style(self, name: str) -> None:
        self._config.set_property("style", name)
        self._show_favorite()

    def _on_picture(self) -> None:
        # Both at once, or the one that still holds the old picture would be followed.
        with self._config.freeze_notify():
            self._config.set_property("picture", self._shown_file)
            self._config.set_property("picture-layer", self._shown_layer)
        self._on_change()

    def _on_change(self) -> None:
        choices = arguments.read(self._config, self._image)
        self._background.set_sensitive(choices.area in ("everything", "selection"))
        selected = choices.area == "selection" and not Gimp.Selection.is_empty(self._image)
        self._feather.set_sensitive(selected or choices.area in ("subject", "background") or choices.two_styles)
        if self._first_style() != self.gallery.current:
            self.gallery.choose(self._first_style())
        if picture_key(self._shown_file, self._shown_layer) != self._picture_key():
            # The settings were reset or loaded.
            self._follow_picture()
        self.dialog.set_response_sensitive(Gtk.ResponseType.OK, self._has_picture() or not self._wants_picture)
        self._show_favorite()
        self.preview.update()

    def _follow_picture(self) -> None:
        self.picture.follow(self._config)
        self._stack.set_visible_child(self.picture if self._has_picture() else self.gallery)

    @property
    def _wants_picture(self) -> bool:
        """Whether the page for a picture is shown, with or without one."""
        return bool(self._stack.get_visible_child() is self.picture)

    @property
    def _shown_file(self) -> Any:
        return self.picture.chosen_file if self._wants_picture else None

    @property
    def _shown_layer(self) -> Any:
        return self.picture.chosen_layer if self._wants_picture else None

    def _picture_key(self) -> object:
        return picture_key(self._config.get_property("picture"), self._config.get_property("picture-layer"))

    def _has_picture(self) -> bool:
        return self._picture_key() is not None

    def _first_style(self) -> str:
        return self._config.get_property("style").partition(",")[0].partition(":")[0].strip()

    # --- the favourites

    def _show_favorite(self) -> None:
        is_one = self._config.get_property("style") in self._favorites.entries
        self._favorite.set_label(tr("★ Fa_vourite") if is_one else tr("☆ Fa_vourite"))
        self._favorite.set_sensitive(bool(self.gallery.title(self.gallery.current)) and not self._wants_picture)
        self._quiet = True
        self._favorite.set_active(is_one)
        self._quiet = False

    def _on_favorite(self) -> None:
        if self._quiet:
            return
        choices = arguments.read(self._config, self._image)
        try:
            if self._favorite.get_active():
                # A mixture, as scripts paint in it, has no title.
                self._favorites.add(self.gallery.title(choices.style) or choices.style, choices)
            else:
                self._favorites.remove(choices.style)
        except OSError as error:
            self._say(tr("The favourites cannot be kept: {reason}.", reason=error.strerror or error), False)
        self._show_favorite()

    # --- the preview

    def _request(self) -> Request:
        if self._wants_picture and not self._has_picture():
            raise Problem(tr("Choose a picture or a layer to paint like."))
        choices = arguments.read(self._config, self._image)
        source = painter.source_of(self._image, self._target, choices)
        key = (self._target.get_id(), source.bounds, source.selected)
        if self._read is None or self._read[0] != key:
            self._read = (key, *host.read_small(source, READ_SIDE))
        _, regions, scale = self._read
        picture = self.picture.picture(_PICTURE_SIDE) if self._has_picture() else None
        more = {"reduced_by": 1.0 / scale, "max_side": SHOWN_SIDE, "refine": None}
        options, sent = painter.request(choices, regions, picture, **more)
        return "preview", options.to_wire(), sent

    def _show(self, regions: Any) -> None:
        if self._read is None:
            return
        mask = regions.get("mask")
        after = pixbuf_of(regions["pixels"], mask.data if mask is not None else None)
        self.comparison.show_pictures(pixbuf_of(self._read[1]["pixels"]), after)

    def _say(self, words: str, busy: bool) -> None:
        self._status.set_text(words)
        if busy:
            self._spinner.start()
        else:
            self._spinner.stop()
