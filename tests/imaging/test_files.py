"""Picture files: what comes in goes out, and what is broken is said in a sentence."""

from __future__ import annotations

import errno
import gc
import os
import stat
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image

from impasto.imaging.files import READABLE, FileProblem, FileThere, check_place, check_target, decode, read, write
from impasto.imaging.formats import WRITERS
from impasto.imaging.placing import PARTIAL
from impasto_link.pixels import PixelFormat, Region

NUMPY: dict[str, Any] = {"u8": np.uint8, "u16": np.uint16, "f16": np.float16, "f32": np.float32}


def smooth(height: int = 24, width: int = 40, channels: int = 4) -> np.ndarray:
    """A soft picture in [0, 1], which JPEG can keep."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [x / width, y / height, (x + y) / (height + width), 0.25 + 0.5 * x / width]
    return np.stack(planes[:channels] if channels > 2 else [planes[0], planes[3]][:channels], axis=-1)


def region(channels: str = "RGBA", dtype: str = "u8", profile: bytes | None = None, **more: object) -> Region:
    values = smooth(channels=len(channels) if not channels.startswith("GRAY") else 1 + channels.endswith("A"))
    if dtype in ("u8", "u16"):
        values = np.round(values * np.iinfo(NUMPY[dtype]).max)
    format = PixelFormat(40, 24, channels, dtype, "icc" if profile else str(more.get("encoding", "srgb")))
    return Region(format, values.astype(NUMPY[dtype]).tobytes(), profile)


def array(region: Region) -> np.ndarray:
    format = region.format
    return np.frombuffer(region.data, NUMPY[format.dtype]).reshape(format.height, format.width, -1)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF"])
@pytest.mark.parametrize("dtype", ["u8", "u16"])
@pytest.mark.parametrize("channels", ["GRAY", "GRAYA", "RGB", "RGBA"])
def test_lossless_files_come_back_bit_for_bit(tmp_path: Path, channels: str, dtype: str, suffix: str) -> None:
    before = region(channels, dtype)
    write(tmp_path / f"a{suffix}", before)
    after, _ = read(tmp_path / f"a{suffix}")
    assert after.format == before.format
    assert after.data == before.data


@pytest.mark.parametrize("channels", ["GRAY", "RGB", "RGBA"])
def test_floats_come_back_from_tiff(tmp_path: Path, channels: str) -> None:
    values = array(region(channels, "f32")) * 4 - 1
    before = Region(region(channels, "f32").format, values.tobytes())
    write(tmp_path / "a.tif", before)
    after, _ = read(tmp_path / "a.tif")
    assert after.format == before.format
    assert after.data == before.data


@pytest.mark.parametrize("channels", ["GRAY", "RGB"])
@pytest.mark.parametrize("suffix", [".jpg", ".jpeg", ".webp", ".avif"])
def test_lossy_files_come_back_nearly(tmp_path: Path, channels: str, suffix: str) -> None:
    write(tmp_path / f"a{suffix}", region(channels))
    after, _ = read(tmp_path / f"a{suffix}")
    assert after.format.dtype == "u8"
    assert np.abs(array(after).astype(int) - array(region(channels))).max() < 8


@pytest.mark.parametrize("channels", ["RGB", "RGBA"])
def test_avif_keeps_twelve_of_sixteen_bits_and_says_so(
    tmp_path: Path, channels: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path / "a.avif", region(channels, "u16"))
    assert "a.avif has 12 bits a channel" in caplog.text
    after, _ = read(tmp_path / "a.avif")
    assert after.format.dtype == "u16"
    assert np.abs(array(after) / 65535 - array(region(channels, "u16")) / 65535).max() < 0.02


@pytest.mark.parametrize("bits", [10, 12])
@pytest.mark.parametrize("value", [0, 1 << 15, 65535])
def test_white_of_ten_and_twelve_bits_is_white(tmp_path: Path, bits: int, value: int) -> None:
    image = (pyvips.Image.black(16, 16, bands=3) + value).cast("ushort").copy(interpretation="rgb16")
    image.heifsave(str(tmp_path / "a.avif"), compression="av1", bitdepth=bits, lossless=True, subsample_mode="off")
    after, _ = read(tmp_path / "a.avif")
    assert np.abs(array(after).astype(int) - value).max() <= 65535 >> bits
    assert value < 65535 or array(after).min() == 65535


def test_jpeg_keeps_full_colour_resolution(tmp_path: Path) -> None:
    write(tmp_path / "a.jpg", region("RGB"))
    with Image.open(tmp_path / "a.jpg") as image:
        assert {layer[1:3] for layer in vars(image)["layer"]} == {(1, 1)}


def test_jpeg_puts_transparency_on_white(tmp_path: Path) -> None:
    clear = Region(PixelFormat(8, 8), bytes(8 * 8 * 4))
    write(tmp_path / "a.jpg", clear)
    after, _ = read(tmp_path / "a.jpg")
    assert after.format.channels == "RGB"
    assert array(after).min() >= 254


@pytest.mark.parametrize("suffix", [".png", ".tif", ".webp", ".avif"])
def test_alpha_stays(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / f"a{suffix}", region("RGBA"))
    after, _ = read(tmp_path / f"a{suffix}")
    assert np.abs(array(after)[..., 3].astype(int) - array(region("RGBA"))[..., 3]).max() <= 1


def test_number_formats_that_a_file_cannot_hold_become_smaller(tmp_path: Path) -> None:
    for dtype, suffix, expected in (("f32", ".png", "u16"), ("f16", ".png", "u16"), ("u16", ".jpg", "u8")):
        write(tmp_path / f"a{suffix}", region("RGB", dtype))
        after, _ = read(tmp_path / f"a{suffix}")
        assert after.format.dtype == expected
        before, white = array(region("RGB", dtype)).astype(float), 65535 if dtype == "u16" else 1
        assert np.abs(array(after) / np.iinfo(NUMPY[expected]).max - before / white).max() < 0.02
    write(tmp_path / "half.tif", region("RGB", "f16"))
    assert read(tmp_path / "half.tif")[0].format.dtype == "f32"


def test_channel_order_premultiplication_and_linear_light_are_undone(tmp_path: Path) -> None:
    pixel = np.array([[[10, 20, 40, 128]]], np.uint8)
    write(tmp_path / "a.png", Region(PixelFormat(1, 1, "BGRA", premultiplied=True), pixel.tobytes()))
    assert array(read(tmp_path / "a.png")[0])[0, 0].tolist() == [80, 40, 20, 128]
    light = np.array([0.2140411, 1.0, 0.0], np.float32)
    write(tmp_path / "b.png", Region(PixelFormat(1, 1, "RGB", "f32", "linear"), light.tobytes()))
    assert array(read(tmp_path / "b.png")[0])[0, 0].tolist() == pytest.approx([32768, 65535, 0], abs=2)


# -- Profiles and metadata ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp", ".avif"])
def test_profile_stays(tmp_path: Path, profiles: dict[str, bytes], suffix: str) -> None:
    write(tmp_path / f"a{suffix}", region("RGB", profile=profiles["adobe"]))
    after, _ = read(tmp_path / f"a{suffix}")
    assert after.format.encoding == "icc"
    assert after.profile == profiles["adobe"]


def test_gray_profile_stays(tmp_path: Path, gray_profiles: dict[str, bytes]) -> None:
    write(tmp_path / "a.png", region("GRAY", "u16", gray_profiles["gamma"]))
    after, _ = read(tmp_path / "a.png")
    assert after.profile == gray_profiles["gamma"]
    assert after.data == region("GRAY", "u16").data
    write(tmp_path / "a.webp", region("GRAY", profile=gray_profiles["gamma"]))
    assert read(tmp_path / "a.webp")[0].format.channels == "RGB"


def test_profile_of_other_pixels_is_passed_over(tmp_path: Path, profiles: dict[str, bytes]) -> None:
    Image.fromarray(array(region("GRAY"))[..., 0]).save(tmp_path / "a.png", icc_profile=profiles["adobe"])
    after, _ = read(tmp_path / "a.png")
    assert after.format.encoding == "srgb"
    assert after.format.channels == "GRAY"


def test_upright_with_metadata(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "A camera"
    Image.fromarray(array(region("RGB"))).save(tmp_path / "a.jpg", exif=exif, dpi=(300, 300), quality=95)
    turned, info = read(tmp_path / "a.jpg")
    assert (turned.format.width, turned.format.height) == (24, 40)
    assert info.dpi == pytest.approx((300, 300), rel=1e-3)
    upright = np.rot90(array(region("RGB")), -1)
    assert np.abs(array(turned).astype(int) - upright).max() < 16
    for suffix in (".jpg", ".png", ".webp", ".tif"):
        write(tmp_path / f"b{suffix}", turned, info)
        again, _ = read(tmp_path / f"b{suffix}")
        assert again.format == turned.format
        with Image.open(tmp_path / f"b{suffix}") as image:
            assert image.getexif().get(0x0112, 1) == 1
            if suffix != ".tif":
                assert image.getexif()[0x010F].startswith("A camera")
            if suffix != ".webp":
                assert float(image.info["dpi"][0]) == pytest.approx(300, rel=1e-2)


# -- Other kinds of picture --------------------------------------------------------------------------------------------


def test_palette_becomes_colours(tmp_path: Path) -> None:
    image = Image.fromarray(array(region("RGB"))).quantize(16)
    image.save(tmp_path / "a.png")
    image.save(tmp_path / "a.gif")
    image.save(tmp_path / "t.png", transparency=0)
    expected = np.asarray(image.convert("RGB"))
    for name in ("a.png", "a.gif", "t.png"):
        after, _ = read(tmp_path / name)
        assert after.format.dtype == "u8"
        visible = array(after)[..., -1] > 0 if after.format.has_alpha else np.ones((24, 40), bool)
        assert np.array_equal(array(after)[visible][:, :3], expected[visible])
    assert after.format.channels == "RGBA"


def test_one_bit_becomes_black_and_white(tmp_path: Path) -> None:
    Image.fromarray(array(region("GRAY"))[..., 0] > 100).save(tmp_path / "a.png")
    after, _ = read(tmp_path / "a.png")
    assert after.format.channels == "GRAY"
    assert set(np.unique(array(after))) == {0, 255}


def test_cmyk_jpeg_becomes_srgb(tmp_path: Path) -> None:
    red = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    red.save(tmp_path / "a.jpg", quality=95)
    after, _ = read(tmp_path / "a.jpg")
    assert (after.format.channels, after.format.encoding, after.profile) == ("RGB", "srgb", None)
    r, g, b = array(after)[8, 8].tolist()
    assert r > 180
    assert g < 90
    assert b < 90


def test_lab_tiff_becomes_srgb(tmp_path: Path) -> None:
    pyvips.Image.new_from_array(array(region("RGB"))).copy(interpretation="srgb").colourspace("lab").tiffsave(
        str(tmp_path / "a.tif")
    )
    after, _ = read(tmp_path / "a.tif")
    assert np.abs(array(after) / 257 - array(region("RGB"))).max() < 2


# -- Several pages and frames ------------------------------------------------------------------------------------------


def shades(*sizes: int) -> list[Image.Image]:
    """Pictures of one colour each, in squares of these sides."""
    return [Image.new("RGB", (size, size), (60 * number, 0, 90)) for number, size in enumerate(sizes)]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif", ".bmp", ".gif"])
def test_a_files_bytes_are_read_as_the_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"picture{suffix}"
    shades(40)[0].convert("RGB").save(path)
    of_file, info = read(path)
    of_bytes, same_info = decode(path.read_bytes(), path.name)
    assert (of_bytes, same_info) == (of_file, info)


@pytest.mark.parametrize("data", [b"", b"no picture", b"\x89PNG\r\n\x1a\n" + bytes(40)])
def test_bytes_that_are_no_picture_are_refused_in_words(data: bytes) -> None:
    with pytest.raises(FileProblem, match=r"upload\.png"):
        decode(data, "upload.png")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("m.tif", "m.tif has 3 pages, of which the first is read; impasto video paints all"),
        ("m.gif", "m.gif has 3 frames, of which the first is read; impasto video paints all"),
        ("m.webp", "m.webp has 3 frames, of which the first is read; impasto video paints all"),
        ("m.png", "m.png has 3 frames, of which the first is read; impasto video paints all"),
    ],
)
def test_that_only_the_first_of_several_is_read_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, words: str
) -> None:
    first, *others = shades(32, 32, 32)
    first.save(tmp_path / name, save_all=True, append_images=others)
    after, _ = read(tmp_path / name)
    assert (after.format.width, after.format.height) == (32, 32)
    assert np.abs(array(after)[..., :3].astype(int) - np.asarray(first)).max() < 8
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert caplog.messages[0].endswith(words)


@pytest.mark.parametrize("name", ["one.tif", "one.gif", "one.webp", "one.png", "one.jpg"])
def test_nothing_is_said_of_a_single_picture(tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str) -> None:
    shades(32)[0].save(tmp_path / name)
    read(tmp_path / name)
    assert not caplog.records


@pytest.mark.parametrize("big", [False, True])
def test_smaller_copies_in_a_tiff_are_no_pages(tmp_path: Path, caplog: pytest.LogCaptureFixture, big: bool) -> None:
    image = pyvips.Image.new_from_array(array(region("RGB"))).resize(10)
    for inside in (False, True):
        image.tiffsave(str(tmp_path / "a.tif"), tile=True, pyramid=True, subifd=inside, bigtiff=big)
        after, _ = read(tmp_path / "a.tif")
        assert (after.format.width, after.format.height) == (400, 240)
    assert not caplog.records


@pytest.mark.parametrize("order", [b"II", b"MM"])
def test_pages_are_counted_without_their_thumbnails(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, order: bytes
) -> None:
    """As a scanner writes them: each page, and after it a small one."""
    sizes = (32, 8, 32, 8)
    shift = "<" if order == b"II" else ">"
    data = order + struct.pack(f"{shift}HI", 42, 8)
    for number, size in enumerate(sizes):
        # Nine tags of long numbers, where the next page is, and gray pixels.
        pixels = len(data) + 2 + 9 * 12 + 4
        after = pixels + size * size if number + 1 < len(sizes) else 0
        tags = {254: size < 32, 256: size, 257: size, 258: 8, 259: 1, 262: 1, 273: pixels, 278: size, 279: size * size}
        entries = b"".join(struct.pack(f"{shift}HHII", tag, 4, 1, value) for tag, value in tags.items())
        data += struct.pack(f"{shift}H", len(tags)) + entries + struct.pack(f"{shift}I", after) + bytes(size * size)
    (tmp_path / "scans.tif").write_bytes(data)
    assert read(tmp_path / "scans.tif")[0].format.width == 32
    assert caplog.messages[-1].endswith("scans.tif has 2 pages, of which the first is read; impasto video paints all")


# -- Names -------------------------------------------------------------------------------------------------------------

#: Names that libvips cannot have as they are: the ends of two are load options to it, and one is no UTF-8.
ODD_NAMES = [b"photo.png [copy]", b"a [b].[c]", b"Caf\xe9"]


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="names are UTF-8 there")
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif", ".avif"])
@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_is_read_and_written(
    tmp_path: Path, profiles: dict[str, bytes], caplog: pytest.LogCaptureFixture, name: bytes, suffix: str
) -> None:
    folder = tmp_path / os.fsdecode(name)
    folder.mkdir()
    odd, plain = folder / f"{os.fsdecode(name)}{suffix}", tmp_path / f"a{suffix}"
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(array(region("RGB"))).save(plain, exif=exif, icc_profile=profiles["adobe"])
    odd.write_bytes(plain.read_bytes())
    (folder / os.fsdecode(name)).write_bytes(plain.read_bytes())
    assert read(odd) == read(folder / os.fsdecode(name)) == read(plain)
    assert read(odd)[0].profile == profiles["adobe"]
    write(odd, *read(plain))
    assert odd in folder.iterdir()
    assert read(odd)[0].format == read(plain)[0].format
    for damaged in (odd.read_bytes()[:500], b"no picture"):
        odd.write_bytes(damaged)
        with pytest.raises(FileProblem, match=r"damaged|not a picture"):
            read(odd)
    odd.write_bytes(b"")
    with pytest.raises(FileProblem, match="is empty"):
        read(odd)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="counts the open files as Linux lists them")
@pytest.mark.parametrize("name", ["a.png", "a.png [copy]"])
def test_no_file_stays_open(tmp_path: Path, name: str) -> None:
    def still_open() -> list[str]:
        gc.collect()
        return [str(one.readlink()) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()]

    Image.fromarray(array(region("RGB"))).save(tmp_path / name, format="PNG")
    (tmp_path / f"cut {name}").write_bytes((tmp_path / name).read_bytes()[:100])
    read(tmp_path / name)
    with pytest.raises(FileProblem):
        read(tmp_path / f"cut {name}")
    assert not [path for path in still_open() if path.startswith(str(tmp_path))]


# -- What can go wrong -------------------------------------------------------------------------------------------------


def test_reading_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("no picture at all " * 100)
    for name, message in (
        ("none.png", "no file"),
        (".", "is a folder"),
        ("empty.png", "is empty"),
        ("text.png", "not a picture"),
        ("text.png/a.png", "not a folder"),
    ):
        with pytest.raises(FileProblem, match=message):
            read(tmp_path / name)


@pytest.mark.parametrize("kept", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".avif"])
def test_files_cut_short_are_refused(tmp_path: Path, suffix: str, kept: float) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    write(tmp_path / f"a{suffix}", Region(PixelFormat(200, 200, "RGB"), noise.tobytes()))
    data = (tmp_path / f"a{suffix}").read_bytes()
    (tmp_path / f"b{suffix}").write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(FileProblem, match=r"damaged|not a picture"):
        read(tmp_path / f"b{suffix}")


def png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("size", [(100_000, 100_000), (1 << 19, 4)])
def test_huge_claims_are_refused_before_decoding(tmp_path: Path, size: tuple[int, int]) -> None:
    (tmp_path / "a.png").write_bytes(png_header(*size))
    with pytest.raises(FileProblem, match="claims to be"):
        read(tmp_path / "a.png")


def test_a_file_that_changed_is_read_again(tmp_path: Path) -> None:
    for value in (10, 200):
        write(tmp_path / "a.png", Region(PixelFormat(4, 4, "GRAY"), bytes([value] * 16)))
        assert array(read(tmp_path / "a.png")[0])[0, 0, 0] == value


def test_unknown_suffixes_are_refused(tmp_path: Path) -> None:
    for name in ("a.xyz", "a", "a.psd"):
        with pytest.raises(FileProblem, match=r"saved as|suffix") as caught:
            write(tmp_path / name, region())
        assert ".png" in caught.value.hint
    assert not list(tmp_path.iterdir())


def test_writing_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    for name, message in (
        ("none/a.png", "no folder"),
        ("file/a.png", "not a folder"),
        ("folder.png", "is a folder"),
        ("x" * 300 + ".png", "too long"),
    ):
        with pytest.raises(FileProblem, match=message):
            write(tmp_path / name, region())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.png"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_folders_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(FileProblem, match="permission"):
            write(tmp_path / "a.png", region())
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize(
    ("code", "message"),
    [(errno.ENOSPC, "disk is full"), (errno.EACCES, "permission"), (errno.EIO, "could not be written")],
)
def test_a_failure_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, message: str
) -> None:
    write(tmp_path / "a.png", region())
    before = (tmp_path / "a.png").read_bytes()

    def fail(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(FileProblem, match=message):
        write(tmp_path / "a.png", region("GRAY"))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert (tmp_path / "a.png").read_bytes() == before


def test_pictures_too_large_for_a_format(tmp_path: Path) -> None:
    wide = Region(PixelFormat(70_000, 1, "GRAY"), bytes(70_000))
    with pytest.raises(FileProblem, match=r"cannot be saved as \.webp"):
        write(tmp_path / "a.webp", wide)
    write(tmp_path / "a.png", wide)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


@pytest.mark.parametrize("second_names", [True, False])
def test_what_is_there_stays_unless_it_may_be_replaced(
    tmp_path: Path, second_names: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object) -> None:
        raise PermissionError(errno.EPERM, "as FAT says it")

    if not second_names:
        monkeypatch.setattr(os, "link", refused)
    write(tmp_path / "new.png", region(), replace=False)
    assert read(tmp_path / "new.png")[0] == region()
    (tmp_path / "old.png").write_bytes(b"old")
    if os.name != "nt":
        (tmp_path / "link.png").symlink_to("nowhere.png")
    names = sorted(path.name for path in tmp_path.iterdir())
    for name in names:
        with pytest.raises(FileThere, match="there already"):
            write(tmp_path / name, region(), replace=False)
    assert (tmp_path / "old.png").read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == names


@pytest.mark.skipif(os.name == "nt", reason="rights and links are those of POSIX")
def test_rights_and_links_are_kept(tmp_path: Path) -> None:
    write(tmp_path / "a.png", region())
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o666 & ~mask
    (tmp_path / "a.png").chmod(0o640)
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    write(tmp_path / "link.png", region("GRAY"))
    assert (tmp_path / "link.png").is_symlink()
    assert stat.S_IMODE((tmp_path / "a.png").stat().st_mode) == 0o640
    assert read(tmp_path / "a.png")[0].format.channels == "GRAY"


def test_torch_is_not_needed() -> None:
    code = "import sys, impasto.imaging.files; sys.exit('torch' in sys.modules)"
    paths = os.pathsep.join(sys.path)
    assert subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": paths}).returncode == 0


# -- File systems that cannot do all -----------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["chmod", "fsync"])
@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.EINVAL])
@pytest.mark.parametrize("there", [False, True])
def test_a_file_system_without_rights_or_fsync_takes_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int, there: bool
) -> None:
    """CIFS, FAT and many of FUSE: what can be written there is written."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    if there:
        write(tmp_path / "a.png", region("GRAY"))
        (tmp_path / "a.png").chmod(0o640)
    monkeypatch.setattr(os, call, refuse)
    write(tmp_path / "a.png", region())
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    assert read(tmp_path / "a.png")[0].data == region().data


def test_what_a_killed_run_leaves_behind_is_no_picture(tmp_path: Path) -> None:
    """The program is killed while it writes: what is left is hidden, and called what nothing reads."""
    code = (
        "import os, signal, sys; from impasto.imaging import files\n"
        "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
        "files.put(sys.argv[1], b'picture')"
    )
    paths = os.pathsep.join(sys.path)
    environment = {**os.environ, "PYTHONPATH": paths}
    subprocess.run([sys.executable, "-c", code, tmp_path / "a.png"], env=environment)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".a-")
    assert left.suffix == PARTIAL
    assert left.suffix not in READABLE


def test_a_write_protected_file_is_told_before_the_work(tmp_path: Path) -> None:
    write(tmp_path / "a.png", region())
    (tmp_path / "a.png").chmod(0o444)
    with pytest.raises(FileProblem, match=r"a\.png is write-protected"):
        check_place(tmp_path / "a.png")
    (tmp_path / "b.png").mkdir()
    for name, words in (("b.png", "is a folder"), ("c/a.png", "no folder"), ("x" * 300 + ".png", "too long")):
        with pytest.raises(FileProblem, match=words):
            check_place(tmp_path / name)
    check_place(tmp_path / "new.png")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]


@pytest.mark.parametrize(
    ("name", "width", "height"),
    [("a.webp", 16384, 64), ("a.WEBP", 64, 16384), ("a.jpg", 65501, 1), ("a.jpeg", 1, 65501)],
)
def test_what_a_format_cannot_hold_is_known_before_the_work(tmp_path: Path, name: str, width: int, height: int) -> None:
    check_target(tmp_path / name, min(width, 16383), min(height, 16383))
    with pytest.raises(FileProblem, match="holds at most") as caught:
        check_target(tmp_path / name, width, height)
    assert "PNG and TIFF" in caught.value.hint
    for suffix in (".png", ".tif"):
        check_target(tmp_path / f"a{suffix}", width, height)


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif"])
def test_the_limits_are_those_of_the_library(tmp_path: Path, suffix: str) -> None:
    longest = WRITERS[suffix].longest
    write(tmp_path / f"a{suffix}", Region(PixelFormat(longest, 1, "GRAY"), bytes(longest)))
    with pytest.raises(pyvips.Error):
        pyvips.Image.black(longest + 1, 1, bands=3).write_to_buffer(suffix)


def test_what_a_format_cannot_hold_of_the_numbers_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path / "a.jpg", region("RGB", "u16"))
    assert caplog.messages == [f"{tmp_path / 'a.jpg'} has 8 bits a channel: a file .jpg holds no more"]
    write(tmp_path / "a.png", region("RGB", "u16"))
    write(tmp_path / "b.jpg", region("RGB"))
    assert len(caplog.messages) == 1


def test_a_profile_that_a_format_cannot_hold_does_not_cost_the_picture(
    tmp_path: Path, profiles: dict[str, bytes], caplog: pytest.LogCaptureFixture
) -> None:
    for suffix, odd in ((".jpg", profiles["p3"] + bytes(17 << 20)), (".png", profiles["p3"] + bytes(64))):
        write(tmp_path / f"a{suffix}", region("RGB", profile=odd))
        again, _ = read(tmp_path / f"a{suffix}")
        assert again.format.encoding == "srgb"
        assert f"a file {suffix} cannot hold the colour profile" in caplog.text
