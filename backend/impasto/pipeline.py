"""One request: a region and what is to be done with it become a painted region of the same kind."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from torch import Tensor

from impasto.engines.fixed import FixedEngine
from impasto.imaging.color import keep_colors
from impasto.imaging.pixels import blend, decode, encode, fill_transparent, shrink
from impasto.imaging.resample import resize, upsample_guided
from impasto.zoo.library import Library
from impasto_link.errors import NotEnoughMemory
from impasto_link.options import StylizeOptions
from impasto_link.pixels import Region

log = logging.getLogger(__name__)

#: Told of the progress, 0 to 1, and of what is being done; raises to cancel.
Progress = Callable[[float, str], None]


def pick_device(name: str) -> torch.device:
    """The device for "auto", "cpu", "cuda" or "cuda:N"; "auto" is the first GPU or else the CPU."""
    if name == "auto":
        name = "cuda:0" if torch.cuda.is_available() else "cpu"
    return torch.device("cuda:0" if name == "cuda" else name)


class Pipeline:
    """Does requests on one device; when its memory does not suffice, on the CPU."""

    def __init__(self, library: Library, device: torch.device) -> None:
        self.library = library
        self.device = device
        self._engines = {device: FixedEngine(library, device)}

    def loaded(self) -> list[str]:
        """Names of the models in memory."""
        return sorted({name for engine in self._engines.values() for name in engine.loaded()})

    def unload(self) -> None:
        """Forget all models; the next request loads what it needs."""
        for engine in self._engines.values():
            engine.unload()

    def stylize(self, region: Region, options: StylizeOptions, progress: Progress) -> Region:
        """Paint a region.

        Args:
            region: the pixels.
            options: how to paint them.
            progress: told of the progress; may raise to cancel.

        Returns:
            The painted pixels in the format that came in; with ``options.max_side`` smaller ones.

        Raises:
            ImpastoError: the region cannot be read, a style is missing, or the memory does not suffice.
        """
        progress(0.0, "reading")
        picture = decode(region)
        brush = options.brush
        longest = max(region.format.width, region.format.height)
        if options.max_side is not None and longest > options.max_side:
            picture = shrink(picture, options.max_side / longest)
            brush *= options.max_side / longest
        photo = picture.rgb.clamp(0, 1)
        if picture.alpha is not None:
            photo = fill_transparent(photo, picture.alpha)
        painted = photo
        if options.strength > 0:
            painted = self._paint(photo, brush, options, progress)
            if options.keep_colors:
                painted = keep_colors(painted, photo)
        progress(1.0, "finishing")
        source = picture.source
        return Region(source.format, encode(blend(picture, painted, options.strength), picture), source.profile)

    def _paint(self, photo: Tensor, brush: float, options: StylizeOptions, progress: Progress) -> Tensor:
        """The fully painted picture, with strokes of the size asked for."""
        height, width = photo.shape[-2:]
        small = resize(photo, max(1, round(height / brush)), max(1, round(width / brush)))
        try:
            painted = self._paint_on(self.device, small, options, progress)
        except (torch.OutOfMemoryError, NotEnoughMemory):
            if self.device.type == "cpu":
                raise
            log.warning(
                "the memory of %s does not suffice for %s, going on on the CPU", self.device, tuple(small.shape)
            )
            torch.cuda.empty_cache()
            painted = self._paint_on(torch.device("cpu"), small, options, progress)
        if painted.shape == photo.shape:
            return painted
        if painted.shape[-1] > width:
            return resize(painted, height, width).clamp(0, 1)
        return upsample_guided(painted, small, photo)

    def _paint_on(self, device: torch.device, photo: Tensor, options: StylizeOptions, progress: Progress) -> Tensor:
        if device not in self._engines:
            self._engines[device] = FixedEngine(self.library, device)
        engine = self._engines[device]
        return engine.paint(photo, options.styles, lambda done: progress(0.05 + 0.9 * done, "painting"))
