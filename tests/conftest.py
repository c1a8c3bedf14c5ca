"""The real server for the tests: its own runtime folder, the shipped models, sockets on loopback."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from impasto.client import Server
from impasto_link.client import Client
from impasto_link.discovery import ServerInfo, read_server_info
from impasto_link.launch import connect_running
from impasto_link.transport import open_transport

T = TypeVar("T")


class RunningServer:
    """A server process of the tests and ways to reach it."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "IMPASTO_RUNTIME_DIR": str(folder / "runtime"),
            "IMPASTO_MODELS": str(folder / "models"),
        }
        os.environ["IMPASTO_RUNTIME_DIR"] = self.environment["IMPASTO_RUNTIME_DIR"]
        command = [sys.executable, "-m", "impasto", "serve", *arguments]
        self.process = subprocess.Popen(command, env=self.environment, stdin=subprocess.DEVNULL)
        self.connect().close()

    @property
    def info(self) -> ServerInfo:
        os.environ["IMPASTO_RUNTIME_DIR"] = self.environment["IMPASTO_RUNTIME_DIR"]
        info = read_server_info()
        assert info is not None
        return info

    def connect(self, timeout: float = 20.0) -> Server:
        """A connection of its own, made when the server is up."""
        os.environ["IMPASTO_RUNTIME_DIR"] = self.environment["IMPASTO_RUNTIME_DIR"]
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            client = connect_running()
            if client is not None:
                return Server(client)
            assert self.process.poll() is None, "the server has ended"
            time.sleep(0.05)
        raise AssertionError("the server did not come up")

    def client(self, transport: str = "") -> Client:
        """A bare client over the transport of that name."""
        return Client(open_transport(self.info.endpoint, self.info.token, prefer=transport))

    def wait_for_worker(self, state: str = "idle", timeout: float = 30.0) -> dict[str, object]:
        """Wait until the first worker is in a state; returns what the server says of it."""
        with self.connect() as server:
            return wait_until(
                lambda: next((w for w in server.status()["workers"] if w["state"] == state), None), timeout
            )

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


def wait_until(look: Callable[[], T | None], timeout: float = 10.0) -> T:
    """What ``look`` returns once that is true, within ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        seen = look()
        if seen:
            return seen
        time.sleep(0.02)
    raise AssertionError(f"nothing came within {timeout} s")


@pytest.fixture(scope="session")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """The server that most tests share."""
    server = RunningServer(tmp_path_factory.mktemp("server"))
    server.wait_for_worker()
    yield server
    server.stop()


@pytest.fixture
def server(running_server: RunningServer) -> Iterator[Server]:
    """A connection to the shared server."""
    with running_server.connect() as connection:
        yield connection


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Callable[..., RunningServer]]:
    """Starts servers of the test's own, to be broken at will; arguments are those of `impasto serve`."""
    started: list[RunningServer] = []

    def start(*arguments: str) -> RunningServer:
        started.append(RunningServer(tmp_path / str(len(started)), *arguments))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """A photo, (512, 512, 3) uint8."""
    from skimage import data

    return data.astronaut()
