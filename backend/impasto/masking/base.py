"""The face of a network that finds subjects."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor


class MaskModel(ABC):
    """Finds the subject of a picture on one device; loads its network when it is first needed."""

    @property
    def version(self) -> object:
        """Changes when the network is replaced, so that pictures are looked at anew."""
        return None

    @abstractmethod
    def find(self, photo: Tensor) -> Tensor:
        """The mask of a picture, at whatever size the network works.

        Args:
            photo: (1, 3, H, W) float32, sRGB in [0, 1], any size from 1 x 1, on the CPU.

        Returns:
            (1, 1, h, w) float32 in [0, 1], on the CPU: how likely each pixel belongs to the subject.

        Raises:
            ModelProblem: the network is not there, or cannot be loaded.
        """

    @abstractmethod
    def loaded(self) -> list[str]:
        """Names of the networks in memory."""

    @abstractmethod
    def unload(self) -> None:
        """Forget the network; it is loaded again when it is needed."""
