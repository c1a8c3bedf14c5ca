"""The engine ``adain``: any picture as a style in one pass (Huang and Belongie 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from impasto.compute.accelerator import fast_dtype
from impasto.compute.ladder import with_plans
from impasto.compute.plan import Plan
from impasto.engines.adain.files import FILE_NAME, load_decoder
from impasto.engines.adain.folded import FoldedAdaIN
from impasto.engines.pictures import StylePicture, StyleReader
from impasto.execution.strips import Tick, pad_to
from impasto.nets.adain import StyleLatent
from impasto.zoo.encoder import FILE_NAME as ENCODER_FILE
from impasto.zoo.library import find_model
from impasto.zoo.shelf import Shelf

#: Numbers that live at the same time, per pixel of the picture: 12 of the two maps that are kept, the rest for the
#: strips and the result; measured at 2048 x 2048 and 4096 x 4096 in bfloat16.
_NUMBERS = 22


class AdaINEngine:
    """Paints like pictures on one device; keeps the network.

    Args:
        reader: looks at the styles.
        device: where to compute.
    """

    def __init__(self, reader: StyleReader, device: torch.device) -> None:
        self._reader, self._device = reader, device
        self._shelf = Shelf()

    def loaded(self) -> list[str]:
        """Names of the networks in memory."""
        return self._shelf.names()

    def unload(self) -> None:
        """Forget the network."""
        self._shelf.clear()

    def paint(
        self,
        photo: Tensor,
        styles: Sequence[tuple[StylePicture, float]],
        tick: Tick,
        weights: Tensor | None = None,
    ) -> Tensor:
        """Paint a picture.

        Args:
            photo: (1, 3, H, W) float32, sRGB in [0, 1], any size from 1 x 1.
            styles: what to paint like, and how much each counts.
            tick: told of the progress between strips.
            weights: how much each pixel counts in the statistics, (1, 1, H, W) in [0, 1]; all alike if not given.

        Returns:
            The painted picture, of the same shape and range, float32.

        Raises:
            ModelProblem: the network is not there, or damaged.
            NotEnoughMemory: the picture does not fit.
        """
        net = self._load()
        # Interpolated between styles as in section 7.2 of the paper.
        total = sum(weight for _, weight in styles)
        seen = []
        for style, weight in styles:
            seen.append((self._reader.latent(style), weight / total))
            tick(0.0)
        latents, shares = zip(*seen, strict=True)
        mixed = StyleLatent(
            *(
                sum(part * share for part, share in zip(parts, shares, strict=True))
                for parts in zip(*latents, strict=True)
            )
        )
        height, width = photo.shape[-2:]
        photo, weights = pad_to(net.min_size, photo, weights)

        def paint(plan: Plan) -> Tensor:
            return net.paint(photo, mixed, plan, tick, weights)[..., :height, :width]

        return with_plans(self._device, height * width, _NUMBERS, _NUMBERS, net.dtype, paint)

    def _load(self) -> FoldedAdaIN:
        def load() -> FoldedAdaIN:
            return FoldedAdaIN(self._reader.encoder, load_decoder(), self._device, fast_dtype(self._device))

        return self._shelf.take("adain", [find_model(FILE_NAME), find_model(ENCODER_FILE)], load)
