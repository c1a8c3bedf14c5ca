"""Statistics of pieces are those of the whole."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from impasto.execution import moments as module
from impasto.execution.moments import Moments, Pair


@settings(deadline=None, max_examples=50)
@given(
    height=st.integers(2, 40), cuts=st.sets(st.integers(1, 39)), mean=st.floats(-100, 100), weighted=st.booleans(),
    seed=st.integers(0, 1000),
)  # fmt: skip
def test_in_any_pieces(height: int, cuts: set[int], mean: float, weighted: bool, seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    rows = torch.randn(1, 6, height, 13, generator=random) + mean
    weights = torch.rand(1, 1, height, 13, generator=random) if weighted else torch.ones(1, 1, height, 13)
    moments = Moments()
    places = sorted({0, height, *(cut for cut in cuts if cut < height)})
    for top, bottom in pairwise(places):
        part = rows[:, :, top:bottom].contiguous(memory_format=torch.channels_last)
        moments.add(part, weights[:, :, top:bottom] if weighted else None)
    share = (weights / weights.sum()).double()
    expected = (rows * share).sum((0, 2, 3))
    torch.testing.assert_close(moments.mean, expected, atol=1e-4, rtol=0)
    spread = ((rows - expected[:, None, None]) ** 2 * share).sum((0, 2, 3))
    torch.testing.assert_close(moments.variance, spread, atol=1e-3, rtol=1e-4)


def test_bfloat16_is_summed_in_higher_precision() -> None:
    rows = (torch.randn(1, 8, 200, 200) + 5).bfloat16().contiguous(memory_format=torch.channels_last)
    moments = Moments()
    moments.add(rows)
    torch.testing.assert_close(moments.mean, rows.double().mean((0, 2, 3)), atol=1e-4, rtol=0)


def test_nothing_has_no_mean() -> None:
    with pytest.raises(ValueError, match="no pixels"):
        _ = Moments().mean


def test_a_piece_that_does_not_count_changes_nothing() -> None:
    rows, nothing = torch.rand(1, 2, 4, 4), torch.zeros(1, 1, 4, 4)
    once, between = Moments(), Moments()
    once.add(rows, nothing + 0.5)
    for weights in (nothing, nothing + 0.5, nothing):
        between.add(rows, weights)
    torch.testing.assert_close(between.mean, once.mean)
    torch.testing.assert_close(between.variance, once.variance)


def test_what_lies_outside_keeps_the_variance_from_vanishing() -> None:
    rows = torch.randn(1, 2, 64, 64)
    rows[..., :8, :8] = 0.5
    weights = torch.zeros(1, 1, 64, 64)
    weights[..., :8, :8] = 1
    around = torch.zeros(1, 1, 64, 64)
    around[..., :16, :16] = 1
    rows[..., 16:, :] *= 100
    moments = Moments()
    moments.add(rows, weights, around)
    torch.testing.assert_close(moments.mean.float(), torch.full((2,), 0.5))
    assert (moments.variance > 0.01).all()
    assert (moments.variance < 0.1).all()


@pytest.fixture
def without_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a device that has no numbers of 64 bits."""
    monkeypatch.setattr(module, "has_float64", lambda device: False)


def pieces(count: int) -> list[torch.Tensor]:
    """Many pieces of maps whose means are hundreds of their standard deviations, as trained networks have them."""
    random = torch.Generator().manual_seed(3)
    means, spreads = torch.tensor([0.5, 300.0, -40.0, 1e-3]), torch.tensor([1.0, 1.0, 0.01, 2.0])
    channels = (4, 1, 1)
    return [
        torch.randn(1, 4, 8, 16, generator=random) * spreads.view(channels) + means.view(channels) for _ in range(count)
    ]


def gathered(rows: list[torch.Tensor]) -> Moments:
    found = Moments()
    for one in rows:
        found.add(one.contiguous(memory_format=torch.channels_last))
    return found


def test_pairs_of_float32_are_as_good_as_float64(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pieces(500)
    exact = gathered(rows)
    monkeypatch.setattr(module, "has_float64", lambda device: False)
    pairs = gathered(rows)
    assert pairs.mean.dtype == pairs.variance.dtype == torch.float32
    # To the last digit of float32, which is all that is used of them.
    digit = 1.2e-7 * torch.maximum(exact.mean.abs(), exact.variance.sqrt())
    assert ((pairs.mean - exact.mean).abs() <= digit).all()
    torch.testing.assert_close(pairs.variance.double(), exact.variance, rtol=2.4e-7, atol=0)

    # Which takes the pairs: single numbers lose digits with each piece.
    monkeypatch.setattr(Pair, "plus", lambda self, part: Pair(self.high + part, self.low))
    single = gathered(rows)
    assert ((single.mean - exact.mean).abs() > 2 * digit).any()


@pytest.mark.usefixtures("without_float64")
def test_without_float64_weights_count_too() -> None:
    rows, weights = torch.randn(1, 3, 40, 30) + 20, torch.rand(1, 1, 40, 30)
    moments = Moments()
    for top in range(0, 40, 8):
        moments.add(rows[:, :, top : top + 8], weights[:, :, top : top + 8])
    share = (weights / weights.sum()).double()
    expected = (rows * share).sum((0, 2, 3))
    torch.testing.assert_close(moments.mean.double(), expected, rtol=1e-6, atol=0)
    spread = ((rows - expected[:, None, None]) ** 2 * share).sum((0, 2, 3))
    torch.testing.assert_close(moments.variance.double(), spread, rtol=1e-5, atol=0)


@pytest.mark.usefixtures("without_float64")
def test_without_float64_a_piece_that_does_not_count_changes_nothing() -> None:
    test_a_piece_that_does_not_count_changes_nothing()
    test_nothing_has_no_mean()
