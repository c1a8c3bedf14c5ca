"""The edge of a mask: moved, softened, made to follow the picture, and freed of what was behind it."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from impasto.imaging.resample import resize
from impasto.masking.edges import feather, follow_edges, free_colors, grow


def disc(size: int, radius: float, soft: float = 1.0) -> Tensor:
    """A disc in the middle, (1, 1, size, size), whose edge is ``soft`` pixels wide."""
    across = torch.arange(size) - (size - 1) / 2
    distance = (across[:, None] ** 2 + across**2).sqrt()
    return ((radius - distance) / soft + 0.5).clamp(0, 1)[None, None]


@pytest.mark.parametrize("pixels", [1, 3, 10, 40, 90])
def test_growing_moves_the_edge_by_that_many_pixels(pixels: int) -> None:
    grown = grow(disc(400, 60), pixels)
    radius = math.sqrt(float(grown.sum()) / math.pi)
    assert radius == pytest.approx(60 + pixels, abs=max(1.0, 0.04 * pixels))


@pytest.mark.parametrize("pixels", [2, 15, 40])
def test_shrinking_moves_it_inwards(pixels: int) -> None:
    radius = math.sqrt(float(grow(disc(400, 90), -pixels).sum()) / math.pi)
    assert radius == pytest.approx(90 - pixels, abs=max(1.0, 0.04 * pixels))


@pytest.mark.parametrize("pixels", [16, 40, 100, 200])
def test_a_line_grows_like_anything_else(pixels: int) -> None:
    line = torch.zeros(1, 1, 64, 700)
    line[..., 350] = 1
    grown = grow(line, pixels)[0, 0, 32]
    assert float((grown > 0.5).sum()) == pytest.approx(2 * pixels + 1, rel=0.08)
    assert float(grown.max()) > 0.99


def test_growing_keeps_a_soft_edge_soft() -> None:
    soft = disc(200, 40, soft=12)
    between = lambda x: int(((x > 0.1) & (x < 0.9)).sum())  # noqa: E731
    # The edge is longer by as much as the disc is larger.
    assert between(grow(soft, 10)) == pytest.approx(between(soft) * 50 / 40, rel=0.1)


@settings(deadline=None, max_examples=30)
@given(height=st.integers(1, 40), width=st.integers(1, 40), pixels=st.floats(0, 60), seed=st.integers(0, 99))
def test_masks_stay_masks(height: int, width: int, pixels: float, seed: int) -> None:
    mask = torch.rand((1, 1, height, width), generator=torch.Generator().manual_seed(seed))
    larger, smaller, softer = grow(mask, pixels), grow(mask, -pixels), feather(mask, pixels)
    for changed in (larger, smaller, softer):
        assert changed.shape == mask.shape
        assert changed.min() >= 0
        assert changed.max() <= 1
    assert bool((larger >= mask).all())
    assert bool((smaller <= mask + 1e-6).all())


@pytest.mark.parametrize("pixels", [4, 20, 60])
def test_feather_fades_over_that_many_pixels(pixels: int) -> None:
    step = torch.zeros(1, 1, 32, 400)
    step[..., 200:] = 1
    row = feather(step, pixels)[0, 0, 16]
    assert row[199:201].mean() == pytest.approx(0.5, abs=0.01)
    assert row[200 - pixels] < 0.05
    assert row[200 + pixels] > 0.95
    assert 0.1 < row[200 - pixels // 2] < 0.25
    assert bool((row[1:] >= row[:-1] - 1e-6).all())


def test_a_plain_mask_stays_plain_at_the_border_of_the_picture() -> None:
    whole = torch.ones(1, 1, 50, 70)
    assert torch.allclose(feather(whole, 30), whole)
    assert torch.equal(grow(whole, -20), whole)


def photo_of(alpha: Tensor) -> tuple[Tensor, Tensor]:
    """A figure of red cloth before green leaves, and the figure's own colours, (1, 3, H, W)."""
    height, width = alpha.shape[-2:]
    generator = torch.Generator().manual_seed(0)
    grain = resize(torch.rand((1, 1, height // 4, width // 4), generator=generator), height, width)
    front = torch.tensor([0.75, 0.2, 0.15])[None, :, None, None] + 0.1 * (grain - 0.5)
    back = torch.tensor([0.2, 0.45, 0.2])[None, :, None, None] + 0.2 * (grain - 0.5)
    return torch.lerp(back, front, alpha), front.expand(1, 3, height, width)


def test_a_coarse_mask_finds_the_edge_of_the_picture() -> None:
    alpha = disc(1200, 400, soft=6)
    photo, _ = photo_of(alpha)
    # Where the network would draw it: at a quarter of the size, a little off, blurred.
    coarse = resize(disc(1200, 406, soft=30), 320, 320)
    fine = follow_edges(coarse, photo)
    apart = lambda x: float((x - alpha).abs().mean())  # noqa: E731
    assert apart(fine) < 0.35 * apart(resize(coarse, 1200, 1200))
    away = disc(1200, 340) + (1 - disc(1200, 460))
    assert bool(((fine == 0) | (fine == 1))[away > 0.99].all())


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (7, 5), (33, 640)])
def test_pictures_of_any_size_take_a_mask(size: tuple[int, int]) -> None:
    fine = follow_edges(torch.rand(1, 1, 64, 96), torch.rand(1, 3, *size))
    assert fine.shape == (1, 1, *size)
    assert bool(torch.isfinite(fine).all())


def test_colours_at_the_edge_are_the_subjects_own() -> None:
    alpha = disc(300, 90, soft=20)
    photo, front = photo_of(alpha)
    freed = free_colors(photo, alpha)
    edge = ((alpha > 0.2) & (alpha < 0.9)).expand_as(photo)
    wrong = lambda x: float((x - front)[edge].abs().mean())  # noqa: E731
    assert wrong(freed) < 0.45 * wrong(photo)
    inside = (alpha >= 1).expand_as(photo)
    assert torch.equal(freed[inside], photo[inside])
