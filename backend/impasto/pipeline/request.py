"""One request, from the region that came in to the layer that goes back."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import NamedTuple, ParamSpec, TypeVar

import torch
from torch import Tensor

from impasto.compute.accelerator import available_memory, give_memory_back
from impasto.compute.ladder import CPU, check_memory, with_cpu
from impasto.engines.base import Wanted
from impasto.engines.facts import EngineFacts
from impasto.engines.painters import Painters
from impasto.engines.pictures import StylePicture, as_style
from impasto.engines.registry import engine_facts, one_pass, refiner, settings_of, settled
from impasto.imaging.color import keep_colors
from impasto.imaging.pixels import (
    Picture,
    blend,
    check_way_back,
    cut_out,
    decode,
    encode,
    encode_gray,
    fill_transparent,
    in_color,
    shrink,
)
from impasto.imaging.resample import resize
from impasto.masking.edges import feather, free_colors, grow
from impasto.masking.finder import SubjectFinder
from impasto.pipeline.areas import EMPTY, Areas, Share, fitting, lay_out, maps_for
from impasto.pipeline.preview import Canvas
from impasto.pipeline.scale import PaintingScale
from impasto.progress import Progress, Teller
from impasto.zoo.library import Library
from impasto_link.coats import Coat
from impasto_link.errors import ImpastoError, NoSubject
from impasto_link.options import MaskOptions, StylizeOptions
from impasto_link.pixels import Region

P = ParamSpec("P")
T = TypeVar("T")


#: In the mask that is given back, 8 bits of gray, this and less is black.
_INVISIBLE = 0.5 / 255
#: What is found on a smaller share of the picture is no subject.
_SPECKS = 5e-4
#: Share of the progress that is left to the painting in one pass where a refinement follows.
_BEFORE_REFINING = 0.05
#: What is wanted small, to be there at once, is painted at no more than this longest side, in pixels.
_SMALL_SIDE = 1024
#: Bytes per pixel that reading takes: four planes of floats, and colours that are clamped.
_BYTES_TO_READ = 28
#: What a share of 0 is taken for where it divides.
_NOTHING = 1e-12
#: Behind transparent pixels, for the eyes of the network that finds the subject.
_BACKDROP = 0.5


def _as_if_alone(request: Callable[P, T]) -> Callable[P, T]:
    """A request in PyTorch's usual mode, whatever mode the one has set in the middle of which it is done.

    What is loaded in inference mode could not be differentiated by, ever.
    """

    @functools.wraps(request)
    def alone(*args: P.args, **kwargs: P.kwargs) -> T:
        with torch.inference_mode(False), torch.enable_grad():
            return request(*args, **kwargs)

    return alone


class Layer(NamedTuple):
    """What comes of a request.

    Attributes:
        pixels: of the format that came in.
        mask: where they are to show (gray, u8); without it everywhere.
        notes: what a person should be told, in sentences.
    """

    pixels: Region
    mask: Region | None
    notes: tuple[str, ...] = ()


class _Work(NamedTuple):
    """What all steps of a request know."""

    options: StylizeOptions
    photo: Tensor
    areas: Areas
    pictures: Mapping[str, StylePicture]
    brush: float
    notes: list[str]


class Pipeline:
    """Does requests on one device; when its memory does not suffice, on the CPU.

    A progress may do another request in the middle of the one that it is told of: they share nothing but networks,
    which do not change, and what is remembered of pictures.
    """

    def __init__(self, library: Library, device: torch.device) -> None:
        self.library = library
        self.device = device
        self._painters = {device: Painters(library, device)}
        self._finder = SubjectFinder(device)

    def loaded(self) -> list[str]:
        """Names of the models in memory."""
        painters = {name for painters in self._painters.values() for name in painters.loaded()}
        return sorted(painters.union(self._finder.loaded()))

    def unload(self) -> None:
        """Forget all models; the next request loads what it needs."""
        for painters in self._painters.values():
            painters.unload()
        self._finder.unload()

    @_as_if_alone
    def stylize(
        self,
        region: Region,
        options: StylizeOptions,
        tell: Teller,
        *,
        mask: Region | None = None,
        selection: Region | None = None,
        pictures: Mapping[str, Region] | None = None,
    ) -> Layer:
        """Paint a region.

        Args:
            region: the pixels.
            options: how to paint them.
            tell: told of the progress; may raise to cancel.
            mask: the subject, instead of finding it; gray, of the size of the region, may be soft.
            selection: where the painting may show at most; as ``mask``.
            pictures: pictures as styles, by the names that ``options`` has for them.

        Returns:
            The painted pixels in the format that came in, with ``options.color`` in one of colours, and with
            ``options.max_side`` smaller ones; and the mask, unless they show everywhere or ``options.flatten`` was
            asked for. Outside the mask, and with ``flatten`` wherever it is 0, the pixels are those that came in, bit
            for bit.

        Raises:
            NoSubject: there is nothing to paint on.
            ImpastoError: the region cannot be read, a style is missing, or the memory does not suffice.
        """
        reading = Progress(tell, "reading")
        reading.look()
        options = settled(options)
        _check_room(region)
        check_way_back(region)
        small = options.max_side
        picture, factor = _at_most(decode(region), None if small is None else max(small, _SMALL_SIDE))
        if options.color:
            picture = in_color(picture)
        reading.look()
        photo = fill_transparent(picture.rgb.clamp(0, 1), picture.alpha)
        reading.look()
        areas = self._areas(picture, region, mask, selection, options, factor, tell)
        seen = {}
        for name, one in (pictures or {}).items():
            seen[name] = as_style(one, name)
            reading.look()
        brush = options.brush * factor
        if small is not None:
            # Nobody would see strokes that are finer than its pixels.
            brush = max(1.0, brush)
        work = _Work(options, photo, areas, seen, brush, [])
        painted = photo
        if options.strength > 0:
            painted = self._paint_coats(work, Progress(tell))
            _check_numbers(painted)
            if options.keep_colors:
                painted = keep_colors(painted, photo)
        finishing = Progress(tell, "finishing", 1.0)
        finishing.look()
        area = areas.shown
        if small is not None:
            picture, _ = _at_most(picture, small)
            painted = resize(painted, *picture.rgb.shape[-2:])
            area = None if area is None else resize(area, *picture.rgb.shape[-2:])
            finishing.look()
        return _finish(picture, painted, area, options, tuple(dict.fromkeys(work.notes)))

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
        _check_room(region)
        picture, factor = _at_most(decode(region), options.max_side)
        reading.look()
        found = self._subject(picture, None, options, factor, tell)
        if options.invert:
            found = 1 - found
        if selection is not None:
            found = found * fitting(selection, "selection", region, picture)
        pixels = picture.source
        if options.cutout:
            colors = free_colors(picture.rgb, found, Progress(tell, "finishing", 0.5).look)
            pixels = cut_out(picture, colors, found)
        return Layer(pixels, encode_gray(found))

    def _areas(
        self,
        picture: Picture,
        region: Region,
        mask: Region | None,
        selection: Region | None,
        options: StylizeOptions,
        factor: float,
        tell: Teller,
    ) -> Areas:
        """Where the coats of a request show."""
        coats = options.in_coats()

        def sent_mask() -> Tensor | None:
            return None if mask is None else fitting(mask, "mask", region, picture)

        def subject() -> Tensor:
            return self._subject(picture, sent_mask(), options, factor, tell)

        limit = None if selection is None else fitting(selection, "selection", region, picture)
        return lay_out(coats, maps_for(coats, subject, sent_mask, limit), limit)

    def _subject(
        self,
        picture: Picture,
        given: Tensor | None,
        options: StylizeOptions | MaskOptions,
        factor: float,
        tell: Teller,
    ) -> Tensor:
        """The soft mask of the subject, (1, 1, H, W), grown and feathered as asked for."""
        finding = Progress(tell, "finding the subject")
        found = self._find(picture, options.mask_model, finding) if given is None else given
        if float(found.max()) < EMPTY:
            raise NoSubject("The mask is empty: nothing of it is white.", "White in a mask is the subject.")
        finding.look()
        grown = grow(found, options.grow * factor)
        finding.look()
        soft = feather(grown, options.feather * factor)
        finding.look()
        return soft

    def _find(self, picture: Picture, model: str, finding: Progress) -> Tensor:
        finding.look()
        seen = picture.rgb.clamp(0, 1)
        if picture.alpha is None:
            found = self._finder.find(seen, model, finding.look)
        else:
            # A figure on a transparent layer is to be seen as it is, not with its colours drawn out.
            alpha = picture.alpha.clamp(0, 1)
            backdrop = torch.lerp(torch.full_like(seen, _BACKDROP), seen, alpha)
            found = self._finder.find(backdrop, model, finding.look)
            # The mask shows pixels with the alpha that they have: with it in the mask, too, they would fade twice.
            found = found * (alpha > 0)
        if float((found > 0.5).float().mean()) < _SPECKS:
            raise NoSubject(
                "No subject was found in this picture.", "Mark it with a mask or a selection, or paint everything."
            )
        return found

    def _paint_coats(self, work: _Work, progress: Progress) -> Tensor:
        """The picture painted all over, in each place like the coats that show there."""
        shares = work.areas.shares
        painted, covered = work.photo, None
        for number, share in enumerate(shares):
            coat = self._paint(share, painted, work, progress.part(number / len(shares), (number + 1) / len(shares)))
            if share.coat.strength < 1:
                coat = torch.lerp(work.photo, coat, share.coat.strength)
            if covered is None or share.area is None:
                painted, covered = coat, share.area
            else:
                covered = covered + share.area
                painted = torch.lerp(painted, coat, share.area / covered.clamp_min(_NOTHING))
        return painted

    def _paint(self, share: Share, beneath: Tensor, work: _Work, progress: Progress) -> Tensor:
        """The picture painted like one coat, with strokes of the size asked for; with an area only what is near it.

        What is painted has the statistics of the area, weighted by how much each pixel belongs to it, so that what lies
        outside does not change its colours and contrast.
        """
        options, coat = work.options, share.coat
        area = work.areas.of(share)
        if area is not None and bool((area >= 1).all()):
            area = None
        name = coat.engine or options.engine
        if options.refine is None or options.max_side is not None:
            # A preview has to be there at once, so it is always painted in one pass.
            return self._paint_once(one_pass(name), coat, area, work, progress)
        start = None
        if engine_facts()[name].paints:
            begun = progress.part(0.0, _BEFORE_REFINING)
            start = self._paint_once(engine_facts()[name], coat, area, work, begun)
        return self._refine(start, coat, area, beneath, work, progress.part(_BEFORE_REFINING, 1.0))

    def _paint_once(
        self, facts: EngineFacts, coat: Coat, area: Tensor | None, work: _Work, progress: Progress
    ) -> Tensor:
        """See `_paint`."""
        scale = PaintingScale(work.photo, area, work.brush, facts)
        if scale.box is None:
            return work.photo
        painting = progress.part(0.05, 0.95, "painting")
        wanted = Wanted(coat.styles, work.pictures, settings_of(facts, work.options.settings))
        painted = self._with_painters(
            lambda painters: painters.paint(facts.name, scale.photo, wanted, painting, scale.weights, scale.origin)
        )
        return scale.back(painted, painting)

    def _refine(
        self, start: Tensor | None, coat: Coat, area: Tensor | None, beneath: Tensor, work: _Work, progress: Progress
    ) -> Tensor:
        """The painting ``start``, or else the photo, optimised; with an area only what is near it."""
        options, facts = work.options, refiner()
        assert options.refine is not None
        wanted_refinement = options.refine
        around = work.photo if start is None else start
        scale = PaintingScale(work.photo, area, 1.0, facts)
        box = scale.box
        if box is None:
            return around
        limit = work.areas.shown
        below = beneath if limit is None else torch.lerp(work.photo, beneath, limit)
        canvas = Canvas(work.photo, below, area, options.strength * coat.strength, options.keep_colors)

        def tell(done: float, doing: str, picture: Callable[[], Tensor] | None = None) -> None:
            shown = None if picture is None else lambda: canvas.preview(picture().cpu(), around, box)
            progress(done, doing, shown)

        begun = None if start is None else start[..., box[0], box[1]]
        wanted = Wanted(coat.styles, work.pictures, settings_of(facts, options.settings))
        refined, note = self._with_painters(
            lambda painters: painters.refine(
                begun, scale.photo, wanted, wanted_refinement, work.brush, Progress(tell, "refining"), scale.weights
            )
        )
        if note:
            work.notes.append(note)
        return scale.back(refined, progress, around)

    def _with_painters(self, work: Callable[[Painters], T]) -> T:
        """The result of some work, done on the CPU if the memory of the device does not suffice."""
        return with_cpu(self.device, lambda device: work(self._painters_on(device)))

    def _painters_on(self, device: torch.device) -> Painters:
        if device not in self._painters:
            self._painters[device] = Painters(self.library, device)
        return self._painters[device]


def _check_room(region: Region) -> None:
    """Raise NotEnoughMemory if there is not even room to read the region."""
    pixels = region.format.width * region.format.height
    needed = pixels * _BYTES_TO_READ
    if needed > available_memory(CPU):
        give_memory_back(CPU)
    check_memory(available_memory(CPU), pixels, needed)


def _check_numbers(painted: Tensor) -> None:
    """Raise ImpastoError if a pixel has come out as no number, which would be written as black."""
    low, high = torch.aminmax(painted)  # both are NaN if any value is
    if not bool(torch.isfinite(low) & torch.isfinite(high)):
        raise ImpastoError(
            "The painting has pixels that are infinite or not a number.",
            "The style may be damaged, or the options ask too much: try others.",
        )


def _at_most(picture: Picture, max_side: int | None) -> tuple[Picture, float]:
    """The picture, made smaller if a side is longer than ``max_side``, and by what factor."""
    longest = max(picture.format.width, picture.format.height)
    if max_side is None or longest <= max_side:
        return picture, 1.0
    return shrink(picture, max_side / longest), max_side / longest


def _finish(
    picture: Picture, painted: Tensor, area: Tensor | None, options: StylizeOptions, notes: tuple[str, ...]
) -> Layer:
    source = picture.source
    share: float | Tensor = options.strength
    if area is not None and options.flatten and options.strength > 0:
        share = area * share
    pixels = encode(blend(picture, painted, share), picture, None if area is None else area > _INVISIBLE)
    mask = None if area is None or options.flatten else encode_gray(area)
    return Layer(Region(source.format, pixels, source.profile), mask, notes)
