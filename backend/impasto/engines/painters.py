"""All engines of one device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from impasto.compute.accelerator import fast_dtype
from impasto.engines.adain.engine import AdaINEngine
from impasto.engines.fixed.engine import FixedEngine
from impasto.engines.gatys.refine import Report, refine
from impasto.engines.pictures import STYLE_SIDE, StylePicture, StyleReader, as_style
from impasto.execution.strips import Tick
from impasto.imaging import files
from impasto.zoo.features import FeatureSource
from impasto.zoo.library import Library
from impasto_link.errors import BadRequest
from impasto_link.options import RefineOptions, StyleChoice


class Painters:
    """The engines of one device; each loads its networks when it is first needed.

    Args:
        library: where the styles come from.
        device: where to compute.
    """

    def __init__(self, library: Library, device: torch.device) -> None:
        self._library, self._device = library, device
        self._reader = StyleReader(device)
        self._fixed = FixedEngine(library, device, self._reader)
        self._adain = AdaINEngine(self._reader, device)
        self._features = FeatureSource(device, fast_dtype(device))

    def loaded(self) -> list[str]:
        """Names of the networks in memory."""
        parts = (self._fixed, self._reader, self._adain, self._features)
        return sorted({name for part in parts for name in part.loaded()})

    def unload(self) -> None:
        """Forget the networks; they are loaded again when they are needed."""
        for part in (self._fixed, self._reader, self._adain, self._features):
            part.unload()

    def paint(
        self,
        engine: str,
        photo: Tensor,
        styles: Sequence[StyleChoice],
        pictures: Mapping[str, StylePicture],
        tick: Tick,
        weights: Tensor | None = None,
        origin: tuple[int, int] = (0, 0),
    ) -> Tensor:
        """Paint a picture in one pass.

        Args:
            engine: "fixed" or "adain".
            photo: (1, 3, H, W) float32, sRGB in [0, 1].
            styles: what to paint like; mixed by weight if several.
            pictures: those of the styles that are pictures, by name.
            tick: told of the progress between strips.
            weights: how much each pixel counts in the statistics, (1, 1, H, W) in [0, 1].
            origin: row and column of the first pixel in a larger picture.

        Returns:
            The painted picture, of the same shape and range, float32.
        """
        if engine == "adain":
            return self._adain.paint(photo, self._as_pictures(styles, pictures), tick, weights)
        return self._fixed.paint(photo, styles, tick, weights, origin, pictures)

    def refine(
        self,
        start: Tensor | None,
        photo: Tensor,
        styles: Sequence[StyleChoice],
        pictures: Mapping[str, StylePicture],
        options: RefineOptions,
        brush: float,
        report: Report,
        weights: Tensor | None = None,
    ) -> tuple[Tensor, str]:
        """Optimise a painting, or the photo where there is none; arguments as for `impasto.engines.gatys.refine`.

        Returns:
            The picture, (1, 3, H, W) on the CPU; and what a person should be told, or nothing.
        """
        wanted = self._as_pictures(styles, pictures)
        features, note = self._features.get(options.features)
        # A painting has strokes of the size that its engine gave them; a photo takes the whole style at its own size.
        side = min(photo.shape[-2:]) if start is None else STYLE_SIDE
        to = self._device
        refined = refine(
            features,
            None if start is None else start.to(to),
            photo.to(to),
            [(style.to(to), weight) for style, weight in wanted],
            options,
            side * brush,
            report,
            None if weights is None else weights.to(to),
        )
        return refined.cpu(), note

    def _as_pictures(
        self, styles: Sequence[StyleChoice], pictures: Mapping[str, StylePicture]
    ) -> list[tuple[StylePicture, float]]:
        """Each style as a picture: the one sent along, or the library's example of it."""
        found = []
        for choice in styles:
            if choice.weight <= 0:
                continue
            picture = pictures.get(choice.name)
            if picture is None:
                path = self._library.style(choice.name).exemplar()
                if path is None:
                    raise BadRequest(
                        f"There is no picture of the style {choice.name!r} to go by.",
                        "Give a picture as the style, or use the engine fixed without refinement.",
                    )
                picture = as_style(files.read(path)[0], choice.name)
            found.append((picture, choice.weight))
        return found
