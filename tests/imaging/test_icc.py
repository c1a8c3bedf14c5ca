"""Colour profiles against littlecms and against damage."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import pyvips
import torch

from impasto.imaging import icc
from impasto.imaging.color import linear_to_srgb
from impasto_link.errors import BadRequest

RGB = ("adobe", "adobe-linear", "adobe-table", "adobe-three-curves", "p3", "table")


def colors(seed: int = 0, low: float = 0.02) -> torch.Tensor:
    return torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(seed)) * (1 - low) + low


def lab_of(device: torch.Tensor, data: bytes) -> torch.Tensor:
    """What littlecms makes of 16-bit device numbers."""
    numbers = (device[0].permute(1, 2, 0) * 65535).round().numpy().astype(np.uint16)
    image = pyvips.Image.new_from_array(np.ascontiguousarray(numbers))
    image = image.copy(interpretation="rgb16" if device.shape[1] == 3 else "grey16")
    image.set_type(pyvips.GValue.blob_type, "icc-profile-data", data)
    lab = image.icc_import(embedded=True, pcs="lab", intent="relative").numpy()
    return torch.from_numpy(lab).permute(2, 0, 1)[None]


@pytest.mark.parametrize("name", RGB)
def test_agrees_with_littlecms(profiles: dict[str, bytes], name: str) -> None:
    device = colors(low=0.1)
    ours = icc.load_profile(profiles[name], 3).to_srgb(device)
    expected = icc._lab_to_srgb(lab_of(device, profiles[name]))
    inside = ((expected > 0.02) & (expected < 1)).all(dim=1, keepdim=True)
    assert inside.float().mean() > 0.3
    assert ((ours - expected).abs() * inside).max() < 0.003


@pytest.mark.parametrize("name", ["gamma", "linear"])
def test_gray_agrees_with_littlecms(gray_profiles: dict[str, bytes], name: str) -> None:
    device = torch.linspace(0.1, 1, 64).view(1, 1, 8, 8)  # littlecms rounds the darks of gray
    ours = icc.load_profile(gray_profiles[name], 1).to_srgb(device)
    assert ours.shape == device.shape
    expected = icc._lab_to_srgb(lab_of(device, gray_profiles[name]))
    torch.testing.assert_close(ours.expand(-1, 3, -1, -1), expected, rtol=0, atol=0.002)


@pytest.mark.parametrize("name", RGB)
def test_there_and_back(profiles: dict[str, bytes], name: str) -> None:
    profile = icc.load_profile(profiles[name], 3)
    device = colors(low=0.1)
    if name == "table":  # of coarse tables, which end at its gamut
        device = 0.25 + 0.5 * device
    back = profile.from_srgb(profile.to_srgb(device))
    torch.testing.assert_close(back, device, rtol=0, atol=0.01 if name == "table" else 2e-5)


def test_floats_keep_what_lies_outside(profiles: dict[str, bytes]) -> None:
    for name in ("adobe", "adobe-linear", "adobe-table"):
        profile = icc.load_profile(profiles[name], 3)
        device = torch.tensor([[4.0, 2.0, 0.5], [0.0, 1.0, 0.0], [-0.2, 0.5, 0.5]]).T.reshape(1, 3, 1, 3)
        srgb = profile.to_srgb(device)
        assert srgb.max() > 1
        assert srgb.min() < 0
        torch.testing.assert_close(profile.from_srgb(srgb), device, rtol=1e-3, atol=5e-3)


@pytest.mark.parametrize("name", RGB)
def test_white_and_grays_are_neutral(profiles: dict[str, bytes], name: str) -> None:
    gray = torch.linspace(0, 1, 11).view(1, 1, 1, 11).expand(1, 3, 1, 11)
    if name == "adobe-three-curves":
        gray = gray[..., -1:]
    srgb = icc.load_profile(profiles[name], 3).to_srgb(gray)
    assert (srgb.amax(dim=1) - srgb.amin(dim=1)).max() < 2e-3
    assert srgb[..., -1].mean().item() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", ["srgb-parametric", "srgb-table", "vips-srgb"])
def test_srgb_is_recognised(profiles: dict[str, bytes], name: str) -> None:
    assert isinstance(icc.load_profile(profiles[name], 3), icc.SRGB)


def test_linear_srgb_is_recognised(profiles: dict[str, bytes], gray_profiles: dict[str, bytes]) -> None:
    for profile in (icc.load_profile(profiles["srgb-linear"], 3), icc.load_profile(gray_profiles["linear"], 1)):
        assert isinstance(profile, icc.LINEAR)
        assert torch.equal(profile.to_srgb(torch.tensor([0.2])), linear_to_srgb(torch.tensor([0.2])))


@pytest.mark.parametrize("name", RGB)
def test_others_are_not_taken_for_srgb(profiles: dict[str, bytes], name: str) -> None:
    assert not isinstance(icc.load_profile(profiles[name], 3), (icc.SRGB, icc.LINEAR))


def test_a_profile_is_read_once(profiles: dict[str, bytes]) -> None:
    again = bytes(bytearray(profiles["adobe"]))
    assert icc.load_profile(profiles["adobe"], 3) is icc.load_profile(again, 3)


@pytest.mark.parametrize("cut", [0, 40, 131, 140, 200, 380])
@pytest.mark.parametrize("name", ["adobe", "adobe-table", "table"])
def test_damaged_profiles_are_refused(profiles: dict[str, bytes], name: str, cut: int) -> None:
    with pytest.raises(BadRequest, match="damaged"):
        icc.load_profile(profiles[name][:cut], 3)


def test_noise_in_a_profile_is_refused_or_read_but_never_crashes(profiles: dict[str, bytes]) -> None:
    generator = np.random.default_rng(0)
    for name in ("adobe", "adobe-three-curves", "srgb-parametric"):
        for _ in range(60):
            data = bytearray(profiles[name])
            for place in generator.integers(0, min(len(data), 600), 4):
                data[place] = generator.integers(0, 256)
            try:
                profile = icc.load_profile(bytes(data), 3)
            except BadRequest:
                continue
            assert torch.isfinite(profile.to_srgb(colors())).all()


def test_tables_that_littlecms_refuses_are_refused(profiles: dict[str, bytes]) -> None:
    data = bytearray(profiles["table"])
    data[data.index(b"mft2") : data.index(b"mft2") + 4] = b"none"
    with pytest.raises(BadRequest):
        icc.load_profile(bytes(data), 3)


def test_a_curve_that_falls_is_refused(profiles: dict[str, bytes]) -> None:
    data = bytearray(profiles["adobe-table"])
    start = data.index(b"curv") + 12
    data[start : start + 2048] = struct.pack(">1024H", *range(65535, 65535 - 1024 * 60, -60))
    with pytest.raises(BadRequest, match="damaged"):
        icc.load_profile(bytes(data), 3)


def test_profiles_for_other_pixels_are_refused(
    profiles: dict[str, bytes], gray_profiles: dict[str, bytes], cmyk_profile: bytes
) -> None:
    with pytest.raises(BadRequest, match="RGB profile, but gray pixels"):
        icc.load_profile(profiles["adobe"], 1)
    with pytest.raises(BadRequest, match="gray profile, but RGB pixels"):
        icc.load_profile(gray_profiles["gamma"], 3)
    with pytest.raises(BadRequest, match="CMYK"):
        icc.load_profile(cmyk_profile, 3)


@pytest.mark.parametrize(
    "curve",
    [
        icc.PowerCurve(1.8),
        icc.PowerCurve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045),
        icc.PowerCurve(2.0, 0.9, 0.1, 0.361, 0.1, 0.0, 0.0),
        icc.TableCurve(np.linspace(0, 1, 256) ** 2.2),
        icc.TableCurve(np.array([0.0, 0.1, 0.1, 0.6, 1.0, 1.0])),
    ],
)
def test_curves_invert(curve: icc.Curve) -> None:
    y = torch.linspace(-1, 1, 201)
    torch.testing.assert_close(curve.linear(curve.device(y)), y, rtol=0, atol=1e-5)
