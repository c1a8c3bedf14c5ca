"""What kinds of picture file there are: how they are recognised, who reads them, and what each can hold.

A file is what its first bytes say, whatever it is called. Nothing is given to a library that was not recognised here:
libvips and Pillow also read drawings, tables and programs (SVG, CSV, PostScript): slow, dangerous or no pictures.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from impasto_link.pixels import MAX_SIDE

# -- Reading -----------------------------------------------------------------------------------------------------------


class Format(NamedTuple):
    """A kind of picture that can be read.

    Attributes:
        name: for a person.
        suffixes: how such files are called.
        vips: the operation of libvips that reads it, less its ending; empty if Pillow does.
        pillow: Pillow's name for it, where Pillow reads it or knows more of its variants than libvips.
        package: what Pillow needs for that.
        several: what a file may have several of, and what becomes of them, as the end of a sentence.
    """

    name: str
    suffixes: tuple[str, ...]
    vips: str = ""
    pillow: str = ""
    package: str = ""
    several: str = ""


JPEG = Format("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif"), "jpegload")
PNG = Format("PNG", (".png",), "pngload", several="frames, of which the first is read; impasto video paints all")
TIFF = Format(
    "TIFF", (".tif", ".tiff"), "tiffload", "TIFF", several="pages, of which the first is read; impasto video paints all"
)
WEBP = Format("WebP", (".webp",), "webpload", several="frames, of which the first is read; impasto video paints all")
GIF = Format("GIF", (".gif",), "gifload", several="frames, of which the first is read; impasto video paints all")
AVIF = Format("AVIF", (".avif",), "heifload", several="pictures; only the main one is read")
HEIC = Format("HEIC", (".heic", ".heif", ".hif"), "", "HEIF", "pillow-heif", "pictures; only the main one is read")
JXL = Format("JPEG XL", (".jxl",), "jxlload", "JXL", "pillow-jxl-plugin")
JPEG_2000 = Format("JPEG 2000", (".jp2", ".j2k", ".jpx", ".jpf"), "jp2kload", "JPEG2000")
BMP = Format("BMP", (".bmp",), "", "BMP")
PNM = Format("PNM", (".ppm", ".pgm", ".pbm", ".pnm"), "", "PPM")
PSD = Format("PSD", (".psd",), "", "PSD")
TGA = Format("TGA", (".tga",), "", "TGA")
PCX = Format("PCX", (".pcx",), "", "PCX")
QOI = Format("QOI", (".qoi",), "", "QOI")
#: Archives of a painting program, with the whole picture as a PNG in them.
ARCHIVE = Format("Krita or OpenRaster", (".kra", ".ora"))

FORMATS = (JPEG, PNG, TIFF, WEBP, GIF, AVIF, HEIC, JXL, JPEG_2000, BMP, PNM, PSD, TGA, PCX, QOI, ARCHIVE)
#: Suffixes of pictures that can be read.
READABLE = tuple(suffix for format in FORMATS for suffix in format.suffixes)
#: Those of them that Pillow reads by itself, and what it calls them.
PILLOW_SUFFIXES = tuple(
    suffix for format in FORMATS if format is not ARCHIVE and not format.package for suffix in format.suffixes
)
PILLOW_FORMATS = (
    *("JPEG", "PNG", "WEBP", "GIF", "AVIF"),
    *(format.pillow for format in FORMATS if format.pillow and not format.package),
)

#: So many bytes from the start are enough to recognise anything.
HEAD = 512

_MAGIC: tuple[tuple[bytes, Format], ...] = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
    (b"II+\0", TIFF),
    (b"MM\0+", TIFF),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"\xff\x0a", JXL),
    (b"\0\0\0\x0cJXL \r\n\x87\n", JXL),
    (b"\0\0\0\x0cjP  \r\n\x87\n", JPEG_2000),
    (b"\xff\x4f\xff\x51", JPEG_2000),
    (b"BM", BMP),
    (b"8BPS", PSD),
    (b"qoif", QOI),
    *((b"P%d%c" % (kind, blank), PNM) for kind in range(1, 7) for blank in b" \t\r\n#"),
    *((b"\x0a%c\x01" % version, PCX) for version in (0, 2, 3, 4, 5)),
)
_ARCHIVE_KINDS = (b"mimetypeimage/openraster", b"mimetypeapplication/x-krita")
_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}


def recognise(head: bytes, suffix: str) -> Format | None:
    """The kind of a file, by its first `HEAD` bytes; TGA, which has no mark, by its suffix (in small letters)."""
    for magic, format in _MAGIC:
        if head.startswith(magic):
            return format
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return WEBP
    if head[4:8] == b"ftyp":
        brands = _brands(head)
        return AVIF if brands & {b"avif", b"avis"} else HEIC if brands & _HEIC_BRANDS else None
    if head.startswith(b"PK\x03\x04") and head[30:].startswith(_ARCHIVE_KINDS):
        return ARCHIVE
    return TGA if suffix in TGA.suffixes and not what_else(head, "") else None


def _brands(head: bytes) -> set[bytes]:
    """The brands of a file of ISO base media (ISO/IEC 14496-12, 4.3), which AVIF, HEIC, CR3 and MP4 are."""
    size = min(int.from_bytes(head[:4], "big"), len(head))
    return {head[8:12], *(head[place : place + 4] for place in range(16, size - 3, 4))}


#: Camera raws: as TIFF has it inside, so that only their suffix or what is in them tells, or with marks of their own.
RAW_SUFFIXES = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".k25", ".kdc", ".mef", ".mos"),
    *(".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
)
_RAW_MAGIC = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0", b"FOVb", b"\0MRM", b"II\x1a\0\0\0HEAPCCDR")

#: Sentence and hint for a camera raw, less the name of the file.
RAW = ("is a camera raw.", "Develop it first, for example with darktable or RawTherapee, and take that picture.")
_DRAWING = "Export it as PNG first."
_TAKE = "Save or export it as PNG, JPEG or TIFF first."


def what_else(head: bytes, suffix: str) -> tuple[str, str] | None:
    """What a file is that is not read, as the rest of a sentence and a hint."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(_RAW_MAGIC) or (head[4:8] == b"ftyp" and head[8:11] == b"crx"):
        return RAW
    if b"<svg" in start and start.startswith(b"<"):
        return "is an SVG, a drawing and no picture of pixels.", _DRAWING
    if start.startswith((b"<!doctype html", b"<html")):
        return "is a web page, not a picture.", "Save the picture itself."
    if head.startswith(b"\0\5\x16\7"):
        return "is not a picture but what macOS keeps beside one.", "The picture has the same name without the dots."
    for magic, name, hint in (
        (b"%PDF", "a PDF", _DRAWING),
        (b"%!PS", "PostScript", _DRAWING),
        (b"\xc5\xd0\xd3\xc6", "PostScript", _DRAWING),
        (b"gimp xcf", "a picture of GIMP with its layers", _TAKE),
        (b"\x76\x2f\x31\x01", "an OpenEXR picture", _TAKE),
        (b"#?RADIANCE", "a Radiance HDR picture", _TAKE),
    ):
        if head.startswith(magic):
            return f"is {name}, which is not read.", hint
    if head[4:8] == b"ftyp":
        return "is a video, not a picture.", "Paint it with: impasto video"
    return RAW if suffix in RAW_SUFFIXES else None


# -- Writing -----------------------------------------------------------------------------------------------------------


class Writer(NamedTuple):
    """A kind of file that can be written.

    Attributes:
        name: what a person calls it.
        suffixes: how such files are called, in small letters, the usual one first.
        dtypes: the number formats that it can hold, best first.
        options: how libvips is to save it.
        longest: the longest side in pixels that it can hold.
        has_alpha: whether it can hold transparency.
        has_gray: whether it can hold pixels of one channel.
        largest_profile: the longest colour profile in bytes that it can hold.
        bits_of_u16: how many of 16 bits it keeps, where that is fewer and libvips has to be told.
        lossless: options that come instead where the picture was read from a file that had lost nothing; usually none.
    """

    name: str
    suffixes: tuple[str, ...]
    dtypes: tuple[str, ...]
    options: dict[str, Any]
    longest: int = MAX_SIDE
    has_alpha: bool = True
    has_gray: bool = True
    largest_profile: int = 1 << 30
    bits_of_u16: int | None = None
    lossless: dict[str, Any] | None = None


_PNG = Writer("png", (".png",), ("u16", "u8"), {})
_TIFF = Writer("tiff", (".tif", ".tiff"), ("f32", "u16", "u8"), {"compression": "deflate", "predictor": "horizontal"})
# The limit is that of libjpeg, a little below that of the format.
_JPEG = Writer(
    "jpg",
    (".jpg", ".jpeg"),
    ("u8",),
    {"Q": 95, "subsample_mode": "off", "optimize_coding": True},
    65500,
    False,
    largest_profile=255 * 65519,
)
_WEBP = Writer(
    "webp",
    (".webp",),
    ("u8",),
    {"Q": 95, "smart_subsample": True},
    16383,
    has_gray=False,
    lossless={"lossless": True, "exact": True},
)
# With libvips' usual effort, 4, it takes five times as long for files that are 5 % smaller. The limit is libvips' own.
_AVIF = Writer(
    "avif",
    (".avif",),
    ("u16", "u8"),
    {"Q": 95, "subsample_mode": "off", "effort": 2},
    16384,
    has_gray=False,
    bits_of_u16=12,
    lossless={"lossless": True, "effort": 2},
)

_ALL = (_PNG, _JPEG, _TIFF, _WEBP, _AVIF)
#: By suffix, in small letters.
WRITERS = {suffix: writer for writer in _ALL for suffix in writer.suffixes}
#: The usual suffix of each kind, by its name.
SUFFIX_OF = {writer.name: writer.suffixes[0] for writer in _ALL}
#: Suffixes of pictures that can be written.
WRITABLE = tuple(WRITERS)
