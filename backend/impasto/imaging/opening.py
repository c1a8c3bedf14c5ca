"""From the bytes of a file to an image of libvips that has yet to be decoded."""

from __future__ import annotations

import importlib
import logging
import stat
import struct
import warnings
import zipfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
import pyvips
from PIL import Image

from impasto.imaging import formats, tiff
from impasto.imaging.formats import Format
from impasto.imaging.metadata import FileInfo, has_gain_map, info_of
from impasto.imaging.problems import FileProblem, NoPicture, TooLarge, as_text, is_empty
from impasto_link.pixels import MAX_SIDE

log = logging.getLogger(__name__)

#: Pictures of more pixels are refused before anything of them is decoded.
MAX_PIXELS = 1_000_000_000
_most_pixels = MAX_PIXELS

#: The modules by which Pillow learns a format, and where they have no effect of their own, what to call in them.
_PLUGINS = {"pillow-heif": ("pillow_heif", "register_heif_opener"), "pillow-jxl-plugin": ("pillow_jxl", "")}
#: Pillow's modes that libvips has, and what they are called there.
_MODES = {"L": "b-w", "LA": "b-w", "RGB": "srgb", "RGBA": "srgb", "CMYK": "cmyk", "I": "grey16", "F": "b-w"}


class Opened(NamedTuple):
    """A picture of a file.

    Attributes:
        image: not yet decoded, not yet upright.
        format: what kind of file it is.
        info: what it says besides its pixels.
        pages: how many pages or frames there are, of which this is one.
    """

    image: pyvips.Image
    format: Format
    info: FileInfo
    pages: int = 1


def limit_pixels(most: int) -> None:
    """Let this process read no pictures of more pixels, as is wise where they are strangers'."""
    global _most_pixels
    _most_pixels = min(most, MAX_PIXELS)


def open_file(path: Path) -> BinaryIO:
    """A file's bytes; of what is no file (a pipe, a device, a folder) nothing is waited for.

    Raises:
        OSError: the system does not give it.
        FileProblem: it is no file.
    """
    kind = path.stat()
    if not stat.S_ISREG(kind.st_mode) and not stat.S_ISDIR(kind.st_mode):
        raise FileProblem(f"{path} is a pipe or a device, not a file.", "Save the picture in a file first.")
    return path.open("rb")


def open_picture(of: str, file: BinaryIO) -> Opened:
    """The picture in a file, or in a file's bytes as BytesIO, which have to live as long as the image.

    Args:
        of: what to call it in sentences; its suffix tells kinds apart that begin alike.
        file: the picture.

    Raises:
        NoPicture: it is none, or one that is not read.
        FileProblem: it is too large, or damaged.
        pyvips.Error: it is damaged.
    """
    head = file.read(formats.HEAD)
    if not head:
        raise is_empty(of)
    format = formats.recognise(head, Path(of).suffix.lower())
    if format is None:
        words, hint = formats.what_else(head, Path(of).suffix.lower()) or ("is not a picture that can be read.", "")
        raise NoPicture(f"{of} {words}", hint)
    if format is formats.ARCHIVE:
        return _from_archive(of, file)
    if format is formats.TIFF:
        return _tiff(of, file)
    if not format.vips:
        return _by_pillow(of, file, format)
    try:
        image = _by_vips(of, file, format)
    except pyvips.Error:
        if not format.pillow:
            raise
        return _by_pillow(of, file, format)
    if has_gain_map(image):
        log.warning("%s has a gain map for brighter screens, which its painting will not have", as_text(of))
    if format is formats.PNG:
        chunks = png_chunks(file)
        return Opened(image, format, info_of(image, has_dpi=b"pHYs" in chunks), _frames_of_png(chunks))
    has_dpi = format is not formats.JPEG or round(image.xres * 25.4, 2) != 72
    lossless = format is formats.WEBP and _is_lossless(file)
    pages = image.get_n_pages() if format.several else 1
    return Opened(image, format, info_of(image, has_dpi=has_dpi, lossless=lossless), pages)


def _by_vips(of: str, file: BinaryIO, format: Format, **options: int) -> pyvips.Image:
    # Better no picture than one that ends in gray. The source has a copy of the descriptor, and closes it with the
    # image; so names, which libvips takes for more than names, do not matter.
    file.seek(0)
    if isinstance(file, BytesIO):
        source = pyvips.Source.new_from_memory(file.getvalue())
    else:
        source = pyvips.Source.new_from_descriptor(file.fileno())
    image = pyvips.Operation.call(f"{format.vips}_source", source, access="sequential", fail_on="error", **options)
    check_size(of, image.width, image.height)
    return _to_full_white(image) if format is formats.AVIF and image.format == "ushort" else image


def _to_full_white(image: pyvips.Image) -> pyvips.Image:
    """A picture of 10 or 12 bits in all 16: libvips shifts them up, so that white would be 65472, or 65520."""
    return (image | (image >> image.get("bits-per-sample"))).cast("ushort")


def check_size(of: str, width: int, height: int) -> None:
    """See that a picture is none of the sizes that only mistakes and attacks have.

    Raises:
        TooLarge: it is; the message says of what size the picture claims to be.
    """
    if width * height > _most_pixels or max(width, height) > MAX_SIDE:
        raise TooLarge(
            f"{of} claims to be {width} x {height} pixels.",
            f"At most {_most_pixels / 1_000_000:g} megapixels and {MAX_SIDE} pixels a side are read.",
        )


# -- Single formats ----------------------------------------------------------------------------------------------------


def _tiff(of: str, file: BinaryIO) -> Opened:
    seen = tiff.look(file)
    if seen.raw or Path(of).suffix.lower() in formats.RAW_SUFFIXES:
        words, hint = formats.RAW
        raise FileProblem(f"{of} {words}", hint)
    try:
        image = _by_vips(of, file, formats.TIFF, **seen.load)
        image.crop(0, 0, image.width, 1).avg()  # kinds of compression that are not there show only now
    except pyvips.Error:
        return _by_pillow(of, file, formats.TIFF)
    image = _by_vips(of, file, formats.TIFF, **seen.load)
    info = info_of(image, exif=seen.exif)
    if image.bands > 4 and image.interpretation in ("srgb", "rgb16"):
        kept = 4 if seen.has_alpha else 3
        log.warning("%s has %d channels; the first %d are read", as_text(of), image.bands, kept)
        image = image.extract_band(0, n=kept)
    return Opened(image, formats.TIFF, info, seen.pages)


def _from_archive(of: str, file: BinaryIO) -> Opened:
    try:
        with zipfile.ZipFile(file) as archive:
            found = archive.getinfo("mergedimage.png")
            if found.file_size > 4 * _most_pixels:
                raise TooLarge(f"The picture in {of} is too large.")
            data = archive.read(found)
    except (KeyError, zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
        raise FileProblem(f"{of} has no finished picture in it, or is damaged.", "Export it as PNG first.") from error
    if not data.startswith(b"\x89PNG"):
        raise FileProblem(f"{of} has no finished picture in it, or is damaged.", "Export it as PNG first.")
    image = pyvips.Image.pngload_buffer(data, access="sequential", fail_on="error")
    check_size(of, image.width, image.height)
    return Opened(image, formats.PNG, info_of(image))


def without_resolution(data: bytes) -> bytes:
    """A PNG without the chunk of its resolution, which libvips always writes."""
    place = data.find(b"pHYs", 0, data.find(b"IDAT"))
    return data if place < 0 else data[: place - 4] + data[place + 4 + 9 + 4 :]


def png_chunks(file: BinaryIO) -> dict[bytes, bytes]:
    """The small chunks of a PNG that come before its pixels."""
    file.seek(8)
    found: dict[bytes, bytes] = {}
    while len(head := file.read(8)) == 8:
        size, name = struct.unpack(">I4s", head)
        if name == b"IDAT":
            break
        found[name] = file.read(size) if size <= 64 else b""
        file.seek(4 if size <= 64 else size + 4, 1)
    return found


def _frames_of_png(chunks: dict[bytes, bytes]) -> int:
    """Frames of an animated PNG, which libvips does not look for."""
    control = chunks.get(b"acTL", b"")
    return int(struct.unpack_from(">I", control)[0]) if len(control) >= 4 else 1


def _is_lossless(file: BinaryIO) -> bool:
    """Whether the first picture in a WebP was saved without loss."""
    file.seek(12)
    while len(head := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", head)
        if name == b"ANMF":
            file.seek(16, 1)  # its place and duration; then come chunks of its own
        elif name in (b"VP8L", b"VP8 "):
            return bool(name == b"VP8L")
        else:
            file.seek(size + size % 2, 1)
    return False


# -- Pillow ------------------------------------------------------------------------------------------------------------


def _by_pillow(of: str, file: BinaryIO, format: Format) -> Opened:
    if format.package:
        _teach(of, format)
    file.seek(0)
    with warnings.catch_warnings(action="ignore"):
        try:
            with Image.open(file, formats=[format.pillow]) as image:
                check_size(of, *image.size)
                # Of TIFF its own tags were looked at; of the others this is where EXIF is.
                exif, pages = tiff.exif_of(image), getattr(image, "n_frames", 1)
                turned = image.getexif().get(0x0112, 1)
                made = _to_vips(image)
        except Image.DecompressionBombError as error:
            raise FileProblem(f"{of} has more pixels than are read of {format.name}.", "Save it as PNG.") from error
        except tiff.PILLOW_PROBLEMS as error:
            raise FileProblem(
                f"{of} cannot be read: it is damaged, or a {format.name} of a rare kind.",
                "Save it as PNG with the program that made it, or copy it again.",
            ) from error
    if turned in range(2, 9):
        made.set_type(pyvips.GValue.gint_type, "orientation", turned)
    return Opened(made, format, info_of(made, exif=exif), pages if format.several else 1)


def _teach(of: str, format: Format) -> None:
    """Let Pillow learn a format from a package that need not be there."""
    module, call = _PLUGINS[format.package]
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise FileProblem(
            f"{of} is a {format.name} picture, which cannot be read yet.",
            f"pip install {format.package}, or save it as PNG, JPEG or TIFF.",
        ) from error
    if call:
        getattr(found, call)()


def _to_vips(picture: Image.Image) -> pyvips.Image:
    """An image of Pillow's, with what it knows, in its own number format where regions have it."""
    image = picture
    if image.mode.startswith("I;16"):
        values = np.asarray(image).astype(np.uint16)
        mode = "I"
    else:
        if image.mode not in _MODES:
            gray = image.mode == "1"
            image = image.convert("L" if gray else "RGBA" if image.has_transparency_data else "RGB")
        values, mode = np.asarray(image), image.mode
        if mode == "I":
            values = values.clip(0, 65535).astype(np.uint16)
    made = pyvips.Image.new_from_array(np.ascontiguousarray(values)).copy(interpretation=_MODES[mode])
    for key, name in (("icc_profile", "icc-profile-data"), ("xmp", "xmp-data")):
        data: Any = picture.info.get(key)
        done = key == "icc_profile" and picture.mode == "LAB"  # Pillow has followed it
        if isinstance(data, bytes) and data and not done:
            made.set_type(pyvips.GValue.blob_type, name, data)
    with suppress(TypeError, ValueError, KeyError):
        x, y = (float(one) for one in picture.info["dpi"])
        if x > 0 and y > 0 and (x, y) != (1, 1):  # what Pillow says where a TIFF says nothing
            made = made.copy(xres=x / 25.4, yres=y / 25.4)
    return made
