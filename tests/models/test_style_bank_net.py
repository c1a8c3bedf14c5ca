"""The network: sizes, codes, grain, and that its two ways through the normalisation agree."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.nets.grain import grain
from impasto.nets.style_bank import ResidualBlock, StyleBankNet, instance_norm


@pytest.fixture(scope="module")
def net() -> StyleBankNet:
    torch.manual_seed(0)
    return StyleBankNet(width=8, blocks=2).eval().requires_grad_(False)


@settings(deadline=None, max_examples=20)
@given(height=st.integers(8, 70), width=st.integers(8, 70))
def test_any_size_comes_back_as_it_was(net: StyleBankNet, height: int, width: int) -> None:
    painted = net(torch.rand(1, 3, height, width), net.neutral_code()[None])
    assert painted.shape == (1, 3, height, width)
    assert painted.min() >= 0
    assert painted.max() <= 1


def test_a_picture_does_not_depend_on_its_batch(net: StyleBankNet) -> None:
    photos = torch.rand(3, 3, 40, 36)
    codes = net.neutral_code()[None] + 0.3 * torch.randn(3, net.code_length)
    together = net(photos, codes)
    for photo, code, painted in zip(photos, codes, together, strict=True):
        torch.testing.assert_close(net(photo[None], code[None])[0], painted, atol=1e-5, rtol=0)


def test_normalisation_has_the_statistics_of_the_code() -> None:
    x = torch.randn(1, 4, 30, 30) * 5 + 3
    scale, shift = torch.tensor([1.0, 2.0, 0.5, -1.0]), torch.tensor([0.0, 1.0, -1.0, 2.0])
    y = instance_norm(x, scale[None, :, None, None], shift[None, :, None, None])
    torch.testing.assert_close(y.mean((2, 3))[0], shift, atol=1e-4, rtol=0)
    torch.testing.assert_close(y.std((2, 3), correction=0)[0], scale.abs(), atol=1e-3, rtol=0)


def test_training_in_bfloat16_keeps_its_digits() -> None:
    """Weights may drift along what the normalisation takes away again; autocast must not lose the rest by it."""
    torch.manual_seed(1)
    net = StyleBankNet(width=8, blocks=2).requires_grad_(False)
    code, photo = net.neutral_code()[None], torch.rand(1, 3, 64, 64)
    for block in net.body:
        assert isinstance(block, ResidualBlock)
        block.second.conv.weight += 0.3
    # With inputs above 0 the outputs lie far from 0 everywhere, as found in trained weights.
    first = 2 * (8 + 16 + 32)
    code[0, first + 32 : first + 64] = 4.0
    exact = net(photo, code)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = net(photo, code)
    assert float((rounded - exact).square().mean().sqrt()) < 1 / 255


@settings(deadline=None)
@given(
    top=st.integers(0, 3000), left=st.integers(0, 3000), down=st.integers(0, 40), across=st.integers(0, 40),
    height=st.integers(1, 50), width=st.integers(1, 50),
)  # fmt: skip
def test_grain_depends_on_the_position_alone(
    top: int, left: int, down: int, across: int, height: int, width: int
) -> None:
    whole = grain(top, left, down + height, across + width)
    part = grain(top + down, left + across, height, width)
    assert torch.equal(whole[..., down:, across:], part)


def test_grain_is_the_same_on_every_machine() -> None:
    field = grain(0, 0, 512, 512)
    assert abs(float(field.mean())) < 0.03
    torch.testing.assert_close(field.std((0, 2, 3)), torch.full((3,), 0.4), atol=0.03, rtol=0)
    # Written down once: a change of the hash would change every painting of every shipped style.
    torch.testing.assert_close(field[0, :, 33, 17], torch.tensor(GRAIN_AT_33_17), atol=1e-6, rtol=0)


@pytest.mark.parametrize("channel", [1, 2])
def test_grain_has_no_rows_and_columns(channel: int) -> None:
    # In noise that is interpolated from a lattice, pixels at lattice points vary more than those between them.
    field = grain(0, 0, 1024, 1024)[0, channel]
    period = (2, 8, 32)[channel]
    by_phase = torch.stack([field[:, phase::period].std() for phase in range(period)])
    assert by_phase.max() / by_phase.min() < 1.15


GRAIN_AT_33_17 = [-0.254426, -0.2075221, 0.5017285]
