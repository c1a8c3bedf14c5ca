"""Pictures by address: what was allowed, and nothing else, however it is written."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from impasto.web.addresses import Address, is_public
from impasto_link.errors import BadRequest
from running_web import RunningWeb, as_pixels

PREFIX = Address.parse("https://pictures.example/shown/")


@pytest.mark.parametrize(
    "text",
    [
        "https://pictures.example/shown/a.jpg",
        "https://pictures.example/shown/deep/a.jpg?signature=%2e%2e",
        "HTTPS://Pictures.Example.:443/shown/a%20b.jpg",
    ],
)
def test_what_is_allowed(text: str) -> None:
    assert Address.parse(text).is_below(PREFIX)


@pytest.mark.parametrize(
    "text",
    [
        "http://pictures.example/shown/a.jpg",
        "https://pictures.example:8443/shown/a.jpg",
        "https://pictures.example/shownelsewhere/a.jpg",
        "https://pictures.example/Shown/a.jpg",
        "https://pictures.example.evil.example/shown/a.jpg",
        "https://evil.example/https://pictures.example/shown/a.jpg",
        "https://evil.example?x=https://pictures.example/shown/",
    ],
)
def test_what_only_looks_like_it(text: str) -> None:
    assert not Address.parse(text).is_below(PREFIX)


@pytest.mark.parametrize(
    "text",
    [
        "https://pictures.example/shown/../secret.jpg",
        "https://pictures.example/shown/%2e%2e/secret.jpg",
        "https://pictures.example/shown/%252e%252e/secret.jpg",
        "https://pictures.example/shown/..%2fsecret.jpg",
        "https://pictures.example/shown/..%5csecret.jpg",
        "https://pictures.example\\@evil.example/shown/a.jpg",
        "https://pictures.example@evil.example/shown/a.jpg",
        "https://user:pass@pictures.example/shown/a.jpg",
        "https://pictures.example/shown/a.jpg#b",
        "https://pictures.example/shown/a b.jpg",
        "https://pictures.example/shown/a\r\nHost: evil.example",
        "https://[::1/shown/",
        "https://pictures.example:port/shown/",
        "file:///etc/passwd",
        "gopher://pictures.example/shown/",
        "s3://bucket/shown/",
        "//pictures.example/shown/",
        "",
        7,
        None,
    ],
)
def test_what_may_be_read_in_several_ways(text: object) -> None:
    with pytest.raises(BadRequest):
        Address.parse(text)


@pytest.mark.parametrize(
    ("ip", "public"),
    [
        ("93.184.215.14", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("192.168.1.1", False),
        ("224.0.0.1", False),
        ("::", False),
        ("::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("fd00::1", False),
        ("fe80::1", False),
        ("ff02::1", False),
    ],
)
def test_inner_networks(ip: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(ip)) is public


@pytest.fixture
def pictures(photo: bytes) -> Iterator[str]:
    """Where pictures are; what else was asked of it is there for a look."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            where = {"/shown/photo.png": 200, "/shown/moved.png": 302, "/shown/endless.png": 200}.get(self.path, 404)
            self.send_response(where)
            self.send_header("Location", "/secret/photo.png")
            self.end_headers()
            if self.path == "/shown/endless.png":
                try:
                    while True:
                        self.wfile.write(bytes(1 << 16))
                except OSError:
                    return
            self.wfile.write(photo)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_pictures_are_fetched_from_where_that_is_allowed(
    web: Callable[..., RunningWeb], pictures: str, photo: bytes
) -> None:
    shown = f"{pictures}/shown/"

    def ask(http: httpx.Client, image: str, **more: object) -> httpx.Response:
        return http.post("/v1/stylize?wait=60", json={"image": image, "style": "udnie", **more})

    with web(sources=(shown,), inner_hosts=("127.0.0.1",), most_megabytes=1.0).http() as http:
        answer = ask(http, f"{shown}photo.png", strength=0.0)
        assert answer.status_code == 200, answer.text
        assert (as_pixels(answer.content) == as_pixels(photo)).all()
        for image, status, words in (
            (f"{shown}none.png", 400, "answered 404"),
            (f"{shown}moved.png", 400, "answered 302"),
            (f"{shown}endless.png", 413, "1 MiB"),
            (f"{pictures}/secret/photo.png", 403, "not fetched from this address"),
            (f"{shown}../secret/photo.png", 422, "dots"),
        ):
            answer = ask(http, image)
            assert (answer.status_code, words in answer.json()["detail"]) == (status, True), answer.text
    with web(sources=(shown, shown.replace("127.0.0.1", "localhost"))).http() as http:
        for name in ("127.0.0.1", "localhost"):
            answer = ask(http, f"{shown}photo.png".replace("127.0.0.1", name))
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
            assert "inner network" in answer.json()["detail"]


def test_without_leave_no_address_is_looked_at(http: httpx.Client) -> None:
    answer = http.post("/v1/stylize", json={"image": "https://pictures.example/a.jpg", "style": "udnie"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
