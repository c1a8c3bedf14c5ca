"""The runtime file, whatever is in it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from impasto_link.discovery import ServerInfo, read_server_info, runtime_file

INFO = ServerInfo("tcp://127.0.0.1:5555", "a token", os.getpid(), "1.0", 1)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))


def test_what_is_written_is_read() -> None:
    assert read_server_info() is None
    INFO.write()
    assert read_server_info() == INFO
    INFO.remove()
    assert read_server_info() is None


@pytest.mark.parametrize(
    "change",
    [
        {"pid": "12"},
        {"pid": None},
        {"pid": 1.5},
        {"pid": 0},
        {"pid": -1},
        {"pid": 10**30},
        {"endpoint": 5555},
        {"token": None},
        {"version": []},
        {"protocol": "1"},
    ],
)
def test_what_makes_no_sense_names_no_server(change: dict[str, object]) -> None:
    INFO.write()
    known = json.loads(runtime_file().read_text())
    runtime_file().write_text(json.dumps({**known, **change}))
    assert read_server_info() is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", "\xff"])
def test_what_is_no_runtime_file_names_no_server(text: str) -> None:
    runtime_file().write_bytes(text.encode("latin-1"))
    assert read_server_info() is None
