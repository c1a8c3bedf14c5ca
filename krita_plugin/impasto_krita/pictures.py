"""Pictures as styles: files, layers and what is in the clipboard, each under its key (`impasto_editor.pictures`)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from impasto_editor.pictures import (
    check_copied,
    check_visible,
    clipboard_key,
    clipboard_title,
    gone,
    is_from_clipboard,
    nothing_copied,
)
from impasto_editor.texts import tr
from impasto_krita.images import scaled, shrunk, to_region, to_srgb
from impasto_krita.qt import QImage, QImageReader, QSize
from impasto_link.errors import Problem
from impasto_link.pixels import Region

#: The longest side that is sent of a picture, in pixels.
LONGEST = 2048
#: The server looks at a picture with its shorter side at 400 pixels. So the preview gets no more, often as it is sent.
SMALL_SIDE = 400


@dataclass
class Picture:
    """A picture as a style.

    Attributes:
        key: by which it is known.
        title: for a person.
        small: enough of it for a tile and for the preview; nothing if the file is not there.
        image: all of it, but for a file, which is read when it is needed.
    """

    key: str
    title: str
    small: QImage
    image: QImage | None = None

    @property
    def path(self) -> str:
        """Of a file; else empty."""
        kind, _, path = self.key.partition(":")
        return path if kind == "file" else ""

    @property
    def tip(self) -> str:
        """Where it comes from, for a person."""
        if not self.path:
            return self.title
        return self.path if not self.small.isNull() else tr("The file {file} is not there.", file=self.path)

    def region(self, *, small: bool) -> Region:
        """What is sent of it; raises Problem if the file is gone."""
        image = self.image
        if self.path and (self.small.isNull() or not small):
            image = read_file(self.path)
            self.small = _small(image)
        return to_region(self.small if small or image is None else image)


class Pictures:
    """All pictures that can be chosen now, newest first."""

    def __init__(self) -> None:
        self._pictures: dict[str, Picture] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._pictures

    def all(self) -> list[Picture]:
        """Newest first."""
        return list(reversed(self._pictures.values()))

    def add_file(self, path: str) -> str:
        """Add a file and return its key; raises Problem if it cannot be read."""
        path = str(Path(path))
        return self._add(Picture(f"file:{path}", Path(path).stem, _small(read_file(path))))

    def expect(self, paths: list[str]) -> list[str]:
        """Add files of an earlier session that are not read yet, and return their keys."""
        return [self._add(Picture(f"file:{path}", Path(path).stem, QImage())) for path in paths]

    def look(self, key: str) -> None:
        """Read such a file. If it is not there now, it may be again later, so it stays."""
        picture = self._pictures.get(key)
        if picture is not None and picture.small.isNull():
            with suppress(Problem):
                picture.small = _small(read_file(picture.path, small=True))

    def add_layer(self, layer_id: str, name: str, image: QImage) -> str:
        """Add the picture on a layer and return its key; raises Problem if nothing is to be seen on it."""
        image = _limited(image)
        small = _small(image)
        check_visible(to_region(small), tr("On the layer “{name}” is nothing to be seen.", name=name))
        return self._add(Picture(f"layer:{layer_id}", name, small, image))

    def add_clipboard(self, image: QImage) -> str:
        """Add the picture in the clipboard and return its key; raises Problem if there is none."""
        if image.isNull():
            raise nothing_copied()
        image = _limited(to_srgb(image))
        small = _small(image)
        check_copied(to_region(small))
        key = clipboard_key(to_region(image))
        earlier = sum(is_from_clipboard(one.key) for one in self._pictures.values() if one.key != key)
        return self._add(Picture(key, clipboard_title(earlier), small, image))

    def remove(self, key: str) -> None:
        """Forget a picture."""
        self._pictures.pop(key, None)

    def read(self, key: str, *, small: bool) -> tuple[str, Region]:
        """The title and the pixels of a picture, for a preview ``small`` ones; raises Problem if it is gone."""
        if key not in self._pictures:
            raise Problem(gone(key), tr("Choose another style."))
        picture = self._pictures[key]
        return picture.title, picture.region(small=small)

    def _add(self, picture: Picture) -> str:
        self._pictures.pop(picture.key, None)
        self._pictures[picture.key] = picture
        return picture.key


def patterns() -> str:
    """The names of all files that can be read, such as ``*.png *.jpg``."""
    formats = {bytes(one).decode().lower() for one in QImageReader.supportedImageFormats()}
    return " ".join(f"*.{one}" for one in sorted(formats))


def read_file(path: str, *, small: bool = False) -> QImage:
    """A file as RGBA with 8 bits, sRGB, no side longer than LONGEST; raises Problem if it cannot be read."""
    try:
        changed = Path(path).stat().st_mtime_ns
    except OSError:
        raise Problem(gone(f"file:{path}"), tr("Put it back, or choose another style.")) from None
    return _read_file(path, changed, small)


# So a picture that is painted like again and again is read once; two of the longest take 32 MB.
@lru_cache(maxsize=2)
def _read_file(path: str, _changed: int, small: bool) -> QImage:
    reader = QImageReader(path)
    reader.setAutoTransform(True)  # photos say in their EXIF data how the camera was held
    reader.setDecideFormatFromContent(True)
    size = reader.size()
    factor = (_small_factor if small else _limited_factor)(size)
    if size.isValid() and factor < 1:
        # So a large JPEG is not even decoded at its full size.
        reader.setScaledSize(scaled(size, factor))
    image = reader.read()
    if image.isNull():
        raise Problem(
            tr("The picture {file} cannot be read: {why}", file=path, why=f"{reader.errorString()}."),
            tr("Open it in Krita and choose its layer, or save it as PNG."),
        )
    image = _limited(to_srgb(image))
    check_visible(to_region(_small(image)), tr("The picture {file} is wholly transparent.", file=path))
    return image


def _limited_factor(size: QSize) -> float:
    return LONGEST / max(1, size.width(), size.height())


def _small_factor(size: QSize) -> float:
    return min(_limited_factor(size), SMALL_SIDE / max(1, min(size.width(), size.height())))


def _limited(image: QImage) -> QImage:
    return shrunk(image, _limited_factor(image.size()))


def _small(image: QImage) -> QImage:
    return shrunk(image, _small_factor(image.size()))
