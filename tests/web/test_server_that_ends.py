"""The server behind the web face may end, and come again."""

from __future__ import annotations

import json
from collections.abc import Callable

from impasto_link.launch import connect_running
from running_web import RunningWeb
from support import RunningServer, wait_until


def test_jobs_fail_with_words_and_the_next_one_starts_it_again(
    own_server: Callable[..., RunningServer], photo: bytes
) -> None:
    server = own_server()
    web = RunningWeb()
    try:
        with web.http() as http:
            assert http.get("/v1/health").json()["status"] == "ok"
            job = http.post("/v1/mask", files={"image": photo}).json()
            with http.stream("GET", job["links"]["events"]) as answer:
                lines = answer.iter_lines()
                next(lines)
                server.process.kill()
                server.process.wait()
                told = [line for line in lines if line.startswith("data: ")]
            assert json.loads(told[-1].removeprefix("data: "))["error"]["code"] == "server-ended"
            assert wait_until(lambda: http.get("/v1/health").json().get("status") == "resting")
            assert http.post("/v1/mask", files={"image": photo}).status_code == 202
            assert http.get("/v1/health").json()["status"] == "ok"
    finally:
        web.stop()
        started = connect_running()
        assert started is not None
        started.ask("shutdown")
        started.close()
