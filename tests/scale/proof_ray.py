"""`impasto batch` on clusters of this machine: workers are lost, and the command itself, and no picture is.

`make test-ray` installs Ray and runs this. `make test` does not find it: it has no Ray, and no time.
"""

from __future__ import annotations

import ipaddress
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from impasto.batch.manifest import NAME
from impasto.batch.run import TRIES
from scale.deadly_engine.impasto_deadly import BEGUN, DEADLY
from support import listed, wait_until

ENGINE = Path(__file__).parent / "deadly_engine"


class Batch:
    """`impasto batch` with two workers, in a session of its own as in a terminal.

    Args:
        folder: has the folder ``photos``; the results go into its folder ``out``.
        more: further arguments.
    """

    def __init__(self, folder: Path, *more: str) -> None:
        self._out = folder / "out"
        self._begun = folder / "begun"
        self._before = len(self.lines())
        command = [sys.executable, "-m", "impasto", "batch", "stylize", "photos", "-o", "out", "--workers", "2"]
        environment = {**os.environ, "PYTHONPATH": str(ENGINE), BEGUN: str(self._begun), "RAY_worker_niceness": "0"}
        self.process = subprocess.Popen(
            [*command, "--style", "udnie", "--engine", "deadly", "--format", "png", *more],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # As in a terminal: whoever is started in the background ignores it, and hands that on.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self._family: list[psutil.Process] = []

    def lines(self) -> list[dict[str, Any]]:
        """The whole lines of the manifest."""
        manifest = self._out / NAME
        lines = manifest.read_bytes().splitlines(keepends=True) if manifest.exists() else []
        return [json.loads(line) for line in lines if line.endswith(b"\n")]

    def begun(self) -> list[tuple[int, int]]:
        """The widths of the pictures that were begun, and by which processes."""
        lines = self._begun.read_text().splitlines() if self._begun.exists() else []
        return [(int(width), int(process)) for width, process in map(str.split, lines)]

    def wait_for(self, pictures: int) -> None:
        """Wait until so many pictures are done by this run, and see who belongs to it."""
        wait_until(lambda: len(self.lines()) >= self._before + pictures or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.communicate()
        self._family = psutil.Process(self.process.pid).children(recursive=True)

    def kill_worker(self) -> int:
        """Kill the worker that has begun with a picture last; the picture's width."""
        width, process = self.begun()[-1]
        os.kill(process, signal.SIGKILL)
        return width

    def end(self) -> tuple[int, str]:
        """Its exit status and what it said, when it has ended and all that it had started as well."""
        out, said = self.process.communicate(timeout=600)
        assert not out
        wait_until(lambda: not [one for one in self._family if one.is_running() and one.status() != "zombie"])
        return self.process.returncode, said

    def listens_at(self) -> set[str]:
        """The addresses at which it, and all that it has started, can be reached."""
        found = [psutil.Process(self.process.pid), *self._family]
        sockets = [one for process in found for one in process.net_connections("inet")]
        return {one.laddr.ip for one in sockets if one.status == psutil.CONN_LISTEN}


def photos(folder: Path, widths: range) -> None:
    (folder / "photos").mkdir(exist_ok=True)
    for width in widths:
        Image.fromarray(np.full((24, width, 3), width, np.uint8)).save(folder / f"photos/{width}.png")


def assert_whole(folder: Path, widths: range) -> None:
    """All pictures are there, each the negative of its own photo, and nothing else."""
    assert listed(folder / "out") == sorted(f"{width}.png" for width in widths)
    for width in widths:
        with Image.open(folder / f"out/{width}.png") as painting:
            assert painting.size == (width, 24)
            assert np.all(np.asarray(painting) == 255 - width)


def test_a_lost_worker_loses_nothing_and_a_deadly_picture_costs_itself_only(tmp_path: Path) -> None:
    widths = range(30, 46)
    photos(tmp_path, widths)
    photos(tmp_path, range(DEADLY, DEADLY + 1))
    (tmp_path / "photos/damaged.png").write_bytes(b"no picture")
    batch = Batch(tmp_path)
    batch.wait_for(4)
    assert all(ipaddress.ip_address(one.removeprefix("::ffff:")).is_loopback for one in batch.listens_at())
    killed = batch.kill_worker()
    status, said = batch.end()
    assert status == 1
    assert_whole(tmp_path, widths)
    # Each was entered once, and begun once, but for what the worker had in hand that was killed.
    lines = batch.lines()
    assert len(lines) == len(widths) + 2 == len({line["source"] for line in lines})
    begun = Counter(width for width, _ in batch.begun())
    assert begun.pop(DEADLY) in (TRIES, TRIES + (killed == DEADLY))
    assert {width for width, times in begun.items() if times > 1} <= {killed}
    errors = {Path(line["source"]).stem: line["error"] for line in lines if line["error"] is not None}
    assert set(errors) == {"damaged", str(DEADLY)}
    assert f"{TRIES} workers were lost over this picture" in errors[str(DEADLY)]
    # And Ray had nothing to say.
    assert len(said.splitlines()) == 3
    assert "2 of 18 pictures failed." in said


def test_a_command_that_is_ended_or_killed_goes_on_where_it_was(tmp_path: Path) -> None:
    widths = range(30, 50)
    photos(tmp_path, widths)
    batch = Batch(tmp_path)
    batch.wait_for(2)
    os.killpg(batch.process.pid, signal.SIGINT)
    status, said = batch.end()
    assert status == 130, said
    done = len(batch.lines())
    assert "impasto: interrupted" in said
    assert f"{done} of 20 pictures are done. To go on, give the same command with --existing skip." in said

    batch = Batch(tmp_path, "--existing", "skip")
    batch.wait_for(2)
    batch.process.kill()
    assert batch.end()[0] == -signal.SIGKILL

    batch = Batch(tmp_path, "--existing", "skip")
    batch.wait_for(2)
    batch.kill_worker()
    status, said = batch.end()
    assert (status, said.count("\n")) == (0, 1)
    assert "are there already and stay as they are." in said
    assert_whole(tmp_path, widths)
    # What two workers had in hand when they were ended twice, and one of them once more, was begun again.
    assert len(batch.begun()) <= len(widths) + 2 * 2 + 1
