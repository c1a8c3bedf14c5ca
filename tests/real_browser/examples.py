"""The examples for serving do what docs/hosting.md says: `make test-web`."""

from __future__ import annotations

import base64
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import httpx
import numpy as np
import pytest
from PIL import Image
from skimage import data

from real_browser.hands import photo_of
from real_browser.stage import OUTPUT

SERVING = Path(__file__).parents[2] / "examples" / "serving"
PHOTO = photo_of(data.astronaut()[:256, 96:352])


@pytest.fixture(scope="module")
def painting() -> np.ndarray:
    """What a process for one request paints."""
    command = [sys.executable, str(SERVING / "one_shot.py"), "udnie"]
    return _pixels(subprocess.run(command, input=PHOTO, stdout=subprocess.PIPE, check=True).stdout)


def test_one_request(painting: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(SERVING)
    from one_shot import handler

    event = {"queryStringParameters": {"style": "udnie"}, "body": base64.b64encode(PHOTO).decode()}
    answer = handler(event)
    assert answer["statusCode"] == 200
    assert np.array_equal(_pixels(base64.b64decode(answer["body"])), painting)
    wrong = handler({**event, "queryStringParameters": {"style": "undie"}})
    assert (wrong["statusCode"], "Did you mean udnie?" in wrong["body"]) == (422, True)


def test_litserve(litserve: str, painting: np.ndarray) -> None:
    given = httpx.post(litserve, files={"image": PHOTO}, data={"style": "udnie"}, timeout=300)
    assert np.array_equal(_pixels(given.content), painting)
    wrong = httpx.post(litserve, files={"image": PHOTO}, data={"style": "undie"}, timeout=300)
    assert (wrong.status_code, "Did you mean udnie?" in wrong.text) == (422, True)


@pytest.fixture
def litserve() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "PORT": str(port), "ACCELERATOR": "cpu", "IMPASTO_OFFLINE": "1"}
    OUTPUT.mkdir(parents=True, exist_ok=True)
    with (OUTPUT / "litserve.log").open("wb") as log:
        # A session of its own, for its workers outlive it.
        process = subprocess.Popen(
            [sys.executable, str(SERVING / "litserve_app.py")],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        while not _answers(f"http://127.0.0.1:{port}/health"):
            assert process.poll() is None
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/predict"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _answers(address: str) -> bool:
    try:
        return httpx.get(address).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd here")
def test_units(tmp_path: Path) -> None:
    units = [tmp_path / f"impasto-{name}.service" for name in ("serve", "web")]
    for unit in units:
        # That which is there instead of what will be.
        unit.write_text((SERVING / unit.name).read_text().replace("/opt/impasto/bin/impasto", sys.executable))
    said = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=True)
    assert said.stderr == ""
    for unit in units:
        judged = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", unit], capture_output=True, text=True, check=True
        )
        exposure = re.search(r"exposure level for \S+: ([\d.]+)", judged.stdout)
        assert exposure is not None
        assert float(exposure[1]) < 2


def _pixels(file: bytes) -> np.ndarray:
    with Image.open(BytesIO(file)) as picture:
        return np.asarray(picture)
