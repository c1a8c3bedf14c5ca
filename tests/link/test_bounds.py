"""Rectangles of pixels."""

from __future__ import annotations

from impasto_link.bounds import Bounds


def test_bounds() -> None:
    whole = Bounds(0, 0, 4000, 1000)
    assert Bounds(-5, 10, 20, 20) & whole == Bounds(0, 10, 15, 20)
    assert Bounds(10, 10, 20, 20).grown(20) & whole == Bounds(0, 0, 50, 50)
    assert not Bounds(5000, 0, 10, 10) & whole
    assert whole.reduced(1000) == (Bounds(0, 0, 1000, 250), 0.25)
    assert Bounds(0, 0, 30, 20).reduced(1000) == (Bounds(0, 0, 30, 20), 1.0)
    assert Bounds(0, 0, 4000, 1).reduced(100)[0] == Bounds(0, 0, 100, 1)
