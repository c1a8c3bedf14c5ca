"""A job, and who waits for news of it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from impasto.web.job import CANCELLED, QUEUED, Job
from impasto.web.memory import Load, Memory


def test_whoever_is_busy_while_a_job_ends_hears_of_its_end_all_the_same() -> None:
    person: Any = SimpleNamespace(name="anybody")
    job = Job("1", person, "stylize", Load(Memory(1)))
    job.state = QUEUED

    async def listen() -> list[str]:
        heard = []
        async for now in job.changes():
            heard.append(now.state)
            if now.state == QUEUED:
                job.end(CANCELLED)  # As it does while an event is on its way over a slow line.
        return heard

    assert asyncio.run(asyncio.wait_for(listen(), 30)) == [QUEUED, CANCELLED]
