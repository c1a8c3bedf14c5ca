"""The life of a job, as a program on the other side of HTTP sees it."""

from __future__ import annotations

import json
from typing import Any

import httpx
import numpy as np

from impasto.client import Server
from running_web import as_file, as_pixels


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


def test_masks_pictures_as_styles_and_other_kinds_of_file(http: httpx.Client, photo: bytes) -> None:
    half = np.zeros((64, 64), np.uint8)
    half[:, 32:] = 255
    files = {
        "image": ("photo.png", photo),
        "mask": ("half.png", as_file(half)),
        "picture": ("folder/mine.png", photo),
    }
    job = http.post("/v1/stylize", data={"style": "mine", "flatten": "false"}, files=files).json()
    job = events_of(http, job)[-1][1]
    assert job["state"] == "done", job
    assert any("resized" in note for note in job["notes"])

    mask = as_pixels(http.get(job["links"]["mask"]).content)
    assert mask.shape == (128, 128)
    assert (mask[:, :56] == 0).all()
    assert (mask[:, 72:] == 255).all()
    smaller = http.get(job["links"]["result"], params={"format": "jpg", "quality": 50})
    assert smaller.headers["content-type"] == "image/jpeg"
    assert as_pixels(smaller.content).shape == (128, 128, 3)
    assert http.get(job["links"]["result"], params={"format": "exe"}).status_code == 422

    answer = http.post("/v1/stylize?wait=60", data={"style": "undie"}, files={"image": photo})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown-style")
    assert "udnie" in answer.json()["hint"]
