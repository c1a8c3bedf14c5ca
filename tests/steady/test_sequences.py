"""What a person relies on when frames of a sequence are painted: nothing flickers, lags, or leaves a ghost."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from itertools import count
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from numpy.typing import NDArray

from impasto.client import to_region
from impasto.pipeline import Pipeline
from impasto.progress import nobody
from impasto.steady.sequences import as_crisp
from impasto.zoo.library import Library, shipped_models
from impasto_link.errors import BadRequest, Cancelled
from impasto_link.frames import Frame
from impasto_link.options import StylizeOptions

Image = NDArray[Any]
HEIGHT, WIDTH = 120, 200
_names = map(str, count())


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline(Library([shipped_models()]), torch.device("cpu"))


@pytest.fixture(scope="module")
def photo(astronaut: Image) -> Image:
    """Larger than the frames by as much as the camera moves."""
    return np.ascontiguousarray(astronaut[100 : 100 + HEIGHT, 60 : 60 + WIDTH + 40].astype(np.float32) / 255)


def paint(pipeline: Pipeline, image: Image, frame: Frame | None = None, style: str = "udnie", **options: Any) -> Image:
    region, back = to_region(np.ascontiguousarray(image))
    painted: Image = back(pipeline.stylize(region, StylizeOptions.of(style, **options), nobody, frame=frame).pixels)
    return painted


def film(pipeline: Pipeline, frames: Sequence[Image], name: str = "") -> list[Image]:
    name = name or next(_names)
    return [paint(pipeline, one, Frame(name, number / 25)) for number, one in enumerate(frames)]


def apart(one: Image, other: Image) -> float:
    """Mean absolute difference in grey levels."""
    return 255 * float(np.abs(one - other).mean())


def test_noise_is_damped(pipeline: Pipeline, photo: Image) -> None:
    chance = np.random.default_rng(1)
    still = photo[:, :WIDTH]
    frames = [(still + chance.normal(0, 4 / 255, still.shape)).clip(0, 1).astype(np.float32) for _ in range(5)]
    alone, steady = [paint(pipeline, one) for one in frames], film(pipeline, frames)
    assert apart(steady[3], steady[4]) < 0.3 * apart(alone[3], alone[4])


def test_a_pan_keeps_strokes_and_grain_with_the_scene(pipeline: Pipeline, photo: Image) -> None:
    frames = [photo[:, number : number + WIDTH] for number in range(6)]
    alone, steady = [paint(pipeline, one) for one in frames], film(pipeline, frames)

    def moves(paintings: list[Image]) -> float:
        return apart(paintings[4][:, 21:-20], paintings[5][:, 20:-21])

    assert moves(steady) < 0.2 * moves(alone)


@pytest.fixture(scope="module")
def with_a_thing(photo: Image) -> list[Image]:
    """A red square that moves to the right by 4 pixels a frame, over a twelfth of the picture."""
    frames = [photo[:, :WIDTH].copy() for _ in range(8)]
    for number, frame in enumerate(frames):
        frame[40:85, 4 + 4 * number : 49 + 4 * number] = 0.8, 0.1, 0.1
    return frames


def test_what_is_far_from_a_moving_thing_does_not_change(pipeline: Pipeline, with_a_thing: list[Image]) -> None:
    alone, steady = [paint(pipeline, one) for one in with_a_thing[:3]], film(pipeline, with_a_thing[:3])
    assert apart(steady[1][:, 120:], steady[2][:, 120:]) < 0.2
    assert apart(alone[1][:, 120:], alone[2][:, 120:]) > 0.2, "it would have"


def test_a_moving_thing_leaves_no_ghost(pipeline: Pipeline, with_a_thing: list[Image]) -> None:
    steady, alone = film(pipeline, with_a_thing)[-1], paint(pipeline, with_a_thing[-1])
    # Where the square was one to four frames ago.
    left = np.s_[40:85, 16:32]
    ghost = apart(paint(pipeline, with_a_thing[0])[left], alone[left])
    assert apart(steady[left], alone[left]) < 0.2 * ghost


def test_a_cut_begins_anew(pipeline: Pipeline, photo: Image, astronaut: Image) -> None:
    other = np.ascontiguousarray(astronaut[300 : 300 + HEIGHT, 250 : 250 + WIDTH].astype(np.float32) / 255)
    steady = film(pipeline, [photo[:, :WIDTH], photo[:, 3 : 3 + WIDTH], other])
    assert np.array_equal(steady[2], paint(pipeline, other))
    assert not np.array_equal(steady[1], paint(pipeline, photo[:, 3 : 3 + WIDTH]))


def test_a_change_of_light_is_followed(pipeline: Pipeline, photo: Image) -> None:
    frames = [photo[:, :WIDTH] * light for light in np.linspace(1, 0.6, 8, dtype=np.float32)]
    alone, steady = [paint(pipeline, one) for one in frames], film(pipeline, frames)
    assert apart(steady[-1], alone[-1]) < 1.5
    assert apart(steady[-1], steady[-2]) < apart(alone[-1], alone[-2]) + 0.2


def test_sequences_know_nothing_of_one_another(pipeline: Pipeline, photo: Image) -> None:
    frames = [photo[:, 2 * number : 2 * number + WIDTH] for number in range(3)]
    flipped = [one[:, ::-1] for one in frames]
    alone = [film(pipeline, frames), film(pipeline, flipped)]
    together: list[list[Image]] = [[], []]
    for number, pair in enumerate(zip(frames, flipped, strict=True)):
        for which, one in enumerate(pair):
            together[which].append(paint(pipeline, one, Frame(f"together {which}", number / 25)))
    for wanted, painted in zip(alone, together, strict=True):
        assert all(np.array_equal(*both) for both in zip(wanted, painted, strict=True))


@pytest.mark.parametrize(
    ("at", "change", "options"),
    [
        (1.0, lambda image: image, {}),
        (0.5, lambda image: image, {}),
        (60.0, lambda image: image, {}),
        (1.04, lambda image: image[:-1], {}),
        (1.04, lambda image: image, {"strength": 0.5}),
        (1.04, lambda image: image[..., 0], {}),
    ],
    ids=["the same time", "back", "far ahead", "another size", "other options", "gray"],
)
def test_what_does_not_go_on_begins_anew(
    pipeline: Pipeline, photo: Image, at: float, change: Callable[[Image], Image], options: dict[str, Any]
) -> None:
    name = next(_names)
    paint(pipeline, photo[:, :WIDTH], Frame(name, 1.0))
    now = change(photo[:, 1 : 1 + WIDTH])
    assert np.array_equal(paint(pipeline, now, Frame(name, at), **options), paint(pipeline, now, **options))


def test_a_frame_that_was_cancelled_is_as_if_it_had_not_been(pipeline: Pipeline, photo: Image) -> None:
    frames = [photo[:, number : number + WIDTH] for number in (0, 1)]
    wanted = film(pipeline, frames)

    def stop(fraction: float, *told: object) -> None:
        if fraction > 0.3:
            raise Cancelled("enough")

    name = next(_names)
    paint(pipeline, frames[0], Frame(name, 0.0))
    region, _ = to_region(np.ascontiguousarray(photo[:, 30 : 30 + WIDTH]))
    with pytest.raises(Cancelled):
        pipeline.stylize(region, StylizeOptions.of("udnie"), stop, frame=Frame(name, 0.02))
    assert np.array_equal(paint(pipeline, frames[1], Frame(name, 0.04)), wanted[1])


def test_coats_and_brushes_have_memories_of_their_own(pipeline: Pipeline, photo: Image) -> None:
    """A mask that grows shows what was never painted there, and a bold brush paints on a smaller picture."""
    options: dict[str, Any] = {"area": "subject", "brush": 3.0, "flatten": True}
    paintings = []
    for number in range(3):
        mask = np.zeros((HEIGHT, WIDTH), np.float32)
        mask[30:90, 20 : 60 + 40 * number] = 1
        still = photo[:, :WIDTH]
        region, back = to_region(np.ascontiguousarray(still))
        layer = pipeline.stylize(
            region,
            StylizeOptions.of("udnie", **options),
            nobody,
            subject_mask=to_region(mask)[0],
            frame=Frame("coats", number / 25),
        )
        paintings.append(back(layer.pixels))
    assert np.array_equal(paintings[2][:, 160:], photo[:, 160:WIDTH])
    fresh = slice(110, 138)
    assert apart(paintings[2][32:88, fresh], photo[32:88, fresh]) > 10, "and not what was there, mixed in"


def test_tiny_frames_are_painted(pipeline: Pipeline, photo: Image) -> None:
    for size in ((1, 1), (9, 300)):
        small = np.resize(photo, (*size, 3))
        steady = film(pipeline, [small, small])
        assert np.array_equal(steady[0], paint(pipeline, small))
        assert apart(steady[1], steady[0]) < 1


def test_without_opencv_a_sentence_says_what_to_install(
    pipeline: Pipeline, photo: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "impasto.steady.motion", None)
    region, back = to_region(photo)
    layer = pipeline.stylize(region, StylizeOptions.of("udnie"), nobody, frame=Frame("none", 0.0))
    assert "impasto[video]" in " ".join(layer.notes)
    assert np.array_equal(back(layer.pixels), paint(pipeline, photo))


@pytest.mark.parametrize(("sequence", "at"), [("", 0.0), (7, 0.0), ("x" * 65, 0.0), ("a", "1"), ("a", float("inf"))])
def test_a_frame_that_makes_no_sense_is_refused(sequence: Any, at: Any) -> None:
    with pytest.raises(BadRequest):
        Frame(sequence, at)


def test_strokes_stay_where_the_scene_grows_and_they_do_not(pipeline: Pipeline, astronaut: Image) -> None:
    frames = []
    for number in range(9):
        side = 1 / (1 + number / 70)
        box = (100, 20, 100 + 240 * side, 20 + 144 * side)
        seen = PIL.Image.fromarray(astronaut).resize((WIDTH, HEIGHT), PIL.Image.Resampling.BICUBIC, box)
        frames.append(np.asarray(seen, np.float32) / 255)
    steady = [
        paint(pipeline, image, Frame("zoom", number / 28), "starry-night") for number, image in enumerate(frames)
    ][-1]
    alone = paint(pipeline, frames[-1], style="starry-night")
    assert np.abs(np.diff(steady, axis=1)).mean() > 0.8 * np.abs(np.diff(alone, axis=1)).mean()


def test_detail_gets_back_the_variance_that_it_loses_in_a_mixture() -> None:
    torch.manual_seed(0)
    fresh, other = (0.5 + 0.1 * torch.randn(1, 3, 64, 64) for _ in range(2))
    share = torch.full((1, 1, 64, 64), 0.6)
    share[..., 32:] = 0
    mixed = torch.lerp(fresh, other, share)
    crisp = as_crisp(mixed, fresh, share)
    assert torch.equal(crisp[..., 32:], fresh[..., 32:])
    assert mixed[..., :24].std() < 0.8 * fresh.std() < 0.9 * crisp[..., :24].std()
    # What is as sharp as it has to be stays as it is.
    torch.testing.assert_close(as_crisp(fresh, fresh, share), fresh)
