"""What a person has chosen in an editor, and how it is kept with a layer."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from impasto_editor.pictures import is_picture
from impasto_link.coats import StyleChoice
from impasto_link.errors import BadRequest
from impasto_link.options import STYLIZE

Styles = tuple[StyleChoice, ...]

#: What can be chosen beside styles, area and refinement, and what holds if nobody does.
_USUAL: Mapping[str, Any] = {**{name: one.default for name, one in STYLIZE.items() if name != "area"}, "settings": {}}


@dataclass(frozen=True)
class Choices:
    """How a layer is to be painted; ``choices["strength"]`` is a value, or what holds if nobody has chosen one.

    Attributes:
        styles: what to paint like, each by the name of a style of the library or the key of a picture.
        background: styles of its own for the background; none for the same.
        area: ``everything``, ``subject``, ``background`` or ``selection``.
        values: other options of a request, by the names that `StylizeOptions` has for them.
        refine: a preset of refinement; empty for not at all.
        frames: which frames of something animated: ``one``, ``all`` or ``range``, those of the playback.
        result: what the painting becomes, in the host's words.
        source: the layer that was painted, in the host's words; for what is kept with the result.
    """

    styles: Styles = ()
    background: Styles = ()
    area: str = "everything"
    values: Mapping[str, Any] = field(default_factory=dict)
    refine: str = ""
    frames: str = "one"
    result: str = ""
    source: str = ""

    def __getitem__(self, name: str) -> Any:
        return self.values.get(name, _USUAL.get(name))

    @classmethod
    def of(cls, style: str = "", background: str = "", *, area: str = "everything", **values: Any) -> Choices:
        """Choices as a person would name them: ``Choices.of("udnie:2, the-scream", strength=0.5)``."""
        return cls(read_styles(style), read_styles(background), area, values)

    @property
    def style(self) -> str:
        """The first of the styles; empty if there is none."""
        return self.styles[0].name if self.styles else ""

    @property
    def background_style(self) -> str:
        """The first of those of the background; empty if there is none."""
        return self.background[0].name if self.background else ""

    @property
    def two_styles(self) -> bool:
        """Whether the background has styles of its own."""
        return bool(self.background) and self.area in ("everything", "selection")

    @property
    def needs_subject(self) -> bool:
        """Whether the server has to find the subject."""
        return self.area in ("subject", "background") or self.two_styles

    @property
    def feathers_selection(self) -> bool:
        """Whether it is the border of the selection that is softened."""
        return self.area == "selection" and not self.two_styles and self["feather"] > 0

    @property
    def pictures(self) -> list[str]:
        """The keys of the pictures among the styles."""
        return [one.name for one in (*self.styles, *self.background) if is_picture(one.name)]

    def to_entry(self) -> dict[str, Any]:
        """As a map that JSON knows."""
        return {
            **self.values,
            "styles": [[one.name, one.weight] for one in self.styles],
            "background": [[one.name, one.weight] for one in self.background],
            "area": self.area,
            "refine": self.refine,
            "frames": self.frames,
            "result": self.result,
            "source": self.source,
        }

    def to_json(self) -> str:
        """As text, to be kept with a layer."""
        return json.dumps(self.to_entry())

    @classmethod
    def from_json(cls, text: str) -> Choices | None:
        """What was kept with a layer, be it by another version; None if it cannot be read."""
        try:
            return cls.from_entry(json.loads(text))
        except ValueError:
            return None

    @classmethod
    def from_entry(cls, entry: Any) -> Choices | None:
        """The choices in a map, of this version or another one; None if it is none."""
        if not isinstance(entry, dict):
            return None
        entry = _renewed(entry)
        texts = ("area", "refine", "frames", "result", "source")
        words = {name: entry[name] for name in texts if _is_text(entry.get(name))}
        known = {name: _checked(name, entry[name]) for name in _USUAL if name in entry}
        values = {name: value for name, value in known.items() if value is not None}
        return cls(_pairs(entry.get("styles")), _pairs(entry.get("background")), values=values, **words)


def read_styles(text: str) -> Styles:
    """``NAME``, ``NAME:WEIGHT, NAME:WEIGHT`` or the key of a picture; or such a part on each of several lines.

    A weight that is no number raises BadRequest.
    """
    parts = [text] if is_picture(text) and "\n" not in text else text.split("\n" if "\n" in text else ",")
    return tuple(_read_style(part.strip(), lines=len(parts) > 1) for part in parts if part.strip())


def write_styles(styles: Iterable[StyleChoice]) -> str:
    """What `read_styles` reads, without weights that are 1."""
    styles = tuple(styles)
    if not any(is_picture(one.name) for one in styles):
        return ", ".join(one.name if one.weight == 1.0 else f"{one.name}:{one.weight:g}" for one in styles)
    # A path may end like a weight.
    return styles[0].name if len(styles) == 1 else "\n".join(f"{one.name}:{one.weight:g}" for one in styles)


def _read_style(part: str, *, lines: bool) -> StyleChoice:
    if not is_picture(part):
        return StyleChoice.parse(part)
    key, colon, weight = part.rpartition(":") if lines else (part, "", "")
    with suppress(ValueError):
        return StyleChoice(key, float(weight)) if colon else StyleChoice(part)
    return StyleChoice(part)


def _renewed(entry: dict[str, Any]) -> dict[str, Any]:
    """What earlier versions kept, in the words of this one."""
    if "styles" in entry:
        return entry
    new = dict(entry)
    style = entry.get("style")
    if entry.get("picture_layer"):
        style = f"layer:{entry['picture_layer']}:{entry.get('picture_layer_id', '')}"
    elif entry.get("picture"):
        style = f"file:{entry['picture']}"
    for name, text in (("styles", style), ("background", entry.get("background_style"))):
        with suppress(BadRequest):
            new[name] = [(one.name, one.weight) for one in read_styles(text if _is_text(text) else "")]
    if isinstance(entry.get("source"), int):
        new["source"] = f"{entry['source']}:{entry.get('source_id', '')}" if entry["source"] else ""
    if entry.get("refine") == "none":
        new["refine"] = ""
    return new


def _pairs(entries: Any) -> Styles:
    try:
        return tuple(StyleChoice(str(name), weight) for name, weight in entries)
    except (TypeError, ValueError, BadRequest):
        return ()


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str)


def _checked(name: str, value: Any) -> Any:
    """A value as a request takes it; None if it does not."""
    with suppress(BadRequest):
        return _settings(value) if name == "settings" else STYLIZE[name].check(value)
    return None


def _settings(value: Any) -> dict[str, Any] | None:
    """An engine's own settings; whether it has them `impasto_editor.rows` knows."""
    if not isinstance(value, Mapping):
        return None
    return {str(name): one for name, one in value.items() if isinstance(one, (bool, int, float, str))}
