"""The server that a script starts, and the script's connection to it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from impasto.cli import main
from impasto.client import connect
from support import RunningServer


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)


def test_the_server_takes_no_file_of_the_user_for_a_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: np.ndarray
) -> None:
    """It starts in the home folder, where all sorts of scripts lie; the folder of a variable is that of the user."""
    home = tmp_path / "home"
    home.mkdir()
    for name in ("queue.py", "msgpack.py"):
        (home / name).write_text('raise SystemExit("a script of the user ran")')
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", "runtime")
    with connect() as server:
        try:
            assert server.stylize(picture, style="udnie").shape == picture.shape
        finally:
            server.shutdown()
    assert list((tmp_path / "runtime").iterdir())
    assert sorted(path.name for path in home.iterdir() if path.suffix == ".py") == ["msgpack.py", "queue.py"]
    assert not (home / "runtime").exists()


def test_a_connection_outlives_its_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: np.ndarray) -> None:
    """Which ends by itself when nobody uses it for an hour; a notebook is open for longer."""
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))
    with connect() as server:
        try:
            painted = server.stylize(picture, style="udnie")
            assert main(["stop"]) == 0
            assert np.array_equal(server.stylize(picture, style="udnie"), painted)
        finally:
            server.shutdown()


@pytest.mark.skipif(sys.platform != "linux", reason="reads what is loaded from /proc")
def test_a_worker_starts_without_torchvision(running_server: RunningServer) -> None:
    """Which brings torch's compiler along: three times as long until the first picture is painted."""
    worker = psutil.Process(running_server.wait_for_worker()["pid"])
    loaded = {Path(one.path).parent.name for one in worker.memory_maps()}
    assert "torchvision" not in loaded
    assert "lib" in loaded, "torch itself lies there"
