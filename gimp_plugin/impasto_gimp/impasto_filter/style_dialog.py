"""The dialog of the Style Transfer: the styles at the left, what they make of the layer at the right."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

from gi.repository import Gimp, GObject

from impasto_editor import mixture, request
from impasto_editor.choices import Choices, Styles, write_styles
from impasto_editor.pictures import is_from_clipboard, is_picture
from impasto_editor.rows import FIRST, Offer
from impasto_editor.styles import read_library
from impasto_editor.texts import tr, tr_said
from impasto_filter import arguments, clipboard, gtk, host, kept, painter, settings_dialog
from impasto_filter.choosers import ChoiceBox, PicturePage, picture_key
from impasto_filter.comparison import Comparison
from impasto_filter.favorites import Favorites
from impasto_filter.gallery import Gallery
from impasto_filter.gtk import GimpUi, Gtk
from impasto_filter.mixture import Mixture
from impasto_filter.pictures import Pictures, title_of
from impasto_filter.pixbufs import pixbuf_of, region_of, shrunk
from impasto_filter.preview import READ_SIDE, SHOWN_SIDE, Preview, Request
from impasto_filter.rows import More, spin_scale
from impasto_filter.settings import settings
from impasto_link.errors import Problem
from impasto_link.pixels import Region
from impasto_link.sentences import several_from_wire

_PICTURE_SIDE = 512


class StyleDialog:
    """One run of the dialog.

    Args:
        procedure: the procedure that is run.
        config: its configuration, with the last values.
        image: the image.
        layer: the layer that is selected.
        favorites: the favourites of this GIMP.
        all_frames: whether nothing but all frames of an animation can be painted.
    """

    def __init__(
        self, procedure: Any, config: Any, image: Any, layer: Any, favorites: Favorites, *, all_frames: bool
    ) -> None:
        gtk.start()
        self._config, self._image, self._layer, self._favorites = config, image, layer, favorites
        self._all_frames = all_frames
        self._origin = self._take_over(layer)
        self._titles = arguments.painting_titles()
        self._quiet = False
        #: The styles that a picture from the clipboard has taken the place of.
        self._before_copied = ""
        self._read: tuple[object, dict[str, Region], float] | None = None
        self._pictures = Pictures(image, _PICTURE_SIDE)
        self.dialog = GimpUi.ProcedureDialog.new(procedure, config, tr("Style Transfer"))
        self.dialog.set_ok_label(self._titles["Paint"])
        self.dialog.set_default_size(1060, 680)
        self.gallery = Gallery(self._on_style, lambda: self.dialog.response(Gtk.ResponseType.OK))
        self.picture = PicturePage(self._titles, self._on_picture, lambda words: self._say(words, False))
        self.mixture = Mixture(self._mix_styles)
        self.comparison = Comparison(SHOWN_SIDE)
        self.preview = Preview(
            self._request, self._show, self._say, self._on_greeted, self._on_idle, self._on_thumbnail
        )
        self._thumbnails_of: Any = None
        self._status = Gtk.Label(xalign=0.0, yalign=0.0, wrap=True, max_width_chars=40, width_chars=40)
        self._spinner = Gtk.Spinner(valign=Gtk.Align.START)
        self._mix = Gtk.ToggleButton(label=self._titles["Mix"], use_underline=True)
        self._mix.set_tooltip_text(tr("Mix several: a click on a style adds it, and so does a picture that is chosen"))
        self._favorite = Gtk.ToggleButton(use_underline=True)
        self._favorite.set_tooltip_text(
            tr("Keeps style and settings in Filters > Artistic > Favourite Styles, from GIMP's next start on")
        )
        self._background = ChoiceBox(config, "background-style", [("", tr("Same style"))])
        rare = [one for name, one in arguments.PAINTING.items() if name not in FIRST]
        self._more = More(self.dialog, config, rare, self._titles)
        self._lay_out()
        self._follow_picture()
        self._on_change()
        # Not before: when the pages are laid out the first of them comes up by itself.
        self._stack.connect("notify::visible-child", lambda *_: self._on_page())
        self._mix.connect("toggled", lambda *_: self._on_mix())
        self._favorite.connect("toggled", lambda *_: self._on_favorite())
        config.connect("notify", lambda *_: self._on_change())

    def ask(self) -> tuple[Any, Choices, str] | None:
        """Show the dialog until it is answered: the layer to paint, how, and the title of the painting; or None."""
        self.preview.start()
        accepted = self.dialog.run()
        self.preview.close()
        layer, choices = self._target, self._choices
        title = tr("Painting") if self._has_picture() else mixture.titles(choices.styles, self._title)
        if any(kept.layer_of(self._image, key) is not None for key in choices.pictures):
            # GIMP does not remember layers; so Repeat says that there is no style, and not paint in another one.
            self._config.set_property("style", "")
        self.dialog.destroy()
        if not accepted:
            return None
        clipboard.keep(choices.pictures)
        return layer, choices, title

    def _take_over(self, layer: Any) -> Any:
        """Start from how the layer was painted, if it was; returns what it was painted from, if that is there."""
        choices = kept.choices_of(layer)
        if choices is None:
            styles = self._choices.styles
            present = kept.present(styles, self._image)
            if present != styles:
                arguments.write_styles_of(self._config, self._image, present)
            return None
        arguments.write(self._config, self._image, choices)
        return kept.source_of(self._image, layer)

    @property
    def _target(self) -> Any:
        again = self._origin is not None and self._again.get_active()
        return self._origin if again else self._layer

    @property
    def _choices(self) -> Choices:
        return arguments.read(self._config)

    # --- how it looks

    def _lay_out(self) -> None:
        self._stack = Gtk.Stack()
        self._stack.add_titled(self.gallery, "styles", tr("Styles"))
        self._stack.add_titled(self.picture, "picture", tr("Any Picture"))
        top = Gtk.Box(spacing=6)
        top.pack_start(Gtk.StackSwitcher(stack=self._stack), False, False, 0)
        top.pack_end(self._favorite, False, False, 0)
        top.pack_end(self._mix, False, False, 0)
        left = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        left.pack_start(top, False, False, 0)
        left.pack_start(self._stack, True, True, 0)
        left.pack_start(self.mixture, False, False, 0)

        right = Gtk.Box(orientation=Gtk.Orientation.VERTICAL, spacing=6)
        right.pack_start(self.comparison, True, True, 0)
        right.pack_start(self._status_row(), False, False, 0)
        self._again = Gtk.CheckButton(active=True)
        if self._origin is not None:
            self._again.set_label(tr("Paint “{name}” again", name=self._origin.get_name()))
            self._again.set_tooltip_text(
                tr("This layer was painted by Impasto. Paint from the same layer once more, not from the painting")
            )
            self._again.connect("toggled", lambda *_: self._on_change())
            right.pack_start(self._again, False, False, 0)
        scales = [spin_scale(self.dialog, arguments.PAINTING[name]) for name in ("strength", "brush", "feather")]
        self._feather = scales[-1]
        for widget in (*scales, self._boxes(), self.dialog.get_widget("keep-colors", GObject.TYPE_NONE), self._more):
            right.pack_start(widget, False, False, 0)

        # Or the boxes in it, which fill their column, would have it share the room that is for the styles.
        right.set_hexpand(False)
        both = Gtk.Box(spacing=12, border_width=12)
        both.pack_start(left, True, True, 0)
        both.pack_start(right, False, False, 0)
        self.dialog.get_content_area().pack_start(both, True, True, 0)
        both.show_all()

    def _status_row(self) -> Any:
        button = Gtk.Button.new_from_icon_name("preferences-system", Gtk.IconSize.MENU)
        button.set_relief(Gtk.ReliefStyle.NONE)
        button.set_valign(Gtk.Align.START)
        button.set_tooltip_text(tr("Settings"))
        button.get_accessible().set_name(tr("Settings"))
        button.connect("clicked", lambda _: self._on_settings())
        row = Gtk.Box(spacing=6)
        row.pack_start(self._status, True, True, 0)
        row.pack_end(button, False, False, 0)
        row.pack_end(self._spinner, False, False, 0)
        return row

    def _boxes(self) -> Any:
        areas, alias = arguments.area_choices(), {}
        if Gimp.Selection.is_empty(self._image):
            # Without a selection both are everything; kept is the one that will follow a selection.
            areas = [("selection", areas[1][1]), *areas[2:]]
            alias = {"everything": "selection"}
        rows = [
            ("Area", ChoiceBox(self._config, "area", areas, alias)),
            ("Background style", self._background),
            ("Refinement", ChoiceBox(self._config, "refine", arguments.refine_choices())),
            ("Result", ChoiceBox(self._config, "result", arguments.result_choices())),
        ]
        if self._all_frames:
            rows.append(("Frames", ChoiceBox(self._config, "frames", arguments.frame_choices()[1:], {"one": "all"})))
        elif host.is_animation(self._image):
            rows.append(("Frames", ChoiceBox(self._config, "frames", arguments.frame_choices())))
        grid = Gtk.Grid(row_spacing=6, column_spacing=12)
        for row, (title, box) in enumerate(rows):
            box.set_hexpand(True)
            label = Gtk.Label(label=self._titles[title], use_underline=True, xalign=0.0, mnemonic_widget=box)
            grid.attach(label, 0, row, 1, 1)
            grid.attach(box, 1, row, 1, 1)
        return grid

    # --- what happens

    def _on_greeted(self) -> None:
        def show(event: Any) -> None:
            if event.kind != "done":
                return
            styles = read_library(event.fields.get("styles", ()))
            self.gallery.show_styles(styles)
            self._thumbnails_of = None
            # One that is not there any more stays, and the preview says so, until the user chooses another one.
            if styles and not self._choices.styles:
                self._config.set_property("style", styles[0].name)
            self._background.offer([("", tr("Same style")), *self.gallery.names()])
            self._on_change()
            problems = [tr_said(problem) for problem in several_from_wire(event.fields, "problems")]
            if problems:
                self._say(" ".join(problems), False)

        self._more.offer(Offer.of(self.preview.connection.hello))
        self.preview.connection.submit("styles", {"thumbnails": True}, on_event=show)

    def _on_settings(self) -> None:
        try:
            changed = settings_dialog.ask(settings(), self.dialog)
        except OSError as error:
            self._say(tr("The settings cannot be kept: {reason}.", reason=error.strerror or error), False)
            return
        if changed:
            self.preview.restart()

    def _on_style(self, name: str) -> None:
        if self._mix.get_active():
            self._add(name)
        else:
            self._config.set_property("style", name)
        self._show_favorite()

    def _on_picture(self) -> None:
        if not self._mix.get_active():
            self._on_page()
        elif self.picture.key:
            self._add(self.picture.key)

    def _on_page(self) -> None:
        if self._mix.get_active():
            return
        # Both at once, or the one that still holds the old picture would be followed.
        with self._config.freeze_notify():
            self._config.set_property("picture", self._shown_file)
            self._config.set_property("picture-layer", self._shown_layer)
            self._take_copied(self._shown_copied)
            if not (self._wants_picture or self._choices.styles):
                self._config.set_property("style", self.gallery.current or arguments.USUAL_STYLE)
        self._on_change()

    def _take_copied(self, key: str) -> None:
        """Have a picture from the clipboard, or with an empty key none, in the argument of the styles."""
        styles, present = self._config.get_property("style"), arguments.clipboard_of(self._config)
        if key and not present:
            self._before_copied = styles
        if key or present:
            self._config.set_property("style", key or self._before_copied)

    def _on_change(self) -> None:
        choices = self._choices
        self._background.set_sensitive(choices.area in ("everything", "selection"))
        selected = choices.area == "selection" and not Gimp.Selection.is_empty(self._image)
        self._feather.set_sensitive(selected or choices.needs_subject)
        self._show_mixture(choices.styles)
        named = [one.name for one in choices.styles]
        if self.gallery.current not in (named if self._mix.get_active() else named[:1]):
            self.gallery.choose(next((name for name in named if not is_picture(name)), ""))
        shown = picture_key(self._shown_file, self._shown_layer, self._shown_copied)
        if not self._mix.get_active() and shown != self._picture_key():
            # The settings were reset or loaded.
            self._follow_picture()
        self.dialog.set_response_sensitive(Gtk.ResponseType.OK, bool(named) and not self._misses_picture)
        self._show_favorite()
        self.preview.update()

    def _follow_picture(self) -> None:
        self.picture.follow(self._config)
        self._stack.set_visible_child(self.picture if self._has_picture() else self.gallery)

    @property
    def _wants_picture(self) -> bool:
        """Whether the page for a picture is shown, with or without one, and what it shows is what is painted like."""
        return self._stack.get_visible_child() is self.picture and not self._mix.get_active()

    @property
    def _misses_picture(self) -> bool:
        return self._wants_picture and not self._has_picture()

    @property
    def _shown_file(self) -> Any:
        return self.picture.chosen_file if self._wants_picture else None

    @property
    def _shown_layer(self) -> Any:
        return self.picture.chosen_layer if self._wants_picture else None

    @property
    def _shown_copied(self) -> str:
        return self.picture.chosen_copied if self._wants_picture else ""

    def _picture_key(self) -> object:
        file, layer = self._config.get_property("picture"), self._config.get_property("picture-layer")
        # In a mixture it may be the only one, which does not end the mixture.
        return picture_key(file, layer, "" if self._mix.get_active() else arguments.clipboard_of(self._config))

    def _has_picture(self) -> bool:
        return self._picture_key() is not None

    # --- the mixture

    def _add(self, name: str) -> None:
        try:
            self._mix_styles(mixture.joined(self._choices.styles, name))
        except Problem as problem:
            self._say(str(problem), False)

    def _mix_styles(self, styles: Styles) -> None:
        self._config.set_property("style", write_styles(styles))

    def _on_mix(self) -> None:
        if self._quiet:
            return
        styles = self._choices.styles
        if not self._mix.get_active():
            arguments.write_styles_of(self._config, self._image, styles[:1])
            self._follow_picture()
        else:
            with self._config.freeze_notify():
                self._config.set_property("picture", None)
                self._config.set_property("picture-layer", None)
                self._mix_styles(styles)
        self._on_change()

    def _show_mixture(self, styles: Styles) -> None:
        """A mixture is shown where there is one, by whatever way it came."""
        mixing = len(styles) > 1 or (self._mix.get_active() and not self._has_picture())
        self._quiet = True
        self._mix.set_active(mixing)
        self._quiet = False
        self.mixture.set_visible(mixing)
        self.mixture.follow(styles if mixing else (), self._title)

    def _title(self, name: str) -> str:
        return title_of(self._image, name) if is_picture(name) else self.gallery.title(name) or name

    # --- the favourites

    def _show_favorite(self) -> None:
        styles = self._choices.styles
        is_one = write_styles(styles) in self._favorites.entries
        self._favorite.set_label(f"{'★' if is_one else '☆'} {self._titles['Favourite']}")
        known = all(is_picture(one.name) or self.gallery.title(one.name) for one in styles)
        layers = [one for one in styles if kept.layer_of(self._image, one.name) is not None]
        lasting = not layers and not any(is_from_clipboard(one.name) for one in styles)
        self._favorite.set_sensitive(bool(styles) and known and lasting and not self._wants_picture)
        self._quiet = True
        self._favorite.set_active(is_one)
        self._quiet = False

    def _on_favorite(self) -> None:
        if self._quiet:
            return
        choices = self._choices
        try:
            if self._favorite.get_active():
                self._favorites.add(mixture.titles(choices.styles, self._title), choices)
            else:
                self._favorites.remove(write_styles(choices.styles))
        except OSError as error:
            self._say(tr("The favourites cannot be kept: {reason}.", reason=error.strerror or error), False)
        self._show_favorite()

    # --- the preview

    def _request(self) -> Request:
        if self._misses_picture:
            raise Problem(tr("Choose a picture or a layer to paint like."))
        choices = replace(self._choices, refine="")
        source = painter.source_of(self._target, choices)
        key = (self._target.get_id(), source.bounds, source.selected)
        if self._read is None or self._read[0] != key:
            self._read = (key, *host.read_small(source, READ_SIDE))
        _, regions, reduced_by = self._read
        options, sent = request.painting(
            choices, regions, self._pictures.read, reduced_by=reduced_by, max_side=SHOWN_SIDE
        )
        return "preview", options.to_wire(), sent

    def _show(self, regions: Any) -> None:
        if self._read is None:
            return
        mask = regions.get("mask")
        after = pixbuf_of(regions["pixels"], mask.data if mask is not None else None)
        self.comparison.show_pictures(pixbuf_of(self._read[1]["pixels"]), after)

    def _on_idle(self) -> None:
        """The time for the layer in every style; anew when it is another layer, or other styles."""
        layer = self._target
        if self._thumbnails_of == layer:
            self.preview.thumbnails.resume()
            return
        self._thumbnails_of = layer
        self.preview.thumbnails.begin(partial(self._read_small, layer), self.gallery.names_as_seen())

    def _read_small(self, layer: Any, longest: int) -> Region:
        """All of a layer, small."""
        source = host.find_source(layer, use_selection=False)
        if self._read is not None and self._read[0] == (layer.get_id(), source.bounds, source.selected):
            # Reading a large layer takes long; the preview has done it.
            return region_of(shrunk(pixbuf_of(self._read[1]["pixels"]), longest))
        return host.read_small(source, longest)[0]["pixels"]

    def _on_thumbnail(self, name: str, region: Region) -> None:
        self.gallery.show_own(name, pixbuf_of(region))

    def _say(self, words: str, busy: bool) -> None:
        self._status.set_text(words)
        if busy:
            self._spinner.start()
        else:
            self._spinner.stop()
