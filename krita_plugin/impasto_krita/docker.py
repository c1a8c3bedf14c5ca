"""The docker Style Transfer: what happens when the user does something."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

from krita import DockWidget

from impasto_editor.choices import Choices
from impasto_editor.mixture import titles
from impasto_editor.styles import Library
from impasto_editor.texts import choose_language, tr
from impasto_editor.thumbnails import SIDE as THUMBNAIL_SIDE
from impasto_editor.thumbnails import OwnThumbnails
from impasto_krita import host
from impasto_krita.connection import Connection
from impasto_krita.images import to_image
from impasto_krita.painter import Job, Painter, source_of
from impasto_krita.panel import Panel
from impasto_krita.picture_styles import PictureStyles
from impasto_krita.preview import PREVIEW_SIDE, Preview
from impasto_krita.qt import QImage, QLocale, Qt, QTimer
from impasto_krita.scene import Facts
from impasto_krita.settings import settings
from impasto_krita.settings_dialog import SettingsDialog
from impasto_krita.status import describe
from impasto_krita.theme import sharp
from impasto_link.pixels import Region

#: Krita says nothing when another layer becomes active or the selection changes, so it is asked, in milliseconds.
LOOK_EVERY = 500


class Repeating(NamedTuple):
    """What a painting is painted again from.

    Attributes:
        source: the layer that it was painted from; empty if that is the active one.
        active: the layer that has to stay the active one for that.
    """

    source: str = ""
    active: str = ""


class StyleTransferDocker(DockWidget):
    """One per window of Krita.

    Attributes:
        library: the styles of the server.
        repeating: what is painted again, if something is.
    """

    def __init__(self) -> None:
        super().__init__()
        self.settings = settings()
        choose_language([self.settings.language, QLocale().name()])
        self.setWindowTitle(tr("Style Transfer"))
        self.panel = Panel(self.settings.thumbnail_size, more=self.settings.more)
        self.setWidget(self.panel)
        self.connection = Connection(self)
        self.styles = PictureStyles(self.settings, self.panel.gallery.menu, self)
        self.painter = Painter(self.connection, self.styles.pictures, self)
        self.preview = Preview(self.connection, self.styles.pictures, self)
        self.own_thumbnails = OwnThumbnails(
            self.connection,
            lambda: self.connection.session.state == "ready",
            lambda seconds, function: QTimer.singleShot(round(1000 * seconds), function),
            lambda name, region: self.panel.show_picture(name, to_image(region)),
        )
        self._facts = Facts(layer="nothing seen yet")
        self._was_shown = False
        self.library = Library(self.connection, self._on_styles)
        self.repeating = Repeating()
        #: What the user has asked for that has to wait until the server is ready, by the kind of it.
        self._intended: dict[str, Callable[[], None]] = {}
        self._look = QTimer(self)
        self._look.setInterval(LOOK_EVERY)
        self._look.timeout.connect(self._look_around)
        self._connect()
        self._apply_settings()
        self._show_status()

    def _connect(self) -> None:
        panel = self.panel
        panel.gallery.clicked.connect(self._on_click)
        panel.gallery.confirmed.connect(lambda _: self.paint())
        panel.gallery.clicked_twice.connect(self._on_second_click)
        panel.gallery.resized.connect(self._on_resized)
        panel.changed.connect(self._update_preview)
        panel.paint.clicked.connect(self.paint)
        panel.cancel.clicked.connect(lambda: self.painter.cancel())
        panel.add_mask.clicked.connect(self.find_subject)
        panel.again.clicked.connect(self.paint_again)
        panel.refine.connect(self.refine)
        panel.keep.clicked.connect(lambda: self.painter.keep())
        panel.gallery.removal.connect(self.styles.remove)
        self.styles.changed.connect(self._on_pictures)
        self.styles.failed.connect(panel.show_message)
        panel.more.toggled.connect(self._on_more)
        panel.settings.clicked.connect(self._open_settings)
        panel.status.linkActivated.connect(lambda _: self.connection.open(start=True))
        self.connection.changed.connect(self._on_connection)
        self.painter.began.connect(self._on_began)
        self.painter.progressed.connect(panel.show_progress)
        self.painter.shown.connect(self._on_shown)
        self.painter.ended.connect(self._on_ended)
        self.preview.shown.connect(self._on_preview)
        self.preview.failed.connect(self._on_no_preview)
        self.preview.working.connect(panel.comparison.set_waiting)

    # --- what Krita and Qt call

    def canvasChanged(self, canvas: Any) -> None:
        """Krita shows another document, or none."""
        if self.isVisible():
            self._look_around()

    def showEvent(self, event: Any) -> None:
        """Connect, and look around from now on."""
        super().showEvent(event)
        self.preview.side = self.painter.side = sharp(PREVIEW_SIDE, self)
        self.own_thumbnails.side = sharp(THUMBNAIL_SIDE, self)
        self._look.start()
        if not self._was_shown:
            # The first time the server is started, too: the gallery needs it. Once it has ended because nobody used
            # it, only the next click starts it again.
            self._was_shown = True
            self.styles.remember()
            self.connection.open(start=True)
        else:
            self.connection.open(start=False)
        self.connection.wake()
        self._look_around()

    def hideEvent(self, event: Any) -> None:
        """Do nothing that nobody sees; a painting under way goes on."""
        super().hideEvent(event)
        self._look.stop()
        self.preview.stop()
        self.own_thumbnails.pause()
        self.connection.rest()

    # --- what the user does; also called by the actions of the menu

    def paint(self) -> None:
        """Paint with the choices as they are."""
        self._begin("")

    def refine(self, preset: str = "") -> None:
        """Paint with the choices as they are and refine that; by default as the last time."""
        if preset and preset != self.settings.refine:
            self.settings.refine = preset
            self.settings.keep()
        self._begin(preset or self.settings.refine)

    def _begin(self, refine: str) -> None:
        if self.painter.busy or not self._ready("paint", partial(self._begin, refine)):
            return
        choices = replace(self.panel.choices(), refine=refine, result=self.settings.result)
        if not choices.style:
            self.panel.show_message(tr("Choose a style first."))
            return
        both = (choices.styles, choices.background)
        title = " + ".join(titles(styles, self.panel.gallery.title) for styles in both if styles)
        again = self.repeating.source
        self.painter.paint(choices, title, [again] if again else self._facts.layers or [""])

    def find_subject(self) -> None:
        """Give the layer a mask that shows its subject only; the one that the docker shows, if it shows one."""
        if not self.painter.busy and self._ready("paint", self.find_subject):
            self.painter.find_subject(self.panel.choices(), self.repeating.source)

    def _ready(self, kind: str, intended: Callable[[], None]) -> bool:
        """Whether the server is there for what the user has asked for; if not, it will be done as soon as it is."""
        self._look_around()
        self.panel.show_message("")
        self.connection.open(start=True)
        if self.connection.session.state == "ready":
            self._intended.pop(kind, None)
            return True
        # If there is a problem already, the status line says what is wrong.
        if self.connection.session.problem is None:
            self._intended[kind] = intended
            self.panel.show_message(tr("It begins as soon as the server is ready."))
        return False

    def keep(self) -> None:
        """End a refinement with the picture as it has become so far."""
        self.painter.keep()

    def paint_again(self) -> None:
        """Take over how the active layer was painted, and from what."""
        self._look_around()
        kept = host.kept(self._facts.layer)
        choices = Choices.from_json(kept) if kept else None
        if choices is None:
            self.panel.show_message(tr("The active layer was not painted by Impasto."))
            return
        if not self.library.styles:
            # Only with the styles can their names be chosen.
            self._intended["again"] = partial(self._again_if, self._facts.layer)
            self.connection.open(start=True)
            if self.connection.session.problem is None:
                self.panel.show_message(tr("How it was painted comes back as soon as the server is ready."))
            return
        name = host.name_of(choices.source)
        self.repeating = Repeating(choices.source if name else "", self._facts.layer)
        self._show_targets()
        self.preview.forget()
        lost = self.styles.bring_back(choices)
        self.panel.gallery.search.clear()
        lost += [
            tr("The style “{name}” is not there any more.", name=style) for style in self.panel.set_choices(choices)
        ]
        if lost:
            words = " ".join([*lost, tr("Choose another style, then paint.")])
        elif name:
            words = tr("Change what you like, then paint: “{name}” is painted again.", name=name)
        else:
            words = tr("The layer it was painted from is not there any more; this layer itself would be painted.")
        if choices.refine:
            words += " " + tr("It was refined: {preset}.", preset=tr(choices.refine.capitalize()))
        self.panel.show_message(words)
        self._update_preview()

    def _show_targets(self) -> None:
        """Show what would be painted: how many layers, and whether they have frames."""
        source = self.repeating.source
        animated = host.is_animated(source) if source else self._facts.animated
        self.panel.show_targets(1 if source else len(self._facts.layers), animated=animated)

    def _again_if(self, layer: str) -> None:
        if layer == self._facts.layer:
            self.paint_again()

    def cancel(self) -> None:
        """Stop the painting."""
        self._stop_waiting()
        self.painter.cancel()

    def reveal(self) -> None:
        """Show the docker, ready to search a style."""
        self.setVisible(True)
        self.raise_()
        self.panel.gallery.search.setFocus()

    def _on_click(self, _style: str) -> None:
        if self.settings.paint_on_click:
            self.paint()

    def _on_second_click(self, _style: str) -> None:
        # With painting on a click, the second click of a double click has nothing left to do.
        if not self.settings.paint_on_click:
            self.paint()

    def _on_resized(self, size: int) -> None:
        self.settings.thumbnail_size = size
        self.settings.keep()

    def _on_more(self, unfolded: bool) -> None:
        self.settings.more = unfolded
        self.settings.keep()

    def _open_settings(self) -> None:
        dialog = SettingsDialog(self.settings, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(self._on_settings)
        dialog.show()

    def _on_settings(self) -> None:
        self.settings.keep()
        another = self.connection.session.invitation != self.settings.invitation
        self._apply_settings()
        if another:
            self.cancel()
            self.connection.close()
            self.connection.open(start=True)

    def _apply_settings(self) -> None:
        self.connection.session.invitation = self.settings.invitation
        self.connection.session.server_arguments = self.settings.server_arguments

    # --- what happens by itself

    def _look_around(self) -> None:
        facts, before = host.facts(), self._facts
        self._facts = facts
        self.painter.check_document()
        if facts.has_selection != before.has_selection:
            self.panel.follow_selection(facts.has_selection)
        if facts == before:
            return
        if self.repeating.active != facts.layer:
            self.repeating = Repeating()
        self.panel.again.setEnabled(bool(host.kept(facts.layer)))
        self._show_targets()
        self.preview.forget()
        if (facts.document, bool(facts.layer)) != (before.document, bool(before.layer)):
            words = "" if facts.layer else tr("Open a picture to see it painted here.")
            self.panel.comparison.show_words(words)
        self._update_preview()

    def _update_preview(self) -> None:
        choices = self.panel.choices()
        possible = self.connection.session.state == "ready" and choices.style and self._facts.layer
        if not possible or not self.isVisible() or self.painter.busy:
            return
        self.own_thumbnails.pause()
        mask_only = self.panel.show_mask.isChecked() and choices.needs_subject
        self.preview.update(choices, self.repeating.source, mask_only=mask_only)

    def _on_preview(self, *images: Any) -> None:
        self.panel.comparison.show_images(*images)
        self._resume_thumbnails()

    def _on_no_preview(self, sentence: str) -> None:
        self.panel.comparison.show_words(sentence)
        self._resume_thumbnails()

    def _resume_thumbnails(self) -> None:
        if not self.preview.busy and not self.painter.busy:
            self.own_thumbnails.resume()

    def _on_began(self) -> None:
        self.preview.stop()
        self.own_thumbnails.pause()
        self.panel.show_progress(0.0, tr("sending"))

    def _on_shown(self, before: QImage, so_far: QImage) -> None:
        self.panel.comparison.show_images(before, so_far, None)
        self.panel.keep.setVisible(True)

    def _on_ended(self, sentence: str, painted: Job | None) -> None:
        self.panel.show_progress(None)
        self.panel.show_message(sentence)
        if not self.isVisible():
            self.connection.rest()
            return
        self.connection.refresh()
        if painted is not None:
            self.own_thumbnails.begin(partial(_read_small, painted.source.layer), self.panel.gallery.names())
        else:
            self.own_thumbnails.resume()
        if painted is None or not painted.choices.refine:
            # A click paints before its preview is there; but a refinement has left its last picture.
            self._update_preview()

    def _on_connection(self) -> None:
        self._show_status()
        session = self.connection.session
        if session.state != "ready":
            self.library.follow(None)
            if session.problem is not None:
                # The status line says what is wrong.
                self._stop_waiting()
            return
        self.panel.offer(session.hello)
        self.library.follow(session.hello)

    def _stop_waiting(self) -> None:
        if self._intended:
            self._intended.clear()
            self.panel.show_message("")

    def _on_styles(self, problems: list[str]) -> None:
        self._show_styles()
        if problems:
            self.panel.show_message("\n".join(problems))
        intended, self._intended = self._intended, {}
        for do in intended.values():
            do()
        if not self.painter.busy:
            self._update_preview()

    def _on_pictures(self, chosen: str) -> None:
        self._show_styles()
        if chosen:
            self.panel.show_message("")
            self.panel.gallery.search.clear()
            self.panel.choose_picture(chosen)

    def _show_styles(self) -> None:
        # Without a server there are no styles, and nothing to do with pictures either.
        if self.library.known:
            self.panel.show_styles(self.library.styles, self.styles.pictures.all())

    def _show_status(self) -> None:
        self.panel.status.setText(describe(self.connection.session))


def _read_small(layer: str, longest: int) -> Region:
    """All of a layer, small."""
    return host.read_small(source_of(Choices(), layer), longest)[0]["pixels"]
