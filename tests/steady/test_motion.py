"""How one frame has come from another."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from impasto.steady.motion import Motion, motion_between, small_copy

SIZE = (120, 160)


@pytest.fixture(scope="module")
def photo(astronaut: NDArray[Any]) -> Tensor:
    return torch.from_numpy(astronaut[60:240, 60:300]).permute(2, 0, 1)[None].float() / 255


def between(before: Tensor, now: Tensor) -> Motion | None:
    return motion_between(small_copy(before), small_copy(now), (now.shape[-2], now.shape[-1]))


def at(photo: Tensor, row: int, column: int) -> Tensor:
    return photo[..., row : row + SIZE[0], column : column + SIZE[1]]


def noisy(picture: Tensor, seed: int, levels: float = 2.0) -> Tensor:
    noise = torch.randn(picture.shape, generator=torch.Generator().manual_seed(seed))
    return (picture + levels / 255 * noise).clamp(0, 1)


@pytest.mark.parametrize(("down", "across"), [(0, 1), (3, -2), (0, 12)])
def test_a_pan_is_found_to_a_twentieth_of_a_pixel(photo: Tensor, down: int, across: int) -> None:
    before, now = at(photo, 20, 30), at(photo, 20 + down, 30 + across)
    motion = between(before, now)
    assert motion is not None
    assert motion.camera == pytest.approx((-down, -across), abs=0.05)
    inside = (..., slice(20, -20), slice(20, -20))
    assert motion.trust[inside].mean() > 0.95
    assert 255 * (motion.carried(before) - now)[inside].abs().mean() < 1


def test_a_plain_wall_with_noise_stands_still() -> None:
    wall = torch.linspace(0.4, 0.6, SIZE[1]).expand(1, 3, *SIZE)
    before, now = noisy(wall, 1, 1.0), noisy(wall, 2, 1.0)
    motion = between(before, now)
    assert motion is not None
    assert motion.came is None, "DIS sees 5 to 20 pixels of motion here"
    assert torch.equal(motion.carried(before), before)
    assert motion.trust.mean() > 0.98


def test_what_moves_by_itself_does_not_move_the_whole(photo: Tensor) -> None:
    before, now = at(photo, 0, 0).clone(), at(photo, 0, 0).clone()
    thing = 1 - photo[..., 120:170, 150:210]
    before[..., 30:80, 40:100], now[..., 30:80, 44:104] = thing, thing
    motion = between(before, now)
    assert motion is not None
    assert motion.camera == (0, 0)
    hidden = (..., slice(32, 78), slice(40, 44))
    # Or else it is taken from beside the thing, where it is much the same.
    ghost = (motion.trust * (motion.carried(before) - now).abs())[hidden].mean()
    assert ghost < 0.1 * (before - now)[hidden].abs().mean()
    assert motion.trust[..., 112:].mean() > 0.99
    assert 255 * (motion.carried(before) - now)[..., 35:75, 55:95].abs().mean() < 3


def test_light_is_told_from_motion(photo: Tensor) -> None:
    still = at(photo, 10, 10)
    changed, moved = between(still, noisy(still * 0.9, 1)), between(still, noisy(at(photo, 10, 14), 1))
    assert changed is not None
    assert changed.light > 3
    assert changed.trust.mean() > 0.95, "the same is there"
    assert moved is not None
    assert moved.light < 0.5


def test_other_pictures_are_another_shot(photo: Tensor) -> None:
    assert between(at(photo, 0, 0), at(photo, 0, 0).flip(-1)) is None
    assert between(at(photo, 0, 0), 1 - at(photo, 0, 0)) is None
