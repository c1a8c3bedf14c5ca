"""Pictures as styles: what is known of them, and what the encoder sees in them."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from impasto.imaging.pixels import decode, fill_transparent, shrink
from impasto.imaging.resample import resize
from impasto.nets.adain import StyleLatent, see_style
from impasto.nets.encoder import CompactEncoder
from impasto.nets.predictor import StylePredictor
from impasto.zoo.encoder import FILE_NAME, load_compact_encoder
from impasto.zoo.library import Library, file_version
from impasto.zoo.predictor import load_predictor
from impasto.zoo.shelf import Shelf
from impasto_link.errors import BadRequest
from impasto_link.pixels import Region
from impasto_link.sentences import say

T = TypeVar("T")

#: A style picture is looked at with its shorter side at so many pixels, as the paintings were in training.
STYLE_SIDE = 400
#: Of a very long picture no more than this is looked at, in pixels.
_LONGEST = 2048
#: A picture that is sent larger than this is made smaller at once.
_LONGEST_KEPT = 4096
#: With no pixel more opaque than this there is nothing to see.
_TRANSPARENT = 0.05
#: How much is remembered of pictures, a few kilobytes each: of one that is used up to two views and four codes.
_REMEMBERED = 256


@dataclass(frozen=True, eq=False)
class StylePicture:
    """A picture as a style.

    Attributes:
        picture: (1, 3, h, w) float32, sRGB in [0, 1], on the CPU.
        alpha: (1, 1, h, w): what is transparent does not count; all of it does if not given.
    """

    picture: Tensor
    alpha: Tensor | None = None

    @cached_property
    def key(self) -> bytes:
        """By which its content is remembered."""
        digest = hashlib.blake2b(str(tuple(self.picture.shape)).encode(), digest_size=16)
        for part in (self.picture, self.alpha):
            if part is not None:
                digest.update((part * 255).round().to(torch.uint8).contiguous().numpy().data)
        return digest.digest()

    def at(self, side: float, *, multiple: int = 1, smallest: int = 1, largest: int = _LONGEST) -> StylePicture:
        """The picture with its shorter side at about ``side`` pixels, never enlarged but to ``smallest``.

        Args:
            side: pixels.
            multiple: height and width become multiples of this.
            smallest, largest: limits of each side, in pixels; what is longer is squeezed.
        """
        sizes = self.picture.shape[-2:]
        factor = max(min(1.0, side / min(sizes)), smallest / min(sizes))
        size = [
            max(multiple, min(largest, max(smallest, round(length * factor))) // multiple * multiple)
            for length in sizes
        ]
        alpha = None if self.alpha is None else resize(self.alpha, *size)
        return StylePicture(resize(self.picture, *size), alpha)

    def strokes(self, wanted: Sequence[float]) -> tuple[float, ...]:
        """Of sizes of strokes, ascending, those that it can show, which it does by being looked at so much larger.

        It is not enlarged for it: where it ends between two of them, its end is the last.
        """
        shorter = min(self.picture.shape[-2:])
        most = shorter / min(STYLE_SIDE, shorter)
        shown = [size for size in wanted if size <= most]
        return (*shown, most) if len(shown) < len(wanted) and shown[-1] < most else tuple(shown)

    def to(self, device: torch.device) -> StylePicture:
        """The same on another device."""
        return StylePicture(self.picture.to(device), None if self.alpha is None else self.alpha.to(device))


def as_style(region: Region, name: str) -> StylePicture:
    """A region as a style.

    Raises:
        BadRequest: it cannot be read, or nothing of it can be seen.
    """
    picture = decode(region)
    longest = max(picture.format.width, picture.format.height)
    if longest > _LONGEST_KEPT:
        picture = shrink(picture, _LONGEST_KEPT / longest)
    if picture.alpha is not None and float(picture.alpha.max()) < _TRANSPARENT:
        raise BadRequest(
            say("The picture {name} is wholly transparent.", name=f"{name!r}"), "Choose another picture as the style."
        )
    alpha = None if picture.alpha is None or bool((picture.alpha >= 1).all()) else picture.alpha.clamp(0, 1)
    return StylePicture(fill_transparent(picture.rgb.clamp(0, 1), alpha), alpha)


class StyleReader:
    """Looks at pictures with the compact encoder; what it has seen once it remembers by content.

    Args:
        library: where the networks are.
        device: where to compute.
    """

    def __init__(self, library: Library, device: torch.device) -> None:
        self._library, self._device = library, device
        self._shelf = Shelf()
        self._seen: OrderedDict[tuple[object, ...], object] = OrderedDict()

    def loaded(self) -> list[str]:
        """Names of the networks in memory."""
        return self._shelf.names()

    def unload(self) -> None:
        """Forget the networks and what they have seen."""
        self._shelf.clear()
        self._seen.clear()

    @property
    def encoder(self) -> CompactEncoder:
        """The encoder, float32."""
        path = self.encoder_file

        def load() -> CompactEncoder:
            return load_compact_encoder(path).to(self._device).to(memory_format=torch.channels_last)

        return self._shelf.take("encoder", [path], load)

    @property
    def encoder_file(self) -> Path:
        """Where the encoder is."""
        return self._library.model(FILE_NAME)

    def latent(self, style: StylePicture, brush: float = 1.0) -> StyleLatent:
        """What `impasto.nets.adain` is told of the picture, seen with strokes so many times their usual size."""

        def see() -> StyleLatent:
            picture, weights = self._prepared(style, brush)
            return see_style(self.encoder(picture), weights)

        return self._remember(("latent", file_version(self.encoder_file), style.key, brush), see)

    def code(self, style: StylePicture, predictor: Path, brush: float = 1.0, strength: float = 1.0) -> Tensor:
        """The code that a predictor gives the picture, (code_length,) float32 on the CPU.

        Args:
            style: the picture.
            predictor: its file.
            brush: the size of the strokes; not all can be had of every picture, see `StylePicture.strokes`.
            strength: of the painting, among or between those that the predictor tells apart.
        """

        def see() -> Tensor:
            net = self._predictor(predictor)
            gentlest, full = net.strengths[0], net.strengths[-1]
            level = torch.tensor([(strength - gentlest) / (full - gentlest)]) if gentlest < full else None
            return net(self.latent(style, brush).description, level)[0].cpu()

        versions = file_version(self.encoder_file), file_version(predictor)
        return self._remember(("code", *versions, style.key, brush, strength), see)

    def _prepared(self, style: StylePicture, brush: float) -> tuple[Tensor, Tensor | None]:
        encoder = self.encoder
        # What is small already is not looked at larger for strokes of the usual size.
        side = brush * min(STYLE_SIDE, *style.picture.shape[-2:])
        small = style.at(side, multiple=encoder.stride, smallest=encoder.min_size)
        picture = small.picture.to(self._device).contiguous(memory_format=torch.channels_last)
        return picture, None if small.alpha is None else small.alpha.to(self._device)

    def _predictor(self, path: Path) -> StylePredictor:
        return self._shelf.take(path.stem, [path], lambda: load_predictor(path).to(self._device))

    @torch.inference_mode()
    def _remember(self, key: tuple[object, ...], see: Callable[[], T]) -> T:
        if key not in self._seen:
            self._seen[key] = see()
        self._seen.move_to_end(key)
        while len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)
        return self._seen[key]  # type: ignore[return-value]
