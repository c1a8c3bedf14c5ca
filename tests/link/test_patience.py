"""Waiting for a server: as long as it lives, and no longer."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from impasto_link.discovery import ServerInfo, claim
from impasto_link.errors import ServerEnded, ServerGone
from impasto_link.patience import GONE_AFTER, TELL_AFTER, Patience


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    caplog.set_level(logging.WARNING)
    return lambda: [record.getMessage() for record in caplog.records]


def test_a_server_that_lives_is_waited_for_and_one_that_has_ended_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Callable[[], list[str]]
) -> None:
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))
    with claim() as place:
        assert place is not None
        info = ServerInfo("tcp://127.0.0.1:9", "a token", os.getpid(), "1.0", 1)
        info.write(place.runtime)
        patience = Patience(info)
        for silent in range(40):
            patience.wait(silent)
        patience.wait(100 * GONE_AFTER)
        told = said()
        assert len(told) == 4, "at 5, 10, 20 seconds, and so on"
        assert f"process {os.getpid()}" in told[0]
        assert "impasto stop --force" in told[0]
        # It has answered, and is silent again.
        patience.wait(0.0)
        patience.wait(TELL_AFTER)
        assert len(said()) == 5
    with pytest.raises(ServerEnded):
        patience.wait(1.0)


def test_of_a_server_on_another_machine_time_decides(said: Callable[[], list[str]]) -> None:
    patience = Patience()
    patience.wait(GONE_AFTER)
    with pytest.raises(ServerGone, match="does not answer"):
        patience.wait(GONE_AFTER + 1)
    assert not said()
