"""An engine as other people's packages bring it: a mixture of the photo and its negative.

With this folder on ``PYTHONPATH`` it is installed, and the server and the editors offer it.
"""

from __future__ import annotations

from impasto.engines.facts import LIBRARY, PICTURE, EngineFacts
from impasto_link.parameters import Choice, Parameter

FACTS = EngineFacts(
    "dummy",
    "Dummy",
    "Turns the picture into its negative",
    frozenset({LIBRARY, PICTURE}),
    parameters=(
        Parameter("amount", "number", 1.0, "Amount", "How much of the negative there is", low=0.0, high=1.0, unit="%"),
        Parameter("swap", "switch", False, "Swap red and blue", "Red becomes blue and blue red"),
        Parameter(
            "tone", "choice", "plain", "Tone", choices=(Choice("plain", "Plain"), Choice("gray", "Gray")), expert=True
        ),
    ),
)


def load() -> type:
    """The engine itself, which needs PyTorch."""
    from impasto_dummy.engine import DummyEngine

    return DummyEngine
