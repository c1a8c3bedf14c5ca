"""An engine's own settings as one text, which an argument of GIMP can be: ``NAME=VALUE, NAME=VALUE``."""

from __future__ import annotations

from collections.abc import Mapping

_WORDS = {"yes": True, "true": True, "no": False, "false": False}

Value = bool | int | float | str


def read_settings(text: str) -> dict[str, Value]:
    """The settings in a text. What is no ``NAME=VALUE`` is a name with the value ``yes``."""
    parts = (part.strip().partition("=") for part in text.split(",") if part.strip())
    return {name.strip(): _value(value.strip()) if equals else True for name, equals, value in parts}


def write_settings(settings: Mapping[str, Value]) -> str:
    """What `read_settings` reads."""
    words = {True: "yes", False: "no"}
    return ", ".join(f"{name}={words[value] if isinstance(value, bool) else value}" for name, value in settings.items())


def _value(text: str) -> Value:
    """A number, or one of yes and no, if it looks like one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return _WORDS.get(text.lower(), text)
