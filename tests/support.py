"""What the tests share: a real server of their own and patience."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from impasto.batch import manifest
from impasto.client import Server
from impasto.nets.vgg import CHANNELS
from impasto.server.broker import Broker
from impasto.server.options import BrokerOptions
from impasto_link.client import Client
from impasto_link.discovery import ServerInfo, read_server_info
from impasto_link.launch import connect_running
from impasto_link.transport import open_transport

T = TypeVar("T")

#: Seconds after which what is waited for will not come any more. No measure of speed: a busy machine takes its time.
PATIENCE = 300.0

#: Where torchvision's VGG-19 has each convolution, by its name.
TORCHVISION = dict(zip(CHANNELS, [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34], strict=True))


class RunningServer:
    """A server process of the tests and ways to reach it.

    Args:
        folder: where it has its runtime folder and its models.
        arguments: those of `impasto serve`.
        worker: whether it has one; most of its start is a worker's.
    """

    def __init__(self, folder: Path, *arguments: str, worker: bool = True) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "IMPASTO_RUNTIME_DIR": str(folder / "runtime"),
            "IMPASTO_MODELS": str(folder / "models"),
        }
        os.environ["IMPASTO_RUNTIME_DIR"] = self.environment["IMPASTO_RUNTIME_DIR"]
        serve = ["-m", "impasto", "serve"] if worker else [str(Path(__file__).with_name("lone_broker.py"))]
        self.process = subprocess.Popen(
            [sys.executable, *serve, *arguments], env=self.environment, stdin=subprocess.DEVNULL
        )
        self.connect().close()

    @property
    def info(self) -> ServerInfo:
        os.environ["IMPASTO_RUNTIME_DIR"] = self.environment["IMPASTO_RUNTIME_DIR"]
        info = read_server_info()
        assert info is not None
        return info

    def connect(self) -> Server:
        """A connection of its own, made when the server is up."""
        os.environ["IMPASTO_RUNTIME_DIR"] = self.environment["IMPASTO_RUNTIME_DIR"]

        def look() -> Client | None:
            assert self.process.poll() is None, "the server has ended"
            return connect_running()

        return Server(wait_until(look))

    def client(self, transport: str = "") -> Client:
        """A bare client over the transport of that name."""
        return Client(open_transport(self.info.endpoint, self.info.token, prefer=transport))

    def wait_for_worker(self, state: str = "idle") -> dict[str, Any]:
        """Wait until the first worker is in a state; returns what the server says of it."""
        with self.connect() as server:
            return wait_until(lambda: next((w for w in server.status()["workers"] if w["state"] == state), None))

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE)


class RunningBroker:
    """A broker in a thread of its own."""

    def __init__(self, **options: Any) -> None:
        self.broker = Broker(BrokerOptions(**{"devices": ("cpu",), "shared_memory": False, **options}))
        self.thread = threading.Thread(target=self.broker.run)
        self.thread.start()
        self._clients: list[Client] = []

    def client(self, transport: str = "", port: int | str = "") -> Client:
        """A client over the transport of that name, and perhaps over a relay."""
        endpoint = f"tcp://127.0.0.1:{port}" if port else self.broker.info.endpoint
        self._clients.append(Client(open_transport(endpoint, self.broker.info.token, prefer=transport)))
        return self._clients[-1]

    def stop(self) -> None:
        for client in self._clients:
            client.close()
        self.broker.stop()
        self.thread.join()


def listed(folder: str | Path) -> list[str]:
    """The names of what lies in a folder of results, but for the manifest."""
    return sorted(path.name for path in Path(folder).iterdir() if path.name != manifest.NAME)


def wait_until(look: Callable[[], T | None]) -> T:
    """What ``look`` returns once that is true."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        seen = look()
        if seen:
            return seen
        time.sleep(0.02)
    raise AssertionError(f"nothing came within {PATIENCE:.0f} s")
