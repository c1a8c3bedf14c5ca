"""What a client sees of its jobs: places, progress, results, cancellation, fairness, late results."""

from __future__ import annotations

from collections.abc import Iterator

import msgpack
import numpy as np
import pytest

import impasto_link.codec as codec
from impasto.client import to_region
from impasto_link.client import Call, Client
from impasto_link.errors import BadRequest, Cancelled, ServerGone, UnknownOperation, UnknownStyle, WrongVersion
from impasto_link.options import StylizeOptions
from impasto_link.pixels import Region
from support import RunningServer, wait_until

UDNIE = StylizeOptions.of("udnie")


def picture(side: int, seed: int = 0) -> Region:
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3), np.uint8)
    return to_region(pixels)[0]


def submit(client: Client, side: int = 64, op: str = "stylize") -> Call:
    return client.submit(op, UDNIE.to_wire(), {"pixels": picture(side)})


@pytest.fixture(params=["pyzmq", "zmtp"])
def client(request: pytest.FixtureRequest, running_server: RunningServer) -> Iterator[Client]:
    client = running_server.client(request.param)
    yield client
    client.close()


def test_events_come_in_order_and_end_with_pixels(client: Client) -> None:
    events = list(client.events(submit(client, 512)))
    kinds = [event.kind for event in events if event.kind != "pulse"]
    assert kinds[0] == "accepted"
    assert kinds[-1] == "done"
    fractions = [event.fraction for event in events if event.kind == "progress"]
    assert fractions == sorted(fractions)
    assert all(event.doing for event in events if event.kind == "progress")
    assert events[-1].regions["pixels"].format == picture(512).format


def test_jobs_know_their_place(client: Client) -> None:
    places: list[list[int]] = [[], [], []]
    calls = []
    endless = {**UDNIE.to_wire(), "refine": {"iterations": 10_000}}
    for seen, fields in zip(places, (endless, UDNIE.to_wire(), UDNIE.to_wire()), strict=True):
        note = lambda event, seen=seen: seen.append(event.place) if event.kind == "accepted" else None  # noqa: E731
        calls.append(client.submit("stylize", fields, {"pixels": picture(64)}, note))
    wait_until(lambda: client.poll(0.1) and all(places))
    assert [seen[0] for seen in places] == [0, 1, 2]
    # The last one is told when it moves up.
    client.cancel(calls[1])
    wait_until(lambda: client.poll(0.1) and places[2] == [2, 1])
    client.cancel(calls[0])
    client.wait(calls[2])
    assert places[2] == sorted(places[2], reverse=True)


def test_hello_tells_version_and_operations(client: Client) -> None:
    fields = client.ask("hello").fields
    assert fields["protocol"] == codec.PROTOCOL
    assert {"stylize", "preview", "cancel", "status", "styles", "fetch", "shutdown"} <= set(fields["operations"])


def test_styles_come_with_thumbnails(client: Client) -> None:
    styles = client.ask("styles", {"thumbnails": True}).fields["styles"]
    assert len(styles) >= 12
    assert all(style["thumbnail"].startswith(b"\xff\xd8") for style in styles if style["bank"] == "classic")


def test_unknown_operation_is_named(client: Client) -> None:
    with pytest.raises(UnknownOperation, match="sing"):
        client.ask("sing")


def test_unknown_style_suggests_a_near_one(client: Client) -> None:
    call = client.stylize(picture(32), StylizeOptions.of("stary-night"))
    with pytest.raises(UnknownStyle, match="starry-night"):
        client.wait(call)


def test_unknown_fields_are_ignored(client: Client) -> None:
    client.wait(client.submit("stylize", {**UDNIE.to_wire(), "from_the_future": {"a": [1]}}, {"pixels": picture(32)}))


def test_another_version_gets_a_clear_error(client: Client, running_server: RunningServer) -> None:
    client.ask("hello")
    call = Call("version-test")
    client._open[call.id] = call
    client.transport.send([msgpack.packb({"v": 99, "op": "styles", "id": call.id})])
    with pytest.raises(WrongVersion, match=f"99 and .*process {running_server.process.pid}"):
        client.wait(call)


def test_another_version_is_told_how_the_server_is(
    running_server: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(codec, "PROTOCOL", 99)
    client = running_server.client()
    assert client.ask("status").fields["pid"] == running_server.process.pid
    with pytest.raises(WrongVersion, match=f"99 and .*process {running_server.process.pid}"):
        client.wait(submit(client))
    client.close()


def test_cancel_of_a_running_job_is_felt_soon(client: Client) -> None:
    """So large that it would be done before it is heard only where all of it counted, not the next strip."""
    call = submit(client, 2560)
    wait_until(lambda: client.poll(0.1) and any(event.kind == "progress" for event in call.events))
    client.cancel(call)
    with pytest.raises(Cancelled):
        client.wait(call)
    client.wait(submit(client))


def test_cancel_of_a_waiting_job(client: Client) -> None:
    first, second = submit(client, 512), submit(client, 512)
    client.cancel(second)
    with pytest.raises(Cancelled):
        client.wait(second)
    client.wait(first)


def test_newest_preview_wins(client: Client) -> None:
    busy = submit(client, 768)
    previews = [submit(client, 64, "preview") for _ in range(4)]
    client.wait(previews[-1])
    client.wait(busy)
    wait_until(lambda: client.poll(0.05) or all(call.finished for call in previews))
    assert all(isinstance(call.error, Cancelled) for call in previews[:-1])


def test_two_clients_take_turns(running_server: RunningServer) -> None:
    greedy, modest = running_server.client(), running_server.client()
    batch = [submit(greedy, 384) for _ in range(6)]
    wait_until(lambda: greedy.poll(0.1) and any(event.kind == "progress" for event in batch[0].events))
    single = submit(modest, 64)
    modest.wait(single)
    greedy.poll()
    assert sum(call.finished for call in batch) <= 2
    for call in batch:
        greedy.wait(call)
    greedy.close()
    modest.close()


def test_a_vanished_client_frees_the_worker(running_server: RunningServer) -> None:
    leaving, staying = running_server.client(), running_server.client()
    calls = [submit(leaving, 1024) for _ in range(20)]
    wait_until(lambda: leaving.poll(0.1) and any(event.kind == "progress" for event in calls[0].events))
    leaving.close()

    def free() -> bool:
        status = staying.ask("status").fields
        return status["jobs_running"] == 0 and status["jobs_waiting"] == 0

    wait_until(free)
    assert_not_kept(staying, calls[-1])  # as its result would be if it had been painted
    staying.close()


def fetch(client: Client, job_id: str) -> Call:
    """Ask for a job as its client does that has come back."""
    client.ask("hello")
    call = Call(job_id)
    call.request = {"op": "stylize", "id": job_id}, {"pixels": picture(8)}
    call.tries = 3
    client._open[job_id] = call
    client._ask(call)
    return call


def test_a_result_that_nobody_has_read_can_be_fetched(running_server: RunningServer) -> None:
    # The first client never reads: its result lies in the buffers of a connection, where it can be lost at any time.
    first, second = running_server.client(), running_server.client()
    first.ask("hello")
    call = submit(first, 256)
    assert second.wait(fetch(second, call.id)).regions["pixels"].format.width == 256
    assert_not_kept(second, call)
    first.close()
    second.close()


def assert_not_kept(client: Client, call: Call) -> None:
    with pytest.raises(ServerGone, match="again and again"):
        client.wait(fetch(client, call.id))


def test_a_result_that_arrived_is_not_kept(client: Client) -> None:
    call = submit(client)
    client.wait(call)
    assert_not_kept(client, call)


def test_the_same_id_twice_is_refused(client: Client) -> None:
    client.ask("hello")
    call = submit(client, 512)
    message = codec.encode({**UDNIE.to_wire(), "op": "stylize", "id": call.id}, {"pixels": picture(32)})
    client.transport.send(message)
    with pytest.raises(BadRequest, match="already"):
        client.wait(call)


def test_a_device_that_is_not_there_is_named(client: Client) -> None:
    import torch

    missing = f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(BadRequest, match=missing):
        client.wait(client.stylize(picture(32), StylizeOptions.of("udnie", device=missing)))
