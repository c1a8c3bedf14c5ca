"""Other networks that find subjects, where the user has installed them: ``pip install "impasto[rembg]"``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from impasto.masking.models import MaskFacts

if TYPE_CHECKING:
    import torch

    from impasto.masking.base import MaskModel
    from impasto.zoo.library import Library

MODELS = (
    MaskFacts("u2net", "U2-Net", "By rembg, where it is installed"),
    MaskFacts("isnet-general-use", "IS-Net", "By rembg, where it is installed"),
    MaskFacts("birefnet-general", "BiRefNet", "By rembg, where it is installed; slow and thorough"),
)


def load(name: str, library: Library, device: torch.device) -> MaskModel:
    """The model itself; rembg chooses the device."""
    from impasto.masking.rembg_model import RembgModel

    return RembgModel(name)
