"""Clips read, written in parts and joined, without a server: what has to be kept is what has to come out."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from clips import CLICK, PHONE, RATE, UNEVEN, make_clip, onset, packets_of, photos, seconds_of
from impasto.imaging.remarks import remarks
from impasto.video.reading import Colors, Video, open_video
from impasto.video.writing import Film
from impasto_link.errors import BadRequest


def rewritten(source: Path, target: Path, *, quality: int = 100, every: int = 5) -> Video:
    """Write a clip as it is, in parts of so many frames."""
    clip = open_video(source)
    film = Film(clip, target.suffix, quality)
    assert film.lost(target.name) == []
    return write(clip, film, target, every)


def write(clip: Video, film: Film, target: Path, every: int = 5) -> Video:
    paths: list[Path] = []
    part: Any = None
    for number, frame in enumerate(clip.frames()):
        if number % every == 0:
            if part is not None:
                part.close()
            paths.append(target.parent / f"{number}{film.part_suffix}")
            part = film.part(paths[-1])
        part.add(frame)
    part.close()
    film.join(paths, target)
    return open_video(target)


def chart(deep: bool = False) -> np.ndarray:
    """Twelve flat colours above a gray ramp, (96, 128, 3)."""
    colors = np.random.default_rng(1).integers(0, 256, (2, 4, 3))
    colors[0, 0], colors[0, 1], colors[1, 3] = (255, 255, 255), (0, 0, 0), (255, 0, 0)
    flat = np.repeat(np.repeat(colors, 32, 0), 32, 1)
    ramp = np.repeat(np.broadcast_to(np.linspace(0, 255, 128)[None, :, None], (32, 128, 1)), 3, 2)
    both = np.concatenate([flat, ramp])
    return np.rint(both * 257).astype(np.uint16) if deep else np.rint(both).astype(np.uint8)


def worst(one: np.ndarray, other: np.ndarray) -> float:
    """The largest difference in the middle of the chart's fields and in its ramp, in levels of 256."""
    apart = (one.astype(float) - other) / (257 if one.dtype == np.uint16 else 1)
    # Of blocks of 4 x 4, so that the noise of encoders does not count.
    blocks = np.abs(apart.reshape(24, 4, 32, 4, 3).mean((1, 3)))
    fields = [blocks[y + 2 : y + 6, x + 2 : x + 6] for y in (0, 8) for x in range(0, 32, 8)]
    return float(max(*(field.max() for field in fields), blocks[18:23, 1:31].max()))


@pytest.mark.parametrize(
    ("source", "target", "more"),
    [
        ("untagged.mp4", ".mp4", {}),
        ("hd.mp4", ".mp4", {"colors": (1, 1, 1, 1)}),
        ("pal.mp4", ".mov", {"colors": (5, 6, 5, 1)}),
        ("full.mp4", ".mp4", {"colors": (1, 1, 1, 2), "pixels": "yuvj420p"}),
        ("ten.mp4", ".mp4", {"codec": "libx265", "pixels": "yuv420p10le", "colors": (9, 14, 9, 1)}),
        ("vp9.webm", ".webm", {"codec": "libvpx-vp9", "colors": (1, 1, 1, 1)}),
        ("av1.mkv", ".webm", {"codec": "libsvtav1", "pixels": "yuv420p10le", "colors": (1, 1, 1, 1)}),
        ("prores.mov", ".mov", {"codec": "prores_ks", "pixels": "yuv422p10le", "colors": (1, 1, 1, 1)}),
        ("lossless.mkv", ".mkv", {"codec": "ffv1", "pixels": "bgr0"}),
    ],
    ids=lambda value: value.split(".")[0] if isinstance(value, str) and value[0] != "." else "",
)
def test_colors_come_through(tmp_path: Path, source: str, target: str, more: dict[str, Any]) -> None:
    deep = "10" in more.get("pixels", "")
    options = {"crf": "5"} if more.get("codec", "libx264") in ("libx264", "libx265", "libsvtav1") else {}
    clip = make_clip(tmp_path / source, [chart(deep)] * 3, **more, options=options)
    out = rewritten(clip, tmp_path / f"out{target}")
    before = open_video(clip)
    frames = zip(before.frames(), out.frames(), strict=True)
    assert max(worst(one.pixels, other.pixels) for one, other in frames) <= 1
    assert out.deep == before.deep == deep
    if "colors" in more:
        assert out.colors == replace(before.colors, range=1)
        assert (out.codec, out.pixel_format) == (before.codec, before.pixel_format.replace("yuvj", "yuv"))


def test_hd_that_says_nothing_is_read_as_players_do(tmp_path: Path) -> None:
    color = np.full((720, 64, 3), (200, 40, 90), np.uint8)
    clip = open_video(make_clip(tmp_path / "hd.mp4", [color], matrix=1, options={"crf": "5"}))
    assert clip.colors.matrix == 2
    seen = next(clip.frames()).pixels
    assert np.abs(seen.astype(int) - color).max() <= 2


@pytest.mark.parametrize("rotation", [90, 180, -90])
@pytest.mark.parametrize("target", [".mov", ".mkv"])
def test_rotation_is_followed_and_kept(tmp_path: Path, rotation: int, target: str) -> None:
    corner = np.zeros((48, 80, 3), np.uint8)
    corner[:20, :20] = (250, 20, 20)
    clip = make_clip(tmp_path / "phone.mp4", [corner] * 2, rotation=rotation, options={"crf": "5"})
    out = rewritten(clip, tmp_path / f"out{target}")
    for path in (clip, out.path):
        capture = cv2.VideoCapture(str(path))
        upright = capture.read()[1][..., ::-1]
        seen = next(open_video(path).frames()).pixels
        assert seen.shape == upright.shape
        assert np.abs(seen.astype(int) - upright).mean() < 4
    assert out.matrix == open_video(clip).matrix


@pytest.mark.parametrize("target", ["out.mov", "out.mp4", "out.mkv"])
def test_times_sound_and_shape_are_kept(tmp_path: Path, target: str) -> None:
    frames = photos(len(UNEVEN), 80, 48)
    clip = make_clip(
        tmp_path / "phone.mov",
        frames,
        times=UNEVEN,
        rotation=90,
        aspect=Fraction(4, 3),
        sound="aac",
        chapters=True,
        options={"bf": "2"},
        container={"movflags": "use_metadata_tags"},
    )
    out = rewritten(clip, tmp_path / target)
    assert (out.width, out.height, out.pixel_aspect) == (48, 80, Fraction(4, 3))
    # Matroska counts milliseconds, and from the first of all: the sound, which begins before the first frame.
    moved = seconds_of(out.path)[0] - seconds_of(clip)[0]
    grain = 1 / 1000 if target.endswith("mkv") else 0
    for before, after in zip(seconds_of(clip), seconds_of(out.path), strict=True):
        assert abs(after - moved - before) <= grain
    assert packets_of(out.path, "audio") == packets_of(clip, "audio")
    assert onset(clip) == pytest.approx(CLICK, abs=2 / RATE)
    assert onset(out.path) - float(moved) == pytest.approx(onset(clip), abs=grain + 1 / RATE)
    with av.open(str(out.path)) as container:
        assert container.chapters()[0]["metadata"]["title"] == "Morning"
        assert container.metadata["title"] == "A day out"
        assert {key.lower(): value for key, value in container.metadata.items()}[
            "com.apple.quicktime.model"
        ] == "Phone 9"


def test_matroska_keeps_each_time_stamp_and_its_subtitles(tmp_path: Path) -> None:
    clip = make_clip(
        tmp_path / "clip.mkv",
        photos(len(UNEVEN), 80, 48),
        times=UNEVEN,
        sound="libopus",
        subtitles="subrip",
        options={"bf": "2"},
    )
    out = rewritten(clip, tmp_path / "out.mkv")
    assert seconds_of(out.path) == seconds_of(clip)
    assert onset(out.path) == pytest.approx(onset(clip), abs=1 / RATE)
    assert packets_of(out.path, "subtitle") == [b"Look, a dog"]


def test_streams_that_begin_late_stay_in_time(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "late.ts", photos(8, 64, 48), sound="aac", options={"bf": "2"})
    assert seconds_of(clip)[0] > 0
    out = rewritten(clip, tmp_path / "out.mp4").path
    late, later = (onset(path) - float(seconds_of(path)[0]) for path in (clip, out))
    assert later == pytest.approx(late, abs=1 / RATE)
    gaps = [[float(after - before) for before, after in pairwise(seconds_of(path))] for path in (clip, out)]
    assert gaps[0] == pytest.approx(gaps[1], abs=1e-5)


def test_pictures_of_albums_and_attachments_go_along(tmp_path: Path) -> None:
    plain = make_clip(tmp_path / "plain.mkv", photos(6, 64, 48), sound="aac")
    for suffix in (".mkv", ".mp4"):
        with av.open(str(plain)) as source, av.open(str(tmp_path / f"more{suffix}"), "w") as made:
            copies = [made.add_stream_from_template(stream, opaque=True) for stream in source.streams]
            if suffix == ".mkv":
                made.add_attachment("font.ttf", "application/x-truetype-font", b"\0\1\0\0" + bytes(100))
            else:
                add_cover(made)
            for packet in source.demux():
                if packet.size:
                    packet.stream = copies[packet.stream.index]
                    made.mux(packet)
        rewritten(tmp_path / f"more{suffix}", tmp_path / f"out{suffix}")
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio", "attachment"]
    with av.open(str(tmp_path / "out.mp4")) as container:
        (cover,) = [stream for stream in container.streams.video if stream.index]
        assert cover.disposition & av.stream.Disposition.attached_pic
        assert next(container.decode(cover)).width == 32


def add_cover(container: Any) -> None:
    """The picture of an album, 32 x 32."""
    cover = container.add_stream("mjpeg", rate=1)
    cover.width, cover.height, cover.pix_fmt = 32, 32, "yuvj420p"
    cover.disposition = av.stream.Disposition.attached_pic
    jpeg = BytesIO()
    Image.new("RGB", (32, 32), (9, 99, 9)).save(jpeg, "JPEG")
    packet = av.Packet(jpeg.getvalue())
    packet.stream, packet.pts, packet.dts, packet.time_base = cover, 0, 0, Fraction(1)
    container.mux(packet)


@pytest.mark.parametrize(
    ("codec", "target", "size"), [("libvpx-vp9", ".webm", (61, 43)), ("libvpx-vp9", ".mov", (62, 44))]
)
def test_odd_sizes(tmp_path: Path, codec: str, target: str, size: tuple[int, int]) -> None:
    clip = make_clip(tmp_path / "odd.webm", photos(3, 61, 43), codec=codec, time_base=Fraction(1, 1000))
    out = rewritten(clip, tmp_path / f"out{target}")
    assert (out.width, out.height) == size
    for before, after in zip(open_video(clip).frames(), out.frames(), strict=True):
        assert np.abs(before.pixels.astype(int) - after.pixels[:43, :61]).mean() < 3


def test_what_a_kind_of_file_cannot_hold_is_said_before(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", photos(2, 64, 48), sound="aac", subtitles="subrip")
    with pytest.raises(BadRequest, match=r"out.webm cannot hold the sound of .*clip.mkv, which is aac"):
        Film(open_video(clip), ".webm", 80).lost("out.webm")
    (note,) = Film(open_video(clip), ".mp4", 80).lost("out.mp4")
    assert note == f"out.mp4 cannot hold the subtitle (subrip) of {clip}: it is left out."


def test_frames_later_than_a_time_are_found_in_the_middle(tmp_path: Path) -> None:
    times = [number * 100 for number in range(60)]
    clip = open_video(make_clip(tmp_path / "long.mp4", photos(60, 64, 48), times=times, options={"g": "10"}))
    all_frames = list(clip.frames())
    for number in (0, 31, 58):
        later = list(clip.frames(all_frames[number].time))
        assert [frame.time for frame in later] == [frame.time for frame in all_frames[number + 1 :]]
        assert np.array_equal(later[0].pixels, all_frames[number + 1].pixels)
    assert Fraction(all_frames[1].time) * clip.time_base == 100 * PHONE


@pytest.mark.parametrize("transfer", [16, 18], ids=["PQ", "HLG"])
def test_high_dynamic_range_is_kept_or_made_for_screens(tmp_path: Path, transfer: int) -> None:
    top = 49000 if transfer == 16 else 65535  # of PQ 1000 cd/m²
    ramp = np.repeat(np.linspace(0, top, 128).astype(np.uint16)[None, :, None], 3, 2).repeat(96, 0)
    clip = make_clip(
        tmp_path / "hdr.mp4",
        [ramp] * 2,
        codec="libx265",
        pixels="yuv420p10le",
        colors=(9, transfer, 9, 1),
        options={"crf": "5"},
    )
    said: list[str] = []
    with remarks(said.append):
        kept, shown = open_video(clip, keep_light=True), open_video(clip)
    assert len(said) == 1
    assert "is painted for ordinary screens; --hdr keep keeps its light" in said[0]
    written = {}
    for one in (kept, shown):
        film = Film(one, ".mp4", 100)
        written[one.keeps_light] = write(one, film, tmp_path / f"{one.keeps_light}.mp4")
    assert written[True].colors == kept.colors
    assert worst(codes(written[True].path), codes(clip)) <= 1
    assert written[False].colors == Colors(1, 1, 1, 1)
    (line,) = next(written[False].frames()).pixels[:1, :, 1].astype(int)
    assert line[0] < 600
    assert line[-1] > 65000
    assert (np.diff(line) > -300).all(), "brighter stays brighter"


def codes(path: Path) -> np.ndarray:
    """The values of the first frame as they lie in a file, (H, W, 3) uint16."""
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).to_ndarray(format="rgb48le")
