"""The face of an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor

from impasto.engines.facts import LIBRARY, PICTURE, EngineFacts
from impasto.engines.pictures import StylePicture, StyleReader, as_style
from impasto.execution.moments import Smoothing
from impasto.imaging import files
from impasto.progress import Progress
from impasto.zoo.library import Library, Style
from impasto.zoo.shelf import Shelf
from impasto_link.coats import StyleChoice
from impasto_link.errors import BadRequest
from impasto_link.options import RefineOptions
from impasto_link.sentences import say


@dataclass(frozen=True)
class Studio:
    """What the engines of one device share.

    Attributes:
        library: where the styles come from.
        device: where to compute.
        reader: looks at pictures as styles.
    """

    library: Library
    device: torch.device
    reader: StyleReader


class Reach(NamedTuple):
    """What of strokes and strength an engine does of itself; what lies beyond is done to picture and painting."""

    finest: float = 1.0
    """The finest strokes that it paints on a picture of any size, relative to the usual 1."""
    boldest: float = 1.0
    """The boldest."""
    gentlest: float = 1.0
    """The least strength for which it has a painting, up to 1, which is full."""

    def brush(self, wanted: float) -> float:
        """The size of strokes nearest to the one wanted."""
        return min(max(wanted, self.finest), self.boldest)

    def strength(self, wanted: float) -> float:
        """The strength nearest to the one wanted."""
        return max(wanted, self.gentlest)


@dataclass(frozen=True)
class Wanted:
    """What to paint like.

    Attributes:
        styles: mixed by weight.
        pictures: those of the styles that are pictures, by name; the others are of the library.
        settings: values of the engine's own parameters, by name; checked, and as usual where nobody set them.
        brush: the size of the strokes, within the engine's reach.
        strength: of the painting, likewise.
    """

    styles: Sequence[StyleChoice]
    pictures: Mapping[str, StylePicture] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    brush: float = 1.0
    strength: float = 1.0

    def used(self) -> list[StyleChoice]:
        """The styles that count."""
        return [choice for choice in self.styles if choice.weight > 0]

    def picture(self, choice: StyleChoice) -> StylePicture | None:
        """The picture that a style is, or None if it is one of the library.

        Raises:
            BadRequest: it should have been sent along.
        """
        found = None if choice.kind == "library" else self.pictures.get(choice.name)
        if found is None and choice.kind == "frame":
            raise BadRequest(say("The picture {name} of a style was not sent along.", name=f"{choice.name!r}"))
        return found

    def check(self, facts: EngineFacts) -> None:
        """Raise BadRequest if an engine does not paint like what is wanted."""
        for choice in self.used():
            is_picture = self.picture(choice) is not None
            if (PICTURE if is_picture else LIBRARY) in facts.accepts:
                continue
            engine, name = facts.name, f"{choice.name!r}"
            raise BadRequest(
                say("The engine {engine} does not paint like pictures, such as {name}.", engine=engine, name=name)
                if is_picture
                else say("The engine {engine} has no styles of the library, such as {name}.", engine=engine, name=name),
                "Choose another engine, or another style.",
            )

    def as_pictures(self, library: Library) -> list[tuple[StylePicture, float]]:
        """Each style as a picture, and its weight: the one sent along, or the library's example of it.

        Raises:
            BadRequest: there is no picture of a style.
        """
        return [(self.picture(one) or example_of(library.style(one.name)), one.weight) for one in self.used()]


def example_of(style: Style) -> StylePicture:
    """The picture of a style that lies beside its bank.

    Raises:
        BadRequest: there is none.
    """
    path = style.exemplar()
    if path is None:
        raise BadRequest(
            say("There is no picture of the style {name} to go by.", name=f"{style.name!r}"),
            "Give a picture as the style, or use the engine fixed without refinement.",
        )
    return as_style(files.read(path)[0], style.name)


class Engine:
    """Makes paintings on one device; loads its networks when they are first needed.

    What of `paint` and `refine` it can do its facts say.

    Args:
        studio: what it shares with the other engines of the device.

    Attributes:
        shelf: keeps its networks.
    """

    facts: EngineFacts

    def __init__(self, studio: Studio) -> None:
        self.studio, self.shelf = studio, Shelf()

    def reach(self, wanted: Wanted) -> Reach:
        """Which strokes and strengths it paints of itself, in all of the styles that are wanted; else the usual ones.

        No network runs for it.

        Raises:
            ImpastoError: a style is not there, or cannot be used.
        """
        return Reach()

    def paint(
        self,
        photo: Tensor,
        wanted: Wanted,
        progress: Progress,
        weights: Tensor | None = None,
        origin: tuple[int, int] = (0, 0),
        smoothing: Smoothing | None = None,
    ) -> Tensor:
        """Paint a picture in one pass.

        Args:
            photo: (1, 3, H, W) float32, sRGB in [0, 1], no side shorter than ``smallest`` of the facts, on the CPU.
            wanted: what to paint like.
            progress: told of the progress between strips; may raise to stop.
            weights: how much each pixel counts in the statistics, (1, 1, H, W) in [0, 1]; all alike if not given.
            origin: row and column of the first pixel in a larger picture.
            smoothing: has a say in the statistics; is given only to an engine whose facts say that it ``follows``.

        Returns:
            The painted picture, of the same shape and range, float32, on the CPU. Where it is a part of a larger
            picture that begins at a multiple of ``stride``, and the weights are the same, it is what the larger one
            has there, but for ``halo`` pixels at its edges.

        Raises:
            ImpastoError: a style or a network is not there, or cannot be used.
            NotEnoughMemory: the picture does not fit, not even in the smallest pieces.
        """
        raise NotImplementedError

    def refine(
        self,
        start: Tensor | None,
        photo: Tensor,
        wanted: Wanted,
        options: RefineOptions,
        brush: float,
        progress: Progress,
        weights: Tensor | None = None,
    ) -> tuple[Tensor, str]:
        """Optimise a painting, or the photo where there is none.

        Args:
            start: what was painted of the photo, of its shape.
            photo, weights: as for `paint`.
            wanted: what to paint like.
            options: how.
            brush: the size of the strokes; 1 is usual.
            progress: told of the progress, with pictures of it; may raise to stop, or `impasto.progress.Enough` to end
                with what there is.

        Returns:
            The picture, (1, 3, H, W) on the CPU; and what a person should be told, or nothing.

        Raises:
            ImpastoError: as for `paint`.
        """
        raise NotImplementedError

    def loaded(self) -> list[str]:
        """Names of the networks in memory."""
        return self.shelf.names()

    def unload(self) -> None:
        """Forget the networks; they are loaded again when they are needed."""
        self.shelf.clear()
