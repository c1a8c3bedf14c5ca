"""One request, from the region that came in to the layer that goes back."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor

from impasto.compute.ladder import with_cpu
from impasto.engines.painters import Painters
from impasto.engines.pictures import as_style
from impasto.engines.registry import settled
from impasto.imaging.pixels import check_way_back, cut_out, encode_gray
from impasto.masking.edges import free_colors
from impasto.masking.finder import SubjectFinder
from impasto.pipeline.areas import Areas, lay_out, maps_for
from impasto.pipeline.coats import Coating
from impasto.pipeline.received import Layer, Received
from impasto.pipeline.subject import subject_of
from impasto.progress import Progress, Teller
from impasto.steady.sequences import SUBJECT, Sequences, Step
from impasto.zoo.library import Library
from impasto_link.frames import Frame
from impasto_link.options import MaskOptions, StylizeOptions
from impasto_link.pixels import Region
from impasto_link.sentences import say

P = ParamSpec("P")
T = TypeVar("T")

#: What is wanted small, to be there at once, is painted at no more than this longest side, in pixels.
_SMALL_SIDE = 1024


def _as_if_alone(request: Callable[P, T]) -> Callable[P, T]:
    """A request in PyTorch's usual mode, whatever mode the one has set in the middle of which it is done.

    What is loaded in inference mode could not be differentiated by, ever.
    """

    @functools.wraps(request)
    def alone(*args: P.args, **kwargs: P.kwargs) -> T:
        with torch.inference_mode(False), torch.enable_grad():
            return request(*args, **kwargs)

    return alone


class Pipeline:
    """Does requests on one device; when its memory does not suffice, on the CPU.

    A progress may do another request in the middle of the one that it is told of: they share nothing but networks,
    which do not change, and what is remembered of pictures.
    """

    def __init__(self, library: Library, device: torch.device) -> None:
        self.library = library
        self.device = device
        self._painters = {device: Painters(library, device)}
        self._finder = SubjectFinder(library, device)
        self._sequences = Sequences()

    def loaded(self) -> list[str]:
        """Names of the models in memory."""
        painters = {name for painters in self._painters.values() for name in painters.loaded()}
        return sorted(painters.union(self._finder.loaded()))

    def unload(self) -> None:
        """Forget all models and sequences; the next request loads what it needs."""
        for painters in self._painters.values():
            painters.unload()
        self._finder.unload()
        self._sequences.clear()

    @_as_if_alone
    def stylize(
        self,
        region: Region,
        options: StylizeOptions,
        tell: Teller,
        *,
        subject_mask: Region | None = None,
        selection: Region | None = None,
        pictures: Mapping[str, Region] | None = None,
        frame: Frame | None = None,
    ) -> Layer:
        """Paint a region.

        Args:
            region: the pixels.
            options: how to paint them.
            tell: told of the progress; may raise to cancel.
            subject_mask: where the subject is, instead of finding it; gray, of the size of the region, may be soft.
            selection: where the painting may show at most; likewise.
            pictures: pictures as styles, by the names that ``options`` has for them.
            frame: which frame of which sequence it is; without it, a picture by itself.

        Returns:
            The painted pixels in the format that came in, with ``options.color`` in one of colours, and with
            ``options.max_side`` smaller ones; and the layer's mask, unless they show everywhere or ``options.flatten``
            was asked for. Outside the mask, and with ``flatten`` wherever it is 0, the pixels are those that came in,
            bit for bit.

        Raises:
            NoSubject: there is nothing to paint on.
            ImpastoError: the region cannot be read, a style is missing, or the memory does not suffice.
        """
        reading = Progress(tell, "reading")
        reading.look()
        asked, options = options.refine, settled(options)
        check_way_back(region)
        small = options.max_side
        received = Received.read(region, None if small is None else max(small, _SMALL_SIDE), color=options.color)
        reading.look()
        photo = received.photo()
        reading.look()
        step = None
        notes: list[str] = []
        if frame is not None:
            sent = {name: (one.format, hash(bytes(one.data))) for name, one in (pictures or {}).items()}
            step = self._sequences.begin(frame, (region.format, options, sent), photo)
            reading.look()
            if step is None:
                notes.append(
                    say(
                        "Each frame is painted by itself, so they flicker: what OpenCV would see to is not installed. "
                        "Install it with: pip install 'impasto[video]'"
                    )
                )
        areas = self._areas(received, subject_mask, selection, options, tell, step)
        seen = {}
        for name, one in (pictures or {}).items():
            seen[name] = as_style(one, name)
            reading.look()
        brush = options.brush * received.factor
        coating = Coating(photo, areas, seen, brush, options, asked, self._with_painters, step, notes)
        painting = coating.paint(Progress(tell))
        Progress(tell, "finishing", 1.0).look()
        layer = received.layer(painting.picture, painting.opacity, areas.shown, options, coating.notes)
        if frame is not None and step is not None:
            self._sequences.keep(frame, step)
        return layer

    @_as_if_alone
    def mask(self, region: Region, options: MaskOptions, tell: Teller, *, selection: Region | None = None) -> Layer:
        """Find the subject of a region.

        Args:
            region: the pixels.
            options: which network finds it, and what is done with its edge.
            tell: told of the progress; may raise to cancel.
            selection: where the mask may be white at most; gray, of the size of the region, may be soft.

        Returns:
            The region's pixels as they are, or with ``options.cutout`` only the subject with alpha; and the mask.

        Raises:
            NoSubject: there is none.
            ImpastoError: the region cannot be read, or the network is not there.
        """
        reading = Progress(tell, "reading")
        reading.look()
        received = Received.read(region, options.max_side)
        reading.look()
        found = subject_of(received, None, options, self._finder, tell)
        if options.invert:
            found = 1 - found
        if selection is not None:
            found = found * received.fitting(selection, "selection")
        pixels = received.picture.source
        if options.cutout:
            colors = free_colors(received.picture.rgb, found, Progress(tell, "finishing", 0.5).look)
            pixels = cut_out(received.picture, colors, found)
        return Layer(pixels, encode_gray(found))

    def _areas(
        self,
        received: Received,
        subject_mask: Region | None,
        selection: Region | None,
        options: StylizeOptions,
        tell: Teller,
        step: Step | None,
    ) -> Areas:
        """Where the coats of a request show."""
        coats = options.in_coats()

        def told() -> Tensor | None:
            return None if subject_mask is None else received.fitting(subject_mask, "mask")

        def subject() -> Tensor:
            steady = None if step is None else functools.partial(step.settle, SUBJECT)
            return subject_of(received, told(), options, self._finder, tell, steady)

        limit = None if selection is None else received.fitting(selection, "selection")
        return lay_out(coats, maps_for(coats, subject, told, limit), limit)

    def _with_painters(self, work: Callable[[Painters], T]) -> T:
        """The result of some work, done on the CPU if the memory of the device does not suffice."""
        return with_cpu(self.device, lambda device: work(self._painters_on(device)))

    def _painters_on(self, device: torch.device) -> Painters:
        if device not in self._painters:
            self._painters[device] = Painters(self.library, device)
        return self._painters[device]
