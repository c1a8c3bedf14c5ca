"""What is set once, and how an editor keeps it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import ClassVar, TypeVar

from impasto_link.endpoint import EXIT_AFTER, UNLOAD_AFTER
from impasto_link.options import REFINE

Kind = TypeVar("Kind", bound="Settings")


@dataclass
class Settings:
    """The settings that all editors have. An editor with more of them, texts and numbers, inherits from this.

    Attributes:
        RESULTS: what a painting can become here; an editor may offer less.
        result: one of RESULTS.
        invitation: the invitation file of a server on another machine; empty for the one on this machine.
        unload_after: minutes without work after which the server forgets its models, 0 for never.
        exit_after: minutes without use after which the server ends, 0 for never.
        language: a key of `texts.languages`, or ``auto``.
        refine: the refinement chosen last.
        pictures: the paths of files that are styles.
    """

    #: A layer with a mask, one flat layer, or a group of layer and mask.
    RESULTS: ClassVar[Sequence[str]] = ("mask", "flat", "group")

    result: str = "mask"
    invitation: str = ""
    unload_after: int = UNLOAD_AFTER // 60
    exit_after: int = EXIT_AFTER // 60
    language: str = "auto"
    refine: str = REFINE["preset"].values[0]
    pictures: list[str] = field(default_factory=list)

    @classmethod
    def load(cls: type[Kind], read: Callable[[str, str], str]) -> Kind:
        """The settings as they were saved, defaults for what was not or makes no sense.

        Args:
            read: gives what the editor keeps under a name, or else the text given with it.
        """
        settings = cls()
        for name in (one.name for one in fields(cls)):
            default = getattr(settings, name)
            setattr(settings, name, _understood(read(name, _written(default)), default))
        if settings.result not in cls.RESULTS:
            settings.result = cls.RESULTS[0]
        if settings.refine not in REFINE["preset"].values:
            settings.refine = cls().refine
        return settings

    def save(self, write: Callable[[str, str], None]) -> None:
        """Have the editor keep them, each as a text under its name."""
        for name in (one.name for one in fields(self)):
            write(name, _written(getattr(self, name)))

    def remember_picture(self, path: str) -> None:
        """Have a file as a style at the next start, too; it is the newest then."""
        self.forget_picture(path)
        self.pictures.append(path)

    def forget_picture(self, path: str) -> None:
        """Have it as a style no longer."""
        self.pictures = [one for one in self.pictures if one != path]

    @property
    def server_arguments(self) -> list[str]:
        """How the server is told of the idle times when the editor starts it."""
        return ["--unload-after", str(60 * self.unload_after), "--exit-after", str(60 * self.exit_after)]


def _written(value: object) -> str:
    return json.dumps(value) if isinstance(value, list) else str(value)


def _understood(text: str, default: object) -> object:
    """A text as a value of the kind of the default, which also holds for what cannot be read."""
    if isinstance(default, bool):
        return text == "True"
    if isinstance(default, int):
        return int(text) if text.isdecimal() else default
    if isinstance(default, list):
        return _read_list(text)
    return text


def _read_list(text: str) -> list[str]:
    try:
        return [str(one) for one in json.loads(text)]
    except (ValueError, TypeError):
        return []
