"""The engine ``small``: students of the banks' networks, for when there is no time."""

from __future__ import annotations

from impasto.engines.facts import LIBRARY, EngineFacts

FACTS = EngineFacts(
    "small",
    "Small network",
    "Paints in the styles of the library six times as fast, a little calmer: for live pictures and slow machines",
    frozenset({LIBRARY}),
    # As of the networks that students are cut out of.
    halo=56,
    stride=4,
    smallest=8,
    follows=True,
)


def load() -> type:
    """The engine itself, which needs PyTorch."""
    from impasto.engines.small.engine import SmallEngine

    return SmallEngine
