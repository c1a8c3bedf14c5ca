"""Resampling and the way back from a small painting."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from impasto.imaging import resample
from impasto.imaging.resample import resize, upsample_guided


def disc(size: int) -> torch.Tensor:
    """A light disc on a dark ground, antialiased, as a photo."""
    place = (torch.arange(size * 4) + 0.5) / (size * 4) - 0.5
    inside = ((place[:, None] ** 2 + place[None] ** 2) < 0.3**2).float()[None, None]
    return (0.2 + 0.6 * F.avg_pool2d(inside, 4)).expand(1, 3, size, size)


@pytest.mark.parametrize("size", [(7, 9), (64, 48), (200, 31), (1, 1)])
def test_resize_gives_the_size_and_keeps_flat_colour_and_range(size: tuple[int, int]) -> None:
    assert resize(torch.full((1, 3, 40, 50), 0.3), *size).sub(0.3).abs().max() < 1e-6
    x = torch.rand(1, 3, 40, 50)
    y = resize(x, *size)
    assert y.shape == (1, 3, *size)
    assert x.min() <= y.min()
    assert y.max() <= x.max()


def test_resize_to_the_same_size_is_free() -> None:
    x = torch.rand(1, 3, 5, 6)
    assert resize(x, 5, 6) is x


def test_shrinking_is_antialiased_and_exact_over_many_steps() -> None:
    stripes = (torch.arange(1024) % 2).float().expand(1, 1, 8, 1024)
    assert resize(stripes, 4, 10).sub(0.5).abs().max() < 0.02
    ramp = torch.linspace(0, 1, 4096).expand(1, 1, 16, 4096)
    expected = (torch.arange(20) + 0.5) / 20
    torch.testing.assert_close(resize(ramp, 16, 20)[0, 0, 3, 2:-2], expected[2:-2], rtol=0, atol=1e-3)


@pytest.mark.parametrize("scale", [1.5, 2, 4])
def test_edges_of_the_photo_come_back_sharp_without_halos(scale: float) -> None:
    photo = disc(96)
    small = resize(photo, round(96 / scale), round(96 / scale))
    weights = torch.tensor([-0.5, 0.3, 0.8]).view(1, 3, 1, 1)  # a painting in other colours, one channel turned round
    painted, wanted = 0.5 + weights * (small - 0.5), 0.5 + weights * (photo - 0.5)
    result = upsample_guided(painted, small, photo)
    plain = resize(painted, 96, 96)
    assert (result - wanted).abs().mean() < 0.5 * (plain - wanted).abs().mean()
    assert result.min() >= painted.min() - 1e-6
    assert result.max() <= painted.max() + 1e-6


def test_strokes_that_the_photo_does_not_explain_stay() -> None:
    photo = torch.full((1, 3, 96, 96), 0.5)
    strokes = ((torch.arange(32) // 3) % 2).float().expand(1, 3, 32, 32) * 0.6 + 0.2
    result = upsample_guided(strokes, resize(photo, 32, 32), photo)
    wanted = F.interpolate(strokes, size=(96, 96), mode="nearest")
    plain = F.interpolate(strokes, size=(96, 96), mode="bicubic")
    assert (result - wanted).abs().mean() < 0.8 * (plain - wanted).abs().mean()


def test_photo_does_not_show_through_even_colour() -> None:
    photo = torch.rand(1, 3, 80, 80)
    result = upsample_guided(torch.full((1, 3, 20, 20), 0.4), resize(photo, 20, 20), photo)
    torch.testing.assert_close(result, torch.full_like(photo, 0.4))


def test_gradients_stay_gradients() -> None:
    photo = torch.full((1, 3, 64, 64), 0.5)
    ramp = ((torch.arange(16) + 0.5) / 16).expand(1, 3, 16, 16)
    result = upsample_guided(ramp, resize(photo, 16, 16), photo)
    wanted = ((torch.arange(64) + 0.5) / 64).expand(1, 3, 64, 64)
    assert (result - wanted)[..., 8:-8].abs().max() < 0.01


def test_brush_is_continuous_at_full_size() -> None:
    photo, painted = disc(200), 1 - 0.5 * disc(200)
    assert torch.equal(upsample_guided(painted, photo, photo), painted)
    almost = upsample_guided(resize(painted, 199, 199), resize(photo, 199, 199), photo)
    assert (almost - painted).abs().max() < 0.02


def test_strips_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = torch.rand(1, 3, 150, 70)
    small, painted = resize(photo, 60, 28), torch.rand(1, 3, 60, 28)
    whole = upsample_guided(painted, small, photo)
    monkeypatch.setattr(resample, "_STRIP", 1)
    torch.testing.assert_close(upsample_guided(painted, small, photo), whole, rtol=0, atol=1e-6)
