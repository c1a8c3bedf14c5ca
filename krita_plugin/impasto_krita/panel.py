"""What is to be seen in the docker, and nothing of what it does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import filterfalse
from typing import Any

from impasto_editor.choices import Choices, Styles
from impasto_editor.mixture import alone, join_words, joined, take_out_words, taken_out, titles
from impasto_editor.pictures import is_picture
from impasto_editor.rows import Offer, Row, gathered
from impasto_editor.styles import Style
from impasto_editor.texts import tr
from impasto_krita.comparison import Comparison
from impasto_krita.gallery import Gallery
from impasto_krita.mixture import Mixture
from impasto_krita.pictures import Picture
from impasto_krita.qt import (
    QCheckBox,
    QComboBox,
    QEvent,
    QGridLayout,
    QHBoxLayout,
    QImage,
    QLabel,
    QMenu,
    QPoint,
    QProgressBar,
    QPushButton,
    Qt,
    QToolButton,
    QVBoxLayout,
    QWidget,
    pyqtSignal,
)
from impasto_krita.rows import RowWidgets, TickRow, make_rows, put_in
from impasto_krita.theme import icon
from impasto_link.errors import Problem
from impasto_link.options import REFINE

#: Below the rows that are always there, above those that are folded.
_TICKS_LINE = 9
#: With these areas the background can have a style of its own.
_TWO_STYLES = ("everything", "selection")


class Panel(QWidget):
    """The widgets of the docker.

    Signals:
        changed: a choice has changed.
        refine: the painting is to be refined, with this preset.
    """

    changed = pyqtSignal()
    refine = pyqtSignal(str)

    def __init__(self, thumbnail_size: int, *, more: bool = False) -> None:
        super().__init__()
        self.rows: list[RowWidgets] = []
        self._offer, self._wanted = Offer(), list[Row]()
        self.gallery = Gallery(thumbnail_size)
        self.mixture = Mixture(self.gallery.title, self.gallery.icon)
        #: The mixture that was there before the only style that there is now.
        self._left: Styles = ()
        self._is_choosing = False
        self.area = QComboBox()
        self.area.setToolTip(tr("What is painted; the selection limits the subject and the background, too"))
        self.area.addItem(tr("Everything"), "everything")
        self.area.addItem(tr("Selection"), "selection")
        self.background = QComboBox()
        self.background.setToolTip(tr("A style of its own for everything but the subject"))
        self.background_label = QLabel(tr("Background"))
        self.frames = QComboBox()
        self.frames.setToolTip(tr("Which frames of an animated layer are painted"))
        for title, which in ((tr("This one"), "one"), (tr("All"), "all"), (tr("Playback range"), "range")):
            self.frames.addItem(title, which)
        self.frames_label = QLabel(tr("Frames"))
        self.show_mask = QCheckBox(tr("Show mask"))
        self.show_mask.setToolTip(
            tr("Show in the preview, in red, what will not be painted, or in the style of the background")
        )
        self.add_mask = QPushButton(tr("Add mask"))
        self.add_mask.setToolTip(
            tr("Give the layer itself this mask, which hides everything else and can be painted on")
        )
        self.more = QToolButton()
        self.more.setText(tr("More"))
        self.more.setToolTip(tr("What is rarely changed"))
        self.more.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.more.setAutoRaise(True)
        self.more.setCheckable(True)
        self.more.setChecked(more)
        self.comparison = Comparison()
        self.paint = QPushButton(tr("Paint"))
        self.paint.setToolTip(tr("Paint each selected layer into a new layer above it"))
        self.refining = QPushButton(tr("Refine"))
        self.refining.setToolTip(tr("Paint, then bring the strokes closer to the style, bit by bit; this takes longer"))
        self.refining.setMenu(self._refinements())
        self.again = QToolButton()
        self.again.setToolTip(tr("Again with changes: take over how this layer was painted"))
        self.again.setAccessibleName(tr("Again with changes"))
        self.cancel = QPushButton(tr("Cancel"))
        self.keep = QPushButton(tr("Keep this"))
        self.keep.setToolTip(tr("End the refinement now, with the picture as it has become so far"))
        self.progress = QProgressBar()
        self.progress.setRange(0, 1000)
        self.message = _words(Qt.TextFormat.PlainText)
        self.status = _words(Qt.TextFormat.RichText)
        self.settings = QToolButton()
        self.settings.setToolTip(tr("Settings"))
        self.settings.setAccessibleName(tr("Settings"))
        for button in (self.again, self.settings):
            button.setAutoRaise(True)
        self._lay_out()
        self._make_rows()
        self.show_targets(1, animated=False)
        self.show_progress(None)
        self._refresh_icons()

        for box in (self.area, self.background):
            box.currentIndexChanged.connect(lambda _: self._on_choice())
        for button in (self.show_mask, self.more):
            button.toggled.connect(lambda _: self._on_choice())
        self.gallery.chosen.connect(self._on_style)
        self.gallery.clicked.connect(self._on_style)
        self.gallery.mixed.connect(self._on_mixed)
        self.gallery.asked.connect(self._show_menu)
        self.mixture.changed.connect(self.choose_styles)
        self._on_choice()

    def _refinements(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for preset in REFINE["preset"].choices:
            action = menu.addAction(tr(preset.title))
            action.setToolTip(tr(preset.tip))
            action.triggered.connect(lambda _, preset=preset.value: self.refine.emit(preset))
        return menu

    def _lay_out(self) -> None:
        area = QHBoxLayout()
        area.addWidget(self.area, 1)
        area.addWidget(self.add_mask)
        self._grid = QGridLayout()
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(1, 1)
        self._grid.addWidget(QLabel(tr("Area")), 0, 0)
        self._grid.addLayout(area, 0, 1, 1, 3)
        self._grid.addWidget(self.background_label, 1, 0)
        self._grid.addWidget(self.background, 1, 1, 1, 3)
        self._grid.addWidget(self.frames_label, 2, 0)
        self._grid.addWidget(self.frames, 2, 1, 1, 3)
        self._ticks = QHBoxLayout()
        checks = QHBoxLayout()
        checks.addLayout(self._ticks)
        checks.addWidget(self.show_mask)
        checks.addStretch(1)
        checks.addWidget(self.more)
        self._grid.addLayout(checks, _TICKS_LINE, 0, 1, 4)
        buttons = QHBoxLayout()
        buttons.addWidget(self.paint, 2)
        buttons.addWidget(self.refining, 1)
        buttons.addWidget(self.again)
        working = QHBoxLayout()
        working.addWidget(self.progress, 1)
        working.addWidget(self.cancel)
        bottom = QHBoxLayout()
        bottom.addWidget(self.status, 1)
        bottom.addWidget(self.settings, 0, Qt.AlignmentFlag.AlignBottom)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.setSpacing(5)
        layout.addWidget(self.gallery, 5)
        layout.addWidget(self.mixture)
        layout.addLayout(self._grid)
        layout.addWidget(self.comparison, 3)
        for row in (buttons, working):
            layout.addLayout(row)
        layout.addWidget(self.keep)
        layout.addWidget(self.message)
        layout.addLayout(bottom)

    # --- what the user has chosen

    def choices(self) -> Choices:
        """The choices as they are now."""
        area = self.area.currentData()
        background = (self.background.currentData() or "") if area in _TWO_STYLES else ""
        values = gathered((one.row, one.value) for one in self.rows)
        frames = self.frames.currentData() if self.frames.isVisibleTo(self) else "one"
        return Choices(self.mixture.styles, alone(background), area, values, frames=frames)

    def set_choices(self, choices: Choices) -> list[str]:
        """Show these choices; returns the styles of the library among them that are not in it any more."""
        self.choose_styles(self._known(choices.styles) or self.mixture.styles)
        self.set_area(choices.area)
        self.background.setCurrentIndex(max(0, self.background.findData(choices.background_style)))
        self.frames.setCurrentIndex(max(0, self.frames.findData(choices.frames)))
        self._choose(choices, [one for one in self.rows if one.row.parameter.name == "engine"])
        self._choose(choices, self.rows)
        wanted = [one.name for one in (*choices.styles, *choices.background)]
        return [name for name in dict.fromkeys(wanted) if not (is_picture(name) or self.gallery.has(name))]

    def choose_styles(self, styles: Styles) -> None:
        """Paint like these: one style, or several that are mixed."""
        if len(self.mixture.styles) > 1:
            self._left = self.mixture.styles
        self._show_chosen(styles)
        self._on_choice()

    def choose_picture(self, key: str) -> None:
        """Paint like a picture that was brought just now; where styles are mixed it is one of them."""
        if len(self.mixture.styles) > 1:
            self._mix(key)
        else:
            self.choose_styles(alone(key))

    def _known(self, styles: Styles) -> Styles:
        """Those that are in the gallery; of several that are mixed one may be left, which counts fully."""
        found = tuple(one for one in styles if self.gallery.has(one.name))
        return alone(found[0].name) if len(found) == 1 else found

    def row(self, name: str) -> RowWidgets:
        """The row of a parameter; raises KeyError if there is none."""
        return {one.row.parameter.name: one for one in self.rows}[name]

    def set_area(self, area: str) -> None:
        """Choose an area, if it is offered."""
        index = self.area.findData(area)
        if index >= 0:
            self.area.setCurrentIndex(index)

    def follow_selection(self, selected: bool) -> None:
        """A selection is meant to be painted, unless another area than everything was chosen."""
        if self.area.currentData() == ("everything" if selected else "selection"):
            self.set_area("selection" if selected else "everything")

    # --- what is shown

    def show_targets(self, count: int, *, animated: bool) -> None:
        """Show how many layers would be painted, and offer their frames if they have several."""
        self.paint.setText(tr("Paint {count} layers", count=count) if count > 1 else tr("Paint"))
        self.frames.setVisible(animated)
        self.frames_label.setVisible(animated)

    def show_styles(self, styles: Sequence[Style], pictures: Sequence[Picture]) -> None:
        """Show the styles of the server and the user's pictures, in the gallery and for the background."""
        chosen = self.background.currentData()
        self.background.blockSignals(True)
        self.background.clear()
        self.background.addItem(tr("Same style"), "")
        for one in pictures:
            self.background.addItem(one.title, one.key)
        if pictures:
            self.background.insertSeparator(self.background.count())
        for style in styles:
            self.background.addItem(style.title, style.name)
        self.background.setCurrentIndex(max(0, self.background.findData(chosen)))
        self.background.blockSignals(False)
        self._is_choosing = True
        self.gallery.show_styles(styles, pictures)
        self._is_choosing = False
        self._left = self._known(self._left)
        self._show_chosen(self._known(self.mixture.styles) or alone(self.gallery.current))
        self.mixture.refresh()
        # Under its name a style may be another one now, or its file be gone.
        self._on_choice()

    def show_picture(self, name: str, image: QImage) -> None:
        """Show another picture for a style."""
        self.gallery.set_picture(name, image)
        self.mixture.refresh()

    def _show_chosen(self, styles: Styles) -> None:
        self._is_choosing = True
        # Whoever mixes looks at the style that is added, and not at the first.
        if styles and self.gallery.current != styles[0].name:
            self.gallery.choose(styles[0].name)
        self._is_choosing = False
        self.gallery.mark(one.name for one in styles)
        self.mixture.follow(styles)

    def offer(self, hello: Mapping[str, Any]) -> None:
        """Offer what the server can do, by what it says of itself."""
        offer = Offer.of(hello)
        if offer == self._offer:
            return
        self._offer = offer
        for name, title in (("subject", tr("Subject")), ("background", tr("Background"))):
            index = self.area.findData(name)
            if offer.subject and index < 0:
                self.area.insertItem(self.area.count() - 1, title, name)
            elif not offer.subject and index >= 0:
                self.area.removeItem(index)
        self._on_choice()

    def _make_rows(self) -> None:
        """Have a row for each parameter that there is with the chosen engine."""
        choices = self.choices()
        wanted = self._offer.rows(choices["engine"])
        if wanted == self._wanted:
            return
        self._wanted = wanted
        for one in self.rows:
            one.remove()
        self.rows = make_rows(wanted, self)
        first = [one for one in self.rows if one.row.first]
        ticks = [one for one in first if isinstance(one, TickRow)]
        for tick in ticks:
            self._ticks.addWidget(tick.box)
        put_in(self._grid, [one for one in first if one not in ticks], line=3)
        put_in(self._grid, [one for one in self.rows if one not in first], line=_TICKS_LINE + 1)
        self._choose(choices, self.rows)
        for one in self.rows:
            one.changed.connect(self._on_choice)
            one.refresh_icon()

    def _choose(self, choices: Choices, rows: Iterable[RowWidgets]) -> None:
        for one in rows:
            one.set(one.row.value(choices))

    def show_progress(self, fraction: float | None, doing: str = "") -> None:
        """Show how far the work is; None when there is none."""
        working = fraction is not None
        self.progress.setVisible(working)
        self.cancel.setVisible(working)
        for button in (self.paint, self.refining, self.again):
            button.setVisible(not working)
        if not working:
            self.keep.setVisible(False)
        if fraction is not None:
            self.progress.setValue(round(1000 * fraction))
            self.progress.setFormat(f"{doing} %p%" if fraction else doing)

    def show_message(self, words: str) -> None:
        """Say what became of the last thing done."""
        self.message.setText(words)
        self.message.setVisible(bool(words))

    def _on_style(self, name: str) -> None:
        """The user has chosen one style, and with it no other one."""
        if not self._is_choosing and self.mixture.styles != alone(name):
            self.choose_styles(alone(name))

    def _on_mixed(self, name: str) -> None:
        if not self._is_mixed(name):
            self._mix(name)
        elif len(self.mixture.styles) > 1:
            self.choose_styles(taken_out(self.mixture.styles, name))

    def _mix(self, name: str) -> None:
        try:
            self.choose_styles(joined(self.mixture.styles, name))
        except Problem as problem:
            self.show_message(str(problem))

    def _is_mixed(self, name: str) -> bool:
        return any(one.name == name for one in self.mixture.styles)

    def _show_menu(self, name: str, at: QPoint) -> None:
        """What can be done with a style of the gallery."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if not self._is_mixed(name):
            menu.addAction(join_words()).triggered.connect(lambda _: self._mix(name))
        else:
            # Also the way of those who have no mouse: for them the menu is that of the first of the styles.
            self._offer_others(menu.addMenu(tr("Mix with")))
            if len(self.mixture.styles) > 1:
                menu.addAction(take_out_words()).triggered.connect(lambda _: self._on_mixed(name))
        if len(self._left) > 1 and len(self.mixture.styles) == 1:
            words = _plain(titles(self._left, self.gallery.title))
            menu.addAction(tr("Mix again: {titles}", titles=words)).triggered.connect(
                lambda _: self.choose_styles(self._left)
            )
        if is_picture(name):
            menu.addSeparator()
            menu.addAction(tr("Remove from the styles")).triggered.connect(lambda _: self.gallery.removal.emit(name))
        menu.popup(at)

    def _offer_others(self, menu: QMenu) -> None:
        for name in filterfalse(self._is_mixed, self.gallery.names()):
            action = menu.addAction(self.gallery.icon(name), _plain(self.gallery.title(name)))
            action.setIconVisibleInMenu(True)  # Krita shows none otherwise
            action.triggered.connect(lambda _, name=name: self._mix(name))

    def _on_choice(self) -> None:
        self._make_rows()
        choices = self.choices()
        self.background.setVisible(self._offer.subject and choices.area in _TWO_STYLES)
        self.background_label.setVisible(self.background.isVisibleTo(self))
        self.show_mask.setVisible(choices.needs_subject)
        self.add_mask.setVisible(choices.needs_subject)
        unfolded = self.more.isChecked()
        self.more.setArrowType(Qt.ArrowType.DownArrow if unfolded else Qt.ArrowType.RightArrow)
        for one in self.rows:
            one.set_visible((one.row.first or unfolded) and one.row.counts(choices))
        self.changed.emit()

    def changeEvent(self, event: Any) -> None:
        """The theme may have changed."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._refresh_icons()

    def _refresh_icons(self) -> None:
        self.settings.setIcon(icon("settings", self))
        self.again.setIcon(icon("again", self))
        self.mixture.refresh()
        for row in self.rows:
            row.refresh_icon()


def _plain(title: str) -> str:
    """For a menu, where Qt takes an ampersand for the mark of a key."""
    return title.replace("&", "&&")


def _words(kind: Qt.TextFormat) -> QLabel:
    label = QLabel()
    label.setTextFormat(kind)
    label.setWordWrap(True)
    label.setMinimumWidth(1)  # or the long name of a file would make the docker wide
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.LinksAccessibleByMouse
        | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        | Qt.TextInteractionFlag.TextSelectableByMouse
    )
    return label
