"""Colours of files: profiles that are damaged or lead one way, and what else a file says of its colours."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from imaging.conftest import ADOBE_RGB, SRGB, curves, gamma, lut16, parametric, profile, table, to_lab_tables
from impasto.imaging import icc, profiles
from impasto.imaging.color import linear_to_srgb
from impasto.imaging.files import FileProblem, read, settled, write
from impasto.imaging.pixels import check_way_back, decode
from impasto.imaging.said_colors import _ADOBE_RGB, _PRIMARIES
from impasto_link.errors import BadRequest
from impasto_link.pixels import PixelFormat, Region

NOISE = np.random.default_rng(0).integers(0, 256, (24, 40, 3), np.uint8)


def scanner(space: bytes = b"RGB ") -> bytes:
    """A profile with tables one way only."""
    if space == b"RGB ":
        return profile({b"A2B0": to_lab_tables()}, kind=b"scnr", pcs=b"Lab ")
    lightness = np.stack([np.linspace(0, 0xFF00, 9), np.full(9, 0x8000), np.full(9, 0x8000)], axis=-1) / 65535
    return profile({b"A2B0": lut16(1, 3, lightness)}, space=space, kind=b"scnr", pcs=b"Lab ")


# -- Damaged and one-way -----------------------------------------------------------------------------------------------

ADOBE = profile(ADOBE_RGB | curves(gamma(2.2)))
FALLING = profile(SRGB | curves(table(np.linspace(1, 0, 256))))
DAMAGED = {
    "cut": ADOBE[:-20],
    "no-mark": ADOBE[:36] + b"xxxx" + ADOBE[40:],
    "noise": NOISE.tobytes()[:500],
    "empty": bytes(16),
    "falls": FALLING,
    "gamma-0": profile(SRGB | curves(gamma(0))),
    "steep": profile(SRGB | curves(parametric(4, 30000, 1, 0, 0, 0, 0, 0))),
    "far": profile(SRGB | curves(parametric(3, 3000, 30000, 30000, 1, 30000))),
    "no-primaries": profile({**SRGB, b"rXYZ": SRGB[b"gXYZ"]} | curves(gamma(2.2))),
    "link": profile({b"A2B0": to_lab_tables()}, kind=b"link", pcs=b"RGB "),
}


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_a_damaged_profile_does_not_cost_the_picture(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, suffix: str
) -> None:
    Image.fromarray(NOISE).save(tmp_path / f"a{suffix}", icc_profile=DAMAGED[name])
    region, _ = read(tmp_path / f"a{suffix}")
    assert region.format.encoding == "srgb"
    assert "taken as sRGB" in caplog.text
    alone = settled(Region(PixelFormat(40, 24, "RGB", encoding="icc"), NOISE.tobytes(), DAMAGED[name]), "the image")
    assert alone == Region(PixelFormat(40, 24, "RGB"), NOISE.tobytes())


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp", ".avif"])
@pytest.mark.parametrize(
    "padded",
    [ADOBE + bytes(64), struct.pack(">I", len(ADOBE) + 4) + ADOBE[4:], struct.pack(">I", len(ADOBE) + 1) + ADOBE[4:]],
    ids=["longer", "shorter", "odd"],
)
def test_profiles_of_another_length_than_they_state_are_mended(tmp_path: Path, padded: bytes, suffix: str) -> None:
    Image.fromarray(NOISE).save(tmp_path / "a.jpg", icc_profile=padded)
    region, info = read(tmp_path / "a.jpg")
    assert region.profile == ADOBE
    write(tmp_path / f"b{suffix}", region, info)
    assert read(tmp_path / f"b{suffix}")[0].profile == ADOBE


@pytest.mark.parametrize(("mode", "space"), [("RGB", b"RGB "), ("L", b"GRAY")])
@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_profiles_of_scanners_become_srgb(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: str, space: bytes, suffix: str
) -> None:
    flat = Image.new(mode, (8, 8), 128 if mode == "L" else (128, 128, 128))
    flat.save(tmp_path / f"a{suffix}", icc_profile=scanner(space))
    region, _ = read(tmp_path / f"a{suffix}")
    assert (region.format.encoding, region.format.is_gray) == ("srgb", mode == "L")
    assert "leads only one way" in caplog.text
    # The toy of a scanner has L in proportion: the gray of L = 50 is 119 in sRGB.
    assert np.abs(np.frombuffer(region.data, np.uint8).astype(int) - 119).max() <= 2


def test_a_scanner_s_floats_stay_floats() -> None:
    values = np.full((4, 4, 3), 0.5, np.float32)
    region = Region(PixelFormat(4, 4, "RGB", "f32", "icc"), values.tobytes(), scanner())
    there = np.frombuffer(settled(region, "the image").data, np.float32)
    assert np.abs(there - 119 / 255).max() < 0.01


def test_the_server_reads_what_leads_one_way_and_says_before_painting_that_it_cannot_go_back() -> None:
    region = Region(PixelFormat(40, 24, "RGB", encoding="icc"), NOISE.tobytes(), scanner())
    assert decode(region).rgb.shape == (1, 3, 24, 40)
    with pytest.raises(BadRequest, match="not back, as those of scanners"):
        check_way_back(region)


@pytest.mark.parametrize("name", ["steep", "far"])
def test_curves_that_leave_the_numbers_are_damage(name: str) -> None:
    with pytest.raises(BadRequest, match="damaged"):
        icc.load_profile(DAMAGED[name], 3)


def test_steep_curves_stay_finite_in_bright_pictures() -> None:
    steep = icc.load_profile(profile(ADOBE_RGB | curves(gamma(15.0))), 3)
    assert torch.isfinite(steep.to_srgb(torch.tensor([1e12, -1e12, 3.0]).view(1, 3, 1, 1))).all()


def test_large_profiles_are_not_kept() -> None:
    padded = profile({**SRGB, b"more": bytes(5 << 20)} | curves(gamma(1.9)))
    assert icc.load_profile(padded, 3) is not icc.load_profile(padded, 3)


# -- Without a profile -------------------------------------------------------------------------------------------------


def png(chunks: dict[bytes, bytes], values: np.ndarray = NOISE) -> bytes:
    data = io.BytesIO()
    Image.fromarray(values).save(data, "PNG")
    more = b""
    for name, content in chunks.items():
        more += struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    return data.getvalue()[:33] + more + data.getvalue()[33:]


def chrm(points: tuple[tuple[float, float], ...]) -> bytes:
    return struct.pack(">8I", *(round(value * 100_000) for point in points for value in point))


def gama(value: int) -> bytes:
    return struct.pack(">I", value)


P3 = _PRIMARIES[12]


@pytest.mark.parametrize(
    "chunks",
    [
        {},
        {b"gAMA": gama(45455)},  # ImageMagick
        {b"gAMA": gama(45454), b"cHRM": chrm(((0.3127, 0.329), (0.64, 0.33), (0.3, 0.6), (0.15, 0.06)))},
        {b"sRGB": b"\0", b"gAMA": gama(100_000)},
        {b"cICP": bytes([1, 13, 0, 1])},
        {b"gAMA": gama(0)},
        {b"cHRM": bytes(32)},
        {b"gAMA": b"\0"},
    ],
)
def test_png_of_srgb_has_no_profile(tmp_path: Path, chunks: dict[bytes, bytes]) -> None:
    (tmp_path / "a.png").write_bytes(png(chunks))
    region, _ = read(tmp_path / "a.png")
    assert (region.format.encoding, region.data) == ("srgb", NOISE.tobytes())


@pytest.mark.parametrize(
    ("chunks", "points", "exponent"),
    [
        ({b"gAMA": gama(100_000)}, None, 1.0),
        ({b"gAMA": gama(55_556)}, None, 1.8),
        ({b"gAMA": gama(45_470), b"cHRM": chrm(_ADOBE_RGB)}, _ADOBE_RGB, 1 / 0.4547),
        ({b"cICP": bytes([12, 13, 0, 1]), b"gAMA": gama(100_000)}, P3, None),
        ({b"cICP": bytes([9, 8, 0, 1])}, _PRIMARIES[9], 1.0),
    ],
)
def test_what_a_png_says_of_its_colours_counts(
    tmp_path: Path, chunks: dict[bytes, bytes], points: tuple[tuple[float, float], ...] | None, exponent: float | None
) -> None:
    (tmp_path / "a.png").write_bytes(png(chunks))
    region, info = read(tmp_path / "a.png")
    assert region.profile is not None
    light = (torch.from_numpy(NOISE.copy()).float() / 255).permute(2, 0, 1)[None]
    srgb = decode(region).rgb
    if points is None:  # the primaries of sRGB: each channel has the light that its gamma says
        expected = linear_to_srgb(light**exponent) if exponent else light
        assert (srgb - expected).abs().max() < 2e-3
    else:  # pure red lies outside of sRGB; white and littlecms agree
        assert srgb.max() > 1.02
    write(tmp_path / "b.png", region, info)
    assert read(tmp_path / "b.png")[0].profile == region.profile
    ImageCms.getOpenProfile(io.BytesIO(region.profile))
    assert icc.load_profile(region.profile, 3).to_srgb(torch.ones(1, 3, 1, 1)).flatten().tolist() == pytest.approx(
        [1, 1, 1], abs=1e-3
    )


def test_the_profile_made_of_primaries_is_the_known_one(profiles: dict[str, bytes]) -> None:
    made = icc.load_profile(_built(P3), 3)
    known = icc.load_profile(profiles["p3"], 3)
    colors = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    assert (made.to_srgb(colors) - known.to_srgb(colors)).abs().max() < 0.012  # at black, where the curve is steep


def _built(points: tuple[tuple[float, float], ...]) -> bytes:
    return profiles.build(points[1:], points[0], profiles.SRGB_CURVE)


@pytest.mark.parametrize(("transfer", "name"), [(16, "PQ"), (18, "HLG")])
def test_high_dynamic_range_is_refused_in_words(tmp_path: Path, transfer: int, name: str) -> None:
    (tmp_path / "a.png").write_bytes(png({b"cICP": bytes([9, transfer, 0, 1])}))
    with pytest.raises(FileProblem, match=rf"high dynamic range \({name}\)"):
        read(tmp_path / "a.png")


def test_gray_with_gamma(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png({b"gAMA": gama(100_000)}, NOISE[..., 0].copy()))
    region, _ = read(tmp_path / "a.png")
    assert region.profile is not None
    assert profiles.fits(region.profile, gray=True)


def test_colours_of_avif_count(tmp_path: Path) -> None:
    data = io.BytesIO()
    Image.fromarray(NOISE).save(data, "AVIF")
    before = data.getvalue()
    place = before.index(b"colrnclx") + 8
    (tmp_path / "a.avif").write_bytes(before[:place] + b"\0\x0c" + before[place + 2 :])
    assert read(tmp_path / "a.avif")[0].profile == _built(P3)
    (tmp_path / "b.avif").write_bytes(before)
    assert read(tmp_path / "b.avif")[0].profile is None


def test_adobe_rgb_of_a_camera_counts(tmp_path: Path) -> None:
    """Cameras write no profile, but a mark in EXIF (DCF 2.0)."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
    Image.fromarray(NOISE).save(tmp_path / "a.jpg", exif=exif)
    region, _ = read(tmp_path / "a.jpg")
    assert region.profile == profiles.build(_ADOBE_RGB[1:], _ADOBE_RGB[0], profiles.power(563 / 256))
