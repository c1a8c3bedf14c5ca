"""Pictures between Qt and the wire."""

from __future__ import annotations

from impasto_krita.qt import QImage, QSize, Qt
from impasto_link.pixels import PixelFormat, Region

#: What Qt calls the orders of channels in 8 bits.
_FORMATS = {
    "GRAY": QImage.Format.Format_Grayscale8,
    "RGB": QImage.Format.Format_RGB888,
    "BGRA": QImage.Format.Format_ARGB32,
}


def to_image(region: Region) -> QImage:
    """An 8 bit gray, RGB or BGRA region as an image."""
    kind, width, height = region.format, region.format.width, region.format.height
    return QImage(bytes(region.data), width, height, kind.channel_count * width, _FORMATS[kind.channels]).copy()


def to_region(image: QImage) -> Region:
    """An sRGB image as it is sent: RGBA with 8 bits."""
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    width, height = image.width(), image.height()
    # Four bytes per pixel need no padding at the end of a row.
    return Region(PixelFormat(width, height, "RGBA"), image.constBits().asstring(4 * width * height))


def to_srgb(image: QImage) -> QImage:
    """The image in 8 bit sRGB, whatever profile it says it has."""
    if image.isNull():
        return image
    if hasattr(image, "colorSpace"):  # since Qt 5.14
        space = image.colorSpace()
        kind = type(space)
        srgb = kind(kind.NamedColorSpace.SRgb)
        if space.isValid() and space != srgb:
            # Gray and indexed images cannot be converted, and 8 bits would lose some.
            image = image.convertToFormat(QImage.Format.Format_RGBA64)
            image.convertToColorSpace(srgb)
    return image.convertToFormat(QImage.Format.Format_RGBA8888)


def scaled(size: QSize, factor: float) -> QSize:
    """A size times a factor, no side below 1."""
    return QSize(max(1, round(size.width() * factor)), max(1, round(size.height() * factor)))


def shrunk(image: QImage, factor: float) -> QImage:
    """The image made smaller by a factor below 1; else as it is."""
    if factor >= 1 or image.isNull():
        return image
    smooth = Qt.TransformationMode.SmoothTransformation
    return image.scaled(scaled(image.size(), factor), Qt.AspectRatioMode.IgnoreAspectRatio, smooth)
