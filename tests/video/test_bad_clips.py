"""Clips that are not as they should be: a sentence each, and what can be painted of them is."""

from __future__ import annotations

import itertools
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from clips import make_clip, packets_of, photos, seconds_of
from impasto.imaging.problems import FileProblem
from impasto.imaging.remarks import remarks
from impasto.video.reading import open_video
from impasto.video.writing import Film


def read(path: Path) -> tuple[list[Any], list[str]]:
    """All frames, and what was said."""
    said: list[str] = []
    with remarks(said.append):
        frames = list(open_video(path).frames())
    return frames, said


def test_what_is_no_clip(tmp_path: Path) -> None:
    for name, data, words in (
        ("empty.mp4", b"", r"empty.mp4 is empty"),
        ("text.mp4", b"not a clip" * 50, r"text.mp4 is no clip that can be read"),
    ):
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(FileProblem, match=words):
            open_video(path)
    with pytest.raises(FileProblem, match="There is no file"):
        open_video(tmp_path / "gone.mp4")
    with pytest.raises(FileProblem, match="is a folder"):
        open_video(tmp_path)


def test_sound_only(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as container:
        audio: Any = container.add_stream("aac", rate=48000)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), np.float32), "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48000, 0, Fraction(1, 48000)
        container.mux(audio.encode(frame))
        container.mux(audio.encode(None))
    with pytest.raises(FileProblem, match=r"There is no video in .*song.mp4: it has sound only"):
        open_video(path)


def test_a_codec_without_a_decoder(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", photos(3, 64, 48))
    data = path.read_bytes()
    assert data.count(b"avc1") >= 2
    path.write_bytes(data.replace(b"avc1", b"zzz1").replace(b"avcC", b"zzzC"))
    with pytest.raises(FileProblem, match="of a codec that cannot be decoded"):
        open_video(path)


@pytest.mark.parametrize("name", ["cut.mkv", "cut.mp4", "cut.ts"])
def test_a_file_that_is_cut_short(tmp_path: Path, name: str) -> None:
    options = {"movflags": "faststart"} if name.endswith("mp4") else {}
    whole = make_clip(
        tmp_path / name, photos(90, 64, 48), sound="aac", times=[60 * count for count in range(90)], container=options
    )
    data = whole.read_bytes()
    whole.write_bytes(data[: len(data) // 2])
    frames, said = read(whole)
    assert 20 < len(frames) < 70
    clip = open_video(whole)
    film = Film(clip, ".mp4", 80)
    part = film.part(tmp_path / "0.nut")
    for frame in frames:
        part.add(frame)
    part.close()
    film.join([tmp_path / "0.nut"], tmp_path / "out.mp4")
    assert len(seconds_of(tmp_path / "out.mp4")) == len(frames)
    assert 1 < len(packets_of(tmp_path / "out.mp4", "audio")) <= len(packets_of(whole, "audio"))
    if not name.endswith("ts"):  # a stream has no beginning and no end
        assert "is cut short: of its 9.0 seconds there are" in said[-1]


def test_a_file_without_its_end(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "camera.mp4", photos(5, 64, 48))
    data = path.read_bytes()
    for left, words in ((700, "is no clip that can be read: it is damaged, cut short"), (1500, "it may be cut short")):
        path.write_bytes(data[:left])
        with pytest.raises(FileProblem, match=words):
            open_video(path)


def test_pieces_that_are_damaged(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "clip.mp4", photos(60, 64, 48), options={"g": "10"})
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    data[len(data) // 3 : len(data) // 3 + 300] = rng.bytes(300)
    path.write_bytes(data)
    frames, said = read(path)
    assert len(frames) > 30
    assert all(later.time > earlier.time for earlier, later in itertools.pairwise(frames))
    assert "of its pieces cannot be read; the rest is painted" in said[-1]


def test_a_clip_that_changes_its_size(tmp_path: Path) -> None:
    parts = [make_clip(tmp_path / f"{side}.ts", photos(4, side, 48)) for side in (64, 96)]
    both = tmp_path / "both.ts"
    both.write_bytes(b"".join(part.read_bytes() for part in parts))
    frames, said = read(both)
    assert len(frames) == 8
    assert {frame.pixels.shape for frame in frames} == {(48, 64, 3)}
    assert "changes its size in the middle, to 96 x 48; all its frames are made 64 x 48" in said[0]


def test_missing_time_stamps(tmp_path: Path) -> None:
    frames, said = read(make_clip(tmp_path / "raw.h264", photos(6, 64, 48)))
    assert "has no time stamps; 25 frames a second are taken for granted" in said[0]
    assert [frame.time for frame in frames] == [count * frames[1].time for count in range(6)]
    assert frames[1].time > 0
