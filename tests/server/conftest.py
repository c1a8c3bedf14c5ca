"""Brokers with pretended workers, for what needs no networks: up at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from impasto.server import workers
from support import RunningBroker

Start = Callable[..., RunningBroker]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts brokers; arguments are those of `BrokerOptions`."""
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(
        workers, "WORKER_COMMAND", [sys.executable, str(Path(__file__).with_name("pretended_worker.py"))]
    )
    started: list[RunningBroker] = []

    def one(**options: Any) -> RunningBroker:
        started.append(RunningBroker(**options))
        return started[-1]

    yield one
    for broker in started:
        broker.stop()
