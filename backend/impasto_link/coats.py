"""Styles and coats: what is painted, where, and how strongly."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Union

from impasto_link.errors import BadRequest, quoted
from impasto_link.parameters import MAX_NAME, Choice, check_all, choice, described, name, number
from impasto_link.sentences import say

MAX_STYLES = 16
MAX_COATS = 16
#: A picture sent along as a style is a frame of this kind followed by the style's name.
STYLE_FRAME = "style:"
#: What a style's name may be that of: a style of the library, or a frame that is sent along.
STYLE_KINDS = ("library", "frame")
#: Where a coat shows.
PLACES = (
    Choice("everything", "Everything"),
    Choice("subject", "Subject", "What a mask that is sent along says, or else what a network finds"),
    Choice("background", "Background", "Everything but the subject"),
    Choice("mask", "Mask", "Where the mask is white that is sent along"),
    Choice("selection", "Selection", "Where something is selected; the selection limits all other coats, too"),
)


@dataclass(frozen=True)
class StyleChoice:
    """A style and its share in a mixture; shares are relative to their sum.

    Attributes:
        name: of the style.
        weight: its share.
        kind: ``library``, or ``frame`` for a picture that is sent along under this name; empty for a frame if there is
            one of this name, and else the library.
    """

    name: str
    weight: float = number(1.0, "Weight", "The share in a mixture", 0.0, 1e6, noun="The weight of a style")
    kind: str = ""

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise BadRequest("A style has to have a name.")
        if len(self.name) > MAX_NAME:
            raise BadRequest(
                say(
                    "The style {name} has a name of more than {max_name} letters.",
                    name=quoted(self.name),
                    max_name=MAX_NAME,
                )
            )
        if self.kind and self.kind not in STYLE_KINDS:
            raise BadRequest(
                say("A style of the kind {kind} is not known.", kind=quoted(self.kind)),
                say("Known are {known}.", known=", ".join(STYLE_KINDS)),
            )
        check_all(self)

    @classmethod
    def parse(cls, text: str) -> StyleChoice:
        """Read ``NAME`` or ``NAME:WEIGHT``."""
        name, colon, weight = text.partition(":")
        if not colon:
            return cls(name)
        try:
            return cls(name, float(weight))
        except ValueError:
            raise BadRequest(
                say("The weight in {value} is not a number.", value=quoted(text)),
                "Write NAME:WEIGHT, such as starry-night:0.7.",
            ) from None

    def to_wire(self) -> list[Any]:
        """As a header has it."""
        return [self.name, self.weight, *([self.kind] if self.kind else [])]


#: The ways in which a person may name styles.
Styles = Union[str, StyleChoice, Iterable[str | StyleChoice], "dict[str, float]"]


def as_choices(style: Styles) -> tuple[StyleChoice, ...]:
    """Styles named as a person would: ``"udnie"``, ``["udnie:2", "the-scream"]``, ``{"udnie": 2}``."""
    if isinstance(style, (str, StyleChoice)):
        style = [style]
    if isinstance(style, Mapping):
        style = [StyleChoice(name, weight) for name, weight in style.items()]
    return tuple(one if isinstance(one, StyleChoice) else StyleChoice.parse(one) for one in style)


def styles_from_wire(entries: Any) -> tuple[StyleChoice, ...]:
    """Read the styles out of a header."""
    try:
        # One more than are allowed, so that a million of them are refused before they are looked at.
        some = itertools.islice(entries, MAX_STYLES + 1)
        return tuple(StyleChoice(name, weight, *kind) for name, weight, *kind in some)
    except (TypeError, ValueError):
        raise BadRequest(
            "The styles of the request cannot be read.", "Send them as a list of [name, weight] pairs."
        ) from None


def check_styles(styles: tuple[StyleChoice, ...]) -> None:
    """Raise BadRequest unless there are styles that count, and not too many."""
    if not 0 < len(styles) <= MAX_STYLES:
        raise BadRequest(
            say(
                "A picture takes 1 to {max_styles} styles, not {value}.",
                max_styles=MAX_STYLES,
                value="more" if styles else "none",
            )
        )
    if not any(one.weight > 0 for one in styles):
        raise BadRequest("All styles have the weight 0.", "Give at least one of them a weight above 0.")


@described
@dataclass(frozen=True)
class Coat:
    """What is painted in one go: a mixture of styles, somewhere.

    Coats lie on one another, the last one on top. From the top down each takes its share of a pixel, at most what is
    left: so the soft border of subject and background is of both, and nothing shines through.

    Attributes:
        styles: what to paint like; several are mixed by weight.
    """

    styles: tuple[StyleChoice, ...]
    where: str = choice(
        "everything",
        "Place",
        "Where it shows",
        PLACES,
        noun="The place of a coat",
        more="a mask counts as it is sent, neither grown nor feathered",
    )
    strength: float = number(
        1.0,
        "Strength",
        "0 leaves the picture as it is, 1 paints it fully in the style",
        0.0,
        1.0,
        unit="%",
        noun="The strength of a coat",
        more="times the strength of the request",
    )
    engine: str | None = name(None, "Engine", "Which engine paints", more="that of the request if not given")

    def __post_init__(self) -> None:
        check_styles(self.styles)
        check_all(self)

    @classmethod
    def of(cls, style: Styles, where: str = "everything", *, strength: float = 1.0, engine: str | None = None) -> Coat:
        """A coat of styles named as a person would: ``Coat.of("udnie", "subject", strength=0.5)``."""
        return cls(as_choices(style), where, strength, engine)

    def to_wire(self) -> dict[str, Any]:
        """As a header has it."""
        styles = [style.to_wire() for style in self.styles]
        return {"styles": styles, "where": self.where, "strength": self.strength, "engine": self.engine}

    @classmethod
    def from_wire(cls, entry: object) -> Coat:
        """Read it out of a header; what is not known is ignored."""
        if not isinstance(entry, dict):
            raise BadRequest("The coats of the request cannot be read.", "Send them as a list of maps.")
        known = {name: entry[name] for name in ("where", "strength", "engine") if name in entry}
        return cls(styles_from_wire(entry.get("styles", ())), **known)


def coats_from_wire(entries: Any) -> tuple[Coat, ...]:
    """Read coats out of a header."""
    if not isinstance(entries, (list, tuple)):
        raise BadRequest("The coats of the request cannot be read.", "Send them as a list of maps.")
    return tuple(map(Coat.from_wire, itertools.islice(entries, MAX_COATS + 1)))
