"""Processes that die, files that lie, servers that are alone."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from impasto.client import to_region
from impasto.server import logs
from impasto.server.logs import LONGEST_MESSAGE, MAX_BYTES, JsonLines, keep_log_short, put_aside
from impasto.zoo.library import shipped_models
from impasto_link.discovery import log_file, read_server_info, runtime_file
from impasto_link.errors import ModelProblem, ServerEnded, WorkerDied
from impasto_link.launch import clean_environment, connect_or_start, connect_running
from impasto_link.options import StylizeOptions
from support import PATIENCE, RunningServer, wait_until

Start = Callable[..., RunningServer]


def big(side: int = 1280) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8)


def test_a_killed_worker_costs_one_job(own_server: Start) -> None:
    running = own_server()
    pid = running.wait_for_worker()["pid"]
    with running.connect() as server:
        doomed = iter(server.start(big(), style="udnie"))
        # Not before: a job that has not begun would be done by the next worker.
        next(event for event in doomed if event.kind == "progress")
        os.kill(int(pid), signal.SIGKILL)
        with pytest.raises(WorkerDied, match="ended in the middle"):
            list(doomed)
        assert server.stylize(big(64), style="udnie").shape == (64, 64, 3)


def test_a_killed_server_takes_its_worker_along_and_its_clients_hear_of_it(own_server: Start) -> None:
    running = own_server()
    worker = psutil.Process(int(running.wait_for_worker()["pid"]))
    clients = [connect_running(transport=transport) for transport in ("pyzmq", "zmtp")]
    calls = [(client, client.stylize(to_region(big())[0], StylizeOptions.of("udnie"))) for client in clients if client]
    for client, _ in calls:
        client.poll()
    running.process.kill()
    running.process.wait()
    assert len(calls) == 2
    for client, call in calls:
        with pytest.raises(ServerEnded):
            client.wait(call)
        client.close()
    assert worker.wait(PATIENCE) is not None or not worker.is_running()


def test_a_stale_runtime_file_is_recognised(own_server: Start) -> None:
    running = own_server(worker=False)
    running.process.kill()
    running.process.wait()
    assert runtime_file().exists()
    assert read_server_info() is None
    assert connect_running() is None
    command = [sys.executable, "-m", "impasto"]
    os.environ["IMPASTO_MODELS"] = running.environment["IMPASTO_MODELS"]
    client = connect_or_start(command)
    assert client.ask("hello").fields["version"]
    client.ask("shutdown")
    client.close()
    wait_until(lambda: not runtime_file().exists())


def test_there_is_only_one_server(own_server: Start) -> None:
    running = own_server(worker=False)
    second = subprocess.run(
        [sys.executable, "-m", "impasto", "serve"],
        env=running.environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert "runs already" in second.stderr
    assert str(running.process.pid) in second.stderr
    assert running.info.pid == running.process.pid


def test_models_unload_and_the_server_ends_when_idle(own_server: Start) -> None:
    running = own_server("--unload-after", "0.5", "--exit-after", "4")
    running.wait_for_worker()
    with running.connect() as server:
        server.stylize(big(64), style="udnie")
        assert server.status()["workers"][0]["models"]
        # Asking is use, too: keep the server from ending while it is watched.
        wait_until(lambda: not server.status()["workers"][0]["models"])
    assert running.process.wait(PATIENCE) == 0
    assert not runtime_file().exists()


def test_the_log_is_made_of_json_lines(own_server: Start) -> None:
    running = own_server()
    running.wait_for_worker()
    lines = [json.loads(line) for line in log_file().read_text().splitlines()]
    assert {"time", "level", "process", "logger", "message"} <= set(lines[0])
    assert any("ready" in line["message"] for line in lines)


def test_a_long_log_is_put_aside_from_under_whoever_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "server.log"
    with path.open("ab", buffering=0) as errors:  # as the launcher gives it to the server for its standard error
        errors.write(b"." * (MAX_BYTES + 1))
        put_aside(path)
        errors.write(b"what went wrong")
        put_aside(path)
    assert path.read_bytes() == b"what went wrong"
    assert (tmp_path / "server.log.old").stat().st_size == MAX_BYTES + 1


def test_the_log_stays_short_while_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = logging.FileHandler(tmp_path / "server.log", encoding="utf-8")
    handler.setFormatter(JsonLines())
    monkeypatch.setattr(logging.getLogger(), "handlers", [handler])
    monkeypatch.setattr(logs, "MAX_BYTES", 10_000)
    for number in range(20):
        logging.getLogger().error("%d %s", number, "\x01" * 1_000_000)
        keep_log_short()
        assert (tmp_path / "server.log").stat().st_size <= 10_000 + 6 * LONGEST_MESSAGE + 1000
    handler.close()
    assert json.loads((tmp_path / "server.log.old").read_text().splitlines()[0])["level"] == "error"


def test_a_library_with_many_thumbnails_is_told_whole(own_server: Start) -> None:
    running = own_server(worker=False)
    models = Path(running.environment["IMPASTO_MODELS"])
    shipped = json.loads((shipped_models() / "classic.json").read_text())
    names = [f"kept-{number}" for number in range(60)]
    card = {**shipped, "has_body": False, "styles": [{"name": name, "title": name} for name in names]}
    (models / "mine.thumbnails").mkdir(parents=True)
    (models / "mine.json").write_text(json.dumps(card))
    (models / "mine.safetensors").write_bytes(b"not asked for its weights here")
    for name in names:
        (models / "mine.thumbnails" / f"{name}.jpg").write_bytes(bytes(32_000))
    with running.connect() as server:
        kept = [style for style in server.styles(thumbnails=True) if style["name"].startswith("kept-")]
        assert [style["name"] for style in kept] == names
        assert {len(style["thumbnail"]) for style in kept} == {32_000}


def test_a_damaged_model_is_said_in_words(own_server: Start) -> None:
    running = own_server()
    models = Path(running.environment["IMPASTO_MODELS"])
    models.mkdir()
    card = {"kind": "style-bank", "body": "0", "has_body": True, "styles": [{"name": "broken"}]}
    (models / "bad.json").write_text(json.dumps(card))
    (models / "bad.safetensors").write_bytes(b"nothing")
    (models / "worse.json").write_text("{")
    with running.connect() as server:
        # It was put there while the server ran, and is seen.
        assert "broken" in [style["name"] for style in server.styles()]
        with pytest.raises(ModelProblem, match=r"bad\.safetensors"):
            server.stylize(big(32), style="broken")
        problems = server._client.ask("styles").fields["problems"]
        assert any("worse.json" in problem for problem in problems)
        assert server.stylize(big(32), style="udnie").shape == (32, 32, 3)


def test_what_an_editor_sets_for_itself_does_not_reach_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "QT_PLUGIN_PATH"):
        monkeypatch.setenv(name, "/somewhere/else")
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    environment = clean_environment()
    assert "LANG" in environment
    assert not any(value == "/somewhere/else" for value in environment.values())
