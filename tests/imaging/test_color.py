"""Colour: the sRGB curve, luma, keeping colours."""

from __future__ import annotations

import pytest
import torch

from impasto.imaging.color import keep_colors, linear_to_srgb, luma, srgb_to_linear


@pytest.mark.parametrize(
    ("srgb", "linear"), [(0, 0), (0.04, 0.04 / 12.92), (0.5, 0.2140411), (1, 1), (-0.5, -0.2140411)]
)
def test_curve_has_known_values(srgb: float, linear: float) -> None:
    assert srgb_to_linear(torch.tensor([srgb])).item() == pytest.approx(linear, abs=1e-6)
    assert linear_to_srgb(torch.tensor([linear])).item() == pytest.approx(srgb, abs=1e-6)


def test_curve_inverts_over_the_extended_range() -> None:
    x = torch.linspace(-20, 20, 4001)
    torch.testing.assert_close(linear_to_srgb(srgb_to_linear(x)), x, rtol=2e-6, atol=2e-6)
    assert (srgb_to_linear(x).diff() > 0).all()


def test_luma_of_gray_is_that_gray_exactly() -> None:
    gray = torch.rand(1, 1, 8, 8)
    assert torch.equal(luma(gray.expand(-1, 3, -1, -1)), gray)
    assert luma(torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1)).item() == pytest.approx(0.2126)


def test_keep_colors_takes_luma_from_one_and_hue_from_the_other() -> None:
    painted, original = torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64)
    result = keep_colors(painted, original)
    assert result.min() >= 0
    assert result.max() <= 1
    torch.testing.assert_close(luma(result), luma(painted), rtol=0, atol=2e-6)
    # The direction of the chroma is kept even where its length is not.
    kept, chroma = result - luma(result), original - luma(original)
    torch.testing.assert_close((kept * chroma).sum(1), kept.norm(dim=1) * chroma.norm(dim=1), rtol=0, atol=1e-5)


def test_keep_colors_of_a_picture_by_itself_changes_nothing() -> None:
    x = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(keep_colors(x, x), x, rtol=0, atol=1e-6)


def test_keep_colors_survives_values_outside_the_range() -> None:
    result = keep_colors(torch.tensor([2.0, -1, 0.5]).view(1, 3, 1, 1), torch.tensor([9.0, -4, 0]).view(1, 3, 1, 1))
    assert torch.isfinite(result).all()
    assert result.min() >= 0
    assert result.max() <= 1
