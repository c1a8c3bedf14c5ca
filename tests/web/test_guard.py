"""Who is let in."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from impasto.cli import main
from impasto.web.keys import Keys, new_key
from impasto.web.serving import listen
from impasto.web.settings import WebOptions
from impasto_link.errors import ImpastoError
from running_web import RunningWeb


def test_pages_of_others_cannot_use_the_browser_of_who_is_let_in(http: httpx.Client) -> None:
    host = f"127.0.0.1:{http.base_url.port}"
    for headers, status in (
        ({"host": "localhost:1"}, 200),
        ({"host": "evil.example"}, 403),
        ({"host": "127.0.0.1.evil.example"}, 403),
        ({"origin": f"http://{host}"}, 200),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site", "origin": f"http://{host}"}, 403),
    ):
        answer = http.get("/v1/health", headers=headers)
        assert answer.status_code == status, headers
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert "access-control-allow-origin" not in answer.headers


def test_keys(web: Callable[..., RunningWeb], tmp_path: Path, photo: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys"
    assert main(["web", "--new-key", "ann", "--keys", str(file)]) == 0
    ann, ben = capsys.readouterr().out.strip(), new_key(file, "ben")
    assert file.stat().st_mode & 0o077 == 0
    assert ann not in file.read_text()

    def bearer(key: str) -> dict[str, str]:
        return {"authorization": f"Bearer {key}"}

    with web(keys=file).http() as http:
        for headers in ({}, bearer("x"), bearer(ann[:-1]), {"authorization": f"Basic {ann}"}):
            answer = http.get("/v1/health", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "no-key")
            assert answer.headers["www-authenticate"].startswith("Bearer")
        assert http.get("/metrics").status_code == 401
        # The page asks for the key.
        assert http.get("/").status_code == 200
        job = http.post("/v1/mask", files={"image": photo}, headers=bearer(ann)).json()
        assert http.get(job["links"]["self"], headers=bearer(ann)).json()["id"] == job["id"]
        assert http.get(job["links"]["self"], headers=bearer(ben)).status_code == 404
        assert http.get(job["links"]["events"], headers=bearer(ben)).status_code == 404


def test_files_of_keys_that_are_not_believed(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    new_key(file, "ann")
    for name in ("ann", "", "a b", "a\nb"):
        with pytest.raises(ImpastoError):
            new_key(file, name)
    file.chmod(0o666)
    with pytest.raises(ImpastoError, match="changed by others"):
        Keys.read(file)
    for text in ("", "ann\n", "ann nothex\n"):
        (tmp_path / "other").write_text(text)
        with pytest.raises(ImpastoError):
            Keys.read(tmp_path / "other")


def test_a_proxy_says_who_asks(web: Callable[..., RunningWeb]) -> None:
    with web(proxy="X-Forwarded-User").http() as http:
        assert http.get("/v1/health").status_code == 401
        assert http.get("/v1/health", headers={"x-forwarded-user": "ann"}).status_code == 200
        twice = [("x-forwarded-user", "ann"), ("x-forwarded-user", "ben")]
        assert http.get("/v1/health", headers=twice).status_code == 401
    with web(proxy="X-Forwarded-User", proxy_addresses=("192.0.2.1",)).http() as http:
        assert http.get("/v1/health", headers={"x-forwarded-user": "ann"}).status_code == 403


def test_nobody_listens_to_all_the_world_without_asking_who_it_is() -> None:
    with pytest.raises(ImpastoError, match="anybody could use this machine"):
        listen(WebOptions(host="0.0.0.0", port=0))


def test_answers_do_not_wait_for_the_last_packet_to_be_confirmed() -> None:
    with listen(WebOptions(port=0)) as listening, socket.create_connection(listening.getsockname()):
        connection, _ = listening.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_an_origin_that_is_no_address_is_not_let_in(http: httpx.Client) -> None:
    assert http.get("/v1/styles", headers={"origin": "http://["}).status_code == 403


def test_a_key_gets_a_line_of_its_own_also_where_the_last_one_has_no_end(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    ann = new_key(path, "ann")
    path.write_text(path.read_text().rstrip("\n"))
    bob = new_key(path, "bob")
    keys = Keys.read(path)
    assert (keys.owner(ann), keys.owner(bob)) == ("ann", "bob")


def test_keys_are_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "keys"
    os.mkfifo(pipe)
    with pytest.raises(ImpastoError, match="is no file"):
        Keys.read(pipe)
    with pytest.raises(ImpastoError, match="is no file"):
        new_key(pipe, "ann")
