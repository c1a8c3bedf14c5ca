"""What is set once: kept by Krita among its own settings."""

from __future__ import annotations

from dataclasses import dataclass, fields

from impasto_krita import host

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
    """

    result: str = "mask"
    paint_on_click: bool = True
    invitation: str = ""
    unload_after: int = 10
    exit_after: int = 60
    language: str = "auto"
    thumbnail_size: int = 64

    @classmethod
    def load(cls) -> Settings:
        """The settings as they were saved, defaults for what was not or makes no sense."""
        settings = cls()
        for field in fields(cls):
            default = getattr(settings, field.name)
            text = host.read_setting(field.name, str(default))
            if isinstance(default, bool):
                setattr(settings, field.name, text == "True")
            elif isinstance(default, int):
                setattr(settings, field.name, int(text) if text.isdecimal() else default)
            else:
                setattr(settings, field.name, text)
        if settings.result not in RESULTS:
            settings.result = RESULTS[0]
        return settings

    def save(self) -> None:
        """Keep them."""
        for field in fields(self):
            host.write_setting(field.name, str(getattr(self, field.name)))

    @property
    def server_arguments(self) -> list[str]:
        """How the server is told of the idle times when the docker starts it."""
        return ["--unload-after", str(60 * self.unload_after), "--exit-after", str(60 * self.exit_after)]
