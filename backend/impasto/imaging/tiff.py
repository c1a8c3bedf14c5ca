"""What libvips does not see in a TIFF: which page is the picture, whether it is a camera raw, and EXIF, both ways.

TIFF 6.0: https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf
"""

from __future__ import annotations

import struct
import warnings
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO, NamedTuple

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile

#: What a page is: bit 0 for a smaller copy of another, bit 2 for a mask.
_NEW_SUBFILE_TYPE = 254
_WIDTH, _PHOTOMETRIC, _SUB_IFDS, _DNG_VERSION = 256, 262, 330, 50706
_EXTRA_SAMPLES = 338
_ASKED = (_NEW_SUBFILE_TYPE, _WIDTH, _PHOTOMETRIC, _EXTRA_SAMPLES, _DNG_VERSION)
#: Photometric interpretations that are not yet developed: a colour filter array, and LinearRaw of DNG.
_UNDEVELOPED = (32803, 34892)

#: Tags of the first directory that say something about the picture and not about how it lies in the file: title, maker,
#: model, software, dates, artist, copyright, rating, and the same as Windows writes them.
_TELLING = (269, 270, 271, 272, 285, 305, 306, 315, 316, 18246, 18249, 33432, *range(40091, 40096))
#: Width and height as EXIF has them, which the tags of the TIFF itself say.
_OF_PIXELS = (40962, 40963)
#: Types of which Pillow makes another of the same size where it writes a directory in another, and libtiff then passes
#: the tag over: bytes without a meaning of their own, of which EXIF has none with one (Exif 2.32, 4.6.5), GPS two; and
#: fractions that may be negative: shutter speed, brightness, exposure bias.
_BYTE, _UNDEFINED, _RATIONAL, _SIGNED = 1, 7, 5, 10
_BYTES_OF_GPS, _SIGNED_OF_EXIF = (0, 5), (37377, 37379, 37380)
_DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)

#: What Pillow raises on a file that is not as it should be.
PILLOW_PROBLEMS = (OSError, SyntaxError, ValueError, KeyError, IndexError, TypeError, struct.error, OverflowError)


class Look(NamedTuple):
    """What there is in a TIFF.

    Attributes:
        pages: how many, without smaller copies and masks of others.
        load: options for libvips: where the picture is, if not on the first page.
        raw: whether it is a camera raw.
        has_alpha: whether the first channel after the colours is said to be alpha, and not a spot or a selection.
        exif: as a block of EXIF; empty if there is none.
    """

    pages: int = 1
    load: dict[str, int] = {}  # noqa: RUF012 - a NamedTuple's; nobody writes to it
    raw: bool = False
    has_alpha: bool = True
    exif: bytes = b""


def look(file: BinaryIO) -> Look:
    """What there is in a TIFF; of what Pillow does not understand the usual is taken for granted."""
    with suppress(*PILLOW_PROBLEMS), warnings.catch_warnings(action="ignore"):
        file.seek(0)
        header = _header(file.read(16))
        file.seek(0)
        with Image.open(file, formats=["TIFF"]) as image:
            assert isinstance(image, TiffImageFile)
            exif, subs = exif_of(image), list(_inside(image.tag_v2, header, file))
            pages = [_tags(image.tag_v2)]
            for number in range(1, getattr(image, "n_frames", 1)):
                image.seek(number)
                pages.append(_tags(image.tag_v2))
        raw = _DNG_VERSION in pages[0] or any(one.get(_PHOTOMETRIC) in _UNDEVELOPED for one in (*pages, *subs))
        whole = [number for number, tags in enumerate(pages) if not _is_part(tags)]
        extra = pages[0].get(_EXTRA_SAMPLES, 2)
        has_alpha = (extra[0] if isinstance(extra, tuple) else extra) in (1, 2)
        return Look(max(1, len(whole)), _place(pages, whole, subs), raw, has_alpha, exif)
    return Look()


def _header(data: bytes) -> bytes:
    """What a TIFF begins with, and ends with where the first directory is: longer in BigTIFF."""
    return data[: 16 if 43 in data[2:4] else 8]


def _tags(directory: ImageFileDirectory_v2) -> dict[int, Any]:
    return {tag: directory[tag] for tag in _ASKED if tag in directory}


def _inside(first: ImageFileDirectory_v2, header: bytes, file: BinaryIO) -> Iterator[dict[int, Any]]:
    """The directories that the first one has within it."""
    places = first.get(_SUB_IFDS, ())
    for place in places if isinstance(places, tuple) else (places,):
        directory = ImageFileDirectory_v2(header)
        file.seek(place)
        directory.load(file)
        yield _tags(directory)


def _place(pages: list[dict[int, Any]], whole: list[int], subs: list[dict[int, Any]]) -> dict[str, int]:
    """Options for libvips: the first whole page, else what lies within the first, else the largest."""
    if whole:
        return {"page": whole[0]}
    inside = [number for number, tags in enumerate(subs) if not _is_part(tags)]
    if inside:
        return {"subifd": inside[0]}
    return {"page": max(range(len(pages)), key=lambda number: pages[number].get(_WIDTH, 0))}


def _is_part(tags: dict[int, Any]) -> bool:
    return bool(tags.get(_NEW_SUBFILE_TYPE, 0) & 0b101)


def exif_of(image: Image.Image) -> bytes:
    """What a picture that Pillow opened says of itself, as a block of EXIF without the tags that lay out a TIFF."""
    found, kept = image.getexif(), Image.Exif()
    for tag in _TELLING:
        if tag in found:
            kept[tag] = found[tag]
    for directory in _DIRECTORIES:
        if tags := found.get_ifd(directory):
            kept.get_ifd(directory).update(tags)
    return kept.tobytes() if len(kept) or any(kept.get_ifd(one) for one in _DIRECTORIES) else b""


def with_exif(data: bytes, exif: bytes) -> bytes:
    """A TIFF of one page, with what a block of EXIF says added to its tags.

    A new first directory is put at the end; the old one, a few hundred bytes, stays behind unused.
    """
    added = Image.Exif()
    added.load(exif)
    header = _header(data)
    shift = "<" if header.startswith(b"II") else ">"
    count, place, size = ("Q", "Q", 20) if len(header) == 16 else ("H", "I", 12)
    directory = ImageFileDirectory_v2(header)
    for tag in _TELLING:
        if tag in added:
            directory[tag] = added[tag]
    for name in _DIRECTORIES:
        if tags := {tag: value for tag, value in added.get_ifd(name).items() if tag not in _OF_PIXELS}:
            directory[name] = dict(tags)
    data += bytes(len(data) % 2)
    block = bytearray(directory.tobytes(len(data)))
    (first,) = struct.unpack(f"{shift}{place}", header[len(header) // 2 :])

    def entries(source: bytes | bytearray, start: int) -> dict[int, bytes]:
        (number,) = struct.unpack_from(f"{shift}{count}", source, start)
        start += struct.calcsize(count)
        lines = [bytes(source[start + size * i : start + size * (i + 1)]) for i in range(number)]
        return {struct.unpack_from(f"{shift}H", line)[0]: line for line in lines}

    for name in _DIRECTORIES:
        if line := entries(block, 0).get(name):
            start = struct.unpack(f"{shift}{place}", line[size - struct.calcsize(place) :])[0] - len(data)
            for number, (tag, found) in enumerate(entries(block, start).items()):
                kind = _true_type(name, tag, *struct.unpack_from(f"{shift}H", found, 2))
                struct.pack_into(f"{shift}H", block, start + struct.calcsize(count) + size * number + 2, kind)
    merged = entries(block, 0) | entries(data, first)
    new = struct.pack(f"{shift}{count}", len(merged)) + b"".join(merged[tag] for tag in sorted(merged))
    new += struct.pack(f"{shift}{place}", 0)
    start = struct.pack(f"{shift}{place}", len(data) + len(block))
    return b"".join((header[: len(header) // 2], start, data[len(header) :], block, new))


def _true_type(directory: int, tag: int, written: int) -> int:
    """The type that a tag has in EXIF, where Pillow has written another of the same size."""
    of_gps = directory == ExifTags.IFD.GPSInfo
    if written == _BYTE and not (of_gps and tag in _BYTES_OF_GPS):
        return _UNDEFINED
    return _SIGNED if written == _RATIONAL and not of_gps and tag in _SIGNED_OF_EXIF else written
