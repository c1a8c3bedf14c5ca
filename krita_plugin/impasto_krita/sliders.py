"""A number to choose: name, slider, field and a button that sets it back."""

from __future__ import annotations

from collections.abc import Callable

from impasto_editor.texts import tr
from impasto_krita.qt import QDoubleSpinBox, QLabel, QObject, QSlider, Qt, QToolButton, QWidget, pyqtSignal
from impasto_krita.theme import icon


def _same(value: float) -> float:
    return value


class SliderRow(QObject):
    """The parts of one row, to be put into a grid.

    Args:
        name: what it is.
        tip: what it does.
        low, high: the range.
        standard: the value that the button sets.
        decimals, suffix, step: how the field shows and changes it.
        bend, unbend: from the value to the place of the slider and back, for a scale that is not even.
        parent: the widget that it is for.

    Signals:
        changed: the user or the program has set another value.
    """

    changed = pyqtSignal()

    def __init__(
        self,
        name: str,
        tip: str,
        low: float,
        high: float,
        standard: float,
        *,
        decimals: int = 0,
        suffix: str = "",
        step: float = 1.0,
        bend: Callable[[float], float] = _same,
        unbend: Callable[[float], float] = _same,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._standard, self._bend = standard, bend
        self.label = QLabel(name)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setMinimumWidth(40)
        self._scale = 1000 / (bend(high) - bend(low))
        self._zero = bend(low)
        self.slider.setRange(0, 1000)
        self.slider.setPageStep(100)
        self.slider.setSingleStep(10)
        self.field = QDoubleSpinBox()
        self.field.setRange(low, high)
        self.field.setDecimals(decimals)
        self.field.setSuffix(suffix)
        self.field.setSingleStep(step)
        self.field.setKeyboardTracking(False)
        self.button = QToolButton()
        self.button.setAutoRaise(True)
        self.button.setToolTip(tr("Set {name} back", name=name))
        self.button.setAccessibleName(self.button.toolTip())
        for widget in (self.label, self.slider, self.field):
            widget.setToolTip(tip)
            widget.setAccessibleName(name)
        self.label.setBuddy(self.field)
        self.slider.valueChanged.connect(lambda place: self.set(unbend(place / self._scale + self._zero)))
        self.field.valueChanged.connect(self._on_field)
        self.button.clicked.connect(lambda: self.set(standard))
        self.set(standard)
        self.button.setEnabled(False)

    @property
    def value(self) -> float:
        """What is chosen."""
        return float(self.field.value())

    def set(self, value: float) -> None:
        """Choose a value."""
        self.field.setValue(value)

    def set_visible(self, visible: bool) -> None:
        """Show or hide the row."""
        for widget in self.widgets:
            widget.setVisible(visible)

    @property
    def widgets(self) -> tuple[QWidget, ...]:
        """The parts from left to right."""
        return self.label, self.slider, self.field, self.button

    def refresh_icon(self) -> None:
        """The theme may be another one."""
        self.button.setIcon(icon("reset", self.button))

    def _on_field(self, value: float) -> None:
        self.slider.blockSignals(True)
        self.slider.setValue(round((self._bend(value) - self._zero) * self._scale))
        self.slider.blockSignals(False)
        self.button.setEnabled(value != self._standard)
        self.changed.emit()
