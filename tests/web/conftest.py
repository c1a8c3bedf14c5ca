"""The web face, over real sockets, in front of the real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from running_web import RunningWeb, as_file
from support import RunningServer


@pytest.fixture
def web(running_server: RunningServer) -> Iterator[Callable[..., RunningWeb]]:
    """Starts web faces of the test's own; arguments are those of `WebOptions`."""
    started: list[RunningWeb] = []

    def start(**options: Any) -> RunningWeb:
        started.append(RunningWeb(**options))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="session")
def shared_web(shared_server: RunningServer) -> Iterator[RunningWeb]:
    """The web face that most tests share."""
    web = RunningWeb()
    yield web
    web.stop()


@pytest.fixture
def http(shared_web: RunningWeb, running_server: RunningServer) -> Iterator[httpx.Client]:
    """A client of the shared web face."""
    with shared_web.http() as client:
        yield client


@pytest.fixture(scope="session")
def photo(astronaut: np.ndarray) -> bytes:
    """A small PNG."""
    return as_file(astronaut[100:228, 150:278])
