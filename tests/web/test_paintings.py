"""The life of a job, as a program on the other side of HTTP sees it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import numpy as np

from impasto.client import Server
from running_web import as_pixels


def events_of(http: httpx.Client, job: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """All events of a job, to its end."""
    with http.stream("GET", job["links"]["events"]) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        blocks = "".join(answer.iter_text()).split("\n\n")
    told = [dict(line.split(": ", 1) for line in block.splitlines()) for block in blocks if "event: " in block]
    return [(one["event"], json.loads(one["data"])) for one in told]


def test_a_painting_is_the_one_that_python_gets(http: httpx.Client, server: Server, photo: bytes) -> None:
    sent = {"style": "udnie", "strength": "0.8"}
    answer = http.post("/v1/stylize", data=sent, files={"image": ("photo.png", photo)})
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert answer.headers["location"] == job["links"]["self"]

    events = events_of(http, job)
    assert [kind for kind, _ in events][-1] == "done"
    assert {kind for kind, _ in events} <= {"accepted", "progress", "done"}
    fractions = [one["fraction"] for _, one in events]
    assert fractions == sorted(fractions)

    result = http.get(events[-1][1]["links"]["result"])
    assert (result.status_code, result.headers["content-type"]) == (200, "image/png")
    painted = server.stylize(as_pixels(photo), "udnie", strength=0.8)
    assert np.array_equal(as_pixels(result.content), painted)
