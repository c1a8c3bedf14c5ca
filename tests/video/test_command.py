"""``impasto video``, with the real server."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from clips import UNEVEN, make_clip, onset, photos, seconds_of
from impasto.cli import main
from impasto.video.reading import open_video
from support import wait_until

pytestmark = pytest.mark.usefixtures("running_server")

STYLE = ("--style", "starry-night")


def paint(source: Path, target: Path, *more: str) -> int:
    return main(["video", str(source), "-o", str(target), *STYLE, *more])


def test_a_clip_of_a_phone(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    clip = make_clip(
        tmp_path / "phone.mov",
        photos(len(UNEVEN), 80, 48),
        times=UNEVEN,
        rotation=-90,
        colors=(12, 1, 6, 1),  # Display P3
        sound="aac",
        options={"bf": "2"},
    )
    out = tmp_path / "out.mov"
    assert paint(clip, out, "--strength", "0", "--quality", "100") == 0
    assert seconds_of(out) == seconds_of(clip)
    assert onset(out) == onset(clip)
    before, after = (list(open_video(path).frames()) for path in (clip, out))
    assert np.mean([np.abs(a.pixels.astype(int) - b.pixels).mean() for a, b in zip(before, after, strict=True)]) < 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mov", "phone.mov"]
    for more in (("--quality", "0"), ("--preview", "0")):
        assert paint(clip, tmp_path / "other.mov", *more) == 1
        assert "has to be from 1 to 100" in capfd.readouterr().err
    assert paint(clip, tmp_path / "other.avi") == 1
    assert "Clips cannot be saved as '.avi'." in capfd.readouterr().err
    assert paint(clip, out) == 1
    assert "out.mov is there already" in capfd.readouterr().err
    assert paint(clip, out, "--existing", "replace") == 0
    painted = next(open_video(out).frames()).pixels
    assert np.abs(painted.astype(int) - before[0].pixels).mean() > 10


def test_a_preview_is_a_picture_of_frames(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", photos(40, 64, 48))
    assert paint(clip, tmp_path / "out.mp4", "--preview", "4", "--strength", "0") == 0
    with Image.open(tmp_path / "out-preview.png") as sheet:
        assert sheet.size == (2 * 64 + 8, 2 * 48 + 8)
        seen = np.asarray(sheet.convert("RGB")).astype(int)
    frames = list(open_video(clip).frames())
    for number, (top, left) in zip((0, 10, 20, 30), ((0, 0), (0, 72), (56, 0), (56, 72)), strict=True):
        assert np.abs(seen[top : top + 48, left : left + 64] - frames[number].pixels).mean() < 1
    assert not (tmp_path / "out.mp4").exists()


def test_without_pyav(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    clip = make_clip(tmp_path / "clip.mp4", photos(2, 64, 48))
    for name in [name for name in sys.modules if name.split(".")[0] == "av" or name.startswith("impasto.video.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "av", None)
    assert paint(clip, tmp_path / "out.mp4") == 1
    assert capfd.readouterr().err == "impasto: Clips need av.\n  pip install 'impasto[video]'\n"


def command(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "impasto", "video", *words, *STYLE], stderr=subprocess.PIPE, text=True, env=os.environ
    )


def wait_for_parts(folder: Path, count: int) -> None:
    wait_until(lambda: len(list(folder.glob("*.nut"))) >= count)


def test_who_is_killed_goes_on(tmp_path: Path) -> None:
    """Killed at first, asked to end then: each time what is finished stays, and is not painted again."""
    times = [count * 300 for count in range(48)]  # so that a part of two seconds has some seven frames
    clip = make_clip(tmp_path / "clip.mp4", photos(48, 128, 96), times=times, sound="aac")
    out, parts = tmp_path / "out.mp4", tmp_path / ".out.mp4.parts"
    stamps: dict[Path, int] = {}
    for number, finished in ((signal.SIGKILL, 1), (signal.SIGTERM, 2)):
        run = command(str(clip), "-o", str(out))
        wait_for_parts(parts, finished)
        run.send_signal(number)
        said = run.communicate()[1]
        assert run.returncode == (-number if number == signal.SIGKILL else 128 + number), said
        assert not out.exists()
        assert all(path.stat().st_mtime_ns == stamp for path, stamp in stamps.items())
        stamps = {path: path.stat().st_mtime_ns for path in parts.glob("*.nut")}
    assert "give the same command" in said
    run = command(str(clip), "-o", str(out))
    said = run.communicate()[1]
    assert run.returncode == 0
    count = int(re.search(r"(\d+) frames were finished before", said)[1])  # type: ignore[index]
    assert 7 <= count < 48
    assert seconds_of(out) == seconds_of(clip)
    assert not parts.exists()


def test_the_subject_alone_and_frames_without_one(tmp_path: Path) -> None:
    from skimage import data

    person = data.astronaut()[:256:2, 128:384:2]
    empty = np.full_like(person, 128)
    clip = make_clip(tmp_path / "clip.mp4", [person, person, empty], options={"crf": "5"})
    assert paint(clip, tmp_path / "out.mp4", "--area", "subject", "--quality", "100") == 0
    before, after = (
        [frame.pixels.astype(int) for frame in open_video(path).frames()] for path in (clip, tmp_path / "out.mp4")
    )
    assert np.abs(after[0] - before[0])[30:100, 40:80].mean() > 10
    assert np.abs(after[2] - before[2]).mean() < 1.5
