"""What is light, as a mask."""

from __future__ import annotations

from torch import Tensor

from impasto.masking.base import MaskModel


class LightModel(MaskModel):
    """See `MaskModel`; there is no network."""

    def find(self, photo: Tensor) -> Tensor:
        """See `MaskModel`."""
        return (photo.mean(1, keepdim=True) > 0.5).float()

    def loaded(self) -> list[str]:
        """See `MaskModel`."""
        return []

    def unload(self) -> None:
        """See `MaskModel`."""
