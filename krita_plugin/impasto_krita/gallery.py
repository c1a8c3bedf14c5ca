"""The gallery: all styles as pictures with names, a search field, and a slider for their size.

Styles are the library's as the server describes them, and the user's own pictures.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from impasto_editor.pictures import is_picture
from impasto_editor.styles import Style
from impasto_editor.texts import tr
from impasto_krita.picture_menu import PictureMenu, local_files
from impasto_krita.pictures import Picture
from impasto_krita.qt import (
    QEvent,
    QHBoxLayout,
    QIcon,
    QImage,
    QItemSelectionModel,
    QLineEdit,
    QListView,
    QListWidget,
    QListWidgetItem,
    QPixmap,
    QPoint,
    QSize,
    QSlider,
    Qt,
    QVBoxLayout,
    QWidget,
    number,
    pyqtSignal,
)
from impasto_krita.theme import icon

_NAME = Qt.ItemDataRole.UserRole
_STYLE = number(_NAME) + 1
SIZES = (48, 160)


class _Grid(QListWidget):
    """Pictures in rows that fill the width; Return does what a click does, Delete removes, files can be dropped.

    A click with Ctrl, and one that opens the menu, leave the current one as it is.
    """

    mixed = pyqtSignal(object)
    confirmed = pyqtSignal()
    deleted = pyqtSignal()
    dropped = pyqtSignal(list)

    #: Whether the button that is down was pressed to choose.
    _is_plain = True

    def mousePressEvent(self, event: Any) -> None:
        """With Ctrl it mixes."""
        self._is_plain = event.button() == Qt.MouseButton.LeftButton and not _with_ctrl(event)
        if self._is_plain:
            super().mousePressEvent(event)
        elif event.button() == Qt.MouseButton.LeftButton and (item := self.itemAt(event.pos())) is not None:
            self.mixed.emit(item)

    def mouseMoveEvent(self, event: Any) -> None:
        """Also of the button whose press was no choice."""
        if self._is_plain:
            super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: Any) -> None:
        """Also of the button whose press was no choice."""
        if self._is_plain:
            super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: Any) -> None:
        """With Ctrl it is another click."""
        if event.button() == Qt.MouseButton.LeftButton and not _with_ctrl(event):
            super().mouseDoubleClickEvent(event)
        else:
            self.mousePressEvent(event)

    def dragEnterEvent(self, event: Any) -> None:
        """Files are welcome; otherwise Krita would open them as documents."""
        event.setAccepted(bool(local_files(event.mimeData())))

    def dragMoveEvent(self, event: Any) -> None:
        """Anywhere."""
        event.accept()

    def dropEvent(self, event: Any) -> None:
        """They become styles."""
        event.acceptProposedAction()
        self.dropped.emit(local_files(event.mimeData()))

    def set_picture_size(self, size: int) -> None:
        """The side of the pictures."""
        self.setIconSize(QSize(size, size))
        self._arrange()

    def resizeEvent(self, event: Any) -> None:
        """Another number of columns may fit now."""
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        size = self.iconSize().width()
        width = self.viewport().width() - 1
        columns = max(1, width // (size + 8))
        lines = 2 * self.fontMetrics().lineSpacing()
        self.setGridSize(QSize(width // columns, size + lines + 10))

    def event(self, event: Any) -> bool:
        """Claims the key Delete, which is Krita's shortcut for clearing the layer."""
        if event.type() == QEvent.Type.ShortcutOverride and event.key() == Qt.Key.Key_Delete:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: Any) -> None:
        """Return confirms, Delete removes."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.confirmed.emit()
        elif event.key() == Qt.Key.Key_Delete:
            self.deleted.emit()
        else:
            super().keyPressEvent(event)


def _with_ctrl(event: Any) -> bool:
    return bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)


class Gallery(QWidget):
    """All styles.

    Signals:
        mixed: a style was clicked with Ctrl: it is to be mixed with others, or not any more.
        asked: the menu of a style is asked for, at a QPoint of the screen.
        chosen: a style is now the current one.
        clicked: a style was clicked.
        clicked_twice: a style was clicked twice.
        confirmed: Return was pressed on a style.
        resized: the user has chosen another size of the pictures.
        removal: one of the user's own pictures is to be removed.
    """

    mixed = pyqtSignal(str)
    asked = pyqtSignal(str, object)
    chosen = pyqtSignal(str)
    clicked = pyqtSignal(str)
    clicked_twice = pyqtSignal(str)
    confirmed = pyqtSignal(str)
    resized = pyqtSignal(int)
    removal = pyqtSignal(str)

    def __init__(self, size: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.search = QLineEdit()
        self.search.setPlaceholderText(tr("Search styles"))
        self.search.setClearButtonEnabled(True)
        self.search.setToolTip(tr("Part of a title, an artist or a year"))
        self.size_slider = QSlider(Qt.Orientation.Horizontal)
        self.size_slider.setRange(*SIZES)
        self.size_slider.setValue(size)
        self.size_slider.setFixedWidth(64)
        self.size_slider.setToolTip(tr("Size of the pictures"))
        self.size_slider.setAccessibleName(tr("Size of the pictures"))
        self.grid = _Grid()
        self.grid.setViewMode(QListView.ViewMode.IconMode)
        self.grid.setResizeMode(QListView.ResizeMode.Adjust)
        self.grid.setMovement(QListView.Movement.Static)
        self.grid.setUniformItemSizes(True)
        self.grid.setWordWrap(True)
        self.grid.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOn)
        self.grid.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.grid.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.grid.setMinimumHeight(110)
        self.grid.setAccessibleName(tr("Styles"))
        self.menu = PictureMenu()
        self.menu.removable = lambda: self.title(self.current) if is_picture(self.current) else ""
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.search, 1)
        row.addWidget(self.menu)
        row.addWidget(self.size_slider)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.grid, 1)
        self._pictures: dict[str, QPixmap] = {}

        self.search.textChanged.connect(self._filter)
        self.search.returnPressed.connect(self._to_the_found)
        self.size_slider.valueChanged.connect(self.grid.set_picture_size)
        self.size_slider.sliderReleased.connect(lambda: self.resized.emit(self.size_slider.value()))
        self.grid.currentItemChanged.connect(lambda item, _: item and self.chosen.emit(item.data(_NAME)))
        self.grid.itemClicked.connect(lambda item: self.clicked.emit(item.data(_NAME)))
        self.grid.itemDoubleClicked.connect(lambda item: self.clicked_twice.emit(item.data(_NAME)))
        self.grid.confirmed.connect(self._on_return)
        self.grid.deleted.connect(self._remove)
        self.menu.removal.connect(self._remove)
        self.grid.setAcceptDrops(True)
        self.grid.viewport().setAcceptDrops(True)  # which setMovement has forbidden
        self.grid.dropped.connect(self.menu.files)
        self.grid.mixed.connect(lambda item: self.mixed.emit(item.data(_NAME)))
        self.grid.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.grid.customContextMenuRequested.connect(self._on_menu)
        self.grid.set_picture_size(size)
        self._refresh_icons()

    @property
    def current(self) -> str:
        """The name of the chosen style; empty if there is none."""
        item = self.grid.currentItem()
        return item.data(_NAME) if item is not None else ""

    def show_styles(self, styles: Sequence[Style], pictures: Sequence[Picture] = ()) -> None:
        """Show the user's pictures and these styles of the library; the chosen one stays chosen."""
        current = self.current
        self.grid.blockSignals(True)
        self.grid.clear()
        for one in pictures:
            item = self._add(Style(one.key, one.title, one.path), one.tip)
            small = self._missing if one.small.isNull() else QPixmap.fromImage(one.small)
            self._set_picture(item, small)
        for style in styles:
            item = self._add(style)
            picture = QPixmap()
            picture.loadFromData(style.thumbnail)
            picture = self._pictures.get(style.name, picture)
            # Without any picture Qt would cut those of all others to the height of the title.
            self._set_picture(item, self._missing if picture.isNull() else picture)
        self.grid.blockSignals(False)
        if self._item(current) is None:
            current = styles[0].name if styles else ""
        self.choose(current)
        self._filter(self.search.text())

    def _add(self, style: Style, tip: str = "") -> QListWidgetItem:
        item = QListWidgetItem(style.title)
        item.setData(_NAME, style.name)
        item.setData(_STYLE, style)
        item.setToolTip(tip or style.tip)
        item.setTextAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
        self.grid.addItem(item)
        return item

    def choose(self, name: str) -> None:
        """Make a style the current one, if it is there."""
        item = self._item(name)
        if item is not None:
            self.grid.setCurrentItem(item)
            self.grid.scrollToItem(item)

    def has(self, name: str) -> bool:
        """Whether there is a style of that name."""
        return self._item(name) is not None

    def title(self, name: str) -> str:
        """The title of a style."""
        item = self._item(name)
        return item.text() if item is not None else name

    def icon(self, name: str) -> QIcon:
        """The picture of a style, square."""
        item = self._item(name)
        return item.icon() if item is not None else QIcon(self._missing)

    def mark(self, names: Iterable[str]) -> None:
        """Show styles as chosen, beside the current one."""
        marked = set(names)
        flags = QItemSelectionModel.SelectionFlag
        for index in range(self.grid.count()):
            # An item's own setSelected knows of one at a time only, as the grid does.
            flag = flags.Select if self.grid.item(index).data(_NAME) in marked else flags.Deselect
            self.grid.selectionModel().select(self.grid.model().index(index, 0), flag)

    def names(self) -> list[str]:
        """All styles, those that can be seen first."""
        items = [self.grid.item(index) for index in range(self.grid.count())]
        area = self.grid.viewport().rect()
        items.sort(key=lambda item: not self.grid.visualItemRect(item).intersects(area))
        return [item.data(_NAME) for item in items]

    def set_picture(self, name: str, image: QImage) -> None:
        """Show another picture for a style."""
        item = self._item(name)
        if item is not None:
            self._pictures[name] = QPixmap.fromImage(image)
            self._set_picture(item, self._pictures[name])

    def _item(self, name: str) -> QListWidgetItem | None:
        items = (self.grid.item(index) for index in range(self.grid.count()))
        return next((item for item in items if item.data(_NAME) == name), None)

    def _set_picture(self, item: QListWidgetItem, picture: QPixmap) -> None:
        side = min(picture.width(), picture.height())
        square = picture.copy((picture.width() - side) // 2, (picture.height() - side) // 2, side, side)
        icon = QIcon(square)
        # A chosen picture would be tinted, and colours are what this is about; the frame around it says enough.
        icon.addPixmap(square, QIcon.Mode.Selected)
        item.setIcon(icon)

    def _on_menu(self, at: QPoint) -> None:
        item = self.grid.itemAt(at)
        if item is not None:
            self.asked.emit(item.data(_NAME), self.grid.viewport().mapToGlobal(at))

    def _remove(self) -> None:
        if is_picture(self.current):
            self.removal.emit(self.current)

    def changeEvent(self, event: Any) -> None:
        """The theme may have changed."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._refresh_icons()

    def _refresh_icons(self) -> None:
        self.menu.setIcon(icon("picture", self))
        self._missing = icon("missing", self).pixmap(SIZES[1], SIZES[1])

    def _to_the_found(self) -> None:
        """Go on in the grid, on a style that can be seen there."""
        if self._is_hidden():
            items = (self.grid.item(index) for index in range(self.grid.count()))
            found = next((item for item in items if not item.isHidden()), None)
            if found is None:
                return
            self.grid.setCurrentItem(found)
        self.grid.setFocus()

    def _on_return(self) -> None:
        if self._is_hidden():
            # The search has left it chosen, but nobody would expect it.
            self._to_the_found()
        else:
            self.confirmed.emit(self.current)

    def _is_hidden(self) -> bool:
        item = self.grid.currentItem()
        return item is None or item.isHidden()

    def _filter(self, text: str) -> None:
        for index in range(self.grid.count()):
            item = self.grid.item(index)
            item.setHidden(not item.data(_STYLE).is_found(text))
