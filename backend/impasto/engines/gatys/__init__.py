"""The engine ``gatys``: pixels optimised until they look right to a network (Gatys et al. 2016)."""

from __future__ import annotations

from impasto.engines.facts import LIBRARY, PICTURE, EngineFacts

FACTS = EngineFacts(
    "gatys",
    "Optimisation",
    "Optimises the pixels themselves, from the photo on: minutes, with a graphics card less",
    frozenset({LIBRARY, PICTURE}),
    paints=False,
    refines=True,
    halo=56,
    stride=4,
    # Of less the network sees nothing worth the name.
    smallest=64,
)


def load() -> type:
    """The engine itself, which needs PyTorch."""
    from impasto.engines.gatys.engine import GatysEngine

    return GatysEngine
