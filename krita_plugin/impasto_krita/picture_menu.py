"""The button that makes a picture a style: from files, from another layer, from the clipboard."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from impasto_editor.texts import tr
from impasto_krita.qt import QFileDialog, QIcon, QMenu, QPixmap, QToolButton, pyqtSignal
from impasto_krita.scene import OtherLayer


class PictureMenu(QToolButton):
    """A button with a menu.

    Attributes:
        folder: where files are looked for first.
        patterns: what files are shown, such as ``*.png *.jpg``.
        layers: gives the layers to be offered, asked each time the menu opens.
        removable: gives the title of the picture that can be removed now; empty for none.

    Signals:
        files: files were chosen.
        layer: a layer was chosen, by its id.
        clipboard: the clipboard was chosen.
        removal: the picture chosen in the gallery is to be removed.
    """

    files = pyqtSignal(list)
    layer = pyqtSignal(str)
    clipboard = pyqtSignal()
    removal = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.folder = self.patterns = ""
        self.layers: Callable[[], Sequence[OtherLayer]] = tuple
        self.removable: Callable[[], str] = str
        self.setToolTip(tr("Picture as style: from a file, from another layer or from the clipboard"))
        self.setAccessibleName(tr("Picture as style"))
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setAutoRaise(True)
        self.setStyleSheet("QToolButton::menu-indicator { image: none; }")  # an arrow over the icon
        menu = QMenu(self)
        menu.addAction(tr("Picture from File …")).triggered.connect(lambda _: self.choose_files())
        self._layers = menu.addMenu(tr("Picture from Layer"))
        menu.addAction(tr("Picture from Clipboard")).triggered.connect(lambda _: self.clipboard.emit())
        menu.addSeparator()
        self._remove = menu.addAction("")
        self._remove.triggered.connect(lambda _: self.removal.emit())
        menu.aboutToShow.connect(self._refresh)
        self.setMenu(menu)

    def choose_files(self) -> None:
        """Ask for files; the editor goes on meanwhile."""
        dialog = QFileDialog(self, tr("Pictures as styles"), self.folder)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters([f"{tr('Pictures')} ({self.patterns})", f"{tr('All files')} (*)"])
        dialog.filesSelected.connect(lambda paths: self.files.emit(paths))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _refresh(self) -> None:
        self._layers.clear()
        for one in self.layers():
            # Otherwise Qt takes an ampersand for the mark of a key.
            name = one.name.replace("&", "&&")
            action = self._layers.addAction(QIcon(QPixmap.fromImage(one.image)), "    " * one.depth + name)
            action.setIconVisibleInMenu(True)  # Krita shows none otherwise
            action.triggered.connect(lambda _, layer=one.layer: self.layer.emit(layer))
        self._layers.setEnabled(not self._layers.isEmpty())
        title = self.removable()
        self._remove.setVisible(bool(title))
        self._remove.setText(tr("Remove “{title}” from the styles", title=title.replace("&", "&&")))


def local_files(data: Any) -> list[str]:
    """The files of a QMimeData (or None) that were copied or dragged from a file manager."""
    return [url.toLocalFile() for url in data.urls() if url.isLocalFile()] if data is not None else []
