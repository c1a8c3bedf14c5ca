"""The filter's connection against the real server: whoever ticks it is never kept waiting."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from impasto_link import codec
from impasto_link.errors import ServerGone, WrongVersion
from support import RunningServer

PLUGIN = Path(__file__).parents[2] / "gimp_plugin" / "impasto_gimp"


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(PLUGIN))
    monkeypatch.delenv("IMPASTO_SERVER", raising=False)
    from impasto_filter.connection import Connection

    one = Connection()
    yield one
    one.close()
    for name in [name for name in sys.modules if name.partition(".")[0] == "impasto_filter"]:
        del sys.modules[name]


def tick_until(connection: Any, condition: Callable[[], bool], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        connection.tick(0.02)


def test_it_greets_asks_and_notices_the_end(own_server: Callable[..., RunningServer], connection: Any) -> None:
    server = own_server()
    began = time.monotonic()
    connection.open()
    connection.tick()
    assert time.monotonic() - began < 1.0, "nobody has waited for an answer"
    tick_until(connection, lambda: connection.state == "ready")
    assert connection.hello["version"]
    call = connection.submit("styles")
    tick_until(connection, lambda: bool(call.finished))
    assert any(style["name"] == "udnie" for style in call.result.fields["styles"])

    server.process.kill()
    server.process.wait()
    with pytest.raises(ServerGone, match="ended in the middle"):
        tick_until(connection, lambda: False, 10.0)
    assert connection.state == "offline"
    with pytest.raises(ServerGone):
        connection.submit("styles")


def test_it_starts_the_server(connection: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from impasto_link.launch import remember_command

    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))
    remember_command([sys.executable, "-m", "impasto"])
    connection.open()
    assert connection.state == "starting"
    assert "starting" in connection.words
    tick_until(connection, lambda: connection.state == "ready", 90.0)
    call = connection.submit("shutdown")
    tick_until(connection, lambda: bool(call.finished))


def test_a_server_that_cannot_start_is_said(connection: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from impasto_link.launch import remember_command

    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))
    remember_command([sys.executable, "-c", "raise SystemExit(1)"])
    connection.open()
    with pytest.raises(ServerGone, match="could not be started"):
        tick_until(connection, lambda: False, 20.0)


def test_another_version_is_said(
    running_server: RunningServer, connection: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert running_server.info
    monkeypatch.setattr(codec, "PROTOCOL", 99)
    connection.open()
    with pytest.raises(WrongVersion, match="different versions"):
        tick_until(connection, lambda: connection.state == "ready", 10.0)
