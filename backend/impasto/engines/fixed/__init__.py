"""The engine ``fixed``: trained feed-forward networks, one for each bank; also for pictures, by a predicted code."""

from __future__ import annotations

from impasto.engines.facts import LIBRARY, PICTURE, EngineFacts

FACTS = EngineFacts(
    "fixed",
    "Trained networks",
    "Paints in one pass, in the styles of the library and like any picture",
    frozenset({LIBRARY, PICTURE}),
    # What a pixel of the network sees to each side is 54.
    halo=56,
    stride=4,
    # The first layer mirrors the picture at its border.
    smallest=8,
    follows=True,
)


def load() -> type:
    """The engine itself, which needs PyTorch."""
    from impasto.engines.fixed.engine import FixedEngine

    return FixedEngine
