"""What is quick is done in the middle of what takes long, and neither notices the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from impasto.client import to_region
from impasto.pipeline import Pipeline
from impasto.server.jobs import Job, JobQueue, is_quick
from impasto.server.worker import Worker
from impasto_link import codec
from impasto_link.client import Call
from impasto_link.errors import Cancelled, NotEnoughMemory, UnknownStyle
from impasto_link.options import MaskOptions, RefineOptions, StylizeOptions
from impasto_link.pixels import Buffer, PixelFormat, Region
from support import RunningServer, wait_until

UDNIE = StylizeOptions.of("udnie")
#: It takes seconds, and looks around all the time.
LONG = StylizeOptions.of("udnie", refine=RefineOptions(iterations=5, features="compact"))


def picture(side: int, seed: int = 0) -> Region:
    return to_region(np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8))[0]


class Pair:
    """Somebody who refines, and somebody who wants something small meanwhile."""

    def __init__(self, server: RunningServer) -> None:
        self.host, self.guest = server.client(), server.client()

    def begin(self, options: StylizeOptions = LONG) -> Call:
        job = self.host.stylize(picture(96), options)
        self.until(lambda: any(event.kind == "progress" and event.fraction > 0.05 for event in job.events))
        return job

    def until(self, look: Callable[[], Any]) -> None:
        wait_until(lambda: (self.host.poll(0.01), self.guest.poll(0.01), look())[2])

    def end(self, *calls: Call) -> None:
        self.until(lambda: all(call.finished for call in calls))


@pytest.fixture
def pair(running_server: RunningServer) -> Iterator[Pair]:
    pair = Pair(running_server)
    yield pair
    pair.host.close()
    pair.guest.close()


def test_what_is_quick_does_not_wait_for_a_refinement_and_does_not_change_it(pair: Pair) -> None:
    alone = pair.host.wait(pair.host.stylize(picture(96), LONG)).regions["pixels"]
    job = pair.begin()
    quick = pair.guest.stylize(picture(48), UDNIE)
    pair.end(quick)
    assert quick.result is not None
    assert not job.finished
    pair.end(job)
    assert job.result is not None
    assert bytes(job.result.regions["pixels"].data) == bytes(alone.data)
    fractions = [event.fraction for event in job.events if event.kind in ("progress", "preview")]
    assert fractions == sorted(fractions)
    assert {event.doing.partition(",")[0] for event in job.events if event.kind == "progress"} <= {
        "reading",
        "painting",
        "refining",
        "finishing",
    }


def test_a_quick_job_that_fails_costs_the_long_one_nothing(pair: Pair) -> None:
    job = pair.begin()
    quick = pair.guest.stylize(picture(48), StylizeOptions.of("no-such-style"), preview=True)
    pair.end(quick)
    assert isinstance(quick.error, UnknownStyle)
    assert not job.finished
    pair.host.cancel(job, keep=True)
    pair.end(job)
    assert job.result is not None


def test_either_of_the_two_can_be_cancelled(pair: Pair) -> None:
    job = pair.begin(StylizeOptions.of("udnie", refine=RefineOptions(iterations=2000, features="compact")))
    quick = pair.guest.stylize(picture(1024), UDNIE, preview=True)
    pair.until(lambda: any(event.kind == "progress" for event in quick.events))
    pair.guest.cancel(quick)
    pair.end(quick)
    assert isinstance(quick.error, Cancelled)
    quick = pair.guest.stylize(picture(512), UDNIE, preview=True)
    pair.until(lambda: any(event.kind == "progress" for event in quick.events))
    pair.host.cancel(job)
    pair.end(quick, job)
    assert isinstance(job.error, Cancelled)
    assert quick.result is not None


def test_a_preview_goes_before_the_batch_of_its_own_connection(pair: Pair) -> None:
    batch = [pair.host.stylize(picture(256, seed), UDNIE) for seed in range(12)]
    preview = pair.host.stylize(picture(48), UDNIE, preview=True)
    pair.end(preview)
    assert sum(call.finished for call in batch) < 6
    for call in batch:
        pair.host.cancel(call)
    pair.end(*batch)


def test_quick_jobs_have_precedence_but_not_for_ever() -> None:
    queue = JobQueue()
    for number in range(6):
        queue.add(Job(f"batch {number}", b"batch", []))
    for number in range(6):
        queue.add(Job(f"quick {number}", f"client {number}".encode(), [], quick=True))
    queue.add(Job("preview", b"batch", [], streams=True, quick=True))
    assert [job.id for job in queue][:7] == [*(f"quick {number}" for number in range(6)), "preview"]
    taken = [queue.take("cpu") for _ in range(9)]
    assert [job.id for job in taken if job].index("batch 0") == 4
    assert queue.take("cpu", quick_only=True) is None


@pytest.mark.parametrize(
    ("options", "side", "quick"),
    [
        (StylizeOptions.of("udnie"), 1024, True),
        (StylizeOptions.of("udnie"), 1100, False),
        (StylizeOptions.of("udnie", brush=2), 1100, True),
        (StylizeOptions.of("udnie", brush=0.5), 600, False),
        (StylizeOptions.of("udnie", max_side=512), 2000, True),
        (StylizeOptions.of("udnie", max_side=2000), 2000, False),
        (StylizeOptions.of("udnie", max_side=512), 4000, False),
        (StylizeOptions.of("udnie", refine="draft"), 64, False),
        (StylizeOptions.of("udnie", refine="draft", max_side=512), 64, True),
        (MaskOptions(), 1024, True),
        (MaskOptions(), 2000, False),
    ],
)
def test_what_is_quick(options: StylizeOptions | MaskOptions, side: int, quick: bool) -> None:
    assert is_quick(options, {"pixels": PixelFormat(side, side, "RGB")}) is quick


class Script:
    """In the place of a broker: what it sends to a worker in this process, and what that answers."""

    def __init__(self, *jobs: tuple[str, StylizeOptions, Region]) -> None:
        self.messages = deque(
            codec.encode({**options.to_wire(), "op": "stylize", "id": job_id}, {"pixels": region})
            for job_id, options, region in jobs
        )
        self.answers: list[codec.Header] = []

    def receive(self, timeout: float | None) -> list[Buffer] | None:
        if not self.messages and timeout != 0:
            raise EOFError
        return self.messages.popleft() if self.messages else None

    def send(self, frames: list[Buffer]) -> None:
        self.answers.append(codec.decode_header(frames[0]))

    def flush(self) -> None:
        pass


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    """A worker in this process; what it connects to is not there."""
    for name, value in {
        "IDENTITY": "00",
        "TOKEN": "token",
        "ENDPOINT": "tcp://127.0.0.1:9",
        "DEVICE": "cpu",
        "UNLOAD_AFTER": "0",
    }.items():
        monkeypatch.setenv(f"IMPASTO_WORKER_{name}", value)
    worker = Worker()
    worker._broker.close()
    # It would be held to it for all tests that follow.
    monkeypatch.setattr(worker, "_hold_to_what_is_free", lambda: None)
    return worker


def ends(worker: Worker, script: Script) -> list[tuple[str, str]]:
    """How each of the jobs of a script ended."""
    worker._broker = script  # type: ignore[assignment]
    with pytest.raises(EOFError):
        worker.run()
    final = ("done", "failed", "cancelled")
    return [(answer["id"], answer["event"]) for answer in script.answers if answer["event"] in final]


def test_a_quick_job_without_memory_waits_for_the_end_of_the_long_one(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    stylize, tried = Pipeline.stylize, []

    def crowded(self: Pipeline, region: Region, *args: Any, **kwargs: Any) -> Any:
        tried.append(region.format.width)
        if tried == [96, 48]:
            raise NotEnoughMemory("Somebody else has it.")
        return stylize(self, region, *args, **kwargs)

    monkeypatch.setattr(Pipeline, "stylize", crowded)
    script = Script(("long", UDNIE, picture(96)), ("quick", UDNIE, picture(48)))
    assert ends(worker, script) == [("long", "done"), ("quick", "done")]
    assert tried == [96, 48, 48]


def test_a_quick_job_that_waits_for_the_end_of_the_long_one_can_be_cancelled(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    stylize = Pipeline.stylize
    script = Script(("long", UDNIE, picture(96)), ("quick", UDNIE, picture(48)))

    def crowded(self: Pipeline, region: Region, *args: Any, **kwargs: Any) -> Any:
        if region.format.width == 48:
            script.messages.append([codec.pack({"op": "cancel", "id": "quick"})])
            raise NotEnoughMemory("Somebody else has it.")
        return stylize(self, region, *args, **kwargs)

    monkeypatch.setattr(Pipeline, "stylize", crowded)
    assert ends(worker, script) == [("quick", "cancelled"), ("long", "done")]


def test_where_an_allocation_failed_a_new_process_takes_over(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(Pipeline, "stylize", fails)
    script = Script(("large", UDNIE, picture(96)))
    assert ends(worker, script) == [("large", "failed")]
    final = script.answers[-1]
    assert (final["code"], final["leaves"]) == (NotEnoughMemory.code, True)
