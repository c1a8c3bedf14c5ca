"""The broker goes on whatever its workers, its clients and the machine do. The workers are pretended ones."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any

import msgpack
import psutil
import pytest

from impasto.server import workers
from impasto_link import codec
from impasto_link.client import Call, Client, Event
from impasto_link.errors import BadRequest, Cancelled, WorkerDied, WrongVersion
from impasto_link.frames import Frame
from impasto_link.options import StylizeOptions
from impasto_link.pixels import PixelFormat, Region
from support import PATIENCE, RunningBroker, wait_until

PIXEL = Region(PixelFormat(1, 1, "RGB", "u8"), bytes(3))


Start = Callable[..., RunningBroker]


def job(client: Client, doing: str = "") -> Call:
    return client.stylize(PIXEL, StylizeOptions.of(doing or "udnie"))


def worker_of(client: Client) -> dict[str, Any]:
    worker = client.ask("status").fields["workers"][0]
    assert isinstance(worker, dict)
    return worker


def test_frames_of_a_sequence_are_done_in_order_by_the_worker_that_remembers(start: Start) -> None:
    client = start(devices=("cpu", "cpu")).client()
    done: list[tuple[str, int]] = []

    def send(sequence: str, number: int) -> Call:
        def tell(event: Event) -> None:
            if event.kind == "done":
                done.append((sequence, number))

        doing = StylizeOptions.of("take a moment" if number == 0 else "udnie")
        return client.stylize(PIXEL, doing, tell, frame=Frame(sequence, number / 25))

    calls: dict[str, list[Call]] = {name: [] for name in "ab"}
    for number in range(4):
        for name, several in calls.items():
            several.append(send(name, number))
    by = {}
    for name, several in calls.items():
        by[name] = {client.wait(call).fields["by"] for call in several[1:]}
        assert len(by[name]) == 1
        assert [number for sequence, number in done if sequence == name] == [0, 1, 2, 3]
    assert by["a"] != by["b"], "the second worker had nothing to do while the first painted the first frame"


@pytest.mark.parametrize("doing", ["answer nonsense", "answer at too great length"])
def test_a_worker_that_cannot_be_understood_is_replaced(start: Start, doing: str) -> None:
    client = start().client()
    with pytest.raises(WorkerDied, match="ended in the middle"):
        client.wait(job(client, doing))
    assert client.wait(job(client)).fields["by"]


def test_a_worker_that_stands_still_is_replaced(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "STILL_EVERY", 0.01)
    monkeypatch.setattr(workers, "STILL_LOOKS", 3)
    client, other = (broker := start()).client(), broker.client()
    still, waiting = job(client, "stand still"), job(other)
    with pytest.raises(WorkerDied):
        client.wait(still)
    assert other.wait(waiting).fields["by"]


def test_a_job_that_had_not_begun_is_done_by_the_next_worker(start: Start) -> None:
    client = start().client()
    idle = wait_until(lambda: (worker := worker_of(client))["state"] == "idle" and worker)
    # Stopped first, so that it cannot begin and is not seen to end before it has the job.
    os.kill(idle["pid"], signal.SIGSTOP)
    lost = job(client)
    wait_until(lambda: client.ask("status").fields["jobs_running"])
    os.kill(idle["pid"], signal.SIGKILL)
    assert client.wait(lost).fields["by"] != idle["pid"]


def test_a_job_is_cancelled_on_its_way_to_the_worker(start: Start) -> None:
    """The word overtakes the picture, of which only a part fits into the connection."""
    client = start().client()
    idle = wait_until(lambda: (worker := worker_of(client))["state"] == "idle" and worker)
    os.kill(idle["pid"], signal.SIGSTOP)
    form = PixelFormat(4000, 2000, "RGB", "u8")
    call = client.stylize(Region(form, bytes(form.nbytes)), StylizeOptions.of("obey"))
    wait_until(lambda: client.ask("status").fields["jobs_running"])
    client.cancel(call)
    client.ask("status")
    os.kill(idle["pid"], signal.SIGCONT)
    with pytest.raises(Cancelled):
        client.wait(call)
    assert worker_of(client)["pid"] == idle["pid"]


def test_a_worker_that_dies_in_the_middle_of_a_result_leaves_nothing(start: Start) -> None:
    running = start()
    client = running.client()
    broken = job(client, "break off")
    wait_until(lambda: client.poll(0.01) or running.broker.crew.door.room())
    os.kill(worker_of(client)["pid"], signal.SIGKILL)
    with pytest.raises(WorkerDied):
        client.wait(broken)
    assert client.wait(job(client)).fields["by"]
    assert not running.broker.crew.door.room()


def test_a_worker_that_wants_to_leave_is_heard_to_the_end(start: Start) -> None:
    client = start().client()
    before = wait_until(lambda: (worker := worker_of(client))["state"] == "idle" and worker)
    assert client.wait(job(client, "give back and leave")).regions["pixels"].format == PIXEL.format
    assert client.wait(job(client)).fields["by"] != before["pid"]


def test_a_job_that_takes_worker_after_worker_fails(start: Start) -> None:
    client = start().client()
    with pytest.raises(WorkerDied, match="ended in the middle"):
        client.wait(job(client, "die before it begins"))


def test_a_worker_that_cannot_be_started_does_not_take_the_broker_along(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = workers.WORKER_COMMAND
    monkeypatch.setattr(workers, "FIRST_REST", 0.0)
    client = start().client()
    pid = client.wait(job(client)).fields["by"]
    monkeypatch.setattr(workers, "WORKER_COMMAND", ["/nowhere/python"])
    psutil.Process(pid).kill()
    wait_until(lambda: worker_of(client)["state"] == "broken")
    # It is tried again with every job, in vain, and then not in vain.
    with pytest.raises(WorkerDied, match="does not start"):
        client.wait(job(client))
    monkeypatch.setattr(workers, "WORKER_COMMAND", command)
    assert client.wait(job(client)).fields["by"]


def test_a_worker_that_keeps_ending_has_to_rest(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "WORKER_COMMAND", [sys.executable, "-S", "-c", ""])
    client = start().client()
    wait_until(lambda: worker_of(client)["state"] == "broken")
    with pytest.raises(WorkerDied, match=r"started once more"):
        client.wait(job(client))


def test_where_a_gpu_does_not_start_the_processor_is_tried_and_only_once(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "WORKER_COMMAND", ["/nowhere/python"])
    running = start(devices=("cuda",))
    client = running.client()
    wait_until(lambda: worker_of(client)["state"] == "broken")
    for _ in range(3):
        with pytest.raises(WorkerDied, match="does not start"):
            client.wait(client.stylize(PIXEL, StylizeOptions.of("udnie", device="cpu")))
    assert [worker.device for worker in running.broker.crew.workers] == ["cuda", "cpu"]


def test_an_error_in_the_loop_does_not_end_it(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    running = start()
    seen = threading.Event()

    def fails() -> None:
        seen.set()
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(running.broker.crew, "look_after", fails)
    assert seen.wait(PATIENCE)
    client = running.client()
    assert client.wait(job(client)).fields["by"]


def test_a_program_of_another_version_can_ask_and_end_the_server(start: Start) -> None:
    running = start(devices=())
    client = running.client()
    client.ask("hello")
    newer = codec.PROTOCOL + 1

    def ask(operation: str) -> Call:
        call = Call(operation)
        client._open[call.id] = call
        client.transport.send([msgpack.packb({"v": newer, "op": operation, "id": call.id, "frames": []})])
        return call

    with pytest.raises(WrongVersion, match=f"{newer} and {codec.PROTOCOL}.*process {os.getpid()}.*impasto stop"):
        client.wait(ask("stylize"))
    assert client.wait(ask("hello")).fields["protocol"] == codec.PROTOCOL
    assert client.wait(ask("status")).fields["pid"] == os.getpid()
    client.wait(ask("shutdown"))
    running.thread.join(10)
    assert not running.thread.is_alive()


LONG = "\x01" * 300_000


@pytest.mark.parametrize(
    "changes",
    [
        {"op": LONG},
        {"v": LONG},
        {"area": LONG},
        {"strength": LONG},
        {"styles": [[LONG, 1]]},
        {"styles": [["udnie", 1]] * 50_000},
        {"device": f"cuda:{'1' * 300_000}"},
        {"frames": [{"kind": "pixels", "width": LONG, "height": 1}]},
        {"frames": [{"kind": "pixels", "shared": LONG}]},
        {"refine": {"preset": {LONG: LONG}}},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_what_is_refused_is_not_repeated_at_length(
    start: Start, changes: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    client = start(devices=()).client()
    call = client.submit("cancel")
    header = {"v": codec.PROTOCOL, "op": "stylize", "id": call.id, "frames": [], "styles": [["udnie", 1]], **changes}
    client.transport.send([msgpack.packb(header), *[b""] * len(header["frames"])])
    with caplog.at_level("INFO"), pytest.raises(BadRequest if "v" not in changes else WrongVersion) as refused:
        client.wait(call)
    assert len(str(refused.value)) < 1000
    assert all(len(record.getMessage()) < 1000 for record in caplog.records)


def test_the_ids_of_jobs_are_for_those_whose_they_are(start: Start) -> None:
    running = start()
    mine, other = running.client(), running.client()
    call = job(mine, "take long")
    assert wait_until(lambda: worker_of(mine)["job"]) == call.id
    assert worker_of(other)["state"] == "busy"
    assert worker_of(other)["job"] is None


def test_a_picture_for_which_there_is_no_room_is_refused_before_it_comes(start: Start) -> None:
    running = start()
    first, second = running.client(), running.client()
    running.broker.desk.queue._limit = 5 << 20
    job(first, "take long")
    wait_until(lambda: first.ask("status").fields["jobs_running"])
    large = Region(PixelFormat(1024, 1024, "RGBA", "u8"), bytes(4 << 20))
    options = StylizeOptions.of("udnie")
    waiting = first.stylize(large, options)
    wait_until(lambda: first.ask("status").fields["jobs_waiting"])
    with pytest.raises(BadRequest, match="have 4 MiB"):
        second.wait(second.stylize(large, options))
    assert not waiting.finished
    assert second.ask("status").fields["jobs_waiting"] == 1
