"""The engine ``adain``: any picture as a style in one pass (Huang and Belongie 2017)."""

from __future__ import annotations

from impasto.engines.facts import LIBRARY, PICTURE, EngineFacts

FACTS = EngineFacts(
    "adain",
    "AdaIN",
    "For pictures: faster and smoother than the trained networks, and less vivid",
    frozenset({LIBRARY, PICTURE}),
    # A changed pixel was seen to reach 54 to each side.
    halo=64,
    stride=8,
    # The deepest map is mirrored at its border, too.
    smallest=16,
    follows=True,
)


def load() -> type:
    """The engine itself, which needs PyTorch."""
    from impasto.engines.adain.engine import AdaINEngine

    return AdaINEngine
