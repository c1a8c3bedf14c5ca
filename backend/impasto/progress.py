"""How far a work is: one word for all that takes time, from the strips of a network to a whole request."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

Item = TypeVar("Item")

#: What a long computation calls between two of its steps with the share that is done, 0 to 1; may raise to stop it.
Tick = Callable[[float], object]
#: What it calls where nothing more is done, but somebody might want it to stop; may raise to stop it.
Look = Callable[[], object]


class Teller(Protocol):
    """Whoever wants to know.

    May raise, which ends the work: anything to cancel it, or `Enough` to have what there is so far.
    """

    def __call__(self, fraction: float, doing: str, picture: Callable[[], Any] | None = None, /) -> object:
        """So much is done, 0 to 1, and this is being done; ``picture`` makes a picture of how far it is, if it can."""
        ...


class Enough(Exception):
    """Raised by who is told of the progress, where there is a picture: end with what there is so far."""


class Progress:
    """Tells how far a part of a work is, as a share of the whole.

    Calling it may raise what the teller raises.

    Args:
        tell: is told.
        doing: what is being done, for a person.
        first, last: which part of the whole this is.
    """

    def __init__(self, tell: Teller, doing: str = "", first: float = 0.0, last: float = 1.0) -> None:
        self._tell, self._doing = tell, doing
        self._first, self._last = first, last
        self._done = 0.0

    def __call__(self, done: float, doing: str = "", picture: Callable[[], Any] | None = None) -> None:
        """So much of this part is done, 0 to 1."""
        self._done = done
        share = self._first + done * (self._last - self._first)
        if picture is None:
            self._tell(share, doing or self._doing)
        else:
            self._tell(share, doing or self._doing, picture)

    def look(self) -> None:
        """Nothing more is done, but the work might not be wanted any more."""
        self(self._done)

    def over(self, items: Sequence[Item], doing: str = "") -> Iterator[Item]:
        """The items, one after the other; so much of this part is done as have been dealt with."""
        for number, item in enumerate(items):
            self(number / len(items), doing)
            yield item

    def part(self, first: float, last: float, doing: str = "") -> Progress:
        """The progress of a part of this part."""
        length = self._last - self._first
        return Progress(self._tell, doing or self._doing, self._first + first * length, self._first + last * length)


def nobody(fraction: float, doing: str, picture: Callable[[], Any] | None = None, /) -> None:
    """Is not interested."""


def silent() -> Progress:
    """Progress of which nobody is told."""
    return Progress(nobody)
