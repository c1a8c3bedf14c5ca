"""Painting by adaptive instance normalisation."""

from __future__ import annotations

from torch import Tensor

from impasto.compute.accelerator import fast_dtype
from impasto.compute.ladder import with_plans
from impasto.compute.plan import Plan
from impasto.engines.adain import FACTS
from impasto.engines.adain.files import FILE_NAME, load_decoder
from impasto.engines.adain.folded import FoldedAdaIN
from impasto.engines.base import Engine, Wanted
from impasto.execution.strips import pad_to
from impasto.nets.adain import StyleLatent
from impasto.progress import Progress
from impasto.zoo.encoder import FILE_NAME as ENCODER_FILE
from impasto.zoo.library import find_model

#: Numbers that live at the same time, per pixel of the picture: 12 of the two maps that are kept, the rest for the
#: strips and the result; measured at 2048 x 2048 and 4096 x 4096 in bfloat16.
_NUMBERS = 22


class AdaINEngine(Engine):
    """Paints like pictures; see `impasto.engines.base.Engine`."""

    facts = FACTS

    def paint(
        self,
        photo: Tensor,
        wanted: Wanted,
        progress: Progress,
        weights: Tensor | None = None,
        origin: tuple[int, int] = (0, 0),
    ) -> Tensor:
        """See `Engine`."""
        net = self._load()
        styles = wanted.as_pictures(self.studio.library)
        # Interpolated between styles as in section 7.2 of the paper.
        total = sum(weight for _, weight in styles)
        seen = []
        for style, weight in styles:
            seen.append((self.studio.reader.latent(style), weight / total))
            progress.look()
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
            return net.paint(photo, mixed, plan, progress, weights)[..., :height, :width]

        return with_plans(self.studio.device, height * width, _NUMBERS, _NUMBERS, net.dtype, paint)

    def _load(self) -> FoldedAdaIN:
        def load() -> FoldedAdaIN:
            device = self.studio.device
            return FoldedAdaIN(self.studio.reader.encoder, load_decoder(), device, fast_dtype(device))

        return self.shelf.take("adain", [find_model(FILE_NAME), find_model(ENCODER_FILE)], load)
