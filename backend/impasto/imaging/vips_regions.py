"""Regions as images of libvips and back, and their numbers: white, alpha, linear light."""

from __future__ import annotations

import numpy as np
import pyvips

from impasto.imaging.curves import srgb_of_linear
from impasto.imaging.problems import FileProblem
from impasto_link.pixels import PixelFormat, Region

#: The number formats of regions by the names of libvips, and by those of numpy; the channels by how many they are.
DTYPES = {"uchar": "u8", "ushort": "u16", "float": "f32"}
CHANNELS = {1: "GRAY", 2: "GRAYA", 3: "RGB", 4: "RGBA"}
#: Floats up to here, four stops above white, are taken as they are.
_BRIGHTEST = 16.0
_NUMPY = {"u8": np.uint8, "u16": np.uint16, "f16": np.float16, "f32": np.float32}


def to_vips(region: Region, dtypes: tuple[str, ...]) -> pyvips.Image:
    """A region as an image with straight alpha and the curve of sRGB, or its profile.

    Args:
        region: of any format.
        dtypes: number formats that may come out, best first. That of the region is kept if it is among them.
    """
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


def coverage(region: Region) -> Region:
    """A picture as a mask: its alpha if anything of it is transparent, as of a cut-out; else its light.

    Returns:
        A gray region of 8 or 16 bits, without a profile.
    """
    image = to_vips(region, ("u16", "u8"))
    if region.format.has_alpha:
        alpha = image[image.bands - 1]
        image = alpha if alpha.min() < _white_of(image) else image.extract_band(0, n=image.bands - 1)
    if image.bands > 1:
        image = image.colourspace("grey16" if image.format == "ushort" else "b-w")
    form = PixelFormat(image.width, image.height, "GRAY", DTYPES[image.format])
    return Region(form, bytes(image.write_to_memory()))


def float_white(values: np.ndarray) -> float:
    """What is white in a picture of floats: 1 as it should be, or 255 or 65535 where integers were only renamed.

    Values above 1 are highlights while they are few, or not far above it. Where some are far above, and more than half
    of all that is not black lies above 1, the picture was never meant for a white of 1.

    Args:
        values: numbers of any shape; those that are not finite do not count.

    Raises:
        FileProblem: it is neither of them; says the range of the values.
    """
    high = float(np.max(values, initial=0, where=np.isfinite(values)))
    if high <= _BRIGHTEST or 2 * np.count_nonzero(values > 1) <= np.count_nonzero(values > 1 / 255):
        return 1.0
    for white in (255.0, 65535.0):
        if high <= white:
            return white
    low = float(np.min(values, initial=high, where=np.isfinite(values)))
    raise FileProblem(f"The values of the picture go from {low:g} to {high:g}.", "Scale them so that white is 1.")


def from_cmyk(data: bytes, width: int, height: int, profile: bytes | None) -> Region:
    """Pixels of ink, 8 bits each and 0 for none, as sRGB: by their profile, or without one by that of a usual print."""
    image = pyvips.Image.new_from_memory(data, width, height, 4, "uchar").copy(interpretation="cmyk")
    if profile is not None:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return Region(PixelFormat(width, height, "RGB"), bytes(without_inks(image).write_to_memory()))


def without_inks(image: pyvips.Image) -> pyvips.Image:
    """CMYK of 8 or 16 bits as sRGB of as many."""
    depth = 16 if image.format == "ushort" else 8
    image = image.icc_transform("srgb", embedded=True, input_profile="cmyk", intent="relative", depth=depth)
    image.remove("icc-profile-data")
    return image


def in_srgb(region: Region) -> Region:
    """A region with a profile, in sRGB; of 16 bits or floats where it was."""
    assert region.profile is not None
    image = with_srgb(to_vips(region, ("f32", "u16", "u8")), region.profile)
    form = PixelFormat(image.width, image.height, CHANNELS[image.bands], DTYPES[image.format])
    return Region(form, bytes(image.write_to_memory()))


def with_srgb(image: pyvips.Image, profile: bytes) -> pyvips.Image:
    """An image of that profile in sRGB, of the same number format; gray stays gray."""
    image = image.copy()
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    format, gray = image.format, image.bands < 3
    if format == "float":
        # The way is littlecms', and is one of tables, which end at white.
        image = (image * 65535).cast("ushort").copy(interpretation="grey16" if gray else "rgb16")
    deep = image.format == "ushort"
    image = image.icc_transform("srgb", embedded=True, intent="relative", depth=16 if deep else 8)
    image.remove("icc-profile-data")
    if gray:
        image = image.colourspace("grey16" if deep else "b-w")
    return (image / 65535).cast("float") if format == "float" else image


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
    color[...] = np.copysign(srgb_of_linear(np.abs(color)), color)
    return scaled if values.dtype.kind == "f" else _as_dtype(scaled, "u16")
