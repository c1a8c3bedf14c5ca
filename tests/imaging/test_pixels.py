"""Decoding and encoding: every format comes back, and hidden colours stay hidden."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.imaging.color import linear_to_srgb, luma
from impasto.imaging.pixels import Picture, blend, decode, encode, fill_transparent
from impasto_link.errors import BadRequest
from impasto_link.pixels import CHANNELS, Buffer, PixelFormat, Region

NUMPY: dict[str, Any] = {"u8": np.uint8, "u16": np.uint16, "f16": np.float16, "f32": np.float32}
channel_orders = st.sampled_from(sorted(CHANNELS))
sides = st.integers(1, 9)
seeds = st.integers(0, 2**32 - 1)


def make(
    format: PixelFormat, seed: int = 0, low: float = -0.5, high: float = 3.0, profile: bytes | None = None
) -> Region:
    """A region of random pixels; premultiplied ones are such as can be."""
    generator = np.random.default_rng(seed)
    shape = (format.height, format.width, format.channel_count)
    values: np.ndarray
    if format.dtype in ("u8", "u16"):
        white = np.iinfo(NUMPY[format.dtype]).max
        values = generator.integers(0, white + 1, shape)
        if format.premultiplied and format.has_alpha:
            values[..., :-1] = np.round(values[..., :-1] / white * values[..., -1:])
    else:
        values = generator.uniform(low, high, shape)
        if format.has_alpha:
            values[..., -1] = generator.uniform(0.01, 1, shape[:2])
    return Region(format, values.astype(NUMPY[format.dtype]).tobytes(), profile)


def array(data: Buffer, format: PixelFormat) -> np.ndarray:
    values = np.frombuffer(data, NUMPY[format.dtype]).reshape(format.height, format.width, format.channel_count)
    return values.astype(np.float64)


def round_trip(region: Region) -> tuple[bytes, Picture]:
    picture = decode(region)
    # A copy, because of picture.rgb itself encode gives the bytes that came.
    return encode(picture.rgb.clone(), picture), picture


@settings(max_examples=150, deadline=None)
@given(
    sides,
    sides,
    channel_orders,
    st.sampled_from(["u8", "u16"]),
    st.sampled_from(["srgb", "linear"]),
    st.booleans(),
    seeds,
)
def test_integers_come_back_bit_for_bit(
    width: int, height: int, channels: str, dtype: str, encoding: str, premultiplied: bool, seed: int
) -> None:
    region = make(PixelFormat(width, height, channels, dtype, encoding, premultiplied), seed)
    data, picture = round_trip(region)
    assert data == region.data
    assert picture.rgb.shape == (1, 3, height, width)
    assert picture.rgb.dtype == torch.float32
    assert (picture.alpha is not None) == region.format.has_alpha


@pytest.mark.parametrize("encoding", ["srgb", "linear"])
@pytest.mark.parametrize("dtype", ["u8", "u16"])
def test_every_integer_comes_back(dtype: str, encoding: str) -> None:
    white = np.iinfo(NUMPY[dtype]).max
    values = np.arange(white + 1, dtype=NUMPY[dtype])
    region = Region(PixelFormat(256, (white + 1) // 256, "GRAY", dtype, encoding), values.tobytes())
    assert round_trip(region)[0] == region.data
    rgb = Region(PixelFormat(256, (white + 1) // 256, "BGR", dtype, encoding), values.repeat(3).tobytes())
    assert round_trip(rgb)[0] == rgb.data


@settings(max_examples=150, deadline=None)
@given(
    sides,
    sides,
    channel_orders,
    st.sampled_from(["f16", "f32"]),
    st.sampled_from(["srgb", "linear"]),
    st.booleans(),
    seeds,
)
def test_floats_come_back_within_their_precision(
    width: int, height: int, channels: str, dtype: str, encoding: str, premultiplied: bool, seed: int
) -> None:
    region = make(PixelFormat(width, height, channels, dtype, encoding, premultiplied), seed)
    data = round_trip(region)[0]
    before, after = array(region.data, region.format), array(data, region.format)
    np.testing.assert_allclose(after, before, rtol=2e-3 if dtype == "f16" else 5e-6, atol=1e-6)
    if region.format.has_alpha:
        assert np.array_equal(before[..., -1], after[..., -1])


@pytest.mark.parametrize("dtype", ["u8", "u16", "f16", "f32"])
@pytest.mark.parametrize("name", ["adobe", "p3", "adobe-table", "adobe-linear", "srgb-parametric", "srgb-linear"])
def test_profiles_come_back(profiles: dict[str, bytes], dtype: str, name: str) -> None:
    region = make(PixelFormat(32, 16, "BGRA", dtype, "icc"), 1, low=0.1, profile=profiles[name])
    data, picture = round_trip(region)
    before, after = array(region.data, region.format), array(data, region.format)
    if dtype == "u8":
        assert data == region.data
    elif dtype == "u16":
        assert np.abs(after - before)[before > 3000].max() <= 1
    else:
        np.testing.assert_allclose(after, before, rtol=2e-3 if dtype == "f16" else 2e-4, atol=1e-4)
    if name == "adobe" and dtype == "f32":
        assert picture.rgb.max() > 1  # high dynamic range is not clipped on the way


@pytest.mark.parametrize("dtype", ["u8", "u16", "f32"])
def test_gray_profiles_come_back(gray_profiles: dict[str, bytes], dtype: str) -> None:
    region = make(PixelFormat(16, 16, "GRAYA", dtype, "icc"), 1, low=0.1, profile=gray_profiles["gamma"])
    before, after = array(region.data, region.format), array(round_trip(region)[0], region.format)
    assert np.abs(after - before).max() <= (0 if dtype == "u8" else 1 if dtype == "u16" else 1e-4)


def test_channels_are_where_they_belong() -> None:
    pixel = bytes([10, 20, 30, 40])
    for channels, expected in (("RGBA", (10, 20, 30)), ("BGRA", (30, 20, 10))):
        picture = decode(Region(PixelFormat(1, 1, channels), pixel))
        assert (picture.rgb.flatten() * 255).round().tolist() == list(expected)
        assert picture.alpha is not None
        assert picture.alpha.item() == pytest.approx(40 / 255)
    gray = decode(Region(PixelFormat(1, 1, "GRAYA"), pixel[:2]))
    assert (gray.rgb.flatten() * 255).round().tolist() == [10] * 3


def test_linear_light_becomes_srgb() -> None:
    region = Region(PixelFormat(1, 1, "RGB", "f32", "linear"), np.array([0.2, 1.0, 8.0], np.float32).tobytes())
    torch.testing.assert_close(decode(region).rgb.flatten(), linear_to_srgb(torch.tensor([0.2, 1.0, 8.0])))


def test_premultiplied_colours_are_divided() -> None:
    region = Region(PixelFormat(1, 1, "RGBA", "f32", "srgb", True), np.array([0.1, 0.2, 0, 0.25], np.float32).tobytes())
    torch.testing.assert_close(decode(region).rgb.flatten(), torch.tensor([0.4, 0.8, 0]))


def test_light_without_coverage_fades_with_the_strength() -> None:
    glow = np.array([0.5, 0.25, 0.0, 0.0], np.float32)
    picture = decode(Region(PixelFormat(1, 1, "RGBA", "f32", "linear", True), glow.tobytes()))
    assert torch.isfinite(picture.rgb).all()
    painted = torch.full((1, 3, 1, 1), 0.5)
    for strength, least, most in ((0.0, 0.5, 0.5), (0.01, 0.4, 0.5), (1.0, 0.0, 1e-6)):
        red = array(encode(blend(picture, painted, strength), picture), picture.format)[0, 0, 0]
        assert least <= red <= most


def test_gray_is_written_as_luma() -> None:
    picture = decode(Region(PixelFormat(1, 1, "GRAY", "f32"), bytes(4)))
    rgb = torch.tensor([0.9, 0.2, 0.4]).view(1, 3, 1, 1)
    assert np.frombuffer(encode(rgb, picture), np.float32)[0] == pytest.approx(luma(rgb).item())


@pytest.mark.parametrize("dtype", ["u8", "u16"])
def test_integers_are_rounded_and_clamped(dtype: str) -> None:
    white = np.iinfo(NUMPY[dtype]).max
    picture = decode(Region(PixelFormat(6, 1, "GRAY", dtype), bytes(6 * NUMPY[dtype]().nbytes)))
    values = torch.tensor([-1.0, 0.4 / white, 0.6 / white, 100.6 / white, 1.0, 7.0]).view(1, 1, 1, 6)
    out = np.frombuffer(encode(values.expand(-1, 3, -1, -1), picture), NUMPY[dtype])
    assert out.tolist() == [0, 0, 1, 101, white, white]


def test_floats_outside_what_16_bits_hold_stay_finite() -> None:
    picture = decode(Region(PixelFormat(1, 1, "RGB", "f16"), bytes(6)))
    out = np.frombuffer(encode(torch.full((1, 3, 1, 1), 1e9), picture), np.float16)
    assert out.tolist() == [65504.0] * 3


def test_huge_floats_survive(profiles: dict[str, bytes]) -> None:
    values = np.array([3e38, -3e38, 1e-38, 1e-30], np.float32).tobytes()
    for format, profile in (
        (PixelFormat(1, 1, "RGBA", "f32", "linear", True), None),
        (PixelFormat(1, 1, "RGBA", "f32", "icc", True), profiles["adobe"]),
    ):
        data, picture = round_trip(Region(format, values, profile))
        assert torch.isfinite(picture.rgb).all()
        assert np.isfinite(np.frombuffer(data, np.float32)).all()


@pytest.mark.parametrize("dtype", ["f16", "f32"])
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channel", [0, 3])
def test_not_a_number_is_refused(dtype: str, bad: float, channel: int) -> None:
    values = np.full((5, 7, 4), 0.5, NUMPY[dtype])
    values[2, 3, channel] = bad
    with pytest.raises(BadRequest, match="infinite or not a number"):
        decode(Region(PixelFormat(7, 5, "RGBA", dtype), values.tobytes()))


@pytest.mark.parametrize("buffer", [bytes, bytearray, memoryview])
def test_any_buffer_is_read_and_none_is_written(buffer: type, recwarn: pytest.WarningsRecorder) -> None:
    original = bytes(range(16))
    data = buffer(original)
    picture = decode(Region(PixelFormat(2, 2), data))
    encode(picture.rgb * 0, picture)
    assert bytes(data) == original
    assert not recwarn.list


# -- Strength ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["u8", "u16", "f16", "f32"])
def test_strength_0_gives_the_bytes_that_came(profiles: dict[str, bytes], dtype: str) -> None:
    region = make(PixelFormat(5, 4, "BGRA", dtype, "icc", True), 3, profile=profiles["table"])
    picture = decode(region)
    assert encode(blend(picture, torch.rand(1, 3, 4, 5), 0), picture) == region.data


def test_strength_1_gives_the_painted_picture() -> None:
    picture = decode(make(PixelFormat(5, 4)))
    painted = torch.rand(1, 3, 4, 5)
    assert torch.equal(blend(picture, painted, 1.0), painted)


def test_strength_is_continuous_and_keeps_what_lies_outside() -> None:
    picture = decode(make(PixelFormat(5, 4, "RGB", "f32"), high=9.0))
    painted = torch.rand(1, 3, 4, 5)
    steps = [blend(picture, painted, s) for s in (0.0, 1e-4, 0.5, 1 - 1e-4, 1.0)]
    assert (steps[1] - steps[0]).abs().max() < 2e-3
    assert (steps[4] - steps[3]).abs().max() < 2e-3
    torch.testing.assert_close(steps[2], (picture.rgb + painted) / 2)
    assert steps[2].max() > 2


def test_strength_may_be_a_map_and_untouched_pixels_are_bit_for_bit(profiles: dict[str, bytes]) -> None:
    region = make(PixelFormat(6, 4, "BGRA", "u16", "icc"), 5, profile=profiles["table"])
    picture = decode(region)
    strength = torch.zeros(1, 1, 4, 6)
    strength[..., 3:] = 1
    data = encode(blend(picture, torch.rand(1, 3, 4, 6), strength), picture, touched=strength > 0)
    before, after = array(region.data, region.format), array(data, region.format)
    assert np.array_equal(before[:, :3], after[:, :3])
    assert (before[:, 3:, :3] != after[:, 3:, :3]).mean() > 0.9
    assert np.array_equal(before[..., 3], after[..., 3])


# -- Transparency ------------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), seeds, st.floats(0, 1))
def test_hidden_colours_have_no_influence(width: int, height: int, seed: int, covered: float) -> None:
    generator = torch.Generator().manual_seed(seed)
    rgb = torch.rand(1, 3, height, width, generator=generator)
    alpha = (torch.rand(1, 1, height, width, generator=generator) < covered).float()
    alpha *= torch.rand(1, 1, height, width, generator=generator)
    other = torch.where(alpha == 0, torch.randn(1, 3, height, width, generator=generator) * 1e6, rgb)
    filled = fill_transparent(rgb, alpha)
    assert torch.equal(filled, fill_transparent(other, alpha))
    assert filled.min() >= -1e-6
    assert filled.max() <= 1 + 1e-6


def test_opaque_pixels_are_left_alone() -> None:
    rgb = torch.rand(1, 3, 13, 17)
    alpha = (torch.rand(1, 1, 13, 17) > 0.5).float()
    filled = fill_transparent(rgb, alpha)
    opaque = (alpha == 1).expand_as(rgb)
    assert torch.equal(filled[opaque], rgb[opaque])
    assert fill_transparent(rgb, None) is rgb
    assert fill_transparent(rgb, torch.ones_like(alpha)) is rgb


def test_nothing_visible_is_mid_gray() -> None:
    assert torch.equal(fill_transparent(torch.rand(1, 3, 5, 9), torch.zeros(1, 1, 5, 9)), torch.full((1, 3, 5, 9), 0.5))


def test_the_fill_goes_on_with_the_nearest_colours() -> None:
    rgb = torch.zeros(1, 3, 64, 64)
    rgb[:, 0, :, :16], rgb[:, 2, :, -16:] = 1, 1  # red on the left, blue on the right, nothing between
    alpha = torch.zeros(1, 1, 64, 64)
    alpha[..., :16], alpha[..., -16:] = 1, 1
    filled = fill_transparent(rgb, alpha)
    assert filled[0, 0, :, 18].min() > 0.7
    assert filled[0, 2, :, 45].min() > 0.7
    assert (filled.diff(dim=3).abs().amax()) < 0.4  # no hard seam
    torch.testing.assert_close(filled[:, 0] + filled[:, 2], torch.ones(1, 64, 64))


def test_one_visible_pixel_colours_everything() -> None:
    rgb, alpha = torch.rand(1, 3, 50, 31), torch.zeros(1, 1, 50, 31)
    alpha[0, 0, 7, 9] = 1e-3
    torch.testing.assert_close(fill_transparent(rgb, alpha), rgb[:, :, 7:8, 9:10].expand_as(rgb))
