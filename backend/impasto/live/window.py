"""The window of `impasto live`: the painting, and what it is painted like, while it is painted."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from PySide6.QtCore import QSize, QStandardPaths, Qt, Signal
from PySide6.QtGui import QCloseEvent, QIcon, QImage, QKeyEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDockWidget,
    QFormLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMainWindow,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from impasto.live.painter import LivePainter, Look, Painted
from impasto.live.sources import Newest

SIDES = (240, 320, 480, 640, 960, 1280)
_THUMBNAIL = 64
#: By how much a key changes a share.
_STEP = 5
_KEYS = (
    "Left and Right: style. Up and Down: strength. [ and ]: mixture. - and +: size.\n"
    "C: photo beside it. M: mirror. Q: quick. T: without flicker. K: colours. Space: hold still. S: save. "
    "F: whole screen."
)


class LiveWindow(QMainWindow):
    """Shows paintings as they come, and has the choices beside them.

    Args:
        pictures: of the source.
        look: to begin with.
        styles: the library, as `impasto.client.Server.styles` gives it, thumbnails included.
        title: of the source.
        folder: where pictures are saved; that of the user's pictures if not given.
    """

    _painted, _told, _over = Signal(object), Signal(str), Signal()

    def __init__(
        self,
        pictures: Newest,
        look: Look,
        styles: Sequence[Mapping[str, Any]],
        title: str,
        folder: Path | None = None,
    ) -> None:
        super().__init__()
        self.setWindowTitle(f"{title}, painted by Impasto")
        self._titles = {str(style["name"]): str(style["title"]) for style in styles}
        self._folder = folder
        self._held = False
        self._last: Painted | None = None
        self.painter = LivePainter(pictures, look, self._painted.emit, self._told.emit, self._over.emit)
        self._painted.connect(self._show)
        self._told.connect(self._tell)
        self._over.connect(lambda: self._tell("The source has ended."))
        self.canvas = _Canvas()
        self.setCentralWidget(self.canvas)
        self._facts, self._trouble = QLabel(), QLabel()
        self._trouble.setWordWrap(True)
        self.statusBar().addPermanentWidget(self._facts)
        self.statusBar().addWidget(self._trouble, 1)
        self._build(styles, look)
        self._bind()
        self._tell("Starting ...")
        self.painter.start()

    def _build(self, styles: Sequence[Mapping[str, Any]], look: Look) -> None:
        self.gallery = QListWidget()
        self.gallery.setIconSize(QSize(_THUMBNAIL, _THUMBNAIL))
        self.gallery.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.second = QComboBox()
        self.second.addItem("Nothing", "")
        for style in styles:
            pixmap = QPixmap()
            pixmap.loadFromData(bytes(style.get("thumbnail") or b""))
            item = QListWidgetItem(QIcon(pixmap), str(style["title"]))
            item.setData(Qt.ItemDataRole.UserRole, style["name"])
            self.gallery.addItem(item)
            self.second.addItem(str(style["title"]), style["name"])
        names = list(self._titles)
        self.gallery.setCurrentRow(names.index(look.style) if look.style in names else 0)
        self.second.setCurrentIndex(max(0, self.second.findData(look.second)))
        self.mix, self.strength = _share(look.mix), _share(look.strength)
        self.brush = QSlider(Qt.Orientation.Horizontal)
        self.brush.setRange(-20, 20)
        self.brush.setValue(round(10 * float(np.log2(look.brush))))
        self.side = QComboBox()
        for side in sorted({*SIDES, look.side}):
            self.side.addItem(f"{side} px", side)
        self.side.setCurrentIndex(self.side.findData(look.side))
        self.quick = _check("Small network", look.engine == "small")
        self.keep_colors = _check("Keep colours", look.keep_colors)
        self.steady = _check("Without flicker", look.steady)
        self.mirrored = _check("Mirror", look.mirrored)
        self.compare = _check("Photo beside it", False)
        form = QFormLayout()
        rows: tuple[tuple[str, QWidget], ...] = (
            ("Mix with", self.second),
            ("Mixture", self.mix),
            ("Strength", self.strength),
            ("Brush", self.brush),
            ("Size", self.side),
        )
        for title, widget in rows:
            form.addRow(title, widget)
        panel = QWidget()
        column = QVBoxLayout(panel)
        column.addWidget(self.gallery, 1)
        column.addLayout(form)
        for check in (self.quick, self.steady, self.keep_colors, self.mirrored, self.compare):
            column.addWidget(check)
        keys = QLabel(_KEYS)
        keys.setWordWrap(True)
        keys.setEnabled(False)
        column.addWidget(keys)
        self._dock = QDockWidget("Style")
        self._dock.setFeatures(QDockWidget.DockWidgetFeature.DockWidgetMovable)
        self._dock.setWidget(panel)
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self._dock)
        self.mix.setEnabled(bool(look.second))
        for changed in (
            self.gallery.currentRowChanged,
            self.second.currentIndexChanged,
            self.mix.valueChanged,
            self.strength.valueChanged,
            self.brush.valueChanged,
            self.side.currentIndexChanged,
            self.quick.toggled,
            self.keep_colors.toggled,
            self.mirrored.toggled,
            self.steady.toggled,
        ):
            changed.connect(self._want)
        self.compare.toggled.connect(self._show_again)
        # Keys are the window's, wherever one has clicked before.
        for widget in (
            self.gallery,
            self.second,
            self.side,
            *panel.findChildren(QSlider),
            *panel.findChildren(QCheckBox),
        ):
            widget.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def _bind(self) -> None:
        def by(slider: QSlider, step: int) -> Callable[[], object]:
            return lambda: slider.setValue(slider.value() + step)

        def size(step: int) -> None:
            self.side.setCurrentIndex(min(max(0, self.side.currentIndex() + step), self.side.count() - 1))

        self._keys: dict[Any, Callable[[], object]] = {
            Qt.Key.Key_Left: lambda: self._turn(-1),
            Qt.Key.Key_Right: lambda: self._turn(1),
            Qt.Key.Key_Up: by(self.strength, _STEP),
            Qt.Key.Key_Down: by(self.strength, -_STEP),
            "[": by(self.mix, -_STEP),
            "]": by(self.mix, _STEP),
            "-": lambda: size(-1),
            "+": lambda: size(1),
            "c": self.compare.toggle,
            "m": self.mirrored.toggle,
            "q": self.quick.toggle,
            "k": self.keep_colors.toggle,
            "t": self.steady.toggle,
            " ": self._hold,
            "s": self.save,
            "f": self._fill_screen,
            Qt.Key.Key_Escape: self._leave,
        }

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Do what a key is for."""
        do = self._keys.get(event.key()) or self._keys.get(event.text().lower())
        if do is None:
            super().keyPressEvent(event)
        else:
            do()

    def _want(self) -> None:
        """Have it painted as the choices say."""
        self.mix.setEnabled(bool(self.second.currentData()))
        item = self.gallery.currentItem()
        self.painter.look = replace(
            self.painter.look,
            style=self.painter.look.style if item is None else item.data(Qt.ItemDataRole.UserRole),
            second=self.second.currentData(),
            mix=self.mix.value() / 100,
            strength=self.strength.value() / 100,
            brush=2 ** (self.brush.value() / 10),
            side=self.side.currentData(),
            engine="small" if self.quick.isChecked() else "fixed",
            keep_colors=self.keep_colors.isChecked(),
            mirrored=self.mirrored.isChecked(),
            steady=self.steady.isChecked(),
        )

    def _turn(self, by: int) -> None:
        count = self.gallery.count()
        if count:
            self.gallery.setCurrentRow((self.gallery.currentRow() + by) % count)

    def _show(self, painted: Painted) -> None:
        if self._held:
            return
        self._last = painted
        shown = np.hstack([painted.photo, painted.painting]) if self.compare.isChecked() else painted.painting
        self.canvas.show_picture(shown)
        height, width = painted.painting.shape[:2]
        title = self._titles.get(self.painter.look.style, self.painter.look.style)
        self._facts.setText(f"{title}, {width} x {height}, {painted.rate:.0f} frames/s, {painted.delay * 1000:.0f} ms")

    def _show_again(self) -> None:
        if self._last is not None:
            self._show(self._last)

    def _tell(self, text: str) -> None:
        self._trouble.setText(text)

    def _hold(self) -> None:
        self._held = not self._held
        self._tell("Held still." if self._held else "")

    def save(self) -> Path | None:
        """Save what is seen as PNG, under a name of its own; the path."""
        if self._last is None:
            return None
        found = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.PicturesLocation)
        folder = self._folder or Path(found)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            # Never over another one.
            names = (
                f"impasto-{time.strftime('%Y-%m-%d-%H%M%S')}{part}.png" for part in ("", *map("-{}".format, range(99)))
            )
            path = next(path for name in names if not (path := folder / name).exists())
            with path.open("xb") as file:
                Image.fromarray(self._last.painting).save(file, "PNG")
        except OSError as error:
            self._tell(f"It could not be saved: {error}.")
            return None
        self._tell(f"Saved as {path}")
        return path

    def _fill_screen(self) -> None:
        fills = not self.isFullScreen()
        self._dock.setVisible(not fills)
        self.statusBar().setVisible(not fills)
        if fills:
            self.showFullScreen()
        else:
            self.showNormal()

    def _leave(self) -> None:
        if self.isFullScreen():
            self._fill_screen()
        else:
            self.close()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Stop painting."""
        self.painter.stop()
        super().closeEvent(event)


class _Canvas(QWidget):
    """A picture, as large as there is room."""

    def __init__(self) -> None:
        super().__init__()
        self._image = QImage()
        self.setMinimumSize(320, 240)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(960, 720)

    def show_picture(self, picture: np.ndarray) -> None:
        """Show a picture, (H, W, 3) uint8."""
        height, width = picture.shape[:2]
        data = np.ascontiguousarray(picture).tobytes()
        self._image = QImage(data, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.fillRect(self.rect(), Qt.GlobalColor.black)
        if self._image.isNull():
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        size = self._image.size().scaled(self.size(), Qt.AspectRatioMode.KeepAspectRatio)
        left, top = (self.width() - size.width()) // 2, (self.height() - size.height()) // 2
        painter.drawImage(
            self.rect().adjusted(left, top, left + size.width() - self.width(), top + size.height() - self.height()),
            self._image,
        )


def _share(value: float) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, 100)
    slider.setValue(round(100 * value))
    return slider


def _check(title: str, checked: bool) -> QCheckBox:
    check = QCheckBox(title)
    check.setChecked(checked)
    return check
