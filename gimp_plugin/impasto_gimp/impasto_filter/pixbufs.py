"""Pictures between GdkPixbuf and the wire; without a screen, too."""

from __future__ import annotations

from typing import Any

from gi.repository import GdkPixbuf, Gio, GLib

from impasto_link.pixels import Buffer, PixelFormat, Region


def pixbuf_of(pixels: Region, mask: Buffer | None = None) -> Any:
    """An 8 bit RGB or RGBA region as a pixbuf; RGBA seen through a mask of one byte per pixel if there is one."""
    width, height = pixels.format.width, pixels.format.height
    data: Buffer = pixels.data
    if mask is not None:
        data = bytearray(data)
        # Without numpy at hand slices are the way. Both alphas count; most pictures have none of their own.
        own = bytes(data[3::4])
        data[3::4] = (
            bytes(mask) if own.count(255) == len(own) else bytes(a * b // 255 for a, b in zip(own, mask, strict=True))
        )
    alpha = pixels.format.has_alpha
    return GdkPixbuf.Pixbuf.new_from_bytes(
        GLib.Bytes.new(bytes(data)), GdkPixbuf.Colorspace.RGB, alpha, 8, width, height, (4 if alpha else 3) * width
    )


def region_of(picture: Any) -> Region:
    """A pixbuf as an RGB or RGBA region with 8 bits."""
    width, height, stride = picture.get_width(), picture.get_height(), picture.get_rowstride()
    length = picture.get_n_channels() * width
    data = picture.read_pixel_bytes().get_data()
    rows = b"".join(data[y * stride : y * stride + length] for y in range(height))
    return Region(PixelFormat(width, height, "RGBA" if picture.get_has_alpha() else "RGB"), rows)


def shrunk(picture: Any, longest: int) -> Any:
    """A pixbuf made so small that no side is longer than that many pixels; else as it is."""
    width, height = picture.get_width(), picture.get_height()
    scale = longest / max(width, height)
    if scale >= 1:
        return picture
    return picture.scale_simple(
        max(1, round(width * scale)), max(1, round(height * scale)), GdkPixbuf.InterpType.BILINEAR
    )


def picture_in(data: bytes) -> Any:
    """The picture in a file's bytes as a pixbuf; None if there is none, or none that can be read."""
    try:
        return GdkPixbuf.Pixbuf.new_from_stream(Gio.MemoryInputStream.new_from_bytes(GLib.Bytes.new(data)), None)
    except GLib.Error:
        return None


def square_of(picture: Any, side: int) -> Any:
    """The middle of a pixbuf as a square one; None of None."""
    if picture is None:
        return None
    width, height = picture.get_width(), picture.get_height()
    edge = min(width, height)
    middle = picture.new_subpixbuf((width - edge) // 2, (height - edge) // 2, edge, edge)
    return middle.scale_simple(side, side, GdkPixbuf.InterpType.BILINEAR)


def framed(picture: Any, color: Any) -> Any:
    """A pixbuf with a frame of a Gdk.RGBA drawn over its border."""
    width, height, thick = picture.get_width(), picture.get_height(), 3
    value = int.from_bytes(bytes(round(255 * part) for part in (color.red, color.green, color.blue, 1.0)), "big")
    out = picture.copy()
    for place in (
        (0, 0, width, thick),
        (0, height - thick, width, thick),
        (0, 0, thick, height),
        (width - thick, 0, thick, height),
    ):
        out.new_subpixbuf(*place).fill(value)
    return out
