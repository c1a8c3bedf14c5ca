"""Lines that are slow, break or lead to somebody else; strangers, and clients that do not read."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import zmq

from impasto.server import broker as broker_module
from impasto.server import door, leases
from impasto.server.operations import OPERATIONS, Question
from impasto_link import codec, contact, proof
from impasto_link.client import Call, Client, Event
from impasto_link.endpoint import USERNAME
from impasto_link.errors import Cancelled, Refused, WorkerDied
from impasto_link.options import StylizeOptions
from impasto_link.pieces import Message
from impasto_link.pixels import PixelFormat, Region
from impasto_link.transport import open_transport
from support import PATIENCE, RunningBroker, wait_until

Start = Callable[..., RunningBroker]
BOTH = pytest.mark.parametrize("transport", ["pyzmq", "zmtp"])


class Relay:
    """Passes bytes on between clients and a server, for a while or slowly.

    Args:
        endpoint: where the server listens.
        rate: so many bytes a second, each way.
    """

    def __init__(self, endpoint: str, rate: float = 0.0) -> None:
        self._server = "127.0.0.1", int(endpoint.rpartition(":")[2])
        self._rate = rate
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listener]
        self.port = self._listener.getsockname()[1]
        self.connections = 0
        #: How many bytes have come, each way.
        self.came = {"up": 0, "down": 0}
        #: So many of the first connections take what is sent and bring nothing any more.
        self.dead = 0
        self.passes = threading.Event()
        self.passes.set()
        #: After so many bytes up, and down, the connection is cut, once.
        self.cut_after: dict[str, float] = {}
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                server = socket.create_connection(self._server)
                self.connections += 1
                for one, other, way in ((client, server, "up"), (server, client, "down")):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
                    self._open.append(one)
                    threading.Thread(
                        target=self._pass_on, args=(one, other, way, self.connections), daemon=True
                    ).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, way: str, number: int) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 14):
                self.came[way] += len(data)
                if number <= self.dead:
                    continue
                self.passes.wait()
                if way in self.cut_after:
                    self.cut_after[way] -= len(data)
                    if self.cut_after[way] < 0:
                        self.cut_after.clear()
                        break
                target.sendall(data)
                if self._rate:
                    time.sleep(len(data) / self._rate)
        for one in (source, target):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for one in self._open:
            one.close()


@pytest.fixture
def relay() -> Iterator[Callable[..., Relay]]:
    """Makes relays that end with the test; takes what `Relay` takes."""
    with contextlib.ExitStack() as stack:

        def make(endpoint: str, rate: float = 0.0) -> Relay:
            return stack.enter_context(contextlib.closing(Relay(endpoint, rate)))

        yield make


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes seconds otherwise takes tenths of them."""
    monkeypatch.setattr(contact, "SILENCE", 0.6)
    monkeypatch.setattr(contact, "LOOK_EVERY", 0.1)
    monkeypatch.setattr(broker_module, "PULSE", 0.1)


def picture(side: int = 800) -> Region:
    form = PixelFormat(side, side, "RGB", "u8")
    return Region(form, os.urandom(form.nbytes))


def send(client: Client, region: Region, doing: str = "give back") -> Call:
    return client.stylize(region, StylizeOptions.of(doing))


def push(client: Client) -> Any:
    """Send all that is queued and read nothing; returns the line."""
    line: Any = client.transport._line
    while client.transport._feed():
        line._write(line._socket)
    return line


def comes_back(client: Client, region: Region, doing: str = "give back") -> bool:
    result = client.wait(send(client, region, doing)).regions["pixels"]
    return bytes(result.data) == bytes(region.data)


# Slow and broken


@BOTH
@pytest.mark.usefixtures("impatient")
def test_bytes_that_move_are_life(start: Start, relay: Callable[..., Relay], transport: str) -> None:
    """Up and down the picture takes several times as long as silence may last."""
    running = start()
    slow = relay(running.broker.info.endpoint, 1.5e6)
    assert comes_back(running.client(transport, slow.port), picture(1000))
    assert slow.connections == 1, "nobody has doubted that the server lives"


@BOTH
@pytest.mark.parametrize(("way", "nbytes"), [("up", 500_000), ("down", 500_000), ("down", 1000)])
def test_what_was_cut_comes_in_the_end(
    start: Start, relay: Callable[..., Relay], transport: str, way: str, nbytes: int
) -> None:
    running = start()
    cut = relay(running.broker.info.endpoint)
    client = running.client(transport, cut.port)
    client.ask("hello")
    cut.cut_after[way] = nbytes
    assert comes_back(client, picture(), "take a moment" if nbytes == 1000 else "give back")
    assert cut.connections == 2


@BOTH
@pytest.mark.usefixtures("impatient")
def test_a_line_that_died_without_a_word_is_made_anew(
    start: Start, relay: Callable[..., Relay], transport: str
) -> None:
    running = start()
    dead = relay(running.broker.info.endpoint)
    client = running.client(transport, dead.port)
    client.ask("hello")
    call = send(client, picture(), "take a moment")
    client.poll(0.05)
    dead.dead = 1
    assert client.wait(call).regions["pixels"].format.width == 800
    assert dead.connections == 2


@pytest.mark.usefixtures("impatient")
def test_who_has_slept_reads_before_he_judges(start: Start, relay: Callable[..., Relay]) -> None:
    """As a process does that was stopped with Ctrl-Z, or with its whole machine."""
    running = start()
    line = relay(running.broker.info.endpoint)
    client = running.client(port=line.port)
    client.ask("hello")
    call = send(client, picture(), "take a moment")
    client.poll(0.05)
    line.passes.clear()
    time.sleep(1.0)
    client.poll()
    line.passes.set()
    client.wait(call)
    assert line.connections == 1


@BOTH
def test_an_upload_that_is_cancelled_ends_at_once(start: Start, relay: Callable[..., Relay], transport: str) -> None:
    running = start()
    slow = relay(running.broker.info.endpoint, 5e6)
    client = running.client(transport, slow.port)
    client.ask("hello")
    region = picture(4000)
    call = send(client, region)
    client.poll(0.2)
    client.cancel(call)
    with pytest.raises(Cancelled):
        client.wait(call)
    assert slow.came["up"] < region.format.nbytes / 2
    wait_until(lambda: client.poll(0.01) or not running.broker.front.doors[0].room())


@BOTH
def test_a_number_is_good_for_one_message_only(start: Start, transport: str) -> None:
    """What is withdrawn over a new connection is not what has its number by chance."""
    over = start(devices=()).client(transport).transport
    number = over.send([b"hello"])
    over.renew()
    later = [over.send([bytes(1 << 22)]) for _ in range(number + 1)]
    assert not over.withdraw(number)
    assert over.withdraw(later[-1])


@pytest.mark.usefixtures("impatient")
def test_who_comes_back_while_his_job_is_being_given_up_still_gets_it(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "LOST_AFTER", 0.0)
    running = start()
    client, other = running.client(), running.client()
    client.ask("hello")
    call = send(client, picture(10), "obey")
    worker = wait_until(lambda: (client.poll(0.01), running.broker.crew.running.get(call.id))[1])
    job = worker.jobs[call.id]
    wait_until(lambda: job.has_begun)
    assert worker.process is not None
    os.kill(worker.process.pid, signal.SIGSTOP)
    client.transport.renew()
    wait_until(lambda: other.ask("status") and job.cancelled_at)
    client._contact._lose()
    wait_until(lambda: (client.poll(0.01), job.wanted_again)[1])
    os.kill(worker.process.pid, signal.SIGCONT)
    wait_until(lambda: (client.poll(0.01), call.tries == 2)[1])
    assert not call.finished
    client.cancel(call)
    with pytest.raises(Cancelled):
        client.wait(call)


def test_what_was_cancelled_is_not_sent_again(start: Start) -> None:
    client = start(devices=()).client()
    client.ask("hello")
    call = send(client, picture(10))
    client.cancel(call)
    client._take([codec.pack({"event": "unknown", "id": call.id})])
    with pytest.raises(Cancelled):
        client.wait(call)
    assert call.tries == 1


def test_an_error_of_who_is_told_of_an_event_costs_nobody_else_anything(start: Start) -> None:
    running = start()
    client = running.client()
    client.ask("hello")

    def fails(event: Event) -> None:
        raise OSError("The disk is full.")

    client.stylize(picture(10), StylizeOptions.of("give back"), fails)
    call, line = send(client, picture(10)), client.transport._line
    # Both have come when the first is looked at.
    wait_until(lambda: len(running.broker.desk.kept._kept) == 2)
    with pytest.raises(OSError, match="full"):
        wait_until(lambda: client.poll(1.0) and None)
    while not call.finished:
        with contextlib.suppress(OSError):
            client.poll(1.0)
    assert call.result is not None
    assert client.transport._line is line, "it was not asked for again"


# Strangers


def hangs_up_on(port: int, data: bytes) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=3) as one:
        one.sendall(b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"PLAIN".ljust(20, b"\0") + bytes(32))
        one.sendall(data)
        with contextlib.suppress(ConnectionError):
            while one.recv(1 << 16):
                pass
        return True


@pytest.mark.parametrize("flags", [2, 4 | 2], ids=["message", "command"])
@pytest.mark.parametrize("door", ["clients", "workers"])
def test_a_stranger_cannot_send_much(start: Start, door: str, flags: int) -> None:
    broker = start(devices=()).broker
    socket_of = broker.front.doors[0].socket if door == "clients" else broker.crew.door.socket
    port = int(socket_of.getsockopt_string(zmq.LAST_ENDPOINT).rpartition(":")[2])
    assert hangs_up_on(port, bytes([flags]) + struct.pack(">Q", 1 << 16))


@BOTH
def test_nothing_is_told_to_who_does_not_know_the_token(start: Start, transport: str) -> None:
    """An impostor that lets everybody in, at a port where the server may once have been."""
    running = start(devices=())
    asked: list[str] = []
    doorman, real = running.broker._doorman, running.broker._from_client

    def let_in(mechanism: bytes, credentials: list[bytes]) -> bool:
        asked.append(str(credentials))
        return True

    def listen(client: bytes, frames: Message) -> None:
        asked.append(str([bytes(frame) for frame in frames]))
        real(client, frames)

    doorman._rules = dict.fromkeys(doorman._rules, let_in)
    running.broker._from_client = listen  # type: ignore[method-assign]
    client = Client(open_transport(running.broker.info.endpoint, "of a dead server", prefer=transport))
    with pytest.raises(Refused, match="not the server of this user"):
        client.wait(send(client, picture()))
    client.close()
    assert len(asked) == 2, "the password and one question"
    assert "hello" in asked[1]
    assert "dead server" not in "".join(asked)


# Who does not read, and who writes oddly


@BOTH
def test_last_words_are_heard(start: Start, transport: str) -> None:
    running = start()
    client = running.client(transport)
    client.ask("hello")
    call = send(client, picture(10), "take long")
    wait_until(lambda: client.ask("status").fields["jobs_running"])
    running.broker.stop()
    with pytest.raises(WorkerDied, match="was stopped"):
        client.wait(call)


def test_who_reads_nothing_makes_the_server_keep_little(start: Start) -> None:
    running = start()
    front = running.broker.front.doors[0]
    front._most_waiting = 1 << 20
    client, other = running.client("zmtp"), running.client()
    client.ask("hello")
    region = picture(500)
    calls = [send(client, region) for _ in range(20)] + [send(client, picture(200), "show how far it is")]
    line = push(client)

    def is_done() -> bool:
        line._write(line._socket)
        status = other.ask("status").fields
        return not status["jobs_running"] and not status["jobs_waiting"] and not front.senders

    wait_until(is_done)
    assert front._waiting() <= (1 << 20) + region.format.nbytes
    assert running.broker.front._postponed, "what there was no room for"
    for call in calls[:-1]:
        assert bytes(client.wait(call).regions["pixels"].data) == bytes(region.data)
    assert len([event for event in client.events(calls[-1]) if event.kind == "preview"]) < 40


@pytest.mark.parametrize("thumbnails", [0, 1 << 20])
def test_answers_come_beside_and_after_a_large_result(
    start: Start, monkeypatch: pytest.MonkeyPatch, thumbnails: int
) -> None:
    monkeypatch.setattr(door, "_WORDS", 1 << 16)
    monkeypatch.setitem(OPERATIONS, "status", Question("status", lambda *_: {"thumbnails": bytes(thumbnails)}))
    running = start()
    front = running.broker.front.doors[0]
    front._most_waiting = 1 << 20
    client, other = running.client("zmtp"), running.client()
    client.ask("hello")
    region = picture(2400)
    call = send(client, region)
    line = push(client)

    def has_ended() -> bool:
        line._write(line._socket)
        other.ask("status")
        return len(running.broker.desk.kept._kept) > 0

    wait_until(has_ended)
    assert front._waiting() > 1 << 21
    status = client.submit("status")
    other.ask("status")
    client.wait(call)
    assert len(client.wait(status).fields["thumbnails"]) == thumbnails
    assert client.transport._line is line, "it was not asked for again"


def test_a_message_of_very_many_frames_is_passed_over(start: Start) -> None:
    running = start(devices=())
    client, info = running.client(), running.broker.info
    with zmq.Context() as context, context.socket(zmq.DEALER) as odd:
        odd.linger = 0
        odd.plain_username = USERNAME.encode()
        odd.plain_password = proof.password(info.token, USERNAME).encode()
        odd.connect(info.endpoint)
        odd.send_multipart([b""] * 50_000)
        odd.send(codec.pack({"op": "hello", "id": "x"}))
        assert client.ask("status").fields["pid"]
        assert odd.poll(int(PATIENCE * 1000))
        assert b"proof" in odd.recv()
