"""What all trainings share: the schedule, and checkpoints that an interruption cannot damage."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch


def warm_cosine(step: int, steps: int, warmup: int) -> float:
    """Share of the full learning rate: linear warm-up, then half a cosine (Loshchilov and Hutter 2017) down to 0.01."""
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def save_checkpoint(state: dict[str, Any], path: Path) -> None:
    """Write the state of a training, tensors and plain values only, whole or not at all."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)
