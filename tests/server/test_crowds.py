"""Many who come and go: what they leave behind, and what the server says of it."""

from __future__ import annotations

import itertools
import logging
import time
from collections.abc import Callable

import pytest

from impasto.server import broker as broker_module
from impasto.server import leases
from impasto_link import zmtp
from impasto_link.client import Client
from impasto_link.options import StylizeOptions
from impasto_link.pieces import split
from impasto_link.pixels import PixelFormat, Region
from impasto_link.transport import open_transport
from support import RunningBroker, wait_until

Start = Callable[..., RunningBroker]
FORM = PixelFormat(200, 200, "RGB", "u8")


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "LOST_AFTER", 0.2)
    monkeypatch.setattr(broker_module, "PULSE", 0.1)


def half_a_message(client: Client) -> None:
    line = client.transport._line
    for piece in itertools.islice(split([b"header", bytes(1 << 20)], 1), 5):
        line.send(piece)


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("transport", ["pyzmq", "zmtp"])
def test_who_has_gone_without_a_word_leaves_nothing_behind(start: Start, transport: str) -> None:
    running = start(exit_after=0)
    broker, watching = running.broker, running.client()
    picture = Region(FORM, bytes(FORM.nbytes))
    for number in range(30):
        client = Client(open_transport(broker.info.endpoint, broker.info.token, prefer=transport))
        client.ask("hello")
        if number % 3 == 0:
            half_a_message(client)
        else:
            client.stylize(picture, StylizeOptions.of("give back" if number % 3 == 1 else "take a moment"))
            client.poll(0.05)
        client.close()

    def holds_nothing() -> bool:
        watching.ask("status")
        front = broker.front
        door = front.doors[0]
        jobs = [*broker.desk.jobs(), *broker.crew.running]
        return not any((jobs, door._inboxes, door._outboxes, front._postponed, front.leases._missed))

    wait_until(holds_nothing)
    # They may come back for their results.
    kept = watching.ask("status").fields["kept_bytes"]
    assert kept == sum(one.nbytes for one in broker.desk.kept)


def test_what_was_received_is_not_kept(start: Start) -> None:
    running = start()
    client = running.client()
    assert client.wait(client.stylize(Region(FORM, bytes(FORM.nbytes)), StylizeOptions.of("give back")))
    assert client.ask("status").fields["kept_bytes"] == 0


def test_who_looks_late_blames_nobody(
    start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An editor may be busy for long right after it has connected."""
    monkeypatch.setattr(zmtp, "_HANDSHAKE_LIMIT", 0.1)
    client = start(devices=()).client("zmtp")
    time.sleep(0.2)
    with caplog.at_level(logging.WARNING):
        monkeypatch.setattr(zmtp, "_HANDSHAKE_LIMIT", 5.0)
        assert client.ask("status").fields["pid"]
    assert not caplog.records
