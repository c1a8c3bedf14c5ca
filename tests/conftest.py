"""The real server for the tests: its own runtime folder, the shipped models, sockets on loopback."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from impasto.client import Server
from support import RunningServer


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    # A refinement does with what is there; its test does not fetch half a gigabyte.
    os.environ["IMPASTO_OFFLINE"] = "1"
    server = RunningServer(tmp_path_factory.mktemp("server"))
    server.wait_for_worker()
    yield server
    server.stop()


@pytest.fixture
def running_server(shared_server: RunningServer, monkeypatch: pytest.MonkeyPatch) -> RunningServer:
    """The server that most tests share; whatever looks for one finds it, also after a test with a server of its own."""
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", shared_server.environment["IMPASTO_RUNTIME_DIR"])
    return shared_server


@pytest.fixture
def server(running_server: RunningServer) -> Iterator[Server]:
    """A connection to the shared server."""
    with running_server.connect() as connection:
        yield connection


@pytest.fixture
def own_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., RunningServer]]:
    """Starts servers of the test's own, to be broken at will; arguments are those of `RunningServer`."""
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))  # the started ones say theirs; this puts it back
    started: list[RunningServer] = []

    def start(*arguments: str, worker: bool = True) -> RunningServer:
        started.append(RunningServer(tmp_path / str(len(started)), *arguments, worker=worker))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """A photo, (512, 512, 3) uint8."""
    from skimage import data

    return data.astronaut()
