"""The commands about the server itself, with servers that are not as they should be."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from impasto.cli import main
from impasto.client import SERVER_COMMAND
from impasto.server.logs import MAX_BYTES
from impasto_link import __version__
from impasto_link.discovery import ServerInfo
from impasto_link.errors import ServerGone
from impasto_link.launch import connect_or_start
from support import RunningServer


@pytest.fixture(autouse=True)
def runtime_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of another test's servers; and the next test finds again the one that it knows."""
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))


def test_the_log_of_a_server_that_could_not_be_started_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ServerGone, match="could not be started"):
        connect_or_start([sys.executable, "-c", "raise SystemExit('no disk in drive A')"])
    assert main(["status"]) == 1
    said = capsys.readouterr().out
    assert "does not run" in said
    log = Path(said.split("log", 1)[1].strip())
    assert "no disk in drive A" in log.read_text()
    assert main(["status", "--json"]) == 1
    assert json.loads(capsys.readouterr().out) == {"running": False, "log": str(log)}


@pytest.mark.skipif(sys.platform == "win32", reason="signals that stop a process")
def test_a_server_that_does_not_answer_is_told_from_none(
    own_server: Callable[..., RunningServer], capsys: pytest.CaptureFixture[str]
) -> None:
    running = own_server()
    pid = running.info.pid
    os.kill(pid, signal.SIGSTOP)
    try:
        assert main(["stop"]) == 1
        said = "".join(capsys.readouterr())
        assert f"process {pid}, but does not answer" in said
        assert f"kill -KILL {pid}" in said
        with pytest.raises(ServerGone, match="runs, but does not answer"):
            connect_or_start(SERVER_COMMAND, timeout=6)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert main(["stop"]) == 0
    assert "has stopped" in capsys.readouterr().out


def test_a_process_that_has_the_number_of_a_crashed_server_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    ServerInfo("tcp://127.0.0.1:9", "a token", os.getpid(), __version__, 1).write()
    assert main(["stop"]) == 0
    assert "does not run" in capsys.readouterr().out


def test_only_a_server_that_starts_puts_the_old_log_aside(own_server: Callable[..., RunningServer]) -> None:
    running = own_server()
    log = next((running.folder / "runtime").glob("*.server.log"))
    with log.open("a") as file:
        file.write("\n" * (MAX_BYTES + 1))
    serve = [sys.executable, "-m", "impasto", "serve", "--exit-after", "0.01"]
    second = subprocess.run(serve, env=running.environment, capture_output=True, text=True, timeout=60)
    assert "runs already" in second.stderr
    assert log.stat().st_size > MAX_BYTES
    assert not log.with_suffix(".log.old").exists()
    running.stop()
    subprocess.run(serve, env=running.environment, capture_output=True, timeout=60)
    assert log.stat().st_size < MAX_BYTES
    assert log.with_suffix(".log.old").exists()


def test_a_device_that_no_machine_has_starts_no_server(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--device", "gpu"]) == 1
    assert "'gpu' is not known" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
