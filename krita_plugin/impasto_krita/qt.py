"""The one place that knows which Qt binding this Krita has: PyQt5, or PyQt6 in Krita 6.

Krita 6 blocks PyQt5 with ModuleNotFoundError. PyQt6 knows enumerations by their full names only, which PyQt5 takes as
well, so full names are used everywhere.
"""

from typing import Any

try:
    from PyQt5.QtCore import (
        QByteArray,
        QEvent,
        QLocale,
        QObject,
        QPoint,
        QRect,
        QSize,
        QSocketNotifier,
        Qt,
        QTimer,
        pyqtSignal,
    )
    from PyQt5.QtGui import QColor, QIcon, QImage, QImageReader, QPainter, QPalette, QPen, QPixmap
    from PyQt5.QtWidgets import (
        QAction,
        QApplication,
        QCheckBox,
        QComboBox,
        QDialog,
        QDialogButtonBox,
        QDoubleSpinBox,
        QFileDialog,
        QFormLayout,
        QGridLayout,
        QHBoxLayout,
        QLabel,
        QLineEdit,
        QListView,
        QListWidget,
        QListWidgetItem,
        QMenu,
        QProgressBar,
        QPushButton,
        QSizePolicy,
        QSlider,
        QSpinBox,
        QToolButton,
        QVBoxLayout,
        QWidget,
    )
except ModuleNotFoundError:
    from PyQt6.QtCore import (
        QByteArray,
        QEvent,
        QLocale,
        QObject,
        QPoint,
        QRect,
        QSize,
        QSocketNotifier,
        Qt,
        QTimer,
        pyqtSignal,
    )
    from PyQt6.QtGui import QAction, QColor, QIcon, QImage, QImageReader, QPainter, QPalette, QPen, QPixmap
    from PyQt6.QtWidgets import (
        QApplication,
        QCheckBox,
        QComboBox,
        QDialog,
        QDialogButtonBox,
        QDoubleSpinBox,
        QFileDialog,
        QFormLayout,
        QGridLayout,
        QHBoxLayout,
        QLabel,
        QLineEdit,
        QListView,
        QListWidget,
        QListWidgetItem,
        QMenu,
        QProgressBar,
        QPushButton,
        QSizePolicy,
        QSlider,
        QSpinBox,
        QToolButton,
        QVBoxLayout,
        QWidget,
    )

__all__ = [
    "QAction",
    "QApplication",
    "QByteArray",
    "QCheckBox",
    "QColor",
    "QComboBox",
    "QDialog",
    "QDialogButtonBox",
    "QDoubleSpinBox",
    "QEvent",
    "QFileDialog",
    "QFormLayout",
    "QGridLayout",
    "QHBoxLayout",
    "QIcon",
    "QImage",
    "QImageReader",
    "QLabel",
    "QLineEdit",
    "QListView",
    "QListWidget",
    "QListWidgetItem",
    "QLocale",
    "QMenu",
    "QObject",
    "QPainter",
    "QPalette",
    "QPen",
    "QPixmap",
    "QPoint",
    "QProgressBar",
    "QPushButton",
    "QRect",
    "QSize",
    "QSizePolicy",
    "QSlider",
    "QSocketNotifier",
    "QSpinBox",
    "QTimer",
    "QToolButton",
    "QVBoxLayout",
    "QWidget",
    "Qt",
    "number",
    "pyqtSignal",
]


def number(flag: Any) -> int:
    """An enumeration's value as a number, where a function takes nothing else. PyQt5's are numbers, PyQt6's are not."""
    return int(getattr(flag, "value", flag))
