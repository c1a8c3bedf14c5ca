"""What is mixed, each style with its share. It is there only while something is mixed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from impasto_editor.choices import Styles
from impasto_editor.mixture import SHARE, alone, evened, shares, take_out_words, taken_out, with_share
from impasto_editor.texts import tr
from impasto_krita.qt import (
    QGridLayout,
    QHBoxLayout,
    QIcon,
    QLabel,
    QScrollArea,
    QSize,
    QSlider,
    QSpinBox,
    Qt,
    QToolButton,
    QVBoxLayout,
    QWidget,
    pyqtSignal,
)
from impasto_krita.theme import icon

#: The side of the pictures, in pixels, and how many rows are to be seen at once.
_SIDE = 22
_ROWS = 4
#: The columns that take the room that there is.
_WIDE = (1, 2)


class Mixture(QWidget):
    """A row for each style, below a line with what concerns all of them.

    Args:
        title: gives the title of a style.
        picture: gives its picture.

    Attributes:
        styles: what is mixed, or the only style.

    Signals:
        changed: the user wants other styles, or other shares; the styles.
    """

    changed = pyqtSignal(object)

    def __init__(self, title: Callable[[str], str], picture: Callable[[str], QIcon]) -> None:
        super().__init__()
        self._title, self._picture = title, picture
        self.styles: Styles = ()
        self.rows: list[ShareRow] = []
        self.even = _button(tr("Let all count alike"))
        self.leave = _button("")
        self.even.clicked.connect(lambda: self.changed.emit(evened(self.styles)))
        self.leave.clicked.connect(lambda: self.changed.emit(alone(self._first)))
        self._inside = QWidget()
        self._grid = QGridLayout(self._inside)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(2)
        for column in _WIDE:
            self._grid.setColumnStretch(column, 1)
        self._rolled = QScrollArea()
        self._rolled.setFrameShape(QScrollArea.Shape.NoFrame)
        self._rolled.setWidgetResizable(True)
        self._rolled.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._rolled.setWidget(self._inside)
        head = QHBoxLayout()
        head.addWidget(QLabel(tr("Mixture")), 1)
        head.addWidget(self.even)
        head.addWidget(self.leave)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addWidget(self._rolled)
        self.setVisible(False)

    def follow(self, styles: Styles) -> None:
        """Show these styles; a single one is no mixture."""
        self.styles = styles
        mixed = styles if len(styles) > 1 else ()
        # While somebody drags a slider, it has to stay.
        if [one.name for one in mixed] != [row.name for row in self.rows]:
            self._make_rows(mixed)
        for row, share in zip(self.rows, shares(mixed), strict=True):
            row.set(share)
        self.even.setEnabled(len({one.weight for one in mixed}) > 1)
        self.setVisible(bool(mixed))

    def refresh(self) -> None:
        """Titles, pictures or the theme may be others."""
        self.even.setIcon(icon("reset", self))
        self.leave.setIcon(icon("out", self))
        for row in self.rows:
            row.show_style(self._title(row.name), self._picture(row.name))
            row.out.setIcon(icon("out", self))
        self.leave.setToolTip(tr("Leave the mixture; “{title}” stays", title=self._title(self._first)))
        self.leave.setAccessibleName(self.leave.toolTip())

    @property
    def _first(self) -> str:
        return self.styles[0].name if self.styles else ""

    def _make_rows(self, styles: Styles) -> None:
        for row in self.rows:
            row.remove()
        self.rows = [ShareRow(one.name) for one in styles]
        for line, row in enumerate(self.rows):
            for column, widget in enumerate(row.widgets):
                self._grid.addWidget(widget, line, column)
            row.slider.valueChanged.connect(lambda percent, name=row.name: self._on_share(name, percent))
            row.field.valueChanged.connect(lambda percent, name=row.name: self._on_share(name, percent))
            row.out.clicked.connect(lambda _, name=row.name: self.changed.emit(taken_out(self.styles, name)))
        self.refresh()
        self._limit_height()

    def _limit_height(self) -> None:
        shown = min(_ROWS, len(self.rows))
        if shown:
            one = max(widget.sizeHint().height() for widget in self.rows[0].widgets)
            self._rolled.setFixedHeight(shown * one + (shown - 1) * self._grid.verticalSpacing())

    def _on_share(self, name: str, percent: int) -> None:
        self.changed.emit(with_share(self.styles, name, percent / 100.0))


class ShareRow:
    """The widgets of one style: picture, title, slider and field for its share, and what takes it out."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.picture = QLabel()
        self.title = _Elided()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setMinimumWidth(40)
        self.field = QSpinBox()
        self.field.setSuffix(f" {SHARE.unit}")
        self.field.setKeyboardTracking(False)
        for widget in (self.slider, self.field):
            widget.setRange(round(100.0 * SHARE.low), round(100.0 * SHARE.high))
            widget.setToolTip(tr(SHARE.tip))
        self.out = _button(take_out_words())
        self.widgets: tuple[QWidget, ...] = (self.picture, self.title, self.slider, self.field, self.out)

    def set(self, share: float) -> None:
        """Show a share, 0 to 1, and tell nobody."""
        for widget in (self.slider, self.field):
            widget.blockSignals(True)
            widget.setValue(round(100.0 * share))
            widget.blockSignals(False)

    def show_style(self, title: str, picture: QIcon) -> None:
        """How the style is called and what it looks like."""
        self.title.set_words(title)
        self.picture.setPixmap(picture.pixmap(QSize(_SIDE, _SIDE)))
        self.picture.setToolTip(title)
        for widget in (self.slider, self.field):
            widget.setAccessibleName(title)
        self.out.setAccessibleName(f"{take_out_words()}: {title}")

    def remove(self) -> None:
        """Take the row away."""
        for widget in self.widgets:
            widget.hide()
            widget.deleteLater()


class _Elided(QLabel):
    """A line that ends in … where the room does, and does not ask for more of it."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setMinimumWidth(1)
        self._words = ""

    def set_words(self, words: str) -> None:
        """What it says."""
        self._words = words
        self.setToolTip(words)
        self._fit()

    def resizeEvent(self, event: Any) -> None:
        """Another part of it may fit now."""
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:
        """Or its words would decide how wide the docker is."""
        return QSize(1, super().sizeHint().height())

    def _fit(self) -> None:
        self.setText(self.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideRight, self.width()))


def _button(words: str) -> QToolButton:
    button = QToolButton()
    button.setAutoRaise(True)
    button.setToolTip(words)
    button.setAccessibleName(words)
    return button
