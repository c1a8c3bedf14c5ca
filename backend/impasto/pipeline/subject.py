"""The subject of a picture: found, or told by a mask that was sent; then its border is moved and softened."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from impasto.imaging.pixels import Picture
from impasto.masking.edges import feather, grow
from impasto.masking.finder import SubjectFinder
from impasto.pipeline.areas import EMPTY
from impasto.pipeline.received import Received
from impasto.progress import Progress, Teller
from impasto_link.errors import NoSubject
from impasto_link.options import MaskOptions, StylizeOptions

#: What is found on a smaller share of the picture is no subject.
_SPECKS = 5e-4
#: Behind transparent pixels, for the eyes of the network that finds the subject.
_BACKDROP = 0.5


def subject_of(
    received: Received,
    told: Tensor | None,
    options: StylizeOptions | MaskOptions,
    finder: SubjectFinder,
    tell: Teller,
    steady: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    """Where the subject is, (1, 1, H, W) in [0, 1], soft, grown and feathered as asked for.

    Args:
        received: the picture.
        told: where it is, from who sent the picture; is found if not given.
        options: which network finds it, and what is done with its border.
        finder: has the networks.
        tell: asked between steps; may raise to stop.
        steady: has what is found follow what was found in the frame before.

    Raises:
        NoSubject: there is none.
    """
    progress = Progress(tell, "finding the subject")
    found = told
    if found is None:
        found = _find(received.picture, options.mask_model, finder, progress)
        found = found if steady is None else steady(found)
    if float(found.max()) < EMPTY:
        raise NoSubject("The mask is empty: nothing of it is white.", "White in a mask is the subject.")
    progress.look()
    grown = grow(found, options.grow * received.factor)
    progress.look()
    soft = feather(grown, options.feather * received.factor)
    progress.look()
    return soft


def _find(picture: Picture, model: str, finder: SubjectFinder, progress: Progress) -> Tensor:
    progress.look()
    seen = picture.rgb.clamp(0, 1)
    if picture.alpha is None:
        found = finder.find(seen, model, progress.look)
    else:
        # A figure on a transparent layer is to be seen as it is, not with its colours drawn out.
        alpha = picture.alpha.clamp(0, 1)
        found = finder.find(torch.lerp(torch.full_like(seen, _BACKDROP), seen, alpha), model, progress.look)
        # The mask shows pixels with the alpha that they have: with it in the mask, too, they would fade twice.
        found = found * (alpha > 0)
    if float((found > 0.5).float().mean()) < _SPECKS:
        raise NoSubject(
            "No subject was found in this picture.", "Mark it with a mask or a selection, or paint everything."
        )
    return found
