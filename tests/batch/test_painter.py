"""What a worker of a cluster does with a picture, without a cluster."""

from __future__ import annotations

import pickle
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impasto.batch.cluster import ClusterRun, Crew, Tries
from impasto.batch.manifest import settings_of
from impasto.batch.nodes import Report, check_report
from impasto.batch.painter import Painter, Task
from impasto.batch.places import Place, place_of
from impasto.batch.plan import Plan, Wanted, make_plan
from impasto.batch.run import TRIES
from impasto.cli import main
from impasto_link import __version__
from impasto_link.errors import BadRequest
from impasto_link.options import StylizeOptions
from support import listed


def plan_of(folder: Path, style: str = "udnie", existing: str = "refuse") -> Plan:
    """A plan to paint all pictures of a folder into the folder ``out`` beside it."""
    options = StylizeOptions.of(style, device="cpu")

    def pixels(target: Place) -> dict[str, Place]:
        return {"pixels": target}

    wanted = Wanted(options, settings_of("stylize", options), suffix_for=lambda source: ".png", files=pixels)
    return make_plan([str(folder)], f"{folder.parent}/out/", wanted, existing=existing)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        values = np.random.default_rng(number).integers(0, 255, (24, 32, 3), np.uint8)
        Image.fromarray(values).save(folder / f"{number}.png")
    return folder


@pytest.mark.usefixtures("running_server")
def test_pictures_are_those_that_the_server_paints(photos: Path, tmp_path: Path) -> None:
    (photos / "1.png").write_bytes(b"no picture")
    plan = plan_of(photos)
    # As they come to another process.
    painter = Painter(pickle.loads(pickle.dumps(Task.of(plan))))
    first, damaged, last = [painter.paint(pickle.loads(pickle.dumps(item.absolute()))) for item in plan.items]
    assert first.error is last.error is None
    assert damaged.error is not None
    assert "1.png" in damaged.error
    assert not damaged.last
    assert first.entry is not None
    assert first.entry.targets == ("0.png",)
    assert listed(tmp_path / "out") == ["0.png", "2.png"]
    assert main(["stylize", str(photos), "-o", str(tmp_path / "other"), "--style", "udnie", "--quiet"]) == 1
    for name in ("0.png", "2.png"):
        assert (tmp_path / "other" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_what_a_lost_worker_wrote_is_not_made_again(photos: Path, tmp_path: Path) -> None:
    plan = plan_of(photos)
    painter = Painter(Task.of(plan))
    (tmp_path / "out/0.png").write_bytes(b"there")
    assert "there already" in str(painter.paint(plan.items[0]).error)
    again = painter.paint(plan.items[0], again=True)
    assert (again.error, again.entry is not None) == (None, True)
    assert (tmp_path / "out/0.png").read_bytes() == b"there"
    assert painter.paint(plan.items[1], again=True).error is None
    assert listed(tmp_path / "out") == ["0.png", "1.png"]


def test_what_came_meanwhile_stays_and_is_not_entered(photos: Path, tmp_path: Path) -> None:
    plan = plan_of(photos, existing="skip")
    (tmp_path / "out/0.png").write_bytes(b"there")
    painted = Painter(Task.of(plan)).paint(plan.items[0])
    assert (painted.entry, painted.error) == (None, None)
    assert "stays as it is" in painted.notes[0]


def test_a_style_that_is_not_there_ends_all(photos: Path) -> None:
    plan = plan_of(photos, style="none")
    assert Painter(Task.of(plan)).paint(plan.items[0]).last


def test_memory_that_does_not_suffice_is_said(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_of(photos)

    def fail(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("impasto.pipeline.Pipeline.stylize", fail)
    painted = Painter(Task.of(plan)).paint(plan.items[0])
    assert "memory did not suffice" in str(painted.error)
    assert not painted.last


def test_a_picture_is_tried_so_often_and_workers_start_so_often() -> None:
    tries = Tries(pictures=2, workers=2)
    assert [tries.begin(1) for _ in range(TRIES + 3)] == [1, 2, 3, 4, 4, 4]
    assert tries.begin(0) == 1
    assert [tries.start() for _ in range(2 * TRIES + 1)] == [True] * 2 * TRIES + [False]
    tries.begin(0)
    assert tries.start()


@pytest.mark.parametrize(
    ("report", "says"),
    [
        (Report("10.0.0.7", None, ()), "Impasto is not installed on the node 10.0.0.7"),
        (Report("10.0.0.7", "0.0.9", ()), f"has Impasto 0.0.9, and this is {__version__}"),
        (Report("10.0.0.7", __version__, ("/photos/a.jpg",)), "10.0.0.7 does not see /photos/a.jpg"),
    ],
)
def test_a_node_that_cannot_do_it_is_refused(report: Report, says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        check_report(report)
    check_report(Report("10.0.0.7", __version__, ()))


def test_without_ray_a_sentence_says_how_to_install_it(
    photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert main(["batch", "stylize", str(photos), "-o", str(tmp_path / "out"), "--style", "udnie"]) == 1
    assert 'pip install "impasto[ray]"' in capsys.readouterr().err


class Silent:
    """Hears nothing."""

    def say(self, text: str) -> None:
        """See `impasto.batch.run.Watcher`."""

    def at(self, done: float, name: str, doing: str) -> None:
        """See `impasto.batch.run.Watcher`."""


def test_what_only_this_process_sees_is_nothing_for_a_cluster(photos: Path) -> None:
    plan = plan_of(photos)
    there = replace(plan.items[0], target=place_of("memory://out/0.png"))
    with pytest.raises(BadRequest, match=r"memory:.*0\.png is seen by this process only"):
        ClusterRun(replace(plan, items=[there]), Crew(), Silent()).go()


@pytest.mark.parametrize("crew", [{"workers": 0}, {"cpus": 0.0}, {"cpus": float("nan")}, {"gpus": -1.0}])
def test_a_crew_has_somebody_who_works(crew: dict[str, Any]) -> None:
    with pytest.raises(BadRequest, match="at least one worker"):
        Crew(**crew)
