"""What a file says besides its pixels: kept in every format that can hold it, and true of the painting."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image, PngImagePlugin
from PIL.TiffImagePlugin import IFDRational, ImageFileDirectory_v2

from impasto.imaging.files import read, write
from impasto.imaging.metadata import FileInfo, true_xmp
from impasto.imaging.tiff import look, with_exif

SUFFIXES = (".jpg", ".png", ".tif", ".webp", ".avif")
NOISE = np.random.default_rng(0).integers(0, 256, (24, 40, 3), np.uint8)
SPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "GCamera": "http://ns.google.com/photos/1.0/camera/",
    "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/",
    "Container": "http://ns.google.com/photos/1.0/container/",
    "Item": "http://ns.google.com/photos/1.0/container/item/",
}


def xmp(attributes: str, elements: str = "") -> bytes:
    spaces = " ".join(f'xmlns:{prefix}="{space}"' for prefix, space in SPACES.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        f'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" {spaces} {attributes}>'
        f'{elements}</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
    ).encode()


def photo(path: Path) -> Path:
    """A photo that says who made it, when and where."""
    exif = Image.Exif()
    exif[0x010F], exif[0x8298], exif[0x013B], exif[0x0132] = "Acme", "(c) Ann", "Ann", "2020:01:02 03:04:05"
    taken, place = {0x9003: "2020:01:02 03:04:05"}, {1: "N", 2: (52.0, 30.0, 0.0)}
    if path.suffix == ".tif":
        tags = ImageFileDirectory_v2()
        for tag, value in {**exif, 0x8769: taken, 0x8825: place}.items():
            tags[tag] = value
        Image.fromarray(NOISE).save(path, tiffinfo=tags, dpi=(300, 300))
        return path
    exif.get_ifd(0x8769).update(taken)
    exif.get_ifd(0x8825).update(place)
    Image.fromarray(NOISE).save(path, exif=exif, dpi=(300, 300))
    return path


@pytest.mark.parametrize("to", SUFFIXES)
@pytest.mark.parametrize("source", SUFFIXES)
def test_exif_and_resolution_go_from_every_format_to_every_other(tmp_path: Path, source: str, to: str) -> None:
    region, info = read(photo(tmp_path / f"a{source}"))
    if source in (".webp", ".avif"):
        assert info.dpi is None  # Pillow writes none into WebP and AVIF
        info = FileInfo((300, 300), info.exif)
    write(tmp_path / f"b{to}", region, info)
    again, kept = read(tmp_path / f"b{to}")
    assert kept.dpi == pytest.approx((300, 300), rel=1e-3)
    assert again.format == region.format
    with Image.open(tmp_path / f"b{to}") as image:
        exif = image.getexif()
        assert [str(exif[tag]).strip() for tag in (0x010F, 0x8298, 0x013B)] == ["Acme", "(c) Ann", "Ann"]
        assert exif.get_ifd(0x8769)[0x9003] == "2020:01:02 03:04:05"
        assert exif.get_ifd(0x8825)[2] == (52.0, 30.0, 0.0)
    if to in (".png", ".tif"):
        assert again.data == region.data


@pytest.mark.parametrize("big", [False, True])
def test_exif_is_kept_in_tiff_of_any_size(big: bool) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Acme"
    exif.get_ifd(0x8769)[0x9003] = "2020:01:02 03:04:05"
    data = with_exif(pyvips.Image.new_from_array(NOISE).tiffsave_buffer(bigtiff=big), exif.tobytes())
    assert look(io.BytesIO(data)).exif == exif.tobytes()
    assert np.array_equal(pyvips.Image.new_from_buffer(data, "", fail_on="warning").numpy(), NOISE)


@pytest.mark.parametrize("big", [False, True])
def test_exif_in_tiff_has_the_types_without_which_libtiff_passes_it_over(big: bool) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update(
        {37121: b"\1\2\3\0", 37510: b"ASCII\0\0\0a", 37380: IFDRational(0, 3), 33437: IFDRational(8)}
    )
    exif.get_ifd(0x8825).update({0: b"\2\3\0\0", 6: IFDRational(12), 27: b"ASCII\0\0\0GPS"})
    data = with_exif(pyvips.Image.new_from_array(NOISE).tiffsave_buffer(bigtiff=big), exif.tobytes())
    with Image.open(io.BytesIO(data)) as image:
        places = [image.getexif()[0x8769], image.getexif()[0x8825]]
    types: dict[int, int] = {}
    for place in places:
        directory = ImageFileDirectory_v2(data[: 16 if big else 8])
        file = io.BytesIO(data)
        file.seek(place)
        directory.load(file)
        types |= directory.tagtype
    assert types == {37121: 7, 37510: 7, 37380: 10, 33437: 5, 0: 1, 6: 5, 27: 7}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_thumbnail_of_the_photo_stays(tmp_path: Path, suffix: str) -> None:
    small = io.BytesIO()
    Image.fromarray(NOISE).resize((8, 8)).save(small, "JPEG")
    exif = Image.Exif()
    exif[0x010F] = "Acme"
    exif.get_ifd(1).update({0x0201: 0, 0x0202: len(small.getvalue())})
    exif.get_ifd(1)[0x0201] = len(exif.tobytes()) - 6  # behind the tags
    Image.fromarray(NOISE).save(tmp_path / "a.jpg", exif=exif.tobytes() + small.getvalue())
    assert small.getvalue()[20:] in (tmp_path / "a.jpg").read_bytes()
    write(tmp_path / f"b{suffix}", *read(tmp_path / "a.jpg"))
    assert small.getvalue()[20:] not in (tmp_path / f"b{suffix}").read_bytes()


def test_a_resolution_that_is_not_known_is_not_made_up(tmp_path: Path) -> None:
    Image.fromarray(NOISE).save(tmp_path / "a.png")
    region, info = read(tmp_path / "a.png")
    assert info.dpi is None
    write(tmp_path / "b.png", region, info)
    with Image.open(tmp_path / "b.png") as image:
        assert "dpi" not in image.info
        assert np.array_equal(np.asarray(image), NOISE)
    Image.fromarray(NOISE).convert("LAB").save(tmp_path / "c.tif")  # read by Pillow, which says 1 where there is none
    assert read(tmp_path / "c.tif")[1].dpi is None


def test_texts_of_png_stay(tmp_path: Path) -> None:
    texts = PngImagePlugin.PngInfo()
    texts.add_text("Author", "Ann")
    Image.fromarray(NOISE).save(tmp_path / "a.png", pnginfo=texts)
    write(tmp_path / "b.png", *read(tmp_path / "a.png"))
    with Image.open(tmp_path / "b.png") as image:
        assert image.info["Author"] == "Ann"


def test_what_was_without_loss_stays_without_loss(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clear = np.concatenate([NOISE, np.zeros((24, 40, 1), np.uint8)], axis=2)
    Image.fromarray(clear).save(tmp_path / "a.webp", lossless=True, exact=True, exif=b"Exif\0\0")
    region, info = read(tmp_path / "a.webp")
    write(tmp_path / "b.webp", region, info)
    assert info.lossless
    assert read(tmp_path / "b.webp")[0].data == clear.tobytes() == region.data
    Image.fromarray(NOISE).save(tmp_path / "c.webp")
    assert not read(tmp_path / "c.webp")[1].lossless


# -- XMP ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_xmp_is_kept_and_true(tmp_path: Path, caplog: pytest.LogCaptureFixture, suffix: str) -> None:
    """A sideways photo of a phone, with a gain map and a video behind it."""
    said = xmp(
        'dc:creator="Änn" tiff:Orientation="6" exif:PixelXDimension="24" GCamera:MotionPhoto="1" '
        'GCamera:MicroVideoOffset="5024" hdrgm:Version="1.0"',
        "<tiff:Make>Acme</tiff:Make><tiff:ImageWidth>24</tiff:ImageWidth><Container:Directory><rdf:Seq><rdf:li "
        'rdf:parseType="Resource"><Container:Item Item:Semantic="GainMap" Item:Length="4000"/></rdf:li></rdf:Seq>'
        "</Container:Directory>",
    )
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(NOISE).save(tmp_path / "a.jpg", exif=exif, xmp=said)
    write(tmp_path / f"b{suffix}", *read(tmp_path / "a.jpg"))
    assert "has a gain map" in caplog.text
    kept = bytes(pyvips.Image.new_from_file(str(tmp_path / f"b{suffix}")).get("xmp-data"))
    assert "Änn".encode() in kept
    assert b"<tiff:Make>Acme</tiff:Make>" in kept
    for gone in (b"Orientation", b"Dimension", b"ImageWidth", b"Motion", b"MicroVideo", b"hdr-gain-map", b"GainMap"):
        assert gone not in kept


def test_xmp_in_which_nothing_is_untrue_stays_as_it_is() -> None:
    plain = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"  ><!-- as written --></x:xmpmeta>'
    assert true_xmp(plain) is plain
    assert b'dc:creator="Ann"' in true_xmp(xmp('dc:creator="Ann"'))


def test_xmp_that_is_damaged_or_declares_entities_is_left_out() -> None:
    sideways = xmp('tiff:Orientation="6"')
    assert true_xmp(sideways[:-60]) == b""
    assert true_xmp(b'<!DOCTYPE a [<!ENTITY b "c">]>' + sideways) == b""
