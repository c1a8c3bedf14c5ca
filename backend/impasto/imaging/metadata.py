"""What a picture file says besides its pixels, kept and kept true.

A painting has the words of its photo, but is upright, has no video, gain map or thumbnail of the photo with it, and may
be of another size; so what tells of those is taken out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from xml.dom import minidom
from xml.parsers.expat import ExpatError

import pyvips
from PIL import Image

from impasto.imaging.tiff import PILLOW_PROBLEMS

#: What software takes a picture for that says nothing of its resolution; so to say it is to say nothing.
_USUAL_DPI = 72.0


@dataclass(frozen=True)
class FileInfo:
    """What a picture file says besides its pixels.

    Attributes:
        dpi: horizontal and vertical resolution in pixels per inch, where it is known.
        exif, xmp, iptc: as blocks of bytes; empty where there are none.
        texts: those of PNG, by libvips' names.
        lossless: whether a format that can be either was without loss.
    """

    dpi: tuple[float, float] | None = None
    exif: bytes = field(default=b"", repr=False)
    xmp: bytes = field(default=b"", repr=False)
    iptc: bytes = field(default=b"", repr=False)
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    lossless: bool = False


def info_of(image: pyvips.Image, *, has_dpi: bool = True, exif: bytes = b"", lossless: bool = False) -> FileInfo:
    """What libvips found in a file.

    Args:
        image: as it was loaded.
        has_dpi: whether the resolution is the file's, and not what libvips takes for the usual one.
        exif: of formats in which libvips does not look for it.
        lossless: see `FileInfo`.
    """
    exif = exif or _blob(image, "exif-data")
    dpi: tuple[float, float] | None = (image.xres * 25.4, image.yres * 25.4)
    if not has_dpi or image.xres == image.yres == 1:  # libvips' other word for unknown
        dpi = _dpi_of_exif(exif)
    texts = {
        name: str(image.get(name))
        for name in image.get_fields()
        if name.startswith("png-comment") and "Raw profile" not in name  # EXIF and the like, as old writers hide them
    }
    return FileInfo(dpi, exif, true_xmp(_blob(image, "xmp-data")), _blob(image, "iptc-data"), texts, lossless)


def with_info(image: pyvips.Image, info: FileInfo) -> pyvips.Image:
    """An image that libvips will save with that information."""
    xres, yres = info.dpi or (_USUAL_DPI, _USUAL_DPI)
    image = image.copy(xres=xres / 25.4, yres=yres / 25.4)
    for name, data in (("exif-data", info.exif), ("xmp-data", info.xmp), ("iptc-data", info.iptc)):
        if data:
            image.set_type(pyvips.GValue.blob_type, name, data)
    for name, text in info.texts.items():
        image.set_type(pyvips.GValue.gstr_type, name, text)
    if info.exif:
        # It still says how the camera was held, but the pixels are upright by now.
        image.set_type(pyvips.GValue.gint_type, "orientation", 1)
    return image


def _blob(image: pyvips.Image, name: str) -> bytes:
    return bytes(image.get(name)) if image.get_typeof(name) else b""


def _dpi_of_exif(data: bytes) -> tuple[float, float] | None:
    """The resolution that EXIF says: the only place for it in WebP and AVIF."""
    exif = Image.Exif()
    with suppress(*PILLOW_PROBLEMS, ZeroDivisionError):
        exif.load(data)
        scale = 2.54 if exif.get(296) == 3 else 1.0
        x, y = float(exif.get(282, 0)) * scale, float(exif.get(283, 0)) * scale
        if x > 0 and y > 0 and (x, y) != (_USUAL_DPI, _USUAL_DPI):
            return x, y
    return None


# -- XMP ---------------------------------------------------------------------------------------------------------------

#: What is not true of a painting, by its name space: these names and all that begin like them.
_UNTRUE: dict[str, tuple[str, ...]] = {
    "http://ns.adobe.com/tiff/1.0/": ("Orientation", "ImageWidth", "ImageLength"),
    "http://ns.adobe.com/exif/1.0/": ("PixelXDimension", "PixelYDimension"),
    "http://ns.adobe.com/xap/1.0/": ("Thumbnails",),
    "http://ns.adobe.com/xmp/note/": ("HasExtendedXMP",),
    "http://ns.google.com/photos/1.0/camera/": ("MotionPhoto", "MicroVideo"),
    # Whole: gain maps, and what a phone hangs behind the picture.
    "http://ns.adobe.com/hdr-gain-map/1.0/": ("",),
    "http://ns.apple.com/HDRGainMap/1.0/": ("",),
    "http://ns.google.com/photos/1.0/container/": ("",),
    "http://ns.google.com/photos/1.0/container/item/": ("",),
    "http://ns.google.com/photos/1.0/depthmap/": ("",),
    "http://ns.google.com/photos/1.0/image/": ("",),
}


def has_gain_map(image: pyvips.Image) -> bool:
    """Whether a file tells of a gain map, which makes a picture brighter on screens that can."""
    xmp = _blob(image, "xmp-data")
    return any(sign in xmp for sign in (b"hdrgm:Version", b'"GainMap"', b"HDRGainMapVersion"))


def true_xmp(xmp: bytes) -> bytes:
    """XMP without what is not true of a painting; nothing at all of XMP that is damaged."""
    if not any(space.encode() in xmp for space in _UNTRUE):
        return xmp
    if b"<!" in xmp.replace(b"<!--", b"").replace(b"<![CDATA[", b""):
        return b""  # XMP has no declarations; those of entities can be bombs
    try:
        document = minidom.parseString(xmp.strip(b"\0 \t\r\n"))
    except (ExpatError, ValueError, LookupError):
        return b""
    changed = False
    for element in list(document.getElementsByTagName("*")):
        for attribute in [one for one in _attributes(element) if _is_untrue(one)]:
            element.removeAttributeNode(attribute)
            changed = True
        if _is_untrue(element) and element.parentNode is not None:
            element.parentNode.removeChild(element)
            changed = True
    return "".join(node.toxml() for node in document.childNodes).encode() if changed else xmp


def _attributes(element: minidom.Element) -> Iterator[minidom.Attr]:
    attributes: Any = element.attributes
    return iter(list(attributes.values()))


def _is_untrue(node: minidom.Element | minidom.Attr) -> bool:
    if isinstance(node, minidom.Attr) and node.prefix == "xmlns":
        return _UNTRUE.get(node.value) == ("",)  # nothing has this prefix any more
    names = _UNTRUE.get(node.namespaceURI or "", ())
    return any((node.localName or "").startswith(name) for name in names)
