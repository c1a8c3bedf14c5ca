"""What is set once: kept by Krita among its own settings."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, fields
from functools import cache

from impasto_krita import host
from impasto_link.options import REFINEMENTS

#: What a painting becomes: a layer with a transparency mask, one flat layer, or a group of layer and mask.
RESULTS = ("mask", "flat", "group")


@dataclass
class Settings:
    """The settings of the docker.

    Attributes:
        result: one of RESULTS.
        paint_on_click: whether a click on a style paints at once, or only chooses it.
        invitation: the invitation file of a server on another machine; empty for the one on this machine.
        unload_after: minutes without work after which the server forgets its models, 0 for never.
        exit_after: minutes without use after which the server ends, 0 for never.
        language: a key of `texts.LANGUAGES`, or ``auto``.
        thumbnail_size: the side of the pictures in the gallery.
        refine: the refinement chosen last.
        pictures: the paths of files that are styles.
    """

    result: str = "mask"
    paint_on_click: bool = True
    invitation: str = ""
    unload_after: int = 10
    exit_after: int = 60
    language: str = "auto"
    thumbnail_size: int = 64
    refine: str = REFINEMENTS[0]
    pictures: list[str] = field(default_factory=list)

    @classmethod
    def load(cls) -> Settings:
        """The settings as they were saved, defaults for what was not or makes no sense."""
        settings = cls()
        for name in (one.name for one in fields(cls)):
            default = getattr(settings, name)
            text = host.read_setting(name, _written(default))
            if isinstance(default, bool):
                setattr(settings, name, text == "True")
            elif isinstance(default, int):
                setattr(settings, name, int(text) if text.isdecimal() else default)
            elif isinstance(default, list):
                setattr(settings, name, _read_list(text))
            else:
                setattr(settings, name, text)
        if settings.result not in RESULTS:
            settings.result = RESULTS[0]
        if settings.refine not in REFINEMENTS:
            settings.refine = REFINEMENTS[0]
        return settings

    def remember_picture(self, path: str) -> None:
        """Have a file as a style at the next start, too; it is the newest then."""
        self.forget_picture(path)
        self.pictures.append(path)
        self.save()

    def forget_picture(self, path: str) -> None:
        """Have it as a style no longer."""
        self.pictures = [one for one in self.pictures if one != path]
        self.save()

    def save(self) -> None:
        """Keep them."""
        for name in (one.name for one in fields(self)):
            host.write_setting(name, _written(getattr(self, name)))

    @property
    def server_arguments(self) -> list[str]:
        """How the server is told of the idle times when the docker starts it."""
        return ["--unload-after", str(60 * self.unload_after), "--exit-after", str(60 * self.exit_after)]


@cache
def settings() -> Settings:
    """The settings of this Krita: the dockers of its windows share them, or each would write over what others saved."""
    return Settings.load()


def _written(value: object) -> str:
    return json.dumps(value) if isinstance(value, list) else str(value)


def _read_list(text: str) -> list[str]:
    try:
        return [str(one) for one in json.loads(text)]
    except (ValueError, TypeError):
        return []
