"""A mask model as other people's packages bring it: the subject is what is light."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impasto.masking.models import MaskFacts

if TYPE_CHECKING:
    import torch

    from impasto.masking.base import MaskModel
    from impasto.zoo.library import Library

MODELS = (MaskFacts("light", "What is light", "Everything brighter than middle gray"),)


def load(name: str, library: Library, device: torch.device) -> MaskModel:
    """The model itself, which needs PyTorch."""
    from impasto_dummy.light import LightModel

    return LightModel()
