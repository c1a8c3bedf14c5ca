"""Icons in two versions, one for dark and one for light themes; pictures as fine as the screen."""

from __future__ import annotations

from pathlib import Path

from impasto_krita.qt import QIcon, QPalette, QWidget


def is_dark(widget: QWidget) -> bool:
    """Whether the widget has the colours of a dark theme."""
    return widget.palette().color(QPalette.ColorRole.Window).lightness() < 128


def icon(name: str, widget: QWidget) -> QIcon:
    """The icon of that name that shows well on the widget."""
    theme = "dark" if is_dark(widget) else "light"
    return QIcon(str(Path(__file__).parent / "icons" / f"{name}-{theme}.svg"))


def sharp(side: int, widget: QWidget) -> int:
    """How many pixels a picture needs on the screen of the widget; more than twice as many nobody waits for."""
    return round(side * min(2.0, widget.devicePixelRatioF()))
