"""The programs in examples/ do what they say."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from support import RunningServer

EXAMPLES = Path(__file__).parents[1] / "examples"
BACKEND = EXAMPLES.parent / "backend"


def run(
    name: str, *arguments: object, given: bytes = b"", python: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, *python, str(EXAMPLES / name), *map(str, arguments)]
    return subprocess.run(command, input=given, capture_output=True, env=dict(os.environ), timeout=300, check=False)


def test_a_photo(running_server: RunningServer, astronaut: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(astronaut[:64, :96]).save(tmp_path / "photo.jpg")
    done = run("paint.py", tmp_path / "photo.jpg", "udnie", tmp_path / "painting.png")
    assert done.returncode == 0, done.stderr
    assert b"100%" in done.stderr
    painting = np.asarray(Image.open(tmp_path / "painting.png"))
    assert painting.shape == (64, 96, 3)
    assert np.abs(painting.astype(int) - astronaut[:64, :96]).mean() > 5


def test_an_error_is_a_sentence(running_server: RunningServer, astronaut: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(astronaut[:64, :96]).save(tmp_path / "photo.jpg")
    done = run("paint.py", tmp_path / "photo.jpg", "undie", tmp_path / "painting.png")
    assert done.returncode == 1
    assert b"Did you mean udnie" in done.stderr
    assert b"Traceback" not in done.stderr


def test_a_folder(running_server: RunningServer, astronaut: np.ndarray, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name in ("a", "b"):
        Image.fromarray(astronaut[:256, 96:352]).save(photos / f"{name}.jpg")
    (photos / "broken.jpg").write_bytes(b"no picture")
    painted = tmp_path / "painted"
    painted.mkdir()
    (painted / "a.png").write_bytes(b"done before")
    done = run("batch.py", photos, painted, "--subject", "udnie", "--background", "great-wave")
    assert done.returncode == 1
    assert b"broken.jpg" in done.stderr
    assert (painted / "a.png").read_bytes() == b"done before"
    assert Image.open(painted / "b.png").size == (256, 256)
    assert sorted(one.name for one in painted.iterdir()) == ["a.png", "b.png"]


def test_with_the_link_alone(running_server: RunningServer, astronaut: np.ndarray) -> None:
    """No package but msgpack is to be had: not even numpy."""
    photo = astronaut[:64, :96]
    ppm = b"P6\n96 64\n255\n" + photo.tobytes()
    done = run("link_alone.py", "the-scream", given=ppm, python=("-c", ALONE))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"P6\n96 64\n255\n")
    painting = np.frombuffer(done.stdout[len(b"P6\n96 64\n255\n") :], np.uint8).reshape(photo.shape)
    assert np.abs(painting.astype(int) - photo).mean() > 5


#: Runs a program so that it finds the link and msgpack and nothing else beside the standard library.
ALONE = f"""
import runpy, sys
sys.argv = sys.argv[1:]
class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("numpy", "PIL", "torch", "zmq", "impasto", "psutil", "pyvips"):
            raise ImportError(name + " is not here")
sys.meta_path.insert(0, Nothing())
sys.path.insert(0, {str(BACKEND)!r})
runpy.run_path(sys.argv[0], run_name="__main__")
"""
