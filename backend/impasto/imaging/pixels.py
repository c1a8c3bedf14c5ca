"""From the pixels of an editor to sRGB in float and back to exactly the format that came in."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.imaging import icc
from impasto.imaging.color import luma
from impasto.imaging.resample import resize
from impasto_link.errors import BadRequest
from impasto_link.pixels import Buffer, PixelFormat, Region
from impasto_link.sentences import say

_DTYPES = {"u8": torch.uint8, "u16": torch.uint16, "f16": torch.float16, "f32": torch.float32}
_WHITE = {"u8": 255, "u16": 65535, "f16": 1, "f32": 1}
#: The largest value that each number format holds.
_LIMIT = {"u8": 255.0, "u16": 65535.0, "f16": 65504.0, "f32": torch.finfo(torch.float32).max}
#: Premultiplied colours are divided by no less than this, so that light without coverage (alpha 0, colour above 0, as
#: compositors of floats use it for glows) stays finite and comes back when it is multiplied again.
_LEAST_ALPHA = 2.0**-20
#: Beyond this a colour in float has lost its meaning, and tone curves would overflow.
_LARGEST = 1e12
#: What the network sees of a picture that is transparent throughout.
_MID_GRAY = 0.5


@dataclass(frozen=True, eq=False)
class Picture:
    """A region of an editor, decoded.

    Attributes:
        rgb: (1, 3, H, W) float32, sRGB values, not premultiplied; gray is the same in all three. Formats of floats, and
            profiles with a larger gamut, may lie outside [0, 1]. Do not change it in place.
        alpha: (1, 1, H, W) float32, or None where the format has no alpha.
        source: the region as it came, for the way back.
    """

    rgb: Tensor
    alpha: Tensor | None
    source: Region

    @property
    def format(self) -> PixelFormat:
        """The format of the source."""
        return self.source.format


def decode(region: Region, device: torch.device | str = "cpu") -> Picture:
    """Read the pixels of a region as sRGB in float, on the given device.

    Raises:
        BadRequest: a value is not a number or infinite, or the profile cannot be used (see `icc.load_profile`).
    """
    format = region.format
    values = _values(region).to(device)
    if values.dtype.is_floating_point:
        low, high = torch.aminmax(values)  # both are NaN if any value is
        if not bool(torch.isfinite(low) & torch.isfinite(high)):
            raise BadRequest(
                "The picture has pixels that are infinite or not a number.",
                "Filters on floating point layers can leave such pixels behind; clip or repaint them first.",
            )
    planes = _planes(values, format)
    colors = 1 if format.is_gray else 3
    color, alpha = planes[:, :colors], planes[:, colors:] if format.has_alpha else None
    if format.premultiplied and alpha is not None:
        color = color / alpha.clamp_min(_LEAST_ALPHA)
    if values.dtype.is_floating_point:
        color = color.clamp_(-_LARGEST, _LARGEST)
    color = _space(region).to_srgb(color)
    return Picture(color.expand(-1, 3, -1, -1), alpha, region)


def encode(rgb: Tensor, picture: Picture, touched: Tensor | None = None) -> bytes:
    """Write colours in the format, encoding and alpha of the picture that they were painted from.

    Integers are rounded to the nearest and clamped; floats keep what lies outside [0, 1]. Gray is Rec. 709 luma. Alpha
    is copied from the source, and ``picture.rgb`` itself gives the bytes of the source.

    Args:
        rgb: (1, 3, H, W) float32, sRGB values, not premultiplied, on any device.
        picture: what `decode` gave.
        touched: (1, 1, H, W) bool; where it is False the pixels of the source are copied bit for bit.
    """
    source, format = picture.source, picture.format
    if rgb is picture.rgb:
        return bytes(source.data)
    color = _space(source).from_srgb(luma(rgb) if format.is_gray else rgb)
    if format.premultiplied and picture.alpha is not None:
        color = color * picture.alpha.to(color.device).clamp_min(_LEAST_ALPHA)

    raw = _values(source)
    out = torch.empty_like(raw, device=color.device)
    white, limit = _WHITE[format.dtype], _LIMIT[format.dtype]
    scratch = torch.empty_like(color[0, 0])
    for index, plane in zip(_order(format), color[0], strict=False):
        if out.dtype.is_floating_point:
            out[..., index] = torch.clamp(plane, -limit, limit, out=scratch)
        else:
            out[..., index] = torch.mul(plane, white, out=scratch).add_(0.5).clamp_(0, limit)
    out = out.cpu()
    if format.has_alpha:
        out[..., -1] = raw[..., -1]
    if touched is not None:
        out = torch.where(touched[0, 0, :, :, None].cpu(), out, raw)
    return out.numpy().tobytes()


def check_way_back(region: Region) -> None:
    """See before the work is done that `encode` will be able to write what is painted in the region's encoding.

    Raises:
        BadRequest: its profile leads to colours only.
    """
    _space(region).from_srgb(torch.zeros(1, 1 if region.format.is_gray else 3, 1, 1))


def shrink(picture: Picture, factor: float) -> Picture:
    """The same picture at another size, in the format of its source. Transparent pixels weigh nothing.

    Args:
        factor: of height and width, above 0 to 1; at least one pixel is left.
    """
    format = picture.format
    height, width = (max(1, round(side * factor)) for side in (format.height, format.width))
    alpha = None
    if picture.alpha is None:
        rgb = resize(picture.rgb, height, width)
    else:
        alpha = resize(picture.alpha, height, width)
        rgb = resize(picture.rgb * picture.alpha, height, width) / alpha.clamp_min(_LEAST_ALPHA)
    return Picture(rgb, alpha, _region(rgb, alpha, format.resized(width, height), picture.source.profile))


def in_color(picture: Picture) -> Picture:
    """A gray picture in a format that holds colours, in sRGB where its profile is one of gray; others as they are."""
    format = picture.format
    if not format.is_gray:
        return picture
    encoding = "srgb" if format.encoding == "icc" else format.encoding
    format = replace(format, channels="RGBA" if format.has_alpha else "RGB", encoding=encoding)
    return replace(picture, source=_region(picture.rgb, picture.alpha, format, None))


def cut_out(picture: Picture, rgb: Tensor, mask: Tensor) -> Region:
    """A region with alpha that shows only what the mask shows.

    Args:
        picture: gives number format and encoding, and the alpha that it has is kept where the mask is 1.
        rgb: (1, 3, H, W), the colours, not premultiplied.
        mask: (1, 1, H, W) in [0, 1].
    """
    format, alpha = picture.format, mask if picture.alpha is None else mask * picture.alpha
    if not format.has_alpha:
        format = replace(format, channels=f"{format.channels}A")
    return _region(rgb, alpha, format, picture.source.profile)


def _region(rgb: Tensor, alpha: Tensor | None, format: PixelFormat, profile: bytes | None) -> Region:
    """Pixels written in a format anew."""
    raw = torch.zeros((format.height, format.width, format.channel_count), dtype=_DTYPES[format.dtype])
    if alpha is not None:
        # As `encode` copies it from the source.
        raw[..., -1] = (alpha[0, 0] * _WHITE[format.dtype] + (0.5 if format.dtype[0] == "u" else 0)).to(raw.dtype)
    blank = Picture(rgb, alpha, Region(format, raw.numpy().tobytes(), profile))
    return Region(format, encode(rgb.clone(), blank), profile)


def decode_mask(region: Region) -> Tensor:
    """A gray region as a map of coverage, (1, 1, H, W) float32 in [0, 1]; its encoding does not matter.

    Raises:
        BadRequest: it is not gray, or a value is not a number.
    """
    if not region.format.is_gray:
        raise BadRequest(say("A mask has to be gray, not {channels}.", channels=region.format.channels))
    mask = _planes(_values(region), region.format)[:, :1]
    if not bool(torch.isfinite(mask).all()):
        raise BadRequest("The mask has pixels that are infinite or not a number.")
    return mask.clamp_(0, 1)


def encode_gray(mask: Tensor) -> Region:
    """A map, (1, 1, H, W) in [0, 1], as a gray region of 8 bits."""
    height, width = mask.shape[-2:]
    values = (mask[0, 0] * 255).round_().to("cpu", torch.uint8).contiguous()
    return Region(PixelFormat(width, height, "GRAY"), values.numpy().tobytes())


def encode_rgb(rgb: Tensor, alpha: Tensor | None = None) -> Region:
    """sRGB values, (1, 3, H, W) in [0, 1], as a region of 8 bits; with alpha, (1, 1, H, W), if it is given."""
    height, width = rgb.shape[-2:]
    planes = rgb[0] if alpha is None else torch.cat([rgb[0], alpha[0]])
    values = (planes.permute(1, 2, 0) * 255).round().to("cpu", torch.uint8).contiguous()
    return Region(PixelFormat(width, height, "RGB" if alpha is None else "RGBA"), values.numpy().tobytes())


def blend(picture: Picture, painted: Tensor, strength: float | Tensor) -> Tensor:
    """Mix the original with the painted picture, in sRGB values.

    Nothing is clamped, so what the original has outside [0, 1] fades with the strength instead of being cut off.

    Args:
        painted: (1, 3, H, W) sRGB values.
        strength: 0 to 1, one number or a map (1, 1, H, W).

    Returns:
        (1, 3, H, W): at strength 0 ``picture.rgb`` itself, of which `encode` makes the bytes of the source; at 1
        ``painted``.
    """
    if isinstance(strength, Tensor):
        return torch.lerp(picture.rgb.to(painted.device), painted, strength.to(painted))
    if strength <= 0:
        return picture.rgb
    if strength >= 1:
        return painted
    return torch.lerp(picture.rgb.to(painted.device), painted, strength)


def fill_transparent(rgb: Tensor, alpha: Tensor | None) -> Tensor:
    """Replace the colours of transparent pixels by a smooth continuation of the visible ones.

    Under alpha 0 editors keep whatever colour was there, often black or the leavings of an eraser; a network would see
    it. Push-pull filling (Gortler et al. 1996, "The Lumigraph", section 3.4): weighted means over ever larger squares,
    then from the largest back to the smallest, each square where it has too little weight takes from the one above.

    Args:
        rgb: (1, 3, H, W), not premultiplied.
        alpha: (1, 1, H, W), or None for an opaque picture.

    Returns:
        (1, 3, H, W): ``rgb`` where alpha is 1, the fill where it is 0 (whatever ``rgb`` was there), and between the two
        in proportion. Mid-gray if nothing is visible.
    """
    if alpha is None or bool((alpha >= 1).all()):
        return rgb
    weight = alpha.clamp(0, 1)
    return _push_pull(torch.where(weight > 0, rgb * weight, 0), weight)


def _push_pull(sums: Tensor, weight: Tensor) -> Tensor:
    """Fill up colours that are given times their weight."""
    height, width = weight.shape[-2:]
    if height == width == 1:
        return torch.where(weight > 0, sums / weight.clamp_min(torch.finfo(weight.dtype).tiny), _MID_GRAY)
    if height % 2 or width % 2:
        pad = (0, width % 2, 0, height % 2)
        filled = _push_pull(F.pad(sums, pad), F.pad(weight, pad))
        return filled[..., :height, :width]
    coarse_weight = F.avg_pool2d(weight, 2) * 4
    # A square that is covered once is covered; more weight would drown its neighbours one level up.
    excess = coarse_weight.clamp_min(1)
    coarse = _push_pull(F.avg_pool2d(sums, 2).mul_(4 / excess), coarse_weight / excess)
    fill = F.interpolate(coarse, size=(height, width), mode="bilinear", align_corners=False)
    return fill.mul_(1 - weight).add_(sums)


def _space(region: Region) -> icc.Profile:
    """The colour space of a region."""
    channels = 1 if region.format.is_gray else 3
    if region.format.encoding == "icc":
        assert region.profile is not None  # Region sees to it
        return icc.load_profile(bytes(region.profile), channels)
    return icc.SRGB(channels) if region.format.encoding == "srgb" else icc.LINEAR(channels)


def _values(region: Region) -> Tensor:
    """The numbers of a region as they came, (H, W, channels), without a copy."""
    format = region.format
    return _view(region.data, _DTYPES[format.dtype]).reshape(format.height, format.width, format.channel_count)


def _view(data: Buffer, dtype: torch.dtype) -> Tensor:
    with warnings.catch_warnings():
        # Frames from the wire are read-only, which tensors cannot be; nothing here writes to one.
        warnings.filterwarnings("ignore", message="The given buffer is not writable")
        return torch.frombuffer(data, dtype=dtype)


def _order(format: PixelFormat) -> tuple[int, ...]:
    """Where gray, or red, green and blue, and then alpha, are within a pixel."""
    order = {"BGR": (2, 1, 0), "BGRA": (2, 1, 0, 3)}
    return order.get(format.channels, tuple(range(format.channel_count)))


def _planes(values: Tensor, format: PixelFormat) -> Tensor:
    """The channels in the order of `_order`, (1, channels, H, W) float32, white at 1."""
    order = _order(format)
    planes = values.new_empty((1, len(order), format.height, format.width), dtype=torch.float32)
    # One by one into place: copies of strided integers are several times faster than any way to permute them at once.
    for plane, index in zip(planes[0], order, strict=True):
        plane.copy_(values[..., index])
    return planes if values.dtype.is_floating_point else planes.div_(_WHITE[format.dtype])
