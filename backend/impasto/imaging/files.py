"""Picture files, for the command line and for all that takes pictures of the user's. Does not need torch.

Reading gives a `Region` as an editor would send it, and what else the file knew (EXIF, XMP, IPTC, resolution) in a
`FileInfo`, which `write` puts into the new file. The modules below: `formats` (which there are), `opening` (from bytes
to images), `tiff`, `metadata`, `profiles` and `said_colors` (colours), `vips_regions` (numbers), `placing` (onto the
disk), `problems` (words).
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyvips

from impasto.compute.memory import free_memory
from impasto.imaging import profiles, tiff
from impasto.imaging.formats import READABLE, WRITABLE, WRITERS
from impasto.imaging.metadata import FileInfo, with_info
from impasto.imaging.opening import Opened, open_file, open_picture, without_resolution
from impasto.imaging.placing import check_folder, check_place, put
from impasto.imaging.problems import FileProblem, FileThere, as_text, cannot_read, no_memory
from impasto.imaging.said_colors import said_profile
from impasto.imaging.vips_regions import (
    CHANNELS,
    DTYPES,
    coverage,
    float_white,
    from_cmyk,
    in_srgb,
    to_vips,
    with_srgb,
    without_inks,
)
from impasto_link.pixels import PixelFormat, Region

__all__ = [
    "READABLE",
    "WRITABLE",
    "FileInfo",
    "FileProblem",
    "FileThere",
    "as_text",
    "check_format",
    "check_place",
    "check_target",
    "coverage",
    "decode",
    "decode_mask",
    "encode",
    "float_white",
    "from_cmyk",
    "put",
    "read",
    "read_mask",
    "settled",
    "write",
]

log = logging.getLogger(__name__)


#: Interpretations of libvips whose numbers are already RGB or gray as they stand in the file.
_PLAIN = {"b-w", "grey16", "rgb", "srgb", "rgb16", "scrgb", "multiband", "histogram", "matrix"}
#: Bytes of the number formats of libvips that are read.
_SIZES = {"uchar": 1, "ushort": 2, "float": 4}
#: Pictures of fewer bytes are read without a look at how much memory is free.
_SMALL = 1 << 26
_FEWER_BITS = "%s has %d bits a channel: a file %s holds no more"
#: Above this many bytes of pixels the 4 GiB of classic TIFF may not do.
_BIG_TIFF = 3 << 30


# -- Reading -----------------------------------------------------------------------------------------------------------


def read(path: str | os.PathLike[str]) -> tuple[Region, FileInfo]:
    """Read a picture, turned upright as its EXIF orientation says.

    8 and 16 bits and floats stay what they are; CMYK, Lab and the like become sRGB. The region's encoding is ``icc``
    where the file has a profile that can be used, or says its colours in another way (gAMA, cHRM and cICP of PNG, the
    colours of AVIF, EXIF of Adobe RGB), else ``srgb``. What is done to a picture is logged as a warning: of several
    pages or frames the first is read; a damaged profile is passed over; colours of a profile that does not lead back,
    as those of scanners, become sRGB; floats whose white is 255 or 65535 are divided by it.

    Raises:
        FileProblem: there is no such file, it is not a picture, damaged, cut short, too large, or may not be read.
    """
    path = Path(path)
    return _in_words(str(path), lambda: open_file(path))


def decode(data: bytes, of: str) -> tuple[Region, FileInfo]:
    """Read a picture as `read` does, of a file's bytes that are here already, such as what came over a network.

    Args:
        data: the whole file.
        of: what to call it in sentences; its suffix tells kinds apart that begin alike.

    Raises:
        FileProblem: as `read`.
    """
    return _in_words(of, lambda: BytesIO(data))


def _in_words(of: str, opened: Callable[[], BinaryIO]) -> tuple[Region, FileInfo]:
    try:
        with opened() as file:
            return _read(of, file)
    except OSError as error:
        raise cannot_read(Path(of), error) from error
    except MemoryError as error:
        raise no_memory(of) from error
    except pyvips.Error as error:
        log.info("libvips on %s: %s", as_text(of), error)
        if _is_of_memory(error):
            raise no_memory(of) from error
        raise FileProblem(f"{of} is damaged or cut short.", "Try to copy or download it again.") from error


def _read(of: str, file: BinaryIO) -> tuple[Region, FileInfo]:
    opened = open_picture(of, file)
    image = opened.image
    _check_memory(of, image)
    if image.get_typeof("orientation") and image.get("orientation") != 1:
        image = image.copy_memory().autorot()
    profile = _profile(opened, file)
    image, profile = _as_rgb_or_gray(image, profile, of)
    # An extra copy, but one that outlives libvips' buffers.
    data = bytes(image.write_to_memory())
    if image.format == "float":
        data = _white_at_one(data, image.bands, of)
    if opened.pages > 1:
        log.warning("%s has %d %s", as_text(of), opened.pages, opened.format.several)
    encoding = "srgb" if profile is None else "icc"
    format = PixelFormat(image.width, image.height, CHANNELS[image.bands], DTYPES[image.format], encoding)
    return Region(format, data, profile), opened.info


def read_mask(path: str | os.PathLike[str], width: int, height: int) -> tuple[Region, bool]:
    """Read any picture as a mask for a picture of that size, as `coverage` understands it.

    Returns:
        A gray region of 8 or 16 bits and that size, and whether the file had to be resized for it.

    Raises:
        FileProblem: as `read`.
    """
    return _as_mask(read(path)[0], width, height)


def decode_mask(data: bytes, of: str, width: int, height: int) -> tuple[Region, bool]:
    """Read any picture as a mask as `read_mask` does, of a file's bytes as `decode` takes them."""
    return _as_mask(decode(data, of)[0], width, height)


def _as_mask(region: Region, width: int, height: int) -> tuple[Region, bool]:
    mask = coverage(region)
    resized = (mask.format.width, mask.format.height) != (width, height)
    if resized:
        image = to_vips(mask, ("u16", "u8")).thumbnail_image(width, height=height, size="force")
        mask = Region(mask.format.resized(width, height), bytes(image.write_to_memory()))
    return mask, resized


def _check_memory(of: str, image: pyvips.Image) -> None:
    """See that there is room for the pixels, twice, before they are decoded: a small file can hold a great many."""
    needed = 2 * image.width * image.height * image.bands * _SIZES.get(image.format, 8)
    if needed > _SMALL and needed > free_memory():
        raise no_memory(of, f"{image.width} x {image.height} pixels")


def _is_of_memory(error: pyvips.Error) -> bool:
    words = str(error).lower()
    return any(sign in words for sign in ("out of memory", "insufficient memory", "unable to allocate", "malloc"))


def _profile(opened: Opened, file: BinaryIO) -> bytes | None:
    """The profile of the colours as they lie in the file."""
    if opened.image.get_typeof("icc-profile-data"):
        return bytes(opened.image.get("icc-profile-data"))
    return said_profile(file, opened.format, opened.info.exif, gray=opened.image.bands < 3)


def _as_rgb_or_gray(image: pyvips.Image, profile: bytes | None, of: str) -> tuple[pyvips.Image, bytes | None]:
    """A picture of 1 to 4 bands of a number format that regions have, and its profile; None for sRGB."""
    if image.interpretation == "cmyk":
        image, profile = without_inks(image), None
    elif image.coding != "none" or image.interpretation not in _PLAIN:
        image = image.colourspace("srgb" if image.format == "uchar" and image.coding == "none" else "rgb16")
        profile = None
    if image.bands not in CHANNELS or image.format not in DTYPES:
        raise FileProblem(
            f"{of} has {image.bands} channels of {image.format} numbers.",
            "Pictures have 1 to 4 channels of 8 or 16 bits or floats.",
        )
    if profile is None:
        return image, None
    usable, leads_back = profiles.usable(profile, gray=image.bands < 3, of=as_text(of))
    return (image, usable) if usable is None or leads_back else (with_srgb(image, usable), None)


def settled(region: Region, of: str) -> Region:
    """A region with a profile that can be used both ways; else in sRGB, as `read` does it, and a warning is logged.

    Args:
        region: in any encoding.
        of: what it is, for the warning.
    """
    if region.profile is None:
        return region
    profile, leads_back = profiles.usable(bytes(region.profile), gray=region.format.is_gray, of=of)
    if profile is None:
        return Region(replace(region.format, encoding="srgb"), region.data)
    region = Region(region.format, region.data, profile)
    return region if leads_back else in_srgb(region)


def _white_at_one(data: bytes, bands: int, of: str) -> bytes:
    """Floats in which white, and full alpha, is 1."""
    values = np.frombuffer(data, np.float32).reshape(-1, bands)
    colors = bands - (bands % 2 == 0)
    whites = [float_white(values[:, :colors])] * colors + [float_white(values[:, colors:])] * (bands - colors)
    if max(whites) == 1:
        return data
    log.warning("The values in %s go far beyond 1; %g is taken for white", as_text(of), max(whites))
    return (values / np.array(whites, np.float32)).tobytes()


# -- Writing -----------------------------------------------------------------------------------------------------------


def write(
    path: str | os.PathLike[str],
    region: Region,
    info: FileInfo | None = None,
    *,
    quality: int = 95,
    replace: bool = True,
) -> None:
    """Write a picture in the format that the suffix of ``path`` names: one of `WRITABLE`.

    The number format is kept where the file format can hold it, else the next smaller one is taken and a warning
    logged, and likewise where the format has no alpha and a transparent picture is put on white. The file appears whole
    or not at all; a failure leaves an older one as it was.

    Args:
        quality: 1 to 100, for JPEG, WebP and AVIF.
        replace: see `put`.

    Raises:
        FileProblem: see `check_target`; or the disk is full.
        FileThere: as `put`.
    """
    path = Path(path)
    check_target(path, region.format.width, region.format.height)
    put(path, encode(path.suffix.lower(), region, info, quality=quality, of=as_text(path)), replace=replace)


def encode(
    suffix: str, region: Region, info: FileInfo | None = None, *, quality: int = 95, of: str = "The picture"
) -> bytes:
    """A picture as the bytes of a file with one of `WRITABLE`; what is kept is as in `write`.

    Args:
        of: what it is, for warnings.

    Raises:
        FileProblem: it cannot be saved so, or there is not enough memory.
    """
    info = info or FileInfo()
    try:
        try:
            if region.profile is None or len(region.profile) <= WRITERS[suffix].largest_profile:
                return _encoded(suffix, region, info, quality, of)
        except pyvips.Error as error:
            if region.profile is None or _is_of_memory(error):
                raise
            log.info("libvips on a file %s: %s", suffix, error)
        log.warning("%s is saved in sRGB: a file %s cannot hold the colour profile of the picture", of, suffix)
        return _encoded(suffix, in_srgb(region), info, quality, of)
    except MemoryError as error:
        raise no_memory(f"a file {suffix}") from error
    except pyvips.Error as error:
        log.info("libvips on a file %s: %s", suffix, error)
        if _is_of_memory(error):
            raise no_memory(f"a file {suffix}") from error
        size = f"{region.format.width} x {region.format.height}"
        reason = str(error).strip().splitlines()[-1]
        raise FileProblem(
            f"A picture of {size} pixels cannot be saved as {suffix}: {reason}.", "Choose another format."
        ) from error


def _encoded(suffix: str, region: Region, info: FileInfo, quality: int, of: str) -> bytes:
    writer = WRITERS[suffix]
    options = dict(writer.options)
    image = to_vips(region, writer.dtypes)
    if DTYPES[image.format] != region.format.dtype and region.format.dtype != "f16":
        log.warning(_FEWER_BITS, of, 8 * _SIZES[image.format], suffix)
    elif writer.bits_of_u16 and image.format == "ushort":
        log.warning(_FEWER_BITS, of, writer.bits_of_u16, suffix)
    if "Q" in options:
        options["Q"] = quality
    if "predictor" in options:
        predictor = "float" if image.format == "float" else "horizontal"
        options |= {"predictor": predictor, "bigtiff": region.format.nbytes > _BIG_TIFF}
    if not writer.has_alpha and region.format.has_alpha:
        if image[image.bands - 1].min() < 255:
            log.warning("%s is put on white: a file %s holds no transparency", of, suffix)
        image = image.flatten(background=255)
    if not writer.has_gray and region.format.is_gray and region.profile is not None:
        # A profile of gray does not go with RGB.
        image = image.icc_transform("srgb", embedded=True, intent="relative")
    if writer.lossless is not None and info.lossless:
        options = dict(writer.lossless)
    if writer.bits_of_u16 and image.format == "ushort":
        options["bitdepth"] = writer.bits_of_u16
    data = bytes(with_info(image, info).write_to_buffer(suffix, **options))
    if suffix in (".tif", ".tiff") and info.exif:
        data = tiff.with_exif(data, info.exif)
    return without_resolution(data) if suffix == ".png" and info.dpi is None else data


def check_target(path: str | os.PathLike[str], width: int = 1, height: int = 1) -> None:
    """Find out before the work is done whether `write` can put a picture of so many pixels there.

    Whether a file can be made there is `check_place`'s to find out, and whether one may be replaced the caller's.

    Raises:
        FileProblem: as `check_format`, or there is no folder to write to.
    """
    check_format(path, width, height)
    check_folder(Path(path))


def check_format(name: str | os.PathLike[str], width: int = 1, height: int = 1) -> None:
    """See that a file of that name can hold a picture of so many pixels.

    Raises:
        FileProblem: the suffix is unknown, or its format does not hold that size.
    """
    path = Path(name)
    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        what = f"Pictures cannot be saved as {path.suffix!r}."
        raise FileProblem(
            what if path.suffix else f"{path} has no suffix that names a format.", f"Known are {', '.join(WRITABLE)}."
        )
    if max(width, height) > WRITERS[suffix].longest:
        raise FileProblem(
            f"A picture of {width} x {height} pixels cannot be saved as {suffix}, which holds at most "
            f"{WRITERS[suffix].longest} pixels a side.",
            "PNG and TIFF take larger ones.",
        )
