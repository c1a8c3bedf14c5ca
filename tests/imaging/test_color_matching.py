"""Giving a photo the colours of a style."""

import torch

from impasto.imaging.color import color_moments, match_colors


def noise(seed: int, low: float = 0.3, high: float = 0.7) -> torch.Tensor:
    mixed = torch.rand(1, 3, 40, 50, generator=torch.Generator().manual_seed(seed))
    mixed[:, 1] = 0.5 * mixed[:, 0] + 0.5 * mixed[:, 1]
    return low + (high - low) * mixed


def test_mean_and_covariance_become_those_of_the_style() -> None:
    mean, covariance = color_moments(noise(1, 0.4, 0.6))
    found_mean, found = color_moments(match_colors(noise(2), mean, covariance))
    assert torch.allclose(found_mean, mean, atol=5e-3)
    assert torch.allclose(found, covariance, atol=3e-4)


def test_a_picture_with_the_right_colours_stays_as_it_is() -> None:
    photo = noise(3)
    assert torch.allclose(match_colors(photo, *color_moments(photo)), photo, atol=5e-3)


def test_a_photo_of_one_colour_gets_the_mean_of_the_style() -> None:
    mean, covariance = color_moments(noise(4))
    matched = match_colors(torch.full((1, 3, 8, 8), 0.2), mean, covariance)
    assert torch.allclose(matched.mean((0, 2, 3)).double(), mean, atol=1e-3)
    assert torch.isfinite(matched).all()


def test_only_the_weighted_part_counts() -> None:
    photo = noise(5)
    weights = torch.zeros(1, 1, 40, 50)
    weights[..., :25] = 1
    weighted = color_moments(photo, weights)
    part = color_moments(photo[..., :25])
    assert torch.allclose(weighted[0], part[0])
    assert torch.allclose(weighted[1], part[1])
