"""How many threads a piece of work is worth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

#: Where a network does fewer multiplications than this on a picture, one thread does them as soon as two: the other one
#: takes as long to be woken, again and again, as it helps. Measured with threads that sleep while they wait.
_WORTH_TWO = 1.5e9


@contextmanager
def threads_for(multiplications: float, device: torch.device) -> Iterator[None]:
    """Compute with one thread what more would not make faster; the others are left to whoever has use for them.

    Args:
        multiplications: of all that is computed.
        device: where; it matters on the CPU alone.
    """
    usual = torch.get_num_threads()
    if device.type != "cpu" or multiplications >= _WORTH_TWO or usual == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(usual)
