"""One request: a region and what is to be done with it become a painted layer and its mask."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from typing import NamedTuple, ParamSpec, TypeVar

import torch
from torch import Tensor

from impasto.compute.accelerator import available_memory, give_memory_back
from impasto.compute.ladder import CPU, check_memory, with_cpu
from impasto.engines.gatys.objective import Losses
from impasto.engines.painters import Painters
from impasto.engines.pictures import StylePicture, as_style
from impasto.imaging.color import keep_colors
from impasto.imaging.pixels import (
    Picture,
    blend,
    check_way_back,
    cut_out,
    decode,
    decode_mask,
    encode,
    encode_gray,
    encode_rgb,
    fill_transparent,
    in_color,
    shrink,
)
from impasto.imaging.resample import resize, upsample_guided
from impasto.masking.edges import feather, free_colors, grow
from impasto.masking.finder import SubjectFinder
from impasto.nets.style_bank import StyleBankNet
from impasto.zoo.library import Library
from impasto_link.errors import BadRequest, ImpastoError, NoSubject
from impasto_link.options import MaskOptions, StyleChoice, StylizeOptions
from impasto_link.pixels import Region

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")


#: Called with the progress, 0 to 1, and what is being done, for a person; in a refinement also with a function that
#: makes a picture of how far it is, and then it may raise `Enough` to end it with that. Raises to cancel.
Progress = Callable[..., None]

#: How far around an area the picture is painted along with it, so that the area's border is as in the whole picture:
#: what a pixel of the style bank's network sees to each side (54), at the network's scale.
HALO = 56
#: A mask whose strongest pixel is weaker than this shows nothing.
_EMPTY = 0.05
#: In the mask that is given back, 8 bits of gray, this and less is black.
_INVISIBLE = 0.5 / 255
#: What is found on a smaller share of the picture is no subject.
_SPECKS = 5e-4
#: Of an area of fewer pixels than this the surroundings count in the statistics, too.
_FEW = 16 * 16
#: Share of the progress that is left to the painting in one pass where a refinement follows.
_BEFORE_REFINING = 0.05
#: What is wanted small, to be there at once, is painted at no more than this longest side, in pixels.
_SMALL_SIDE = 1024
#: Previews of a refinement have this longest side, in pixels.
_PREVIEW_SIDE = 512
#: Bytes per pixel that reading takes: four planes of floats, and colours that are clamped.
_BYTES_TO_READ = 28
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
    pictures: Mapping[str, StylePicture]
    brush: float
    notes: list[str]
    beneath: Tensor | None = None
    """What a preview shows outside the area, if that is not the photo."""


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
        progress: Progress,
        *,
        mask: Region | None = None,
        selection: Region | None = None,
        pictures: Mapping[str, Region] | None = None,
    ) -> Layer:
        """Paint a region.

        Args:
            region: the pixels.
            options: how to paint them.
            progress: told of the progress; may raise to cancel.
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
        progress(0.0, "reading")
        _check_room(region)
        check_way_back(region)
        small = options.max_side
        picture, factor = _at_most(decode(region), None if small is None else max(small, _SMALL_SIDE))
        if options.color:
            picture = in_color(picture)
        progress(0.0, "reading")
        photo = fill_transparent(picture.rgb.clamp(0, 1), picture.alpha)
        progress(0.0, "reading")
        subject = None
        if options.needs_subject:
            given = None if mask is None else _fitting(mask, "mask", region, picture)
            subject = self._subject(picture, given, options, factor, progress)
        area = 1 - subject if subject is not None and options.area == "background" else subject
        if options.area == "everything":
            area = None
        if selection is not None:
            chosen = _fitting(selection, "selection", region, picture)
            area = chosen if area is None else area * chosen
        if area is not None and float(area.max()) < _EMPTY:
            raise NoSubject(
                "There is nothing to paint: the area is empty.",
                "Choose another area or selection." if selection is not None else "Choose another area.",
            )

        seen = {}
        for name, one in (pictures or {}).items():
            seen[name] = as_style(one, name)
            progress(0.0, "reading")
        brush = options.brush * factor
        if small is not None:
            # Nobody would see strokes that are finer than its pixels.
            brush = max(1.0, brush)
        work = _Work(options, seen, brush, [])
        painted = photo
        if options.strength > 0:
            if subject is not None and options.background_styles:
                limit = torch.ones_like(subject) if area is None else area
                back, front = (1 - subject) * limit, subject * limit
                behind = self._paint(photo, back, options.background_styles, work, _part(progress, 0.0, 0.5))
                work = work._replace(beneath=behind if area is None else torch.lerp(photo, behind, area))
                before = self._paint(photo, front, options.styles, work, _part(progress, 0.5, 1.0))
                painted = torch.lerp(behind, before, subject)
            else:
                painted = self._paint(photo, area, options.styles, work, progress)
            _check_numbers(painted)
            if options.keep_colors:
                painted = keep_colors(painted, photo)
        look = lambda: progress(1.0, "finishing")  # noqa: E731
        look()
        if small is not None:
            picture, _ = _at_most(picture, small)
            painted = resize(painted, *picture.rgb.shape[-2:])
            area = None if area is None else resize(area, *picture.rgb.shape[-2:])
            look()
        return _finish(picture, painted, area, options, tuple(dict.fromkeys(work.notes)))

    @_as_if_alone
    def mask(
        self, region: Region, options: MaskOptions, progress: Progress, *, selection: Region | None = None
    ) -> Layer:
        """Find the subject of a region.

        Args:
            region: the pixels.
            options: which network finds it, and what is done with its edge.
            progress: told of the progress; may raise to cancel.
            selection: where the mask may be white at most; gray, of the size of the region, may be soft.

        Returns:
            The region's pixels as they are, or with ``options.cutout`` only the subject with alpha; and the mask.

        Raises:
            NoSubject: there is none.
            ImpastoError: the region cannot be read, or the network is not there.
        """
        progress(0.0, "reading")
        _check_room(region)
        picture, factor = _at_most(decode(region), options.max_side)
        progress(0.0, "reading")
        found = self._subject(picture, None, options, factor, progress)
        if options.invert:
            found = 1 - found
        if selection is not None:
            found = found * _fitting(selection, "selection", region, picture)
        pixels = picture.source
        if options.cutout:
            colors = free_colors(picture.rgb, found, lambda: progress(0.5, "finishing"))
            pixels = cut_out(picture, colors, found)
        return Layer(pixels, encode_gray(found))

    def _subject(
        self,
        picture: Picture,
        given: Tensor | None,
        options: StylizeOptions | MaskOptions,
        factor: float,
        progress: Progress,
    ) -> Tensor:
        """The soft mask of the subject, (1, 1, H, W), grown and feathered as asked for."""
        found = self._find(picture, options.mask_model, progress) if given is None else given
        if float(found.max()) < _EMPTY:
            raise NoSubject("The mask is empty: nothing of it is white.", "White in a mask is the subject.")
        look = lambda: progress(0.0, "finding the subject")  # noqa: E731
        look()
        grown = grow(found, options.grow * factor)
        look()
        soft = feather(grown, options.feather * factor)
        look()
        return soft

    def _find(self, picture: Picture, model: str, progress: Progress) -> Tensor:
        look = lambda: progress(0.0, "finding the subject")  # noqa: E731
        look()
        seen = picture.rgb.clamp(0, 1)
        if picture.alpha is None:
            found = self._finder.find(seen, model, look)
        else:
            # A figure on a transparent layer is to be seen as it is, not with its colours drawn out.
            alpha = picture.alpha.clamp(0, 1)
            found = self._finder.find(torch.lerp(torch.full_like(seen, _BACKDROP), seen, alpha), model, look)
            # The mask shows pixels with the alpha that they have: with it in the mask, too, they would fade twice.
            found = found * (alpha > 0)
        if float((found > 0.5).float().mean()) < _SPECKS:
            raise NoSubject(
                "No subject was found in this picture.", "Mark it with a mask or a selection, or paint everything."
            )
        return found

    def _paint(
        self,
        photo: Tensor,
        area: Tensor | None,
        styles: tuple[StyleChoice, ...],
        work: _Work,
        progress: Progress,
    ) -> Tensor:
        """The fully painted picture, with strokes of the size asked for; with an area only what is near it.

        What is painted has the statistics of the area, weighted by how much each pixel belongs to it, so that what lies
        outside does not change its colours and contrast.
        """
        if area is not None and bool((area >= 1).all()):
            area = None
        options = work.options
        if options.refine is None or options.max_side is not None:
            # A preview has to be there at once, so it is always painted in one pass.
            return self._paint_once(photo, area, styles, work, progress)
        start = None
        if options.engine != "gatys":
            start = self._paint_once(photo, area, styles, work, _part(progress, 0.0, _BEFORE_REFINING))
        return self._refine(start, photo, area, styles, work, _part(progress, _BEFORE_REFINING, 1.0))

    def _paint_once(
        self,
        photo: Tensor,
        area: Tensor | None,
        styles: tuple[StyleChoice, ...],
        work: _Work,
        progress: Progress,
    ) -> Tensor:
        """See `_paint`."""
        engine = "fixed" if work.options.engine == "gatys" else work.options.engine
        tick = lambda done: progress(0.05 + 0.9 * done, "painting")  # noqa: E731

        def paint(piece: Tensor, weights: Tensor | None, origin: tuple[int, int]) -> Tensor:
            return self._with_painters(
                lambda painters: painters.paint(engine, piece, styles, work.pictures, tick, weights, origin)
            )

        height, width = photo.shape[-2:]
        small = resize(photo, max(1, round(height / work.brush)), max(1, round(width / work.brush)))
        if area is None:
            painted = paint(small, None, (0, 0))
        else:
            weights = resize(area, *small.shape[-2:])
            box = _bounds(weights)
            if box is None:
                return photo
            rows, columns = box
            painted = small.clone()
            painted[..., rows, columns] = paint(
                small[..., rows, columns], _enough(weights[..., rows, columns]), (rows.start, columns.start)
            )
        if painted.shape == photo.shape:
            return painted
        tick(1.0)
        if painted.shape[-1] > width:
            return resize(painted, height, width).clamp(0, 1)
        return upsample_guided(painted, small, photo, lambda: tick(1.0))

    def _refine(
        self,
        start: Tensor | None,
        photo: Tensor,
        area: Tensor | None,
        styles: tuple[StyleChoice, ...],
        work: _Work,
        progress: Progress,
    ) -> Tensor:
        """The painting ``start``, or else the photo, optimised; with an area only what is near it."""
        options = work.options
        assert options.refine is not None
        wanted = options.refine
        box = (slice(None), slice(None)) if area is None else _bounds(area)
        around = photo if start is None else start
        if box is None:
            return around
        rows, columns = box

        def report(done: float, losses: Losses | None, picture: Tensor | None) -> None:
            doing = "refining" if losses is None else f"refining, loss {losses.total:.2f}"
            if picture is None:
                progress(done, doing)
            else:
                progress(done, doing, lambda: _preview(picture.cpu(), around, photo, area, box, work))

        begun = None if start is None else start[..., rows, columns]
        content = photo[..., rows, columns]
        weights = None if area is None else area[..., rows, columns]
        refined, note = self._with_painters(
            lambda painters: painters.refine(begun, content, styles, work.pictures, wanted, work.brush, report, weights)
        )
        if note:
            work.notes.append(note)
        result = around.clone()
        result[..., rows, columns] = refined
        return result

    def _with_painters(self, work: Callable[[Painters], T]) -> T:
        """The result of some work, done on the CPU if the memory of the device does not suffice."""
        return with_cpu(self.device, lambda device: work(self._painters_on(device)))

    def _painters_on(self, device: torch.device) -> Painters:
        if device not in self._painters:
            self._painters[device] = Painters(self.library, device)
        return self._painters[device]


def _part(progress: Progress, first: float, last: float) -> Progress:
    """The progress of a part of the work, which is so much of the whole."""

    def report(done: float, doing: str, preview: Callable[[], Region] | None = None) -> None:
        share = first + done * (last - first)
        if preview is None:
            progress(share, doing)
        else:
            progress(share, doing, preview)

    return report


def _preview(
    piece: Tensor,
    start: Tensor,
    photo: Tensor,
    area: Tensor | None,
    box: tuple[slice, slice],
    work: _Work,
) -> Region:
    """A small picture of how far a refinement is, sRGB of 8 bits.

    Args:
        piece: what is refined, at the scale where it is.
        start, photo, area: at full size.
        box: rows and columns of ``piece`` in them.
        work: strength, colours, and what is outside the area.
    """
    height, width = photo.shape[-2:]
    factor = min(1.0, _PREVIEW_SIDE / max(height, width))
    size = (max(1, round(height * factor)), max(1, round(width * factor)))
    painted = resize(start, *size).clone()
    spans = [
        slice(*(round(at * factor) for at in cut.indices(length)[:2]))
        for cut, length in zip(box, (height, width), strict=True)
    ]
    target = painted[..., spans[0], spans[1]]
    if target.numel():
        target.copy_(resize(piece, target.shape[-2], target.shape[-1]))
    content = resize(photo, *size)
    if area is not None:
        outside = content if work.beneath is None else resize(work.beneath, *size)
        painted = torch.lerp(outside, painted, resize(area, *size))
    if work.options.keep_colors:
        painted = keep_colors(painted, content)
    return encode_rgb(torch.lerp(content, painted, work.options.strength))


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


def _fitting(mask: Region, what: str, region: Region, picture: Picture) -> Tensor:
    """A mask of a region as a map, (1, 1, H, W) in [0, 1], of the size of the picture that was made of the region."""
    if (mask.format.width, mask.format.height) != (region.format.width, region.format.height):
        raise BadRequest(
            f"The {what} is {mask.format.width} x {mask.format.height} pixels, the picture {region.format.width} x "
            f"{region.format.height}.",
            "Send both in the same size.",
        )
    return resize(decode_mask(mask), picture.format.height, picture.format.width)


def _enough(weights: Tensor) -> Tensor:
    """Weights for statistics: of few pixels there are none worth the name, so those around them count along."""
    counted, all_of_them = float(weights.sum()), weights.numel()
    if counted >= _FEW or counted >= all_of_them:
        return weights
    return torch.lerp(weights, torch.ones_like(weights), min(1.0, (_FEW - counted) / (all_of_them - counted)))


def _bounds(weights: Tensor) -> tuple[slice, slice] | None:
    """Rows and columns of the rectangle that has to be painted for what is above 0; None if nothing is."""
    sides = []
    for dim, length in ((1, weights.shape[-2]), (0, weights.shape[-1])):
        inside = (weights[0, 0] > 0).any(dim=dim).nonzero()
        if not len(inside):
            return None
        # Where the network's own grid has a corner, so that the strokes are those of the whole picture.
        first = max(0, int(inside[0]) - HALO) // StyleBankNet.stride * StyleBankNet.stride
        sides.append(slice(first, min(length, int(inside[-1]) + 1 + HALO)))
    return sides[0], sides[1]


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
