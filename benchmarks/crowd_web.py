"""Clients of the crowd that speak HTTP, as browsers and programs do; a proxy in front would say who each is."""

from __future__ import annotations

import hashlib
import io
import json
import socket
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import closing
from typing import Any

import httpx
from PIL import Image

from crowd import Person, Request, Right
from impasto_link.errors import Cancelled, ImpastoError

#: The header in which the proxy says it.
WHO = "X-Person"
_PATIENCE = 300.0


def send(http: httpx.Client, request: Request, wait: int = 0) -> httpx.Response:
    image = io.BytesIO()
    Image.fromarray(request.pixels.squeeze()).save(image, "PNG", compress_level=1)
    options = request.options
    fields = {"style": options.in_coats()[0].styles[0].name}
    if options.max_side is not None:
        fields["max_side"] = str(options.max_side)
    return http.post(
        "/v1/stylize", params={"wait": wait}, data=fields, files={"image": ("a.png", image.getvalue(), "image/png")}
    )


def events(http: httpx.Client, job: Mapping[str, Any]) -> Generator[dict[str, Any], None, None]:
    """How the job is, whenever the server tells."""
    with http.stream("GET", job["links"]["events"]) as answer:
        if answer.status_code != 200:
            raise ImpastoError(answer.read().decode())
        for line in answer.iter_lines():
            if line.startswith("data: "):
                yield json.loads(line.removeprefix("data: "))


def kept_bytes(where: str) -> int:
    """How many bytes of results a web face keeps."""
    lines = httpx.get(f"{where}/metrics", headers={WHO: "who measures"}).text.splitlines()
    return int(float(next(line.split()[1] for line in lines if line.startswith("impasto_web_kept_bytes "))))


def file(answer: httpx.Response) -> str:
    """What an answer holds, if it is a picture; raises ImpastoError if not."""
    if answer.status_code != 200:
        raise ImpastoError(answer.text)
    return hashlib.sha256(answer.content).hexdigest()


def result(http: httpx.Client, answer: httpx.Response) -> str:
    """What comes of a job, to the last bit; it is waited for and then forgotten."""
    if answer.status_code != 202:
        raise ImpastoError(answer.text)
    *_, job = events(http, answer.json())
    if job["state"] == "cancelled":
        raise Cancelled("The job was cancelled.")
    if job["state"] == "failed":
        raise ImpastoError(str(job["error"]))
    try:
        return file(http.get(job["links"]["result"]))
    finally:
        http.delete(job["links"]["self"])


class WebPerson(Person):
    """A browser with a connection that stays."""

    def __init__(self, number: int, where: str, right: Right) -> None:
        super().__init__(number, where, right)
        self.http = self._new()

    def _new(self) -> httpx.Client:
        return httpx.Client(base_url=self.where, headers={WHO: f"person {self.number}"}, timeout=_PATIENCE)

    @property
    def habits(self) -> Mapping[Callable[[], None], int]:
        return {
            self.waits: 40,
            self.waits_at_once: 25,
            self.gives_up: 12,
            self.looks_away: 8,
            self.leaves: 8,
            self.breaks_off: 7,
        }

    def ask_and_vanish(self) -> None:
        send(self.http, self.choose())

    def close(self) -> None:
        self.http.close()

    def waits(self) -> None:
        request, began = self.choose(), time.perf_counter()
        if self.see(request, lambda: result(self.http, send(self.http, request))):
            self.account.waits.append(time.perf_counter() - began)

    def waits_at_once(self) -> None:
        """With one request, whose answer is the picture."""
        request, began = self.choose(), time.perf_counter()

        def answer() -> str:
            came = send(self.http, request, wait=60)
            return result(self.http, came) if came.status_code == 202 else file(came)

        if self.see(request, answer):
            self.account.waits.append(time.perf_counter() - began)

    def gives_up(self) -> None:
        request = self.choose()

        def answer() -> str:
            came = send(self.http, request)
            time.sleep(self.chance.random())
            job = came.json()
            self.http.delete(job["links"]["self"])
            # It was done already if it is forgotten now.
            if self.http.get(job["links"]["self"]).status_code == 410:
                return self.right[request]
            return result(self.http, came)

        self.see(request, answer)

    def looks_away(self) -> None:
        """Stops reading events in the middle of them, and asks again later."""
        request = self.choose()

        def answer() -> str:
            came = send(self.http, request)
            with closing(events(self.http, came.json())) as told:
                next(told)
            return result(self.http, came)

        self.see(request, answer)

    def leaves(self) -> None:
        """Closes the connection and never asks for the job again."""
        send(self.http, self.choose())
        self.http.close()
        self.http = self._new()
        self.account.ends["left"] += 1

    def breaks_off(self) -> None:
        """Goes away in the middle of an upload, which never becomes a job."""
        url = httpx.URL(self.where)
        head = (
            f"POST /v1/stylize HTTP/1.1\r\nHost: {url.host}\r\n{WHO}: person {self.number}\r\n"
            "Content-Length: 500000\r\nContent-Type: multipart/form-data; boundary=b\r\n\r\n"
            '--b\r\nContent-Disposition: form-data; name="image"; filename="a.png"\r\n\r\n'
        )
        with socket.create_connection((url.host, url.port or 80)) as one:
            one.sendall(head.encode() + bytes(100_000))
            time.sleep(self.chance.random())
        self.account.ends["broken off"] += 1
