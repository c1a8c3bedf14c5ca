"""What is set once: in a file of GIMP's folder of this user, which scripts change by a procedure."""

from __future__ import annotations

import json
from pathlib import Path

from gi.repository import Gimp

from impasto_editor.settings import Settings


def read_setting(name: str, default: str) -> str:
    """The text that is kept under a name, or else the default."""
    return _all().get(name, default)


def write_setting(name: str, value: str) -> None:
    """Keep a text under a name; raises OSError if that cannot be."""
    _path().write_text(json.dumps({**_all(), name: value}, indent=1, ensure_ascii=False), encoding="utf-8")


def settings() -> Settings:
    """The settings of this GIMP."""
    return Settings.load(read_setting)


def _all() -> dict[str, str]:
    try:
        found = json.loads(_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {}


def _path() -> Path:
    return Path(Gimp.directory()) / "impasto-settings.json"
