"""Other networks that find subjects, where the user has installed them: ``pip install "impasto[rembg]"``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from impasto.masking.base import MaskModel
from impasto_link.errors import ModelProblem
from impasto_link.sentences import say

if TYPE_CHECKING:
    from torch import Tensor


class RembgModel(MaskModel):
    """One of rembg's networks."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._session: Any = None

    def loaded(self) -> list[str]:
        """See `MaskModel`."""
        return [self._name] if self._session is not None else []

    def unload(self) -> None:
        """See `MaskModel`."""
        self._session = None

    def find(self, photo: Tensor) -> Tensor:
        """See `MaskModel`."""
        try:
            import rembg
        except ImportError as error:
            raise ModelProblem(
                say("The mask model {model} needs rembg, which is not installed.", model=repr(self._name)),
                'Install it with: pip install "impasto[rembg]", or leave --mask-model out.',
            ) from error
        if self._session is None:
            try:
                self._session = rembg.new_session(self._name)
            except Exception as error:  # rembg downloads the model; whatever can go wrong there is its own
                raise ModelProblem(
                    say("The mask model {model} cannot be loaded: {error}.", model=repr(self._name), error=error),
                    "rembg downloads a model at its first use: look at the network, or leave --mask-model out.",
                ) from error
        # Here, because it brings torch's compiler along: the worker would start three times as slowly.
        import torch
        from torchvision.transforms.v2 import functional as TF

        found = rembg.remove(TF.to_pil_image(photo[0]), session=self._session, only_mask=True)
        return TF.pil_to_tensor(found.convert("L"))[None].to(torch.float32) / 255
