"""Impasto's own network for subjects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impasto.masking.models import MaskFacts

if TYPE_CHECKING:
    import torch

    from impasto.masking.base import MaskModel
    from impasto.zoo.library import Library

#: Which network finds subjects if nobody chooses.
OURS = "impasto"
MODELS = (MaskFacts(OURS, "Impasto", "Small and quick, for photos and paintings"),)


def load(name: str, library: Library, device: torch.device) -> MaskModel:
    """The model itself, which needs PyTorch."""
    from impasto.masking.subject import OwnModel

    return OwnModel(library, device)
