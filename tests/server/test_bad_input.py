"""The server lives through everything, and other clients notice nothing."""

from __future__ import annotations

import os
import random
import socket
import struct
import threading
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
import pytest
import zmq

from impasto.client import Server, to_region
from impasto.server.broker import Broker
from impasto.server.options import BrokerOptions
from impasto_link import codec
from impasto_link.client import Call, Client
from impasto_link.discovery import claim, read_server_info
from impasto_link.errors import BadRequest, ImpastoError, Refused
from impasto_link.options import StylizeOptions
from impasto_link.transport import open_transport
from support import PATIENCE, RunningServer, wait_until

OPTIONS = StylizeOptions.of("udnie").to_wire()


def pixels(**changes: object) -> dict[str, object]:
    entry = {"kind": "pixels", "width": 4, "height": 4, "channels": "RGB", "dtype": "u8", "encoding": "srgb"}
    return {**entry, **changes}


def request(client: Client, header: dict[str, object], *frames: bytes) -> Call:
    call = Call(os.urandom(8).hex())
    client._open[call.id] = call
    client.transport.send(
        [msgpack.packb({"v": codec.PROTOCOL, "op": "stylize", "id": call.id, **OPTIONS, **header}), *frames]
    )
    return call


@pytest.mark.parametrize(
    ("header", "frames", "says"),
    [
        ({"frames": []}, [], "no pixels"),
        ({"frames": [pixels()]}, [], "describe"),
        ({"frames": [pixels()]}, [bytes(47)], "48 bytes, but 47"),
        ({"frames": [pixels()]}, [bytes(49)], "48 bytes, but 49"),
        ({"frames": [pixels(width=0)]}, [b""], "0 x 4"),
        ({"frames": [pixels(width=-4)]}, [bytes(48)], "-4"),
        ({"frames": [pixels(width=10**9, height=10**9)]}, [bytes(48)], "1000000000"),
        ({"frames": [pixels(width=2**17, height=2**17)]}, [bytes(48)], "but 48"),
        ({"frames": [pixels(width=4.0)]}, [bytes(48)], "4.0"),
        ({"frames": [pixels(width=True)]}, [bytes(12)], "True"),
        ({"frames": [pixels(channels="CMYK")]}, [bytes(64)], "CMYK"),
        ({"frames": [pixels(dtype="i64")]}, [bytes(384)], "i64"),
        ({"frames": [pixels(dtype=["u8"])]}, [bytes(48)], "u8"),
        ({"frames": [pixels(encoding="icc")]}, [bytes(48)], "profile"),
        ({"frames": [pixels(encoding="icc", profile=7)]}, [bytes(48)], "profile"),
        ({"frames": [pixels(encoding="icc", profile=1), {"kind": "profile"}]}, [bytes(48), b"no profile"], "profile"),
        ({"frames": ["pixels"]}, [bytes(48)], "kind"),
        ({"frames": {"pixels": 1}}, [bytes(48)], "describe"),
        ({"frames": [pixels(dtype="f32")]}, [np.full(48, np.nan, "<f4").tobytes()], "NaN|not a number|finite"),
        ({"frames": [pixels(dtype="f16")]}, [np.full(48, np.inf, "<f2").tobytes()], "infinit|finite"),
        ({"frames": [pixels()], "strength": 7}, [bytes(48)], "strength"),
        ({"frames": [pixels()], "strength": float("nan")}, [bytes(48)], "strength"),
        ({"frames": [pixels()], "brush": "big"}, [bytes(48)], "brush"),
        ({"frames": [pixels()], "styles": []}, [bytes(48)], "styles"),
        ({"frames": [pixels()], "styles": "udnie"}, [bytes(48)], "styles"),
        ({"frames": [pixels()], "styles": [["udnie", 0]]}, [bytes(48)], "weight"),
        ({"frames": [pixels()], "engine": "steam"}, [bytes(48)], "steam"),
        ({"frames": [pixels()], "device": "tpu"}, [bytes(48)], "tpu"),
        ({"frames": [pixels()], "max_side": 1}, [bytes(48)], "16"),
        ({"frames": [pixels()], "sequence": "first"}, [bytes(48)], "map"),
        ({"frames": [pixels()], "sequence": {"at": 0.0}}, [bytes(48)], "name of the sequence"),
        ({"frames": [pixels()], "sequence": {"id": "i" * 65, "at": 0.0}}, [bytes(48)], "name of the sequence"),
        ({"frames": [pixels()], "sequence": {"id": "one", "at": "now"}}, [bytes(48)], "time of the frame"),
        ({"frames": [pixels()], "sequence": {"id": "one", "at": float("nan")}}, [bytes(48)], "time of the frame"),
    ],
)
def test_a_request_that_makes_no_sense_gets_a_sentence(
    server: Server, header: dict[str, object], frames: list[bytes], says: str
) -> None:
    client = server._client
    with pytest.raises(BadRequest, match=f"(?i){says}"):
        client.wait(request(client, header, *frames))
    assert client.ask("status").fields["pid"]


def test_what_nobody_has_expected_is_answered_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))
    broker = Broker(BrokerOptions(devices=(), shared_memory=False))

    def styles() -> None:
        raise TypeError("a list is no name")

    monkeypatch.setattr(broker.library, "styles", styles)
    thread = threading.Thread(target=broker.run)
    thread.start()
    client = Client(open_transport(broker.info.endpoint, broker.info.token))
    try:
        with pytest.raises(ImpastoError, match="a list is no name"):
            client.ask("styles", timeout=PATIENCE)
        assert client.ask("status", timeout=PATIENCE).fields["version"]
    finally:
        client.close()
        broker.stop()
        thread.join()


def test_a_runtime_file_that_is_taken_away_comes_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tidy program, or somebody who was told not to believe it; the server lives, and would never be found again."""
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("impasto.server.broker.SWEEP", 0.0)
    monkeypatch.setattr("impasto.server.broker.PULSE", 0.0)
    with claim() as place:
        assert place is not None
        broker = Broker(BrokerOptions(devices=(), shared_memory=False, runtime_file=place.runtime))
        thread = threading.Thread(target=broker.run)
        thread.start()
        try:
            for harm in (
                place.runtime.unlink,
                lambda: place.runtime.write_text("{"),
                lambda: place.runtime.chmod(0o666),
            ):
                wait_until(read_server_info)
                harm()
            wait_until(read_server_info)
        finally:
            broker.stop()
            thread.join()
        assert not place.runtime.exists()


def test_wrong_token_gets_nothing(running_server: RunningServer) -> None:
    for transport in ("pyzmq", "zmtp"):
        client = Client(open_transport(running_server.info.endpoint, "wrong", prefer=transport))
        with pytest.raises(Refused):
            client.ask("hello", timeout=PATIENCE)
        client.close()


def test_missing_token_gets_nothing(running_server: RunningServer) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as bare:
        bare.linger = 0
        bare.connect(running_server.info.endpoint)
        bare.send(codec.pack({"op": "hello", "id": "x"}))
        assert not bare.poll(500)


def test_the_runtime_file_is_private(running_server: RunningServer) -> None:
    from impasto_link.discovery import runtime_file

    assert running_server.info
    assert runtime_file().stat().st_mode & 0o777 == 0o600
    assert runtime_file().parent.stat().st_mode & 0o777 == 0o700


def test_half_a_handshake_and_garbage_on_the_socket(running_server: RunningServer, server: Server) -> None:
    port = int(running_server.info.endpoint.rpartition(":")[2])
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"PLAIN".ljust(20, b"\0") + bytes(32)
    hanging = []
    for data in (
        b"",
        b"\xff",
        greeting[:30],
        greeting,
        greeting + b"\x06\xff" + struct.pack(">Q", 2**62),
        b"GET / HTTP/1.1\r\n\r\n",
    ):
        one = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        one.sendall(data)
        hanging.append(one)
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as one:
            one.sendall(random.randbytes(200))
    assert server.status()["pid"]
    for one in hanging:
        one.close()


def test_ten_thousand_malformed_messages_and_then_a_job(server: Server, astronaut: np.ndarray) -> None:
    """Mutated, truncated, random and deeply nested messages; each is answered or ignored, none is fatal."""
    chance = random.Random(1)
    client = server._client
    region = to_region(astronaut[:16, :16].copy())[0]
    proper = [bytes(frame) for frame in codec.encode({"op": "stylize", "id": "x", **OPTIONS}, {"pixels": region})]
    nested = b"\x91" * 5000 + b"\xc0"
    worker = server.status()["workers"][0]["pid"]
    for number in range(10_000):
        kind = number % 6
        if kind == 0:
            message = [chance.randbytes(chance.randrange(200))]
        elif kind == 1:
            header = bytearray(proper[0])
            for _ in range(chance.randrange(1, 6)):
                header[chance.randrange(len(header))] = chance.randrange(256)
            message = [bytes(header), *proper[1:]]
        elif kind == 2:
            message = [proper[0][: chance.randrange(len(proper[0]))], *proper[1:]]
        elif kind == 3:
            message = [chance.randbytes(chance.randrange(9)) for _ in range(chance.randrange(1, 9))]
        elif kind == 4:
            message = [nested, b"", b""]
        else:
            value: Any = chance.choice([None, 1, "", [], {}, b"x", 2**63, -1.5, [[[]]], {"a": {}}])
            key = chance.choice(["v", "id", "op", "styles", "frames", "strength", "device", "max_side"])
            whole = {
                "v": codec.PROTOCOL,
                "id": f"job{number}",
                "op": "stylize",
                **OPTIONS,
                "frames": [region.format.to_wire()],
            }
            message = [msgpack.packb({**whole, key: value}), bytes(region.data)]
        client.transport.send(message)
        if number % 200 == 0:
            client.poll()
    assert client.ask("hello", timeout=PATIENCE).fields["version"]
    result = server.stylize(astronaut[:128, :128].copy(), style="udnie")
    assert result.shape == (128, 128, 3)
    assert server.status()["workers"][0]["pid"] == worker


def test_a_huge_header_is_refused(server: Server) -> None:
    client = server._client
    client.transport.send([msgpack.packb({"v": codec.PROTOCOL, "id": "x", "op": "hello", "pad": bytes(2 << 20)})])
    assert client.ask("hello").fields["version"]


def test_frames_of_a_hundred_megabytes_are_taken(server: Server) -> None:
    """At strength 0 nothing is computed, and what comes back is what was sent."""
    noise = np.random.default_rng(0).integers(0, 2**16, (2560, 5120, 4), np.uint16)
    assert noise.nbytes > 100_000_000
    for transport in ("pyzmq", "zmtp"):
        client = Client(open_transport(*_address(server), prefer=transport))
        call = client.stylize(to_region(noise)[0], StylizeOptions.of("udnie", strength=0.0))
        result = client.wait(call).regions["pixels"]
        assert bytes(result.data) == noise.tobytes()
        client.close()


def _address(server: Server) -> tuple[str, str]:
    from impasto_link.discovery import read_server_info

    info = read_server_info()
    assert info is not None
    return info.endpoint, info.token


def test_one_bad_client_does_not_disturb_another(running_server: RunningServer, astronaut: np.ndarray) -> None:
    with running_server.connect() as good, running_server.connect() as bad:
        painting = good.start(astronaut, style="udnie")
        for _ in range(200):
            bad._client.transport.send([b"garbage"])
        with pytest.raises(ImpastoError):
            bad.stylize(astronaut, style="no-such-style")
        assert painting.result().shape == astronaut.shape
