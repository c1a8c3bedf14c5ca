"""The server that a script starts, and the script's connection to it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest

from impasto.cli import main
from impasto.client import connect
from impasto_link.errors import ImpastoError
from support import RunningServer


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)


def test_the_server_takes_no_file_of_the_user_for_a_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, picture: np.ndarray
) -> None:
    """From the home folder, where all sorts of scripts lie; the folder of a variable is that of the user."""
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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes that are copies of others")
@pytest.mark.parametrize("transport", ["pyzmq", "zmtp"])
def test_a_forked_process_connects_anew(
    running_server: RunningServer, picture: np.ndarray, transport: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a pool of multiprocessing does; both would read from one connection, and wait for ever."""
    monkeypatch.setattr("impasto.client.connect_or_start", lambda *_, **__: running_server.client(transport))
    with connect() as server:
        begun = server.start(picture, style="udnie")
        painted = begun.result()
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                with pytest.raises(ImpastoError, match="from which this one was forked"):
                    begun._client.ask("status")
                begun.cancel()
                with server:
                    same = np.array_equal(server.stylize(picture, style="udnie"), painted)
                os.write(writing, b"the same" if same else b"another")
            except BaseException as error:
                os.write(writing, repr(error).encode())
            finally:
                os._exit(0)
        os.close(writing)
        with open(reading, "rb") as answer:
            assert answer.read() == b"the same"
        os.waitpid(child, 0)
        assert np.array_equal(server.stylize(picture, style="udnie"), painted), "and the first goes on"
