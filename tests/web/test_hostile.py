"""What a hostile sender can do: it gets words and a status of its own, costs nobody anything, and leaves nothing."""

from __future__ import annotations

import json
import socket
import struct
import zlib
from collections.abc import Iterator

import httpx
import pytest

from impasto.web import serving
from running_web import RunningWeb
from support import PATIENCE, RunningServer

BOUNDARY = "--------boundary"
#: Small limits, so that little is too much.
SMALL = {"most_megabytes": 0.25, "most_megapixels": 1.0, "upload_seconds": 0.5}


@pytest.fixture(scope="module")
def strict(shared_server: RunningServer) -> Iterator[RunningWeb]:
    """A web face with small limits."""
    web = RunningWeb(**SMALL)
    yield web
    web.stop()


@pytest.fixture
def small(strict: RunningWeb, running_server: RunningServer, photo: bytes) -> Iterator[RunningWeb]:
    """The same; it still paints after all that was done to it, and has nothing left of it."""
    yield strict
    with strict.http() as http:
        answer = http.post("/v1/stylize?wait=60", data={"style": "udnie"}, files={"image": photo})
        assert answer.status_code == 200, answer.text
        figures = http.get("/metrics").text
    assert "impasto_web_memory_bytes 0.0" in figures
    assert 'impasto_web_jobs{state="sending"} 0.0' in figures


def part(name: str, data: bytes, filename: str = "photo.png") -> bytes:
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"\r\n\r\n'
    return head.encode() + data + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def head(length: int | None) -> bytes:
    """The head of a request, which promises so many bytes, or chunks."""
    framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
    kind = f"Content-Type: multipart/form-data; boundary={BOUNDARY}"
    return f"POST /v1/stylize HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{kind}\r\n{framing}\r\n\r\n".encode()


def raw(web: RunningWeb, *pieces: bytes, length: int | None = None) -> httpx.Response:
    """The answer to a request that is sent as it is, of which more than the pieces may have been promised."""
    with socket.create_connection(("127.0.0.1", web.port), PATIENCE) as connection:
        for piece in (head(length), *pieces):
            connection.sendall(piece)
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
    top, _, body = answer.partition(b"\r\n\r\n")
    return httpx.Response(int(top.split()[1]), content=body)


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def problem(answer: httpx.Response, status: int, words: str) -> None:
    told = json.loads(answer.content)
    assert (answer.status_code, told["status"]) == (status, status), answer.text
    assert words in told["detail"], told
    assert told["detail"].endswith(".")
    assert told["code"]


def png(width: int, height: int) -> bytes:
    """A PNG that claims to have that size, and hardly has any bytes."""

    def block(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 20))
    return b"\x89PNG\r\n\x1a\n" + block(b"IHDR", head) + block(b"IDAT", rows) + block(b"IEND", b"")


def test_too_many_bytes_are_refused_however_they_are_announced(small: RunningWeb) -> None:
    much = form(part("image", bytes(1 << 20)))
    problem(raw(small, length=1 << 40), 413, "0.25 MiB")
    problem(raw(small, chunk(much), b"0\r\n\r\n"), 413, "0.25 MiB")


def test_who_sends_less_than_promised_waits_for_nothing(small: RunningWeb, photo: bytes) -> None:
    some = part("image", photo)
    problem(raw(small, some, length=len(some) + 1000), 408, "did not come within 0.5 seconds")
    with socket.create_connection(("127.0.0.1", small.port), PATIENCE) as connection:
        connection.sendall(head(len(some) + 1000) + some)  # And it is gone.


def test_who_never_says_what_he_wants_is_not_waited_for(small: RunningWeb, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "HEAD_SECONDS", 0.2)
    for words in (b"", b"GET /v1/health HTTP/1.1\r\nHost: loc", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET /v1"):
        with socket.create_connection(("127.0.0.1", small.port), PATIENCE) as connection:
            connection.sendall(words)
            # To its end, which has to come by itself.
            answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))
        assert answer.count(b"HTTP/1.1 200") == words.count(b"\r\n\r\n")


def test_what_is_no_form_is_refused(small: RunningWeb) -> None:
    problem(raw(small, chunk(b"this is no form"), b"0\r\n\r\n"), 400, "cannot be read")
    with small.http() as http:
        problem(http.post("/v1/stylize", content=b"{", headers={"content-type": "application/json"}), 400, "no JSON")
        problem(http.post("/v1/stylize", content=b"x", headers={"content-type": "text/html"}), 415, "text/html")
        problem(
            http.post("/v1/stylize", content=b"x", headers={"content-type": "multipart/form-data"}), 400, "boundary"
        )
        nested = b'{"coats":' + b"[" * 100_000
        problem(http.post("/v1/stylize", content=nested, headers={"content-type": "application/json"}), 400, "no JSON")
        many = {f"picture{number}": ("a.png", b"x") for number in range(100)}
        problem(http.post("/v1/stylize", files=many), 400, "Too many files")


def test_pictures_that_are_none(small: RunningWeb) -> None:
    for name, data, status, words in (
        ("bomb.png", png(30_000, 30_000), 413, "30000 x 30000"),
        ("short.png", png(500, 500)[:200], 400, "damaged or cut short"),
        ("page.png", b"<html><script>alert(1)</script></html>", 415, "web page"),
        ("drawing.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "SVG"),
        ("nothing.png", b"", 400, "empty"),
        ("../../../etc/passwd", b"root", 415, "passwd is not a picture"),
        ("..\\..\\boot.ini", b"root", 415, "boot.ini is not a picture"),
    ):
        with small.http() as http:
            answer = http.post("/v1/stylize", data={"style": "udnie"}, files={"image": (name, data)})
        problem(answer, status, words)
        assert ".." not in answer.text


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("boundary=other", form(part("image", b"pixels"))),
        ("boundary=", b"rubbish"),
        (f"boundary={BOUNDARY}", f"--{BOUNDARY}\r\nContent-Disposition: form-data\r\n\r\n".encode()),
        (f"boundary={BOUNDARY}; charset=punycode", form(part("\u00fc", b"pixels"))),
    ],
)
def test_a_form_that_has_come_whole_is_answered_at_once(http: httpx.Client, kind: str, body: bytes) -> None:
    headers = {"content-type": f"multipart/form-data; {kind}"}
    answer = http.post("/v1/stylize", content=body, headers=headers, timeout=30)
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["detail"]


def test_a_number_that_the_wire_has_no_room_for_is_refused_and_others_go_on(http: httpx.Client, photo: bytes) -> None:
    fields = {"style": "udnie", "settings": json.dumps({"drip": 2**64})}
    for _ in range(3):
        answer = http.post("/v1/stylize", data=fields, files={"image": photo})
        assert (answer.status_code, answer.json()["code"]) == (422, "bad-request")
    assert http.post("/v1/stylize?wait=60", data={"style": "udnie"}, files={"image": photo}).status_code == 200
