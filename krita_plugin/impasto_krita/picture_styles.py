"""What becomes of the entries of the picture menu: pictures are read, kept, remembered and removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from impasto_editor.choices import Choices
from impasto_editor.pictures import gone
from impasto_krita import host
from impasto_krita.images import to_image
from impasto_krita.picture_menu import PictureMenu, local_files
from impasto_krita.pictures import Pictures, patterns
from impasto_krita.qt import QApplication, QObject, QTimer, pyqtSignal
from impasto_krita.settings import Settings
from impasto_link.errors import ImpastoError

#: Between two files of earlier sessions, in milliseconds.
PAUSE = 100


class PictureStyles(QObject):
    """The pictures of one docker.

    Signals:
        changed: there are others now; the key of the one to be chosen, or nothing.
        failed: a sentence.
    """

    changed = pyqtSignal(str)
    failed = pyqtSignal(str)

    def __init__(self, settings: Settings, menu: PictureMenu, parent: QObject) -> None:
        super().__init__(parent)
        self.pictures = Pictures()
        self._settings = settings
        self._menu = menu
        menu.layers = host.other_layers
        menu.patterns = patterns()
        menu.folder = str(Path(settings.pictures[-1]).parent) if settings.pictures else ""
        menu.files.connect(self.add_files)
        menu.layer.connect(self.add_layer)
        menu.clipboard.connect(self.add_clipboard)

    def remember(self) -> None:
        """Bring the files of earlier sessions, one after the other, with time for the editor in between."""
        self._look(self.pictures.expect(self._settings.pictures))

    def add_files(self, paths: Sequence[str]) -> None:
        """Files become styles; the last one is chosen."""
        for path in paths:
            self._menu.folder = str(Path(path).parent)
            self._try(partial(self.pictures.add_file, path))

    def add_layer(self, layer_id: str) -> None:
        """A layer of the document becomes a style, as it is now."""

        def add() -> str:
            name, region = host.read_picture(layer_id)
            return self.pictures.add_layer(layer_id, name, to_image(region))

        self._try(add)

    def add_clipboard(self) -> None:
        """What was copied becomes a style: a picture, or the files that a file manager has copied."""
        clipboard = QApplication.clipboard()
        image = clipboard.image()
        files = local_files(clipboard.mimeData())
        if image.isNull() and files:
            self.add_files(files)
        else:
            self._try(partial(self.pictures.add_clipboard, image))

    def remove(self, key: str) -> None:
        """A picture is no style any more."""
        self.pictures.remove(key)
        self._settings.forget_picture(key.removeprefix("file:"))
        self._settings.keep()
        self.changed.emit("")

    def bring_back(self, choices: Choices) -> list[str]:
        """Have the pictures again that a painting was made with; a sentence for each of them that is gone."""
        sentences = []
        for key in choices.pictures:
            if key in self.pictures:
                continue
            kind, _, rest = key.partition(":")
            try:
                if kind == "file":
                    self.changed.emit(self._added(self.pictures.add_file(rest)))
                elif kind == "layer":
                    name, region = host.read_picture(rest)
                    self.changed.emit(self.pictures.add_layer(rest, name, to_image(region)))
                else:
                    sentences.append(gone(key))
            except ImpastoError:
                sentences.append(gone(key))
        return sentences

    def _look(self, keys: list[str]) -> None:
        if keys:
            self.pictures.look(keys.pop(0))
            self.changed.emit("")
            QTimer.singleShot(PAUSE, lambda: self._look(keys))

    def _try(self, add: Callable[[], str]) -> None:
        try:
            key = add()
        except ImpastoError as error:
            self.failed.emit(str(error))
            return
        self.changed.emit(self._added(key))

    def _added(self, key: str) -> str:
        if key.startswith("file:"):
            self._settings.remember_picture(key.removeprefix("file:"))
            self._settings.keep()
        return key
