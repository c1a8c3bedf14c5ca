"""Picture files for the command line, through libvips. Does not need torch.

Reading gives a `Region` as an editor would send it, and what else the file knew (EXIF, XMP, IPTC, resolution) in a
`FileInfo`, which `write` puts into the new file.
"""

from __future__ import annotations

import errno
import logging
import os
import stat
import tempfile
import warnings
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyvips
from PIL import Image
from PIL.TiffImagePlugin import TiffImageFile

from impasto_link.errors import ImpastoError
from impasto_link.pixels import MAX_SIDE, PixelFormat, Region

log = logging.getLogger(__name__)

#: Pictures of more pixels are refused before anything of them is decoded.
MAX_PIXELS = 1_000_000_000

_DTYPES = {"uchar": "u8", "ushort": "u16", "float": "f32"}
_NUMPY = {"u8": np.uint8, "u16": np.uint16, "f16": np.float16, "f32": np.float32}
_CHANNELS = {1: "GRAY", 2: "GRAYA", 3: "RGB", 4: "RGBA"}
#: Interpretations of libvips whose numbers are already RGB or gray as they stand in the file.
_PLAIN = {"b-w", "grey16", "rgb", "srgb", "rgb16", "scrgb", "multiband", "histogram", "matrix"}
#: What is carried over to a new file. Not the thumbnail: it would show the old picture.
_METADATA = ("exif-", "xmp-data", "iptc-data")
#: What a file has several of, by libvips' loader. With other loaders they may be one picture in several sizes.
_SEVERAL = {
    "tiffload": "pages; only the first",
    "gifload": "frames; only the first",
    "webpload": "frames; only the first",
    "pngload": "frames; only the first",
    "jxlload": "frames; only the first",
    "pdfload": "pages; only the first",
    "heifload": "pictures; only the main one",
}

#: By suffix: the number formats the file can hold, best first, and how libvips is to save it.
_WRITERS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    ".png": (("u16", "u8"), {}),
    ".tif": (("f32", "u16", "u8"), {"compression": "deflate", "predictor": "horizontal"}),
    ".tiff": (("f32", "u16", "u8"), {"compression": "deflate", "predictor": "horizontal"}),
    ".jpg": (("u8",), {"Q": 95, "subsample_mode": "off", "optimize_coding": True}),
    ".jpeg": (("u8",), {"Q": 95, "subsample_mode": "off", "optimize_coding": True}),
    ".webp": (("u8",), {"Q": 95, "smart_subsample": True}),
}
#: The tag of TIFF that says what a page is: bit 0 for a smaller copy of another, bit 2 for a mask.
_NEW_SUBFILE_TYPE = 254
#: Above this many bytes of pixels the 4 GiB of classic TIFF may not do.
_BIG_TIFF = 3 << 30

#: Suffixes of pictures that `read` takes; the bytes decide, whatever a file is called.
READABLE = (*_WRITERS, ".jpe", ".jfif", ".avif", ".gif")
#: Suffixes that `write` takes.
WRITABLE = tuple(_WRITERS)
SUFFIXES = WRITABLE
#: The longest side in pixels that a format can hold, where it is less than `MAX_SIDE`.
_LONGEST = {".jpg": 65500, ".jpeg": 65500, ".webp": 16383}


class FileProblem(ImpastoError):
    """A picture file cannot be read or written."""

    code = "file"


class FileThere(FileProblem):
    """There is a file already where one was to be written, and it may not be replaced."""

    code = "file-there"


@dataclass(frozen=True)
class FileInfo:
    """What a picture file says besides its pixels.

    Attributes:
        dpi: horizontal and vertical resolution in pixels per inch.
        metadata: EXIF, XMP and IPTC as libvips names them, each with its GType.
    """

    dpi: tuple[float, float] = (72.0, 72.0)
    metadata: Mapping[str, tuple[int, Any]] = field(default_factory=dict, repr=False)


def read(path: str | os.PathLike[str]) -> tuple[Region, FileInfo]:
    """Read a picture, turned upright as its EXIF orientation says.

    8 and 16 bits and floats stay what they are; CMYK, Lab and the like become sRGB. The region's encoding is ``icc``
    where the file has a profile that fits its pixels, else ``srgb``. Of several pages or frames the first is read, and
    a warning logged.

    Raises:
        FileProblem: there is no such file, it is not a picture, damaged, cut short, too large, or may not be read.
    """
    path = Path(path)
    try:
        with path.open("rb", buffering=0) as file:
            if not file.read(1):
                raise FileProblem(f"{path} is empty.", "It may not have been saved or copied completely.")
            image = _open(path, file)
    except OSError as error:
        raise _cannot("read", path, error) from error
    except pyvips.Error as error:
        log.info("libvips on %s: %s", as_text(path), error)
        raise FileProblem(f"{path} is not a picture that can be read, or is damaged.") from error
    if image.width * image.height > MAX_PIXELS or max(image.width, image.height) > MAX_SIDE:
        raise FileProblem(
            f"{path} claims to be {image.width} x {image.height} pixels.",
            f"At most {MAX_PIXELS // 1_000_000} megapixels and {MAX_SIDE} pixels a side are read.",
        )
    try:
        if image.get_typeof("orientation") and image.get("orientation") != 1:
            image = image.copy_memory().autorot()
        info = _info(image)
        pages, several = _pages(image, path)
        image = _as_rgb_or_gray(image, path)
        profile = _fitting_profile(image, path)
        # An extra copy, but one that outlives libvips' buffers.
        data = bytes(image.write_to_memory())
    except pyvips.Error as error:
        log.info("libvips on %s: %s", as_text(path), error)
        raise FileProblem(f"{path} is damaged or cut short.", "Try to copy or download it again.") from error
    if pages > 1:
        log.warning("%s has %d %s is read", as_text(path), pages, several)
    format = PixelFormat(
        image.width, image.height, _CHANNELS[image.bands], _DTYPES[image.format], "icc" if profile else "srgb"
    )
    return Region(format, data, profile), info


def read_mask(path: str | os.PathLike[str], width: int, height: int) -> tuple[Region, bool]:
    """Read any picture as a mask for a picture of that size, as `coverage` understands it.

    Returns:
        A gray region of 8 or 16 bits and that size, and whether the file had to be resized for it.

    Raises:
        FileProblem: as `read`.
    """
    mask = coverage(read(path)[0])
    resized = (mask.format.width, mask.format.height) != (width, height)
    if resized:
        image = _to_vips(mask, ("u16", "u8")).thumbnail_image(width, height=height, size="force")
        mask = Region(mask.format.resized(width, height), bytes(image.write_to_memory()))
    return mask, resized


def coverage(region: Region) -> Region:
    """A picture as a mask: its alpha if anything of it is transparent, as of a cut-out; else its light.

    Returns:
        A gray region of 8 or 16 bits, without a profile.
    """
    image = _to_vips(region, ("u16", "u8"))
    if region.format.has_alpha:
        alpha = image[image.bands - 1]
        image = alpha if alpha.min() < _white_of(image) else image.extract_band(0, n=image.bands - 1)
    if image.bands > 1:
        image = image.colourspace("grey16" if image.format == "ushort" else "b-w")
    form = PixelFormat(image.width, image.height, "GRAY", _DTYPES[image.format])
    return Region(form, bytes(image.write_to_memory()))


def float_white(values: np.ndarray) -> float:
    """What is white in a picture of floats: 1 as it should be, or 255 or 65535 where integers were only renamed.

    Values above 1 are highlights while they are few. Where more than half of all that is not black lies above 1, the
    picture was never meant for a white of 1.

    Args:
        values: numbers of any shape; those that are not finite do not count.

    Raises:
        FileProblem: it is neither of them; says the range of the values.
    """
    high = float(np.max(values, initial=0, where=np.isfinite(values)))
    if high <= 1 or 2 * np.count_nonzero(values > 1) <= np.count_nonzero(values > 1 / 255):
        return 1.0
    for white in (255.0, 65535.0):
        if high <= white:
            return white
    low = float(np.min(values, initial=0, where=np.isfinite(values)))
    raise FileProblem(f"The values of the picture go from {low:g} to {high:g}.", "Scale them so that white is 1.")


def write(
    path: str | os.PathLike[str],
    region: Region,
    info: FileInfo | None = None,
    *,
    quality: int = 95,
    replace: bool = True,
) -> None:
    """Write a picture in the format that the suffix of ``path`` names: one of `SUFFIXES`.

    The number format is kept where the file format can hold it, else the next smaller one is taken. JPEG has no alpha:
    there the picture is put on white. The file appears whole or not at all; a failure leaves an older one as it was.

    Args:
        quality: 1 to 100, for JPEG and WebP.
        replace: see `put`.

    Raises:
        FileProblem: unknown suffix, no such folder or no right to write there, disk full, or too large for the format.
        FileThere: as `put`.
    """
    path = Path(path)
    check_target(path)
    put(path, encode(path.suffix.lower(), region, info, quality=quality), replace=replace)


def encode(suffix: str, region: Region, info: FileInfo | None = None, *, quality: int = 95) -> bytes:
    """A picture as the bytes of a file with one of `SUFFIXES`; what is kept is as in `write`.

    Raises:
        FileProblem: too large for the format.
    """
    dtypes, options = _WRITERS[suffix]
    if "Q" in options:
        options = {**options, "Q": quality}
    try:
        image = _to_vips(region, dtypes)
        if "predictor" in options:
            predictor = "float" if image.format == "float" else "horizontal"
            options = {**options, "predictor": predictor, "bigtiff": region.format.nbytes > _BIG_TIFF}
        if suffix in (".jpg", ".jpeg") and region.format.has_alpha:
            image = image.flatten(background=255)
        if suffix == ".webp" and region.format.is_gray and region.profile is not None:
            # WebP has no gray, and a profile of gray does not go with RGB.
            image = image.icc_transform("srgb", embedded=True, intent="relative")
        image = _with_info(image, info or FileInfo())
        return bytes(image.write_to_buffer(suffix, **options))
    except pyvips.Error as error:
        log.info("libvips on a file %s: %s", suffix, error)
        size = f"{region.format.width} x {region.format.height}"
        raise FileProblem(
            f"A picture of {size} pixels cannot be saved as {suffix}.", "PNG and TIFF take larger ones."
        ) from error


def put(path: str | os.PathLike[str], data: bytes, *, replace: bool = True) -> None:
    """Write a file that appears whole or not at all.

    Args:
        replace: whether an older file may be replaced. If not, one that is there stays as it is, also one that came
            this very moment, and a link counts as one, wherever it leads.

    Raises:
        FileProblem: no such folder or no right to write there, or the disk is full.
        FileThere: there is one, and it may not be replaced.
    """
    path = Path(path)
    try:
        _place(path, data, replace)
    except FileExistsError as error:
        raise FileThere(f"{path} is there already.", "Name another file.") from error
    except OSError as error:
        raise _cannot("write", path, error) from error


def as_text(name: str | os.PathLike[str]) -> str:
    """A file's name as text that can be sent and drawn: bytes that are no text are spelled out, as Python prints them.

    Two such names that differ still differ as texts.
    """
    return str(name).encode(errors="backslashreplace").decode()


def from_cmyk(data: bytes, width: int, height: int, profile: bytes | None) -> Region:
    """Pixels of ink, 8 bits each and 0 for none, as sRGB: by their profile, or without one by that of a usual print."""
    image = pyvips.Image.new_from_memory(data, width, height, 4, "uchar").copy(interpretation="cmyk")
    if profile is not None:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return Region(PixelFormat(width, height, "RGB"), bytes(_without_inks(image).write_to_memory()))


def profile_fits(profile: bytes, *, gray: bool) -> bool:
    """Whether a colour profile can be meant for gray pixels, or else for RGB; viewers pass over one that cannot."""
    return profile[16:20] == (b"GRAY" if gray else b"RGB ") and profile[36:40] == b"acsp"


def check_target(path: str | os.PathLike[str], width: int = 1, height: int = 1) -> None:
    """Find out before the work is done whether `write` can put a picture of so many pixels there.

    Nothing of what lies there is changed, nor is it asked whether something does: that is the caller's.

    Raises:
        FileProblem: the suffix is unknown, its format does not hold that size, or there is no folder to write to.
    """
    path = Path(path)
    if path.suffix.lower() not in _WRITERS:
        what = f"Pictures cannot be saved as {path.suffix!r}."
        raise FileProblem(
            what if path.suffix else f"{path} has no suffix that names a format.", f"Known are {', '.join(WRITABLE)}."
        )
    longest = _LONGEST.get(path.suffix.lower(), MAX_SIDE)
    if max(width, height) > longest:
        raise FileProblem(
            f"A picture of {width} x {height} pixels cannot be saved as {path.suffix.lower()}, which holds at most "
            f"{longest} pixels a side.",
            "PNG and TIFF take larger ones.",
        )
    folder = path.resolve().parent  # where a link leads to
    try:
        if not stat.S_ISDIR(folder.stat().st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
    except OSError as error:
        raise _cannot("write", path, error) from error


def check_place(path: str | os.PathLike[str]) -> None:
    """Find out, by making one without a name, whether `put` can make a file there.

    Raises:
        FileProblem: no such folder, no right to write there, or the file system takes nothing.
    """
    path = Path(path)
    try:
        tempfile.TemporaryFile(dir=path.resolve().parent).close()
    except OSError as error:
        raise _cannot("write", path, error) from error


# -- Reading -----------------------------------------------------------------------------------------------------------


def _open(path: Path, file: BinaryIO) -> pyvips.Image:
    # Not from the cache: the file may have changed since. And better no picture than one that ends in gray.
    how = {"access": "sequential", "fail_on": "error", "revalidate": True}
    name = str(path)
    if "]" not in name and as_text(name) == name:
        return pyvips.Image.new_from_file(name, **how)
    # libvips would take what is in brackets at the end for options, and can have no name that is not UTF-8. The source
    # has a copy of the descriptor, which it closes with the image.
    file.seek(0)
    return pyvips.Image.new_from_source(pyvips.Source.new_from_descriptor(file.fileno()), "", **how)


def _info(image: pyvips.Image) -> FileInfo:
    fields = [name for name in image.get_fields() if name.startswith(_METADATA)]
    metadata = {name: (image.get_typeof(name), image.get(name)) for name in fields}
    if image.xres == image.yres == 1:  # libvips' word for unknown
        return FileInfo(metadata=metadata)
    return FileInfo((image.xres * 25.4, image.yres * 25.4), metadata)


def _pages(image: pyvips.Image, path: Path) -> tuple[int, str]:
    """How many pages or frames there are, and what to call them."""
    loader = str(image.get("vips-loader")).removesuffix("_source") if image.get_typeof("vips-loader") else ""
    if loader not in _SEVERAL:
        return 1, ""
    count = image.get_n_pages()
    if loader == "pngload" or (loader == "tiffload" and count > 1):
        count = _pages_by_pillow(path, count)
    return count, _SEVERAL[loader]


def _pages_by_pillow(path: Path, otherwise: int) -> int:
    """Frames of PNG, which libvips does not look for; or pages of TIFF without smaller copies and masks of others."""
    problems = (OSError, SyntaxError, ValueError, KeyError, Image.DecompressionBombError)
    with suppress(*problems), warnings.catch_warnings(action="ignore"), Image.open(path) as image:
        count = int(getattr(image, "n_frames", 1))
        if not isinstance(image, TiffImageFile):
            return count
        pages = 1
        for number in range(1, count):
            image.seek(number)
            pages += not image.tag_v2.get(_NEW_SUBFILE_TYPE, 0) & 0b101
        return pages
    return otherwise


def _as_rgb_or_gray(image: pyvips.Image, path: Path) -> pyvips.Image:
    """A picture of 1 to 4 bands of a number format that regions have."""
    if image.interpretation == "cmyk":
        image = _without_inks(image)
    elif image.coding != "none" or image.interpretation not in _PLAIN:
        image = image.colourspace("srgb" if image.format == "uchar" and image.coding == "none" else "rgb16")
        image.remove("icc-profile-data")
    if image.bands not in _CHANNELS or image.format not in _DTYPES:
        raise FileProblem(
            f"{path} has {image.bands} channels of {image.format} numbers.",
            "Pictures have 1 to 4 channels of 8 or 16 bits or floats.",
        )
    return image


def _without_inks(image: pyvips.Image) -> pyvips.Image:
    image = image.icc_transform("srgb", embedded=True, input_profile="cmyk", intent="relative")
    image.remove("icc-profile-data")
    return image


def _fitting_profile(image: pyvips.Image, path: Path) -> bytes | None:
    """The embedded profile, unless it cannot be meant for these pixels."""
    if not image.get_typeof("icc-profile-data"):
        return None
    profile = bytes(image.get("icc-profile-data"))
    if profile_fits(profile, gray=image.bands < 3):
        return profile
    log.warning("The colour profile in %s does not fit its pixels; they are taken as sRGB", as_text(path))
    return None


# -- Writing -----------------------------------------------------------------------------------------------------------


def _to_vips(region: Region, dtypes: tuple[str, ...]) -> pyvips.Image:
    format = region.format
    values = np.frombuffer(region.data, _NUMPY[format.dtype]).reshape(format.height, format.width, -1)
    if format.channels.startswith("BGR"):
        values = values[..., [2, 1, 0, 3][: format.channel_count]]
    if format.premultiplied and format.has_alpha:
        values = _unpremultiplied(values)
    if format.encoding == "linear":
        values = _linear_to_srgb(values, format.has_alpha)
    dtype = next((dtype for dtype in dtypes if dtype == _dtype_of(values)), dtypes[0])
    if _dtype_of(values) == "f16":
        values = values.astype(np.float32)
    image = pyvips.Image.new_from_array(np.ascontiguousarray(_as_dtype(values, dtype)))
    gray, wide = format.is_gray, dtype == "u16"
    interpretation = ("grey16" if wide else "b-w") if gray else ("rgb16" if wide else "srgb")
    image = image.copy(interpretation=interpretation)
    if region.profile is not None:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", bytes(region.profile))
    return image


def _white_of(image: pyvips.Image) -> int:
    return 65535 if image.format == "ushort" else 255


def _dtype_of(values: np.ndarray) -> str:
    return next(name for name, kind in _NUMPY.items() if values.dtype == kind)


def _white(values: np.ndarray) -> float:
    return 1.0 if values.dtype.kind == "f" else float(np.iinfo(values.dtype).max)


def _as_dtype(values: np.ndarray, dtype: str) -> np.ndarray:
    """The same picture in another number format."""
    if values.dtype == _NUMPY[dtype]:
        return values
    scaled = values.astype(np.float32) / _white(values)
    if dtype == "f32":
        return scaled
    white = 255 if dtype == "u8" else 65535
    return (np.nan_to_num(scaled).clip(0, 1) * white + 0.5).astype(_NUMPY[dtype])


def _unpremultiplied(values: np.ndarray) -> np.ndarray:
    scaled = values.astype(np.float32) / _white(values)
    alpha = scaled[..., -1:]
    scaled[..., :-1] = np.divide(scaled[..., :-1], alpha, out=np.zeros_like(scaled[..., :-1]), where=alpha > 0)
    return _as_dtype(scaled, _dtype_of(values))


def _linear_to_srgb(values: np.ndarray, has_alpha: bool) -> np.ndarray:
    """IEC 61966-2-1, in 16 bits or float: the darks of 8 linear bits need more than 8 bits of sRGB."""
    scaled = values.astype(np.float32) / _white(values)
    color = scaled[..., :-1] if has_alpha else scaled
    size = np.abs(color)
    color[...] = np.copysign(np.where(size <= 0.0031308, size * 12.92, 1.055 * size ** (1 / 2.4) - 0.055), color)
    return scaled if values.dtype.kind == "f" else _as_dtype(scaled, "u16")


def _with_info(image: pyvips.Image, info: FileInfo) -> pyvips.Image:
    image = image.copy(xres=info.dpi[0] / 25.4, yres=info.dpi[1] / 25.4)
    for name, (kind, value) in info.metadata.items():
        image.set_type(kind, name, value)
    if info.metadata:
        # The raw EXIF still says how the camera was held, but the pixels are upright by now.
        image.set_type(pyvips.GValue.gint_type, "orientation", 1)
    return image


def _place(path: Path, data: bytes, replace: bool) -> None:
    """Write a file beside its final place and then put it there in one step."""
    if replace:
        path = path.resolve()  # so that a link stays one, and its target changes
    descriptor, name = tempfile.mkstemp(prefix=f".{path.stem[:40]}-", suffix=path.suffix, dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(_mode_for(path))
        if replace:
            temporary.replace(path)
        else:
            _name(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def _name(temporary: Path, path: Path) -> None:
    """Give a file its final name, unless there is one of that name."""
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:
        # FAT and many a network's file systems have no second names. There an empty file keeps the place free.
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
        try:
            temporary.replace(path)
        except BaseException:
            path.unlink()
            raise
    else:
        temporary.unlink()


def _mode_for(path: Path) -> int:
    """The rights of the file that is replaced, or those that a new file would get (temporary files get fewer)."""
    with suppress(OSError):
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _cannot(what: str, path: Path, error: OSError) -> FileProblem:
    folder = path.parent
    known = {
        errno.ENOENT: (f"There is no file {path}.", "")
        if what == "read"
        else (f"There is no folder {folder}.", "Create it first."),
        errno.EISDIR: (f"{path} is a folder, not a file.", ""),
        errno.ENOTDIR: (f"{folder} is not a folder.", ""),
        errno.ENOSPC: (f"The disk is full: {path} was not written.", "Free some space and try again."),
        errno.EDQUOT: (f"The disk quota is used up: {path} was not written.", "Free some space and try again."),
        errno.ENAMETOOLONG: (f"The name of {path} is too long.", ""),
    }
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        where = path if what == "read" else folder
        message, hint = f"There is no permission to {what} in {where}.", "Choose another place, or change its rights."
        if what == "read":
            message = f"There is no permission to read {path}."
    else:
        done = "read" if what == "read" else "written"
        message, hint = known.get(error.errno or 0, (f"{path} could not be {done}: {error.strerror}.", ""))
    return FileProblem(message, hint)
