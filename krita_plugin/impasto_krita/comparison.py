"""A small picture before and after, with a border between them that follows the mouse."""

from __future__ import annotations

from typing import Any

from impasto_editor.texts import tr
from impasto_krita.qt import (
    QColor,
    QImage,
    QPainter,
    QPalette,
    QPen,
    QPoint,
    QRect,
    QSize,
    QSizePolicy,
    Qt,
    QTimer,
    QWidget,
    number,
)


class Comparison(QWidget):
    """Shows the layer before at the left and after at the right; or the mask of an area over the layer."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._before = self._after = self._mask = QImage()
        self._border = 0.5
        self._words = ""
        # What is shown while another preview is made pales, but only if that takes a moment.
        self._waiting = QTimer(self)
        self._waiting.setSingleShot(True)
        self._waiting.setInterval(300)
        self._waiting.timeout.connect(self.update)
        self._pale = False
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumHeight(90)
        self.setMouseTracking(True)
        self.setToolTip(tr("Before and after: move the mouse over it to compare"))
        self.setAccessibleName(tr("Preview"))

    def sizeHint(self) -> QSize:
        """Enough to tell styles apart."""
        return QSize(240, 150)

    def show_images(self, before: QImage, after: QImage | None, mask: QImage | None) -> None:
        """Show the layer before and after, and outside of the mask only before."""
        self._words = ""
        self._before = before
        self._mask = QImage() if mask is None else _tinted(before, mask)
        self._after = QImage() if after is None else after if mask is None else _composed(before, after, mask)
        self.update()

    def set_waiting(self, waiting: bool) -> None:
        """Whether another preview is being made."""
        self._pale = waiting
        self._waiting.start() if waiting else self._waiting.stop()
        if not waiting:
            self.update()

    def show_words(self, words: str) -> None:
        """Show words instead."""
        self._before = self._after = self._mask = QImage()
        self._words = words
        self.update()

    def mouseMoveEvent(self, event: Any) -> None:
        """The border follows."""
        area = self._area()
        if area.width() > 1:
            self._border = min(1.0, max(0.0, (event.pos().x() - area.x()) / (area.width() - 1)))
            self.update()

    def leaveEvent(self, event: Any) -> None:
        """The border goes back to the middle."""
        self._border = 0.5
        self.update()

    def _area(self) -> QRect:
        size = self._before.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        return QRect(QPoint((self.width() - size.width()) // 2, (self.height() - size.height()) // 2), size)

    def paintEvent(self, event: Any) -> None:
        """Words, or before at the left and after at the right."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if self._before.isNull():
            painter.setPen(self.palette().color(QPalette.ColorRole.PlaceholderText))
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect().adjusted(8, 0, -8, 0), number(flags), self._words)
            return
        area = self._area()
        if self._pale and not self._waiting.isActive():
            painter.setOpacity(0.4)
        if self._after.isNull():
            painter.drawImage(area, self._before if self._mask.isNull() else self._mask)
            return
        painter.drawImage(area, self._before)
        right = area.adjusted(round(self._border * area.width()), 0, 0, 0)
        painter.setClipRect(right)
        painter.drawImage(area, self._after)
        painter.setClipping(False)
        if 0 < self._border < 1:
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 2))
            painter.drawLine(right.topLeft(), right.bottomLeft())


def _composed(before: QImage, after: QImage, mask: QImage) -> QImage:
    """``after`` where the mask is white, over ``before``."""
    top = after.convertToFormat(QImage.Format.Format_ARGB32)
    top.setAlphaChannel(_alpha(mask, top.size()))
    whole = before.scaled(top.size(), Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    painter = QPainter(whole)
    painter.drawImage(0, 0, top)
    painter.end()
    return whole


def _tinted(before: QImage, mask: QImage) -> QImage:
    """``before``, red where the mask is black, as Krita shows what is not selected."""
    veil = QImage(mask.size(), QImage.Format.Format_ARGB32)
    veil.fill(QColor(255, 60, 60))
    outside = QImage(mask)
    outside.invertPixels()
    veil.setAlphaChannel(_alpha(outside, veil.size()))
    whole = before.scaled(veil.size(), Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
    painter = QPainter(whole)
    painter.setOpacity(0.65)
    painter.drawImage(0, 0, veil)
    painter.end()
    return whole


def _alpha(mask: QImage, size: QSize) -> QImage:
    mask = mask.convertToFormat(QImage.Format.Format_Grayscale8)
    return mask.scaled(size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation)
