"""Rows to choose values in, one for each kind of parameter: a slider, a tick, a list, a line of text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from impasto_editor.rows import Row
from impasto_editor.texts import tr
from impasto_krita.qt import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QObject,
    QSlider,
    Qt,
    QToolButton,
    QWidget,
    pyqtSignal,
)
from impasto_krita.theme import icon

#: So many places a slider has.
_PLACES = 1000
#: Where values of fewer than so many units are chosen, two decimals are shown.
_COARSE = 20.0


class RowWidgets(QObject):
    """The widgets of a row, to be put into a grid.

    Attributes:
        row: what is chosen.
        widgets: the parts from left to right; the second takes the room that is left.

    Signals:
        changed: the user or the program has set another value.
    """

    changed = pyqtSignal()

    def __init__(self, row: Row, parent: QWidget) -> None:
        super().__init__(parent)
        self.row = row
        self.widgets: tuple[QWidget, ...] = ()

    @property
    def value(self) -> Any:
        """What is chosen."""
        raise NotImplementedError

    def set(self, value: Any) -> None:
        """Choose a value."""
        raise NotImplementedError

    def set_visible(self, visible: bool) -> None:
        """Show or hide the row."""
        for widget in self.widgets:
            widget.setVisible(visible)

    def refresh_icon(self) -> None:
        """The theme may be another one."""

    def remove(self) -> None:
        """Take the row away."""
        self.blockSignals(True)
        for widget in self.widgets:
            widget.hide()
            widget.deleteLater()
        self.deleteLater()

    def _labelled(self, *others: QWidget) -> None:
        """A name before the other widgets, all with the same tip."""
        label = QLabel(self.row.title)
        label.setBuddy(others[-1])
        self.widgets = (label, *others)
        for widget in self.widgets:
            widget.setToolTip(self.row.tip)
            widget.setAccessibleName(self.row.title)


class SliderRow(RowWidgets):
    """A number: a slider, a field, and a button that sets it back. The slider may reach less far than the field."""

    def __init__(self, row: Row, parent: QWidget) -> None:
        super().__init__(row, parent)
        parameter = row.parameter
        self._factor = 100.0 if parameter.unit == "%" else 1.0
        low, high = parameter.reach
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setMinimumWidth(40)
        self.slider.setRange(0, _PLACES)
        self.slider.setPageStep(_PLACES // 10)
        self.slider.setSingleStep(_PLACES // 100)
        fine = parameter.kind == "number" and self._factor * (high - low) < _COARSE
        self.field = QDoubleSpinBox()
        self.field.setRange(self._factor * parameter.low, self._factor * parameter.high)
        self.field.setDecimals(2 if fine else 0)
        self.field.setSingleStep(0.05 if fine else 1.0)
        self.field.setSuffix(f" {parameter.unit}" if parameter.unit else "")
        self.field.setKeyboardTracking(False)
        self._labelled(self.slider, self.field)
        self.button = QToolButton()
        self.button.setAutoRaise(True)
        self.button.setToolTip(tr("Set {name} back", name=row.title))
        self.button.setAccessibleName(self.button.toolTip())
        self.widgets += (self.button,)
        self.slider.valueChanged.connect(lambda place: self.set(parameter.at(place / _PLACES)))
        self.field.valueChanged.connect(self._on_field)
        self.button.clicked.connect(lambda: self.set(parameter.default))
        self.set(parameter.default)
        self._on_field(self.field.value())

    @property
    def value(self) -> Any:
        """What is chosen."""
        value = self.field.value() / self._factor
        return round(value) if self.row.parameter.kind == "whole" else value

    def set(self, value: Any) -> None:
        """Choose a value."""
        self.field.setValue(self._factor * value)

    def refresh_icon(self) -> None:
        """The theme may be another one."""
        self.button.setIcon(icon("reset", self.button))

    def _on_field(self, shown: float) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(round(_PLACES * self.row.parameter.place(shown / self._factor)))
        self.slider.blockSignals(False)
        self.button.setEnabled(self.value != self.row.parameter.default)
        self.changed.emit()


class TickRow(RowWidgets):
    """Yes or no."""

    def __init__(self, row: Row, parent: QWidget) -> None:
        super().__init__(row, parent)
        self.box = QCheckBox(row.title)
        self.box.setToolTip(row.tip)
        self.box.setChecked(row.parameter.default)
        self.box.toggled.connect(lambda _: self.changed.emit())
        self.widgets = (self.box,)

    @property
    def value(self) -> Any:
        """What is chosen."""
        return self.box.isChecked()

    def set(self, value: Any) -> None:
        """Choose a value."""
        self.box.setChecked(value)


class ListRow(RowWidgets):
    """One of several values, each with its tip."""

    def __init__(self, row: Row, parent: QWidget) -> None:
        super().__init__(row, parent)
        self.box = QComboBox()
        # Or the longest of them would make the docker wide.
        self.box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._labelled(self.box)
        for place, choice in enumerate(row.parameter.choices):
            self.box.addItem(tr(choice.title), choice.value)
            self.box.setItemData(place, tr(choice.tip), Qt.ItemDataRole.ToolTipRole)
        self.set(row.parameter.default)
        self.box.currentIndexChanged.connect(lambda _: self.changed.emit())

    @property
    def value(self) -> Any:
        """What is chosen."""
        return self.box.currentData()

    def set(self, value: Any) -> None:
        """Choose a value, if it is among them; else the first."""
        self.box.setCurrentIndex(max(0, self.box.findData(value)))


class TextRow(RowWidgets):
    """A line of text."""

    def __init__(self, row: Row, parent: QWidget) -> None:
        super().__init__(row, parent)
        self.field = QLineEdit(row.parameter.default or "")
        self._labelled(self.field)
        self.field.editingFinished.connect(self.changed)

    @property
    def value(self) -> Any:
        """What is chosen; what there is if nobody has, for nothing."""
        return self.field.text() or self.row.parameter.default

    def set(self, value: Any) -> None:
        """Choose a value."""
        self.field.setText(value or "")


_KINDS: dict[str, type[RowWidgets]] = {
    "number": SliderRow,
    "whole": SliderRow,
    "switch": TickRow,
    "choice": ListRow,
    "name": TextRow,
}


def make_rows(rows: Iterable[Row], parent: QWidget) -> list[RowWidgets]:
    """Widgets for rows; none for those of a kind that is for scripts, and for numbers that no slider can reach."""
    return [_KINDS[row.parameter.kind](row, parent) for row in rows if _is_shown(row)]


def _is_shown(row: Row) -> bool:
    parameter = row.parameter
    if parameter.kind in ("number", "whole"):
        low, high = parameter.reach
        return parameter.default is not None and -float("inf") < low < high < float("inf")
    return parameter.kind in _KINDS


def put_in(grid: QGridLayout, rows: Iterable[RowWidgets], line: int) -> None:
    """Lay rows out below one another, from a line on; the grid has four columns."""
    for number, row in enumerate(rows, line):
        *others, last = row.widgets
        for column, widget in enumerate(others):
            grid.addWidget(widget, number, column)
        grid.addWidget(last, number, len(others), 1, 4 - len(others))
