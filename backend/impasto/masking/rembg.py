"""Other networks that find subjects, where the user has installed them: ``pip install "impasto[rembg]"``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from impasto_link.errors import ModelProblem
from impasto_link.sentences import say


class RembgModels:
    """The networks of rembg; keeps those that it has used."""

    def __init__(self) -> None:
        self._sessions: dict[str, Any] = {}

    def loaded(self) -> list[str]:
        """Names of the networks in memory."""
        return list(self._sessions)

    def unload(self) -> None:
        """Forget them."""
        self._sessions.clear()

    def find(self, photo: Tensor, model: str) -> Tensor:
        """The mask that one of them finds, (1, 1, H, W) in [0, 1], of a photo, (1, 3, H, W) in [0, 1].

        Raises:
            ModelProblem: rembg is not installed, or its model cannot be loaded.
        """
        try:
            import rembg
        except ImportError as error:
            raise ModelProblem(
                say("The mask model {model} needs rembg, which is not installed.", model=f"{model!r}"),
                'Install it with: pip install "impasto[rembg]", or leave --mask-model out.',
            ) from error
        if model not in self._sessions:
            try:
                self._sessions[model] = rembg.new_session(model)
            except Exception as error:  # rembg downloads the model; whatever can go wrong there is its own
                raise ModelProblem(
                    say("The mask model {model} cannot be loaded: {error}.", model=f"{model!r}", error=error),
                    "rembg downloads a model at its first use: look at the network, or leave --mask-model out.",
                ) from error
        # Here, because it brings torch's compiler along: the worker would start three times as slowly.
        from torchvision.transforms.v2 import functional as TF

        found = rembg.remove(TF.to_pil_image(photo[0]), session=self._sessions[model], only_mask=True)
        return TF.pil_to_tensor(found.convert("L"))[None].to(torch.float32) / 255
