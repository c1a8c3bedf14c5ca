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
from impasto.execution.moments import Smoothing
from impasto.nets.adain import StyleLatent
from impasto.progress import Progress

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
        smoothing: Smoothing | None = None,
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

        def paint(plan: Plan) -> Tensor:
            return net.paint(photo, mixed, plan, progress, weights, smoothing)

        return with_plans(self.studio.device, height * width, _NUMBERS, _NUMBERS, net.dtype, paint)

    def _load(self) -> FoldedAdaIN:
        device, reader, path = self.studio.device, self.studio.reader, self.studio.library.model(FILE_NAME)

        def load() -> FoldedAdaIN:
            return FoldedAdaIN(reader.encoder, load_decoder(path), device, fast_dtype(device))

        return self.shelf.take("adain", [path, reader.encoder_file], load)
