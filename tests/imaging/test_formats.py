"""What kinds of file are read, which are not, and how that is said."""

from __future__ import annotations

import io
import os
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import psutil
import pytest
import pyvips
from PIL import Image

from impasto.imaging.files import READABLE, WRITABLE, FileProblem, coverage, float_white, read, read_mask
from impasto_link.pixels import PixelFormat, Region

SMOOTH = np.stack(
    [*np.mgrid[0:24, 0:40] * 6, np.full((24, 40), 90)],
    axis=-1,
).astype(np.uint8)


def pixels(region: Region) -> np.ndarray:
    kind = {"u8": np.uint8, "u16": np.uint16, "f32": np.float32}[region.format.dtype]
    return np.frombuffer(region.data, kind).reshape(region.format.height, region.format.width, -1)


def png(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG")
    return data.getvalue()


# -- What is read ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".bmp", ".ppm", ".tga", ".pcx", ".jp2", ".gif", ".jfif", ".qoi"])
def test_formats_that_are_only_read(tmp_path: Path, suffix: str) -> None:
    assert suffix in READABLE
    assert suffix not in WRITABLE
    kind = {".jfif": "JPEG", ".ppm": "PPM", ".jp2": "JPEG2000"}.get(suffix, suffix[1:].upper())
    Image.fromarray(SMOOTH).save(tmp_path / f"a{suffix}", kind)
    region, _ = read(tmp_path / f"a{suffix}")
    assert (region.format.width, region.format.height, region.format.dtype) == (40, 24, "u8")
    assert np.abs(pixels(region)[..., :3].astype(int) - SMOOTH).max() < (40 if suffix == ".gif" else 16)


def test_a_file_is_what_its_bytes_say(tmp_path: Path) -> None:
    Image.fromarray(SMOOTH).save(tmp_path / "a.jpg", "BMP")
    assert np.array_equal(pixels(read(tmp_path / "a.jpg")[0]), SMOOTH)


@pytest.mark.parametrize(("name", "kind"), [("a.kra", "application/x-krita"), ("a.ora", "image/openraster")])
def test_paintings_of_krita_are_read_as_they_look(tmp_path: Path, name: str, kind: str) -> None:
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("mimetype", kind)
        archive.writestr("mergedimage.png", png(Image.fromarray(SMOOTH)))
    assert np.array_equal(pixels(read(tmp_path / name)[0]), SMOOTH)
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("mimetype", kind)
    with pytest.raises(FileProblem, match="no finished picture"):
        read(tmp_path / name)


def test_photoshop_files_are_read_as_they_look(tmp_path: Path) -> None:
    planes = np.moveaxis(SMOOTH, 2, 0).tobytes()
    head = b"8BPS\0\1" + bytes(6) + struct.pack(">HIIHH", 3, 24, 40, 8, 3) + bytes(12) + b"\0\0"
    (tmp_path / "a.psd").write_bytes(head + planes)
    assert np.array_equal(pixels(read(tmp_path / "a.psd")[0]), SMOOTH)


def test_deep_gray_that_only_pillow_reads_stays_deep(tmp_path: Path) -> None:
    deep = (SMOOTH[..., 0].astype(np.uint16) * 257) + 3
    Image.fromarray(deep).save(tmp_path / "a.pgm")
    region, _ = read(tmp_path / "a.pgm")
    assert np.array_equal(pixels(region)[..., 0], deep)


@pytest.mark.parametrize("kind", ["zstd", "lzma"])
def test_compressions_that_libvips_does_not_know(tmp_path: Path, kind: str) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Acme"
    Image.fromarray(SMOOTH).save(tmp_path / "a.tif", compression=kind, exif=exif, dpi=(300, 300))
    region, info = read(tmp_path / "a.tif")
    assert np.array_equal(pixels(region), SMOOTH)
    assert b"Acme" in info.exif
    assert info.dpi == pytest.approx((300, 300))


def test_an_orientation_that_there_is_not(tmp_path: Path) -> None:
    Image.fromarray(SMOOTH).save(tmp_path / "a.tif", tiffinfo={274: 9})
    assert np.array_equal(pixels(read(tmp_path / "a.tif")[0]), SMOOTH)


def test_deep_cmyk_stays_deep(tmp_path: Path) -> None:
    inks = np.full((4, 4, 4), 20000, np.uint16)
    pyvips.Image.new_from_array(inks).copy(interpretation="cmyk").tiffsave(str(tmp_path / "a.tif"))
    assert read(tmp_path / "a.tif")[0].format.dtype == "u16"


@pytest.mark.parametrize(("extra", "channels"), [(0, "RGB"), (2, "RGBA")])
def test_selections_saved_with_a_picture_are_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, extra: int, channels: str
) -> None:
    """As Photoshop writes them: channels after the colours, of which the first may be transparency."""
    five = np.concatenate([SMOOTH, SMOOTH[..., :2]], axis=2)
    data = bytearray(pyvips.Image.new_from_array(five).copy(interpretation="srgb").tiffsave_buffer())
    place = data.index(struct.pack("<HH", 338, 3)) + 4
    (count,) = struct.unpack_from("<I", data, place)
    struct.pack_into("<2H", data, place + 4, extra, 0)
    assert count == 2
    (tmp_path / "a.tif").write_bytes(data)
    region, _ = read(tmp_path / "a.tif")
    assert region.format.channels == channels
    assert "has 5 channels" in caplog.text


# -- What is not read, and how that is said ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "is an SVG"),
        (b"\xef\xbb\xbf  <svg/>", "is an SVG"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"%PDF-1.7", "is a PDF"),
        (b"%!PS-Adobe-3.0 EPSF-3.0", "is PostScript"),
        (b"gimp xcf v011\0", "is a picture of GIMP"),
        (b"\0\5\x16\7\0\2\0\0", "what macOS keeps"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", "is a video"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "is a camera raw"),
        (b"FUJIFILMCCD-RAW 0201", "is a camera raw"),
        (b"1,2,3\n4,5,6\n", "is not a picture"),  # CSV, which libvips would take
        (b"3 2\n1 2 3\n4 5 6\n", "is not a picture"),  # its matrix
        (b"\xb6\xa6\xf2\x08" + bytes(200), "is not a picture"),  # its own format
    ],
)
@pytest.mark.parametrize("suffix", [".png", ".csv", ".tga"])
def test_what_is_no_picture_is_called_by_its_name(tmp_path: Path, data: bytes, words: str, suffix: str) -> None:
    (tmp_path / f"a{suffix}").write_bytes(data + bytes(100))
    with pytest.raises(FileProblem) as caught:
        read(tmp_path / f"a{suffix}")
    if words == "is not a picture" and suffix == ".tga":
        words = "cannot be read"  # TGA has no mark: it might be one
    assert words in caught.value.message
    assert "copy or download" not in caught.value.hint


@pytest.mark.parametrize(
    ("name", "data", "package"),
    [
        ("a.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "pillow-heif"),
        ("a.jxl", b"\0\0\0\x0cJXL \r\n\x87\n", "pillow-jxl-plugin"),
    ],
)
def test_what_needs_a_package_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, data: bytes, package: str
) -> None:
    monkeypatch.setitem(sys.modules, {"pillow-heif": "pillow_heif"}.get(package, "pillow_jxl"), None)
    (tmp_path / name).write_bytes(data + bytes(100))
    with pytest.raises(FileProblem, match="cannot be read yet") as caught:
        read(tmp_path / name)
    assert f"pip install {package}" in caught.value.hint


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes and devices with names are those of POSIX")
def test_pipes_and_devices_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    for path in (tmp_path / "a.png", Path("/dev/zero")):
        with pytest.raises(FileProblem, match="pipe or a device"):
            read(path)


# -- Several sizes of one picture --------------------------------------------------------------------------------------


def page(image: np.ndarray, start: int, tags: dict[int, int], follows: bool) -> bytes:
    """A directory of a little TIFF and its pixels, to lie at ``start``."""
    bands = 1 if image.ndim == 2 else image.shape[2]
    head = start + 2 + 12 * (9 + len(tags)) + 4
    data = image.tobytes()
    every = {256: image.shape[1], 257: image.shape[0], 259: 1, 262: 2 if bands == 3 else 1, 273: head, 277: bands}
    every |= {278: image.shape[0], 279: len(data), 258: 8, **tags}
    entries = b""
    for tag, value in sorted(every.items()):
        # Three times 8 bits do not fit into an entry: one number stands for all in the readers at hand.
        entries += struct.pack("<HHII", tag, 4, 1, value)
    last = head + len(data)
    return struct.pack("<H", len(every)) + entries + struct.pack("<I", last if follows else 0) + data


def two_sizes(path: Path, tags: dict[int, int], large: dict[int, int], *, follows: bool) -> None:
    """A TIFF with a picture of 8 x 8 first, and one of 32 x 32 after it or inside of it."""
    small = page(np.full((8, 8), 10, np.uint8), 8, tags, follows)
    if 330 in tags:
        small = page(np.full((8, 8), 10, np.uint8), 8, {**tags, 330: 8 + len(small)}, follows)
    data = b"II*\0" + struct.pack("<I", 8) + small
    path.write_bytes(data + page(np.full((32, 32), 200, np.uint8), len(data), large, follows=False))


@pytest.mark.parametrize(
    ("tags", "large", "follows"),
    [
        ({254: 1}, {254: 0}, True),  # the thumbnail before its picture
        ({254: 1}, {254: 1}, True),  # both called thumbnails
        ({254: 1, 330: 0}, {254: 0}, False),  # the picture inside of its thumbnail
    ],
)
def test_the_picture_is_read_and_not_its_thumbnail(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, tags: dict[int, int], large: dict[int, int], follows: bool
) -> None:
    two_sizes(tmp_path / "a.tif", tags, large, follows=follows)
    region, _ = read(tmp_path / "a.tif")
    assert region.format.width == 32
    assert pixels(region)[0, 0, 0] == 200
    assert not caplog.records


@pytest.mark.parametrize("name", ["a.dng", "a.tif", "a.NEF"])
def test_a_camera_raw_is_not_taken_for_its_thumbnail(tmp_path: Path, name: str) -> None:
    """As DNG, NEF and ARW are: a thumbnail, and in it what the sensor saw, with its filter of colours."""
    two_sizes(tmp_path / name, {254: 1, 330: 0}, {254: 0, 262: 32803}, follows=False)
    with pytest.raises(FileProblem, match="camera raw") as caught:
        read(tmp_path / name)
    assert "Develop it" in caught.value.hint


# -- Memory ------------------------------------------------------------------------------------------------------------


def flat_png(side: int) -> bytes:
    """A picture of one bit a pixel, all black: a few bytes for a great many pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = zlib.compress(bytes(side * (1 + (side + 7) // 8)), 9)
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_memory_is_looked_at_before_a_picture_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Little:
        available = 1 << 26

    (tmp_path / "a.png").write_bytes(flat_png(8000))
    monkeypatch.setattr(psutil, "virtual_memory", Little)
    with pytest.raises(FileProblem, match=r"not enough memory .* 8000 x 8000 pixels"):
        read(tmp_path / "a.png")


@pytest.mark.parametrize("error", [MemoryError(), pyvips.Error("", "out of memory --- size == 60MB")])
def test_no_memory_is_not_called_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*_: object) -> None:
        raise error

    Image.fromarray(SMOOTH).save(tmp_path / "a.png")
    monkeypatch.setattr(pyvips.Image, "write_to_memory", fail)
    with pytest.raises(FileProblem, match="not enough memory"):
        read(tmp_path / "a.png")


# -- White and masks ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("white", [255, 65535])
def test_floats_of_integers_are_scaled_and_that_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, white: int
) -> None:
    values = (SMOOTH / 255 * white).astype(np.float32)
    pyvips.Image.new_from_array(values).tiffsave(str(tmp_path / "a.tif"))
    region, _ = read(tmp_path / "a.tif")
    assert np.abs(pixels(region) - SMOOTH / 255).max() < 1e-6
    assert f"{white} is taken for white" in caplog.text
    alpha = np.concatenate([values, np.ones((24, 40, 1), np.float32)], axis=2)
    pyvips.Image.new_from_array(alpha).tiffsave(str(tmp_path / "b.tif"))
    assert pixels(read(tmp_path / "b.tif")[0])[..., 3].min() == 1


@pytest.mark.parametrize(
    ("values", "white"),
    [
        ([0, 0.2, 0.5, 1], 1),
        ([0, 0, 0.01, 0.3, 400], 1),  # a lamp at night
        ([0.5, 1.5, 3, 8], 1),  # overexposed
        ([0, 0, 0, 128], 255),  # a mask with little in it
        ([3, 20, 255], 255),
        ([np.nan, np.inf, 0.5], 1),
        ([0, 12800], 65535),
        ([], 1),
    ],
)
def test_white_of_floats(values: list[float], white: float) -> None:
    assert float_white(np.array(values, np.float32)) == white


def test_floats_without_a_known_white_are_refused() -> None:
    with pytest.raises(FileProblem, match="from 2 to 1e"):
        float_white(np.array([2, 1e6], np.float32))


def test_of_a_cut_out_the_alpha_is_the_mask(tmp_path: Path) -> None:
    figure = np.zeros((8, 8, 4), np.uint8)
    figure[2:6, 2:6] = (5, 5, 5, 255)  # in dark clothes
    Image.fromarray(figure).save(tmp_path / "a.png")
    mask, resized = read_mask(tmp_path / "a.png", 8, 8)
    assert not resized
    assert np.array_equal(pixels(mask)[..., 0], figure[..., 3])
    opaque = figure.copy()
    opaque[..., 3] = 255
    assert pixels(coverage(Region(PixelFormat(8, 8), opaque.tobytes()))).max() < 10


def test_what_is_written_can_be_read() -> None:
    assert set(WRITABLE) < set(READABLE)
