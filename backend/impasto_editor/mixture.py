"""Styles that are mixed: how one joins a mixture or leaves it, and how much each of them counts.

A person sees shares, which add up to 100 %; kept and sent are weights, which are relative to their sum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from impasto_editor.choices import Styles
from impasto_editor.texts import tr
from impasto_link.coats import MAX_STYLES, StyleChoice
from impasto_link.errors import Problem
from impasto_link.parameters import Parameter

#: How much one of the styles counts, for a slider or a field.
SHARE = Parameter("share", "number", 0.5, "Share", "How much it counts in the mixture", low=0.0, high=1.0, unit="%")
#: At the upper end of the slider the others keep so much, which nobody sees. So they come back in the relation that
#: they had.
_REST = 0.001
_DIGITS = 6


def joined(styles: Styles, name: str) -> Styles:
    """With one more style, which counts as much as the others on the average; as they are if it is among them.

    Raises:
        Problem: there are as many as the server takes.
    """
    if any(one.name == name for one in styles):
        return styles
    if len(styles) >= MAX_STYLES:
        raise Problem(
            tr("A mixture has {most} styles at most.", most=MAX_STYLES), tr("Take one out, then add the other one.")
        )
    mean = sum(one.weight for one in styles) / len(styles) if styles else 1.0
    return (*styles, StyleChoice(name, round(mean, _DIGITS) or 1.0))


def taken_out(styles: Styles, name: str) -> Styles:
    """Without a style; one that is left alone counts fully."""
    left = tuple(one for one in styles if one.name != name)
    return alone(left[0].name) if len(left) == 1 else left


def alone(name: str) -> Styles:
    """One style, and no mixture; none without a name."""
    return (StyleChoice(name),) if name else ()


def evened(styles: Styles) -> Styles:
    """All count alike."""
    return tuple(replace(one, weight=1.0) for one in styles)


def shares(styles: Styles) -> list[float]:
    """How much each counts, 0 to 1; they add up to 1, or are all 0 where no style has a weight."""
    total = sum(one.weight for one in styles)
    return [one.weight / total if total > 0.0 else 0.0 for one in styles]


def with_share(styles: Styles, name: str, share: float) -> Styles:
    """One of several styles has another share; the others share the rest in the relation that they have.

    Args:
        styles: two or more.
        name: of the one.
        share: 0 to 1.
    """
    share = min(max(share, SHARE.low), SHARE.high - _REST)
    others = [one.weight for one in styles if one.name != name]
    total = sum(others)

    def weight(one: StyleChoice) -> float:
        if one.name == name:
            return share
        return (1.0 - share) * (one.weight / total if total > 0.0 else 1.0 / len(others))

    return tuple(replace(one, weight=round(weight(one), _DIGITS)) for one in styles)


def titles(styles: Iterable[StyleChoice], title: Callable[[str], str]) -> str:
    """What a painting in these styles is called, from the title of each."""
    return ", ".join(title(one.name) for one in styles)


def join_words() -> str:
    """What has a style join the mixture, for a menu."""
    return tr("Add to the mixture")


def take_out_words() -> str:
    """What takes a style out of the mixture, for a menu or a button."""
    return tr("Take out of the mixture")
