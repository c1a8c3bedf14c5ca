"""Clients of the crowd that speak ZeroMQ, as editors and scripts do."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Callable, Mapping
from typing import Any

from crowd import Person, Request, Right
from impasto_link.client import Call, Client
from impasto_link.discovery import read_server_info
from impasto_link.transport import open_transport


def new_client(transport: str = "") -> Client:
    """A client that the server knows."""
    info = read_server_info()
    assert info is not None
    client = Client(open_transport(info.endpoint, info.token, prefer=transport))
    client.ask("hello")
    return client


def send(client: Client, request: Request) -> Call:
    return client.stylize(request.region, request.options, preview=request.preview)


def result(client: Client, call: Call) -> str:
    """What comes of a call, to the last bit."""
    whole = hashlib.sha256()
    regions = client.wait(call).regions
    for name in sorted(regions):
        whole.update(repr((name, regions[name].format)).encode())
        whole.update(regions[name].data)
    return whole.hexdigest()


class LinkPerson(Person):
    """A client, every other one without pyzmq."""

    def __init__(self, number: int, where: None, right: Right) -> None:
        super().__init__(number, where, right)
        self.transport = ("pyzmq", "zmtp")[number % 2]
        self.client = new_client(self.transport)

    @property
    def habits(self) -> Mapping[Callable[[], None], int]:
        return {
            self.waits: 68,
            self.gives_up: 12,
            self.moves_a_slider: 8,
            self.leaves: 5,
            self.comes_back: 4,
            self.reads_late: 3,
        }

    def ask_and_vanish(self) -> None:
        send(self.client, self.choose())
        self.client.poll(10.0)

    def close(self) -> None:
        self.client.close()

    def waits(self) -> None:
        request, began = self.choose(), time.perf_counter()
        if self._see(request, send(self.client, request)):
            self.account.waits.append(time.perf_counter() - began)

    def gives_up(self) -> None:
        request = self.choose()
        call = send(self.client, request)
        self._listen(self.chance.random())
        self.client.cancel(call)
        self._see(request, call)

    def moves_a_slider(self) -> None:
        requests = [self.choose(preview=True) for _ in range(3)]
        for request, call in [(request, send(self.client, request)) for request in requests]:
            self._see(request, call)

    def leaves(self) -> None:
        send(self.client, self.choose())
        self._listen(self.chance.random())
        self.client.close()
        self.account.ends["left"] += 1
        self.client = new_client(self.transport)

    def comes_back(self) -> None:
        """The connection breaks; the client makes another one by itself and asks what has become of its job."""
        request = self.choose()
        call = send(self.client, request)
        self._listen(self.chance.random())
        line: Any = self.client.transport._line
        if self.transport == "zmtp" and line._socket is not None:
            line._socket.shutdown(socket.SHUT_RDWR)
        self._see(request, call)

    def reads_late(self) -> None:
        request = self.choose()
        call = send(self.client, request)
        time.sleep(2.0)
        self._see(request, call)

    def _see(self, request: Request, call: Call) -> bool:
        return self.see(request, lambda: result(self.client, call))

    def _listen(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.client.poll(left)
