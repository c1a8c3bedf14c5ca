"""Runs: what becomes of folders of pictures, whatever happens in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from PIL import Image

from impasto.batch.manifest import NAME, PARTS, Manifest
from impasto.batch.places import place_of
from impasto.batch.plan import Item, Wanted, make_plan
from impasto.batch.run import Run
from impasto.cli import main
from impasto_link.client import Call, Client, Event
from impasto_link.errors import BadRequest
from impasto_link.options import MaskOptions
from impasto_link.pixels import Region
from support import listed, wait_until

STYLE = ("--style", "udnie", "--quiet")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def picture(name: str, size: tuple[int, int] = (32, 24)) -> bytes:
    """The bytes of a picture of which there is no second one."""
    values = np.random.default_rng(list(name.encode())).integers(0, 255, (size[1], size[0], 3), np.uint8)
    path = Path("one" + Path(name).suffix)
    Image.fromarray(values).save(path)
    data = path.read_bytes()
    path.unlink()
    return data


def lay(root: str, *names: str, size: tuple[int, int] = (32, 24)) -> None:
    """Put pictures into a folder."""
    for name in names:
        place = place_of(root) / name
        place.folder.make()
        place.put(picture(name, size), replace=True)


def told(folder: str | Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (Path(folder) / NAME).read_bytes().splitlines()]


@pytest.mark.usefixtures("running_server")
def test_the_manifest_tells_of_each_picture(here: Path) -> None:
    lay("photos", "a.png", "day 1/b.png")
    Path("photos/bad.jpg").write_bytes(b"no picture")
    assert main(["stylize", "photos", "-o", "out", "--recursive", "--brush", "2", *STYLE]) == 1
    lines = {str(line["source"]): line for line in told("out")}
    assert sorted(lines) == [f"{here}/photos/{name}" for name in ("a.png", "bad.jpg", "day 1/b.png")]
    good, bad = lines[f"{here}/photos/day 1/b.png"], lines[f"{here}/photos/bad.jpg"]
    assert good["targets"] == ["day 1/b.png"]
    assert good["error"] is None
    assert good["settings"] == {
        "operation": "stylize",
        "styles": [["udnie", 1.0, "library"]],
        "brush": 2.0,
        "flatten": True,
        "quality": 95,
    }
    assert "is not a picture that can be read" in str(bad["error"])
    assert len(str(bad["sha256"])) == 64


@pytest.mark.usefixtures("running_server")
def test_what_would_be_another_painting_today_is_said_and_stays(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lay("photos", "a.png", "b.png", "c.png")
    lay("out", "mine.png")
    (here / "style.png").write_bytes(picture("style.png"))
    again = ["stylize", "photos", "-o", "out/", "--quiet", "--existing", "skip", "--style"]
    assert main([*again, "style.png"]) == 0
    before = {name: (here / "out" / name).read_bytes() for name in listed("out")}
    capsys.readouterr()
    os.utime("photos/a.png")
    (here / "moved").mkdir()
    (here / "style.png").rename("moved/style.png")
    assert main([*again, "moved/style.png"]) == 0
    assert capsys.readouterr().err == "3 of 3 pictures are there already and stay as they are.\n"
    lay("photos", "b.png", size=(48, 24))
    assert main([*again, "moved/style.png"]) == 0
    said = capsys.readouterr().err
    assert "1 of these were made with other settings, or of a picture that has changed since, such as out/b.png" in said
    assert main([*again, "udnie"]) == 0
    assert "3 of these were made with other settings" in capsys.readouterr().err
    assert {name: (here / "out" / name).read_bytes() for name in listed("out")} == before
    assert main([*again, "udnie", "--existing", "replace"]) == 0
    assert Image.open("out/b.png").size == (48, 24)


@pytest.mark.usefixtures("running_server")
@pytest.mark.skipif(os.name == "nt", reason="a signal of POSIX")
def test_a_run_that_was_killed_goes_on(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"{number}.png" for number in range(12)]
    lay("photos", *names, size=(256, 256))
    Path("photos/bad.png").write_bytes(b"no picture")
    command = ["stylize", "photos", "-o", "out", *STYLE]
    run = subprocess.Popen([sys.executable, "-m", "impasto", *command])
    wait_until(lambda: Path("out", NAME).exists() and len(told("out")) >= 3)
    run.send_signal(signal.SIGKILL)
    run.wait()
    done = {line["targets"][0] for line in told("out")}
    assert done < set(names)
    times = {name: (here / "out" / name).stat().st_mtime_ns for name in done}
    assert main([*command, "--existing", "skip"]) == 1
    assert "1 of" in capsys.readouterr().err.splitlines()[-1]
    assert listed("out") == sorted(names)
    assert all((here / "out" / name).stat().st_mtime_ns == time for name, time in times.items())


@pytest.mark.usefixtures("running_server")
def test_two_runs_into_one_folder(here: Path) -> None:
    names = [f"{number}.png" for number in range(8)]
    lay("photos", *names)
    command = [sys.executable, "-m", "impasto", "stylize", "photos", "-o", "out", *STYLE, "--existing", "skip"]
    runs = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(2)]
    assert [run.wait() for run in runs] == [0, 0]
    assert listed("out") == sorted(names)
    assert sorted(line["targets"][0] for line in told("out")) == sorted(names), "each was written by one of them"


@pytest.mark.usefixtures("running_server")
@pytest.mark.parametrize("root", ["s3", "sftp"], indirect=True)
def test_folders_at_addresses(root: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lay(root, "photos/a.png", "photos/day 1/b.png", "photos/day 1/bad.png")
    (place_of(root) / "photos/day 1/bad.png").put(b"no picture", replace=True)
    command = ["stylize", f"{root}/photos", "-o", f"{root}/out", "--recursive", *STYLE]
    assert main(command) == 1
    out = place_of(root) / "out"
    assert [(out / name).kind() for name in ("a.png", "day 1/b.png", "day 1/bad.png")] == ["file", "file", None]
    assert set(Manifest(out).done()) == {"a.png", "day 1/b.png"}
    before = (out / "a.png").stamp()
    said = capsys.readouterr().err
    assert f"{place_of(root)}/photos/day 1/bad.png is not a picture that can be read" in said
    assert "cret" not in said + b"".join(part.read() for part in (out / PARTS).listing().files).decode()
    assert main(command) == 1
    assert "2 of 3 files are there already" in capsys.readouterr().err
    assert main([*command, "--existing", "skip"]) == 1
    assert "2 of 3 pictures are there already" in capsys.readouterr().err
    assert (out / "a.png").stamp() == before
    for existing in ("refuse", "skip", "replace"):
        assert main([*command[:2], "-o", f"{root}/photos", "--recursive", *STYLE, "--existing", existing]) == 1
        assert "would be overwritten" in capsys.readouterr().err
    assert main(["stylize", f"{root}/photos/*.png", "-o", "here/", *STYLE, "--format", "jpg"]) == 0
    assert listed("here") == ["a.jpg"]


@pytest.mark.usefixtures("running_server")
def test_keys_in_an_address_are_no_pattern(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["stylize", "http://127.0.0.1:1/a.jpg?key=hush", "-o", "out.png", *STYLE, "--existing", "skip"]) == 1
    said = capsys.readouterr().err
    assert "http://127.0.0.1:1/a.jpg" in said
    assert "hush" not in said


@pytest.mark.usefixtures("running_server")
def test_cut_outs_go_to_addresses(memory: str, astronaut: np.ndarray) -> None:
    Path("photos").mkdir()
    Image.fromarray(astronaut[:256, 96:352]).save("photos/a.jpg")
    assert main(["mask", "photos", "-o", memory, "--cutout", "--quiet"]) == 0
    cutout = place_of(memory) / "a.png"
    Path("a.png").write_bytes(cutout.read())
    assert Image.open("a.png").mode == "RGBA"


def test_what_cannot_be_written_to_is_found_out_before_anything_is_painted(
    s3: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lay("photos", "a.png", "b.png")
    monkeypatch.setattr("impasto.cli.plans.connect_or_start", lambda *_: pytest.fail("the server was asked"))
    assert main(["stylize", "photos", "-o", f"{s3}-other/out", *STYLE]) == 1
    assert f"There is no {s3}-other" in capsys.readouterr().err


class TwoWorkers:
    """Stands in for the client of a server with two workers, of which one is at the first picture for long."""

    def __init__(self) -> None:
        self.open: list[Call] = []
        self.most = 0

    def ask(self, op: str) -> Event:
        return Event("done", fields={"workers": [{"state": "idle"}, {"state": "starting"}, {"state": "broken"}]})

    def send(self, client: object, item: Item, region: Region) -> Call:
        self.open.append(Call(item.source.name))
        self.most = max(self.most, len(self.open))
        self.open[-1].request = {}, {"pixels": region}
        return self.open[-1]

    def poll(self, timeout: float) -> None:
        """Who has waited longest is done, but for the first picture as long as there is another."""
        call = self.open.pop(1 if len(self.open) > 1 and self.open[0].id == "0.png" else 0)
        if call.id == "3.png":
            call.fail(BadRequest("Its worker did not like it."))
        else:
            call.add(Event("done", regions=call.request[1]))

    def close(self) -> None:
        assert not self.open


class Heard:
    """Notes how far a run was."""

    def __init__(self) -> None:
        self.came: list[float] = []

    def say(self, text: str) -> None:
        raise AssertionError(text)

    def at(self, done: float, name: str, doing: str) -> None:
        self.came.append(done)


def test_no_worker_waits_for_a_picture_that_takes_long() -> None:
    lay("photos", *[f"{number}.png" for number in range(6)])
    Path("photos/2.png").write_bytes(b"no picture")
    client, heard = TwoWorkers(), Heard()
    wanted = Wanted(MaskOptions(), {}, lambda source: ".png", lambda target: {"pixels": target})
    plan = make_plan(["photos"], "out", wanted)
    run = Run(plan, client.send, lambda: cast(Client, client), heard)
    run.go()
    assert client.most == 3, "one for each worker, and one that lies ready"
    assert [line["targets"][0][0] for line in told("out")] == list("213450"), "in the order in which they ended"
    assert run.done == 4
    assert [sentence[:12] for sentence in run.failed] == ["photos/2.png", "photos/3.png"], "in the order of the plan"
    assert listed("out") == ["0.png", "1.png", "4.png", "5.png"]
    assert heard.came == sorted(heard.came)
    assert heard.came[-1] == 6
