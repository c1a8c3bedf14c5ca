"""Limits of numbers and memory, what a job can end with, and the end of the web face itself."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from running_web import RunningWeb, as_file
from support import PATIENCE, RunningServer

#: What is never done by itself in the time of a test.
ENDLESS = {"style": "udnie", "refine": "10000"}


def begin(http: httpx.Client, photo: bytes, **fields: str) -> httpx.Response:
    return http.post("/v1/stylize", data=fields or {"style": "udnie"}, files={"image": photo})


def last_event(http: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    """The job as its last event has it."""
    with http.stream("GET", job["links"]["events"]) as answer:
        lines = [line for line in answer.iter_lines() if line.startswith("data: ")]
    told: dict[str, Any] = json.loads(lines[-1].removeprefix("data: "))
    return told


def test_who_asks_too_often_waits(web: Callable[..., RunningWeb], photo: bytes) -> None:
    with web(rate=2).http() as http:
        assert [begin(http, photo).status_code for _ in range(2)] == [202, 202]
        answer = begin(http, photo)
    assert (answer.status_code, answer.json()["code"]) == (429, "too-often")
    assert 1 <= int(answer.headers["retry-after"]) <= 30


def test_a_job_is_cancelled_and_makes_room(web: Callable[..., RunningWeb], photo: bytes) -> None:
    with web(jobs_each=1).http() as http:
        job = begin(http, photo, **ENDLESS).json()
        full = begin(http, photo)
        assert (full.status_code, full.json()["code"]) == (503, "busy")
        assert "retry-after" in full.headers
        early = http.get(f"{job['links']['self']}/result")
        assert (early.status_code, early.json()["code"]) == (409, "not-yet")
        assert http.delete(job["links"]["self"]).status_code == 204
        ended = last_event(http, job)
        assert (ended["state"], ended["error"]["code"]) == ("cancelled", "cancelled")
        assert http.get(f"{job['links']['self']}/result").status_code == 409
        assert begin(http, photo).status_code == 202


def test_results_are_forgotten_when_they_are_too_much(web: Callable[..., RunningWeb], photo: bytes) -> None:
    with web(keep_megabytes=0.01).http() as http:
        first, second = begin(http, photo).json(), begin(http, photo).json()
        for job in (first, second):
            last_event(http, job)
        assert http.get(f"{second['links']['self']}/result").status_code == 200
        forgotten = http.get(first["links"]["self"])
        assert (forgotten.status_code, forgotten.json()["code"]) == (410, "forgotten")
        never = http.get(f"/v1/jobs/{first['id'][:-1]}x")
        assert (never.status_code, never.json()["code"]) == (404, "not-there")
        # Whoever has it need not keep it.
        assert http.delete(second["links"]["self"]).status_code == 204
        assert http.get(second["links"]["self"]).status_code == 410


def test_there_is_room_for_so_many_pictures(web: Callable[..., RunningWeb], astronaut: np.ndarray) -> None:
    large = as_file(astronaut)
    with web(memory_megabytes=0.5).http() as http:
        # The file has room, its pixels do not.
        answer = begin(http, large)
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert begin(http, as_file(astronaut[:64, :64])).status_code == 202


def test_uploads_never_touch_the_disk(
    web: Callable[..., RunningWeb], astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = as_file(np.tile(astronaut, (2, 2, 1)), "BMP")
    assert len(large) > 3 << 20
    # Whoever wanted to make a file there could not.
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with web().http() as http:
        answer = begin(http, large, style="udnie", max_side="64")
        assert answer.status_code == 202, answer.text
        assert last_event(http, answer.json())["state"] == "done"


def test_the_end_cancels_jobs_and_says_so(running_server: RunningServer, tmp_path: Path, photo: bytes) -> None:
    words = [sys.executable, "-P", "-m", "impasto", "web", "--port", "0"]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env={**os.environ, "TMPDIR": str(tmp_path)}
    ) as process:
        assert process.stdout is not None
        address = process.stdout.readline().split()[-1]
        with httpx.Client(base_url=address, timeout=PATIENCE, trust_env=False) as http:
            job = begin(http, photo, **ENDLESS).json()
            with http.stream("GET", job["links"]["events"]) as answer:
                lines = answer.iter_lines()
                next(lines)
                process.send_signal(signal.SIGTERM)
                told = [line for line in lines if line.startswith("event: ")]
        assert told[-1] == "event: cancelled"
        assert process.wait(PATIENCE) == 0
    assert list(tmp_path.iterdir()) == []
