"""What is to be seen in the docker, and nothing of what it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log2
from typing import Any

from impasto_editor.choices import Choices
from impasto_editor.pictures import is_picture
from impasto_editor.styles import Style
from impasto_editor.texts import tr
from impasto_krita.comparison import Comparison
from impasto_krita.gallery import Gallery
from impasto_krita.pictures import Picture
from impasto_krita.qt import (
    QCheckBox,
    QComboBox,
    QEvent,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QProgressBar,
    QPushButton,
    Qt,
    QToolButton,
    QVBoxLayout,
    QWidget,
    pyqtSignal,
)
from impasto_krita.sliders import SliderRow
from impasto_krita.theme import icon
from impasto_link.coats import StyleChoice
from impasto_link.options import STYLIZE

_LARGEST_FEATHER = 200.0
#: With these areas the background can have a style of its own.
_TWO_STYLES = ("everything", "selection")


class Panel(QWidget):
    """The widgets of the docker.

    Signals:
        changed: a choice has changed, other than the style.
        refine: the painting is to be refined, with a preset of `impasto_link.options.RefineOptions`.
    """

    changed = pyqtSignal()
    refine = pyqtSignal(str)

    def __init__(self, thumbnail_size: int) -> None:
        super().__init__()
        self.gallery = Gallery(thumbnail_size)
        self.strength = SliderRow(
            tr("Strength"),
            tr("0 leaves the layer as it is, 100 paints it fully in the style"),
            0,
            100,
            100,
            suffix=" %",
            parent=self,
        )
        self.brush = SliderRow(
            tr("Brush size"),
            tr("The size of the strokes"),
            *STYLIZE["brush"].bounds,
            STYLIZE["brush"].default,
            decimals=2,
            suffix=" x",
            step=0.05,
            bend=log2,
            unbend=lambda place: 2.0**place,
            parent=self,
        )
        self.feather = SliderRow(
            tr("Feather"),
            tr("Softens the border of the area"),
            0,
            _LARGEST_FEATHER,
            0,
            suffix=" px",
            bend=lambda value: value**0.5,
            unbend=lambda place: place**2,
            parent=self,
        )
        self.area = QComboBox()
        self.area.setToolTip(tr("What is painted; the selection limits the subject and the background, too"))
        self.area.addItem(tr("Everything"), "everything")
        self.area.addItem(tr("Selection"), "selection")
        self.background = QComboBox()
        self.background.setToolTip(tr("A style of its own for everything but the subject"))
        self.background_label = QLabel(tr("Background"))
        self.show_mask = QCheckBox(tr("Show mask"))
        self.show_mask.setToolTip(
            tr("Show in the preview, in red, what will not be painted, or in the style of the background")
        )
        self.select = QPushButton(tr("Select"))
        self.select.setToolTip(tr("Select what the mask shows; then it can be changed by all that selections can"))
        self.keep_colors = QCheckBox(tr("Keep colours"))
        self.keep_colors.setToolTip(tr("Take light and dark from the style, colours from the layer"))
        self.comparison = Comparison()
        self.paint = QPushButton(tr("Paint"))
        self.paint.setToolTip(tr("Paint the active layer into a new layer above it"))
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
        self.show_progress(None)
        self._refresh_icons()

        for row in (self.strength, self.brush, self.feather):
            row.changed.connect(self.changed)
        for box in (self.area, self.background):
            box.currentIndexChanged.connect(lambda _: self._on_choice())
        for check in (self.keep_colors, self.show_mask):
            check.toggled.connect(lambda _: self._on_choice())
        self._subject_offered = False
        self._on_choice()

    def _refinements(self) -> QMenu:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for preset, title, tip in (
            ("draft", tr("Draft"), tr("Quick and small: shows where it leads")),
            ("normal", tr("Normal"), tr("For most pictures")),
            ("fine", tr("Fine"), tr("Large and thorough: for the last time, with a graphics card")),
        ):
            action = menu.addAction(title)
            action.setToolTip(tip)
            action.triggered.connect(lambda _, preset=preset: self.refine.emit(preset))
        return menu

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        grid.addWidget(QLabel(tr("Area")), 0, 0)
        grid.addWidget(self.area, 0, 1, 1, 3)
        grid.addWidget(self.background_label, 1, 0)
        grid.addWidget(self.background, 1, 1, 1, 3)
        for line, row in enumerate((self.feather, self.strength, self.brush), start=2):
            for column, widget in enumerate(row.widgets):
                grid.addWidget(widget, line, column)
        checks = QHBoxLayout()
        checks.addWidget(self.keep_colors)
        checks.addWidget(self.show_mask)
        checks.addStretch(1)
        checks.addWidget(self.select)
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
        layout.addLayout(grid)
        layout.addLayout(checks)
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
        values = {
            "strength": self.strength.value / 100,
            "brush": self.brush.value,
            "keep_colors": self.keep_colors.isChecked(),
            "feather": self.feather.value,
        }
        return Choices(_styles(self.gallery.current), _styles(background), area, values)

    def set_choices(self, choices: Choices) -> list[str]:
        """Show these choices; returns the styles of the library among them that are not in it any more."""
        self.gallery.choose(choices.style)
        self.set_area(choices.area)
        self.background.setCurrentIndex(max(0, self.background.findData(choices.background_style)))
        self.strength.set(choices["strength"] * 100)
        self.brush.set(choices["brush"])
        self.keep_colors.setChecked(choices["keep_colors"])
        self.feather.set(choices["feather"])
        shown = self.choices()
        pairs = ((choices.style, shown.style), (choices.background_style, shown.background_style))
        return [wanted for wanted, found in pairs if wanted != found and not is_picture(wanted)]

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
        self.gallery.show_styles(styles, pictures)

    def offer(self, hello: Mapping[str, Any]) -> None:
        """Offer what the server can do, by what it says of itself."""
        offered = "mask" in hello.get("operations", ())
        if offered == self._subject_offered:
            return
        for name, title in (("subject", tr("Subject")), ("background", tr("Background"))):
            index = self.area.findData(name)
            if offered and index < 0:
                self.area.insertItem(self.area.count() - 1, title, name)
            elif not offered and index >= 0:
                self.area.removeItem(index)
        self._subject_offered = offered
        self._on_choice()

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

    def _on_choice(self) -> None:
        choices = self.choices()
        self.background.setVisible(self._subject_offered and choices.area in _TWO_STYLES)
        self.background_label.setVisible(self.background.isVisibleTo(self))
        self.feather.set_visible(choices.needs_subject or choices.area == "selection")
        self.show_mask.setVisible(choices.needs_subject)
        self.select.setVisible(choices.needs_subject)
        self.changed.emit()

    def changeEvent(self, event: Any) -> None:
        """The theme may have changed."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._refresh_icons()

    def _refresh_icons(self) -> None:
        self.settings.setIcon(icon("settings", self))
        self.again.setIcon(icon("again", self))
        for row in (self.strength, self.brush, self.feather):
            row.refresh_icon()


def _styles(name: str) -> tuple[StyleChoice, ...]:
    return (StyleChoice(name),) if name else ()


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
