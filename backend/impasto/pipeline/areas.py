"""Where coats show: masks and selections as they are sent, and each coat's share of every pixel."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from impasto_link.coats import Coat
from impasto_link.errors import BadRequest, NoSubject
from impasto_link.sentences import say

#: A mask whose strongest pixel is weaker than this shows nothing.
EMPTY = 0.05
#: Shares that add up to this cover a pixel: each is rounded, three of them need not make 1.
_COVERED = 1 - 1e-6


@dataclass(frozen=True)
class Share:
    """What a coat gets of the picture.

    Attributes:
        coat: the coat.
        area: how much of each pixel, (1, 1, H, W) in [0, 1], before the selection limits it; None for all of it.
    """

    coat: Coat
    area: Tensor | None


@dataclass(frozen=True)
class Areas:
    """Where everything is to show.

    Attributes:
        shares: of the coats, from the bottom to the top.
        limit: what the selection leaves of everything, (1, 1, H, W); all of it if None.
    """

    shares: tuple[Share, ...]
    limit: Tensor | None

    @property
    def shown(self) -> Tensor | None:
        """Where there is any paint, (1, 1, H, W) in [0, 1]; None for everywhere."""
        return _limited(_sum([share.area for share in self.shares]), self.limit)

    def of(self, share: Share) -> Tensor | None:
        """Where a coat shows at last, which is what its statistics are taken of; None for everywhere."""
        return _limited(share.area, self.limit)


def lay_out(coats: Sequence[Coat], maps: Mapping[str, Tensor], limit: Tensor | None) -> Areas:
    """What each coat gets of every pixel: from the top down, at most what is left.

    So the border between subject and background, where either is soft, is of both, and nothing shines through; in terms
    of compositing the coats are disjoint.

    Args:
        coats: from the bottom to the top.
        maps: where the subject, the background and the mask that was sent are, (1, 1, H, W) each.
        limit: the selection.

    Raises:
        NoSubject: nothing of the picture is to be painted.
    """
    left: Tensor | None = None
    shares = []
    for coat in reversed(coats):
        wanted = maps.get(coat.where)
        area = wanted if left is None else (left if wanted is None else torch.minimum(wanted, left))
        shares.append(Share(coat, area))
        if area is None:
            break
        left = (1 if left is None else left) - area
        if not left.any():
            break
    areas = Areas(tuple(reversed(shares)), limit)
    shown = areas.shown
    if shown is not None and float(shown.max()) < EMPTY:
        raise NoSubject(
            "There is nothing to paint: the area is empty.",
            "Choose another area." if limit is None else "Choose another area or selection.",
        )
    return areas


def maps_for(
    coats: Sequence[Coat],
    find_subject: Callable[[], Tensor],
    mask: Callable[[], Tensor | None],
    selection: Tensor | None,
) -> dict[str, Tensor]:
    """Where the places are that coats name; see `lay_out`.

    Args:
        coats: the coats.
        find_subject: gives the subject's map.
        mask: gives the map of the mask that was sent, if there is one.
        selection: the map of the selection, if there is one.

    Raises:
        BadRequest: a coat names a mask or a selection that was not sent.
    """
    places = {coat.where for coat in coats}
    maps: dict[str, Tensor] = {}
    if places & {"subject", "background"}:
        subject = find_subject()
        maps |= {"subject": subject, "background": 1 - subject}
    if "mask" in places:
        maps["mask"] = _sent(mask(), "mask")
    if "selection" in places:
        # It limits everything, itself included.
        _sent(selection, "selection")
    return maps


def _sent(found: Tensor | None, what: str) -> Tensor:
    if found is None:
        raise BadRequest(
            say("A coat is to show in the {what}, but no {what} was sent.", what=what),
            say("Send a {what} along.", what=what),
        )
    return found


def _sum(areas: Sequence[Tensor | None]) -> Tensor | None:
    total: Tensor | None = None
    for area in areas:
        if area is None:
            return None
        total = area if total is None else total + area
    # Several that cover all of the picture are no area, and need no mask.
    return None if len(areas) > 1 and total is not None and bool((total >= _COVERED).all()) else total


def _limited(area: Tensor | None, limit: Tensor | None) -> Tensor | None:
    if area is None or limit is None:
        return limit if area is None else area
    return area * limit
