"""The docker's package without Krita and without Qt."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from unittest.mock import MagicMock

import pytest

PACKAGE = Path(__file__).parents[2] / "krita_plugin" / "impasto_krita"


@pytest.fixture
def package(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package, importable without its __init__, which wants Krita."""
    shell = types.ModuleType("impasto_krita")
    shell.__path__ = [str(PACKAGE)]
    monkeypatch.setitem(sys.modules, "impasto_krita", shell)
    for name in [name for name in sys.modules if name.startswith("impasto_krita.")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.fixture
def settings_of_krita(package: None, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What Krita keeps for the docker, with nothing else of Krita."""
    kept: dict[str, str] = {}
    host = types.ModuleType("impasto_krita.host")
    host.read_setting = kept.get  # type: ignore[attr-defined]
    host.write_setting = kept.__setitem__  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "impasto_krita.host", host)
    monkeypatch.setattr(sys.modules["impasto_krita"], "host", host, raising=False)
    return kept


@pytest.fixture
def without_qt(package: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is imported from Qt is something that does nothing."""
    qt = types.ModuleType("impasto_krita.qt")
    qt.__getattr__ = lambda name: MagicMock()  # type: ignore[method-assign]
    monkeypatch.setitem(sys.modules, "impasto_krita.qt", qt)
