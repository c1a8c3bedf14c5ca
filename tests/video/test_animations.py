"""Pictures of several frames: with what earlier frames leave, their delays, and how often they are shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageSequence

from clips import make_clip, photos, seconds_of
from impasto.cli import main
from impasto.imaging.problems import FileProblem
from impasto.imaging.remarks import remarks
from impasto.video.animation import Animated, is_animation, open_animation

DELAYS = [100, 40, 250, 100, 70]


def gif(path: Path, **more: Any) -> Path:
    """A red square that wanders over a transparent ground."""
    frames = []
    for number in range(len(DELAYS)):
        frame = Image.new("RGBA", (64, 48))
        frame.paste((220, 30, 40, 255), (10 * number, 8, 10 * number + 16, 24))
        frames.append(frame)
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=DELAYS, loop=3, disposal=2, **more)
    return path


def seen(path: Path) -> list[tuple[np.ndarray, float]]:
    """Each frame as it is seen, (H, W, 4), and for how many milliseconds."""
    with Image.open(path) as image:
        frames = ImageSequence.Iterator(image)
        return [(np.asarray(frame.convert("RGBA")), frame.info.get("duration", 0)) for frame in frames]


def rewritten(source: Path, target: Path) -> Path:
    """Write a picture's frames as they are, in two parts."""
    clip = open_animation(source)
    writing = Animated(clip, target.suffix, 100)
    frames = list(clip.frames())
    paths = []
    for number, some in enumerate((frames[:3], frames[3:])):
        if not some:
            break
        paths.append(target.parent / f"{number}.npz")
        part = writing.part(paths[-1])
        for frame in some:
            part.add(frame)
        part.close()
    assert [time for path in paths for time in writing.times(path)] == [frame.time for frame in frames]
    writing.join(paths, target)
    return target


@pytest.mark.parametrize("source", ["a.gif", "a.webp", "a.png"])
@pytest.mark.parametrize("target", ["out.gif", "out.webp", "out.png"])
def test_frames_delays_and_transparency_are_kept(tmp_path: Path, source: str, target: str) -> None:
    more: dict[str, Any] = {"lossless": True} if source == "a.webp" else {}
    first = gif(tmp_path / source, **more)
    out = rewritten(first, tmp_path / target)
    before, after = seen(first), seen(out)
    assert [delay for _, delay in after] == DELAYS
    for (one, _), (other, _) in zip(before, after, strict=True):
        assert np.array_equal(one[..., 3] > 0, other[..., 3] > 0)
        assert np.abs(one.astype(int) - other)[one[..., 3] > 0].mean() < 4
    with Image.open(out) as image:
        assert image.info["loop"] == 3


def test_what_earlier_frames_leave_is_in_later_ones(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    frames = [Image.fromarray(frame).quantize(64) for frame in photos(2, 64, 48)]
    patch = Image.new("RGB", (64, 48), (1, 2, 3)).quantize(4)
    frames[0].save(path, save_all=True, append_images=[frames[0].copy(), patch], duration=100, disposal=1)
    clip = open_animation(path)
    assert [frame.pixels.shape for frame in clip.frames()] == [(48, 64, 3)] * (clip.count or 0)
    assert np.array_equal(next(iter(clip.frames())).pixels, seen(path)[0][0][..., :3])


def test_a_tiff_of_16_bits_stays_one(tmp_path: Path) -> None:
    pages = [frame.astype(np.uint16) * 257 + 3 for frame in photos(3, 40, 30)]
    image = pyvips.Image.arrayjoin([pyvips.Image.new_from_array(page) for page in pages], across=1)
    image = image.copy(interpretation="rgb16")
    image.set_type(pyvips.GValue.gint_type, "page-height", 30)
    image.tiffsave(str(tmp_path / "a.tif"))
    out = rewritten(tmp_path / "a.tif", tmp_path / "out.tif")
    for number, page in enumerate(pages):
        assert np.array_equal(pyvips.Image.tiffload(str(out), page=number).numpy(), page)


def test_a_single_picture_is_none(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "a.png")
    with pytest.raises(FileProblem, match="is a single picture"):
        open_animation(tmp_path / "a.png")


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "a.png", "a.tif"])
def test_what_is_an_animation_is_known_by_its_bytes(tmp_path: Path, name: str) -> None:
    assert is_animation(gif(tmp_path / name))
    (tmp_path / name).write_bytes(make_clip(tmp_path / "clip.mp4", photos(2, 64, 48)).read_bytes())
    assert not is_animation(tmp_path / name)


def test_one_that_is_cut_short(tmp_path: Path) -> None:
    path = gif(tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:-200])
    said: list[str] = []
    with remarks(said.append):
        frames = list(open_animation(path).frames())
    assert 0 < len(frames) < len(DELAYS)
    assert "is damaged or cut short: it has 5 frames" in said[0]


@pytest.mark.usefixtures("running_server")
def test_the_command(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    source = gif(tmp_path / "a.gif")
    for name in ("out.gif", "out.mp4"):
        assert main(["video", str(source), "-o", str(tmp_path / name), "--style", "starry-night"]) == 0
    assert [delay for _, delay in seen(tmp_path / "out.gif")] == DELAYS
    assert [(frame[..., 3] > 0).sum() for frame, _ in seen(tmp_path / "out.gif")] == [256] * len(DELAYS)
    assert [float(second) for second in seconds_of(tmp_path / "out.mp4")] == [0.0, 0.1, 0.14, 0.39, 0.49]
    clip = str(tmp_path / "out.mp4")
    assert main(["video", clip, "-o", str(tmp_path / "back.webp"), "--style", "starry-night"]) == 0
    assert [delay for _, delay in seen(tmp_path / "back.webp")][:-1] == DELAYS[:-1]
    capfd.readouterr()
    assert main(["stylize", str(source), "-o", str(tmp_path / "one.png"), "--style", "starry-night"]) == 0
    assert "impasto video" in capfd.readouterr().err
