"""Parts of a painting that are gone on with, and disks that fill up; without a server."""

from __future__ import annotations

import errno
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import impasto_link
from clips import make_clip, photos, seconds_of
from impasto.video.frames import Frame
from impasto.video.parts import Parts
from impasto.video.reading import Video, open_video
from impasto.video.writing import Film, FilmPart
from impasto_link.errors import ImpastoError

HALVES = [count * 300 for count in range(16)]  # two frames a second: a part has four


@pytest.fixture
def clip(tmp_path: Path) -> Video:
    return open_video(make_clip(tmp_path / "clip.mp4", photos(16, 64, 48), times=HALVES))


def parts_of(clip: Video, said: list[str], settings: dict[str, Any] | None = None) -> Parts:
    return Parts(clip.path.with_name("out.mp4"), clip, Film(clip, ".mp4", 80), settings or {}, said.append)


def begin(clip: Video, frames: int) -> Path:
    """Write so many frames, and leave it at that; gives the folder of the parts."""
    with parts_of(clip, []) as parts:
        for frame, _ in zip(clip.frames(), range(frames), strict=False):
            parts.add(frame)
        parts.finish()
    return clip.path.with_name(".out.mp4.parts")


def go_on(clip: Video, **settings: Any) -> tuple[int, list[str]]:
    """Write the rest; how many frames were there, and what was said."""
    said: list[str] = []
    with parts_of(clip, said, settings) as parts:
        there = parts.count
        for frame in clip.frames(parts.last):
            parts.add(frame)
        parts.finish()
        parts.put(replace=False)
    out = clip.path.with_name("out.mp4")
    assert seconds_of(out) == seconds_of(clip.path)
    assert sorted(path.name for path in out.parent.iterdir()) == ["clip.mp4", "out.mp4"]
    return there, said


def test_what_is_finished_is_gone_on_with(clip: Video) -> None:
    begin(clip, 10)
    assert go_on(clip) == (10, [])


@pytest.mark.parametrize("damage", [b"", b"no part"])
def test_a_damaged_part_is_written_anew(clip: Video, damage: bytes) -> None:
    folder = begin(clip, 14)
    (folder / "000001.nut").write_bytes(damage)
    there, said = go_on(clip)
    assert there == 4
    assert said == ["A part of what was finished is damaged. It is painted anew, and what comes after it."]


def test_other_settings_begin_anew(clip: Video) -> None:
    begin(clip, 8)
    there, said = go_on(clip, strength=0.5)
    assert there == 0
    assert "with other settings" in said[0]


def test_another_clip_begins_anew(clip: Video) -> None:
    begin(clip, 8)
    os.utime(clip.path, ns=(1, 1))
    assert go_on(clip)[0] == 0


def test_there_is_no_gap_after_a_frame_that_could_not_be_written(clip: Video, monkeypatch: pytest.MonkeyPatch) -> None:
    add = FilmPart.add

    def sometimes(part: FilmPart, frame: Frame) -> None:
        if frame.time == frames[6].time:
            raise OSError(errno.ENOSPC, "full")
        add(part, frame)

    frames = list(clip.frames())
    with monkeypatch.context() as patched, parts_of(clip, []) as parts:
        patched.setattr(FilmPart, "add", sometimes)
        for number, frame in enumerate(frames):
            if number < 6:
                parts.add(frame)
            else:
                with pytest.raises(ImpastoError, match="The disk is full"):
                    parts.add(frame)
    assert go_on(clip) == (4, [])


def test_only_one_writes_a_painting(clip: Video) -> None:
    begin(clip, 5)
    with parts_of(clip, []), pytest.raises(ImpastoError, match=r"out.mp4 is being written already"), parts_of(clip, []):
        pass


def test_a_file_that_came_meanwhile_stays(clip: Video) -> None:
    folder = begin(clip, 16)
    out = clip.path.with_name("out.mp4")
    out.write_bytes(b"another")
    with parts_of(clip, []) as parts, pytest.raises(ImpastoError, match=r"out.mp4 is there already"):
        parts.put(replace=False)
    assert out.read_bytes() == b"another"
    assert len(list(folder.glob("*.nut"))) == 4, "nothing that was painted is lost"


def test_a_disk_that_fills_up(tmp_path: Path) -> None:
    code = """
import subprocess, sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from clips import make_clip, photos
from impasto.video.parts import Parts
from impasto.video.reading import open_video
from impasto.video.writing import Film
from impasto_link.errors import ImpastoError
folder = Path(sys.argv[3])
clip = open_video(make_clip(folder / "clip.mp4", photos(16, 64, 48), times=[300 * count for count in range(16)]))
out = folder / "full" / "out.mp4"
for room in ("24k", "48k", "1m"):  # too little for the parts; for them, but not for the whole beside them; enough
    subprocess.run(["mount", "-o", f"remount,size={room}", out.parent], check=True)
    try:
        with Parts(out, clip, Film(clip, ".mp4", 100), {}, print) as parts:
            for frame in clip.frames(parts.last):
                parts.add(frame)
            parts.finish()
            print("finished", parts.count, flush=True)
            parts.put(replace=False)
    except ImpastoError as error:
        print(error.message)
    print(sorted(path.name for path in out.parent.iterdir()), len([*out.parent.glob(".*/*.nut")]))
"""
    (tmp_path / "full").mkdir()
    folders = (str(Path(impasto_link.__file__).parents[1]), str(Path(__file__).parents[1]), str(tmp_path))
    python = shlex.join([sys.executable, "-c", code, *folders])
    mount = f"mount -t tmpfs -o size=40k none {shlex.quote(str(tmp_path / 'full'))}"
    run = subprocess.run(["unshare", "-m", "sh", "-c", f"{mount} || exit 77; {python}"], capture_output=True, text=True)
    if run.returncode == 77 or "unshare" in run.stderr:
        pytest.skip("no mounts may be made here")
    lines = run.stdout.splitlines()
    full = f"The disk is full: {tmp_path / 'full' / 'out.mp4'} was not written."
    assert lines[0] == full, run.stderr
    assert lines[1].startswith("['.out.mp4.parts'] ")
    assert lines[2].startswith("finished ")
    assert lines[3:5] == [full, "['.out.mp4.parts'] 4"]
    assert lines[5:] == ["finished 16", "['out.mp4'] 0"]
