"""What a person relies on when a region is painted, with the shipped styles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from impasto.client import to_region
from impasto.compute.accelerator import fast_dtype
from impasto.pipeline import Pipeline
from impasto.progress import nobody
from impasto.zoo.library import Library, shipped_models
from impasto_link.errors import NotEnoughMemory
from impasto_link.options import MaskOptions, RefineOptions, StylizeOptions
from impasto_link.pixels import PixelFormat, Region


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline(Library([shipped_models()]), torch.device("cpu"))


@pytest.fixture(scope="module")
def photo(astronaut: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(astronaut[40:232, 120:328])


def paint(pipeline: Pipeline, image: np.ndarray, style: object = "udnie", **options: object) -> np.ndarray:
    region, back = to_region(image)
    result = pipeline.stylize(region, StylizeOptions.of(style, **options), nobody)  # type: ignore[arg-type]
    return back(result.pixels)


def difference(one: np.ndarray, two: np.ndarray) -> float:
    """Mean absolute difference in units of 1/255."""
    return float(np.abs(one.astype(float) - two.astype(float)).mean())


def test_styles_differ_from_the_photo_and_from_each_other(pipeline: Pipeline, photo: np.ndarray) -> None:
    names = [style.name for style in Library([shipped_models()]).styles()]
    painted = {name: paint(pipeline, photo, name) for name in names}
    for name, picture in painted.items():
        assert difference(picture, photo) > 10, name
    smallest = min((difference(painted[a], painted[b]), a, b) for i, a in enumerate(names) for b in names[i + 1 :])
    assert smallest[0] > 5, smallest


def test_the_same_picture_gives_the_same_painting(pipeline: Pipeline, photo: np.ndarray) -> None:
    assert np.array_equal(paint(pipeline, photo), paint(pipeline, photo))


def test_strength_goes_evenly_from_the_original_to_the_painting(pipeline: Pipeline, photo: np.ndarray) -> None:
    assert np.array_equal(paint(pipeline, photo, strength=0.0), photo)
    full = paint(pipeline, photo)
    distances = [difference(paint(pipeline, photo, strength=strength), photo) for strength in (0.25, 0.5, 0.75)]
    whole = difference(full, photo)
    for part, distance in zip((0.25, 0.5, 0.75), distances, strict=True):
        assert distance == pytest.approx(part * whole, rel=0.05)


def test_a_mixture_lies_between_its_styles(pipeline: Pipeline, photo: np.ndarray) -> None:
    one, two = paint(pipeline, photo, "udnie"), paint(pipeline, photo, "the-scream")
    assert np.array_equal(paint(pipeline, photo, {"udnie": 1.0, "the-scream": 0.0}), one)
    half = paint(pipeline, photo, ["udnie:0.5", "the-scream:0.5"])
    apart = difference(one, two)
    assert 0 < difference(half, one) < apart
    assert 0 < difference(half, two) < apart
    nearly = paint(pipeline, photo, ["udnie:0.98", "the-scream:0.02"])
    assert difference(nearly, one) < 0.2 * apart


@pytest.mark.parametrize("brush", [0.5, 1.7, 4.0])
def test_brush_changes_the_strokes_and_not_the_size(pipeline: Pipeline, photo: np.ndarray, brush: float) -> None:
    painted = paint(pipeline, photo, brush=brush)
    assert painted.shape == photo.shape
    assert difference(painted, paint(pipeline, photo)) > 3


def test_brush_is_continuous(pipeline: Pipeline, photo: np.ndarray) -> None:
    at_one = paint(pipeline, photo)
    assert difference(paint(pipeline, photo, brush=1.01), at_one) < difference(
        paint(pipeline, photo, brush=1.6), at_one
    )


def test_large_strokes_stay_sharp(pipeline: Pipeline, photo: np.ndarray) -> None:
    """Edges of a painting at brush 3 are steeper than those of the small painting merely enlarged."""
    small = np.asarray(torch.nn.functional.interpolate(
        torch.from_numpy(photo).permute(2, 0, 1)[None].float(), scale_factor=1 / 3, mode="bicubic", antialias=True
    ).clamp(0, 255).byte()[0].permute(1, 2, 0))  # fmt: skip
    enlarged = torch.nn.functional.interpolate(
        torch.from_numpy(paint(pipeline, np.ascontiguousarray(small))).permute(2, 0, 1)[None].float(),
        size=photo.shape[:2], mode="bicubic",
    )[0].permute(1, 2, 0).numpy()  # fmt: skip
    sharp = paint(pipeline, photo, brush=3.0).astype(float)

    def steepness(image: np.ndarray) -> float:
        return float(np.sort(np.abs(np.diff(image.mean(2), axis=1)).ravel())[-2000:].mean())

    assert steepness(sharp) > 1.2 * steepness(enlarged)


def test_keep_colors_keeps_hues(pipeline: Pipeline, photo: np.ndarray) -> None:
    def chroma(image: np.ndarray) -> np.ndarray:
        image = image.astype(float)
        gray = image @ [0.2126, 0.7152, 0.0722]
        return (image - gray[..., None]).reshape(-1, 3)

    kept, free = paint(pipeline, photo, keep_colors=True), paint(pipeline, photo)
    distance_kept = np.abs(chroma(kept) - chroma(photo)).mean()
    distance_free = np.abs(chroma(free) - chroma(photo)).mean()
    assert distance_kept < 0.35 * distance_free
    assert difference(kept, photo) > 5


def test_alpha_stays_and_hidden_colours_do_not_show(pipeline: Pipeline, photo: np.ndarray) -> None:
    alpha = np.zeros((*photo.shape[:2], 1), np.uint8)
    alpha[40:150, 30:170] = 255
    alpha[60:80, 30:170] = 100
    one = np.concatenate([photo, alpha], 2)
    two = one.copy()
    two[alpha[..., 0] == 0, :3] = (255, 0, 255)
    first, second = paint(pipeline, one), paint(pipeline, two)
    assert np.array_equal(first[..., 3:], alpha)
    visible = alpha[..., 0] > 0
    assert np.array_equal(first[visible], second[visible])
    assert difference(first[visible], one[visible]) > 5


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 10_000), (3, 5), (97, 131)])
def test_any_size_is_painted(pipeline: Pipeline, height: int, width: int) -> None:
    image = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    assert paint(pipeline, image).shape == image.shape
    assert paint(pipeline, image, brush=4.0).shape == image.shape
    assert paint(pipeline, image, brush=0.25).shape == image.shape


def test_all_number_formats_give_the_same_painting(pipeline: Pipeline, photo: np.ndarray) -> None:
    reference = paint(pipeline, photo).astype(float) / 255
    for dtype, white in ((np.uint16, 65535), (np.float32, 1.0), (np.float16, 1.0)):
        image = (photo.astype(np.float64) / 255 * white).round(0 if white > 1 else 6).astype(dtype)
        painted = paint(pipeline, image)
        assert painted.dtype == dtype
        assert np.abs(painted.astype(float) / white - reference).mean() < 0.01, dtype


@pytest.mark.parametrize(("channels", "bands"), [("GRAY", 1), ("GRAYA", 2), ("BGR", 3), ("BGRA", 4)])
def test_all_channel_orders_come_back(pipeline: Pipeline, photo: np.ndarray, channels: str, bands: int) -> None:
    alpha = np.full((*photo.shape[:2], 1), 255, np.uint8)
    data = {
        "GRAY": photo[..., :1],
        "GRAYA": np.concatenate([photo[..., :1], alpha], 2),
        "BGR": photo[..., ::-1],
        "BGRA": np.concatenate([photo[..., ::-1], alpha], 2),
    }[channels]
    region = Region(PixelFormat(photo.shape[1], photo.shape[0], channels), np.ascontiguousarray(data).tobytes())
    result = pipeline.stylize(region, StylizeOptions.of("udnie"), nobody).pixels
    assert result.format == region.format
    pixels = np.frombuffer(result.data, np.uint8).reshape(*photo.shape[:2], bands)
    if channels.startswith("BGR"):
        assert np.array_equal(pixels[..., 2::-1], paint(pipeline, photo))
    else:
        assert difference(pixels[..., 0], photo[..., 0]) > 5


def test_linear_light_looks_like_srgb(pipeline: Pipeline, photo: np.ndarray) -> None:
    encoded = photo.astype(np.float32) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4).astype(np.float32)
    form = PixelFormat(photo.shape[1], photo.shape[0], "RGB", "f32", "linear")
    region = Region(form, linear.tobytes())
    result = pipeline.stylize(region, StylizeOptions.of("udnie"), nobody).pixels
    pixels = np.frombuffer(result.data, "<f4").reshape(photo.shape).clip(0, 1)
    back = np.where(pixels <= 0.0031308, pixels * 12.92, 1.055 * pixels ** (1 / 2.4) - 0.055)
    assert difference(back * 255, paint(pipeline, photo)) < 2


def test_a_preview_is_small_and_looks_like_the_painting(pipeline: Pipeline, photo: np.ndarray) -> None:
    small = paint(pipeline, photo, max_side=104)
    assert small.shape == (96, 104, 3)
    full = torch.from_numpy(paint(pipeline, photo)).permute(2, 0, 1)[None].float()
    shrunk = torch.nn.functional.interpolate(full, size=(96, 104), mode="bicubic", antialias=True)[0].permute(1, 2, 0)
    other = paint(pipeline, photo, "great-wave", max_side=104)
    assert difference(small, shrunk.numpy()) < difference(other, shrunk.numpy())


def test_a_flat_fill_gets_strokes(pipeline: Pipeline) -> None:
    """Artists' layers are full of plain fills, on which instance normalisation has nothing to work with."""
    fill = np.full((192, 192, 3), (90, 140, 200), np.uint8)
    painted = paint(pipeline, fill, "starry-night")
    inside = painted[40:-40, 40:-40].astype(float)
    assert inside.std((0, 1)).max() > 4


def test_cancelling_stops_between_strips(pipeline: Pipeline, photo: np.ndarray) -> None:
    class StopError(Exception):
        pass

    calls = 0

    def progress(done: float, doing: str, picture: object = None) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise StopError

    with pytest.raises(StopError):
        pipeline.stylize(to_region(photo)[0], StylizeOptions.of("udnie"), progress)
    assert calls == 3


def test_little_memory_changes_nothing_and_too_little_is_said(
    photo: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline(Library([shipped_models()]), torch.device("cpu"))
    plenty = paint(pipeline, photo)
    pixels = photo.shape[0] * photo.shape[1]
    itemsize = fast_dtype(torch.device("cpu")).itemsize
    monkeypatch.setattr("impasto.compute.ladder.available_memory", lambda device: 30 * itemsize * pixels)
    assert difference(paint(pipeline, photo), plenty) < 0.1
    monkeypatch.setattr("impasto.compute.ladder.available_memory", lambda device: 20 * itemsize * pixels)
    with pytest.raises(NotEnoughMemory, match=r"needs about .* GiB of memory"):
        paint(pipeline, photo)
    # A larger brush makes do with less, as the hint says.
    assert paint(pipeline, photo, brush=2.0).shape == photo.shape


def test_one_request_may_be_done_in_the_middle_of_another(photo: np.ndarray) -> None:
    pipeline = Pipeline(Library([shipped_models()]), torch.device("cpu"))
    small, other = to_region(photo[:72, :64])[0], to_region(photo[60:130, 90:160])[0]
    wanted: dict[str, dict[str, Any]] = {
        "fixed": {"style": ["other", "the-scream"], "area": "subject"},
        "adam": {"style": "other", "refine": RefineOptions(iterations=1, features="compact")},
        "adain": {"style": "other", "engine": "adain"},
    }
    middle = np.zeros(photo.shape[:2], np.uint8)
    middle[20:60, 20:60] = 255
    mask = to_region(middle[:72, :64])[0]

    def done(name: str, progress: Callable[..., None]) -> bytes:
        options = StylizeOptions.of(**wanted[name])
        layer = pipeline.stylize(small, options, progress, subject_mask=mask, pictures={"other": other})
        return bytes(layer.pixels.data)

    # A refinement in the middle of everything: no step of it would work in the mode that the engines paint in.
    guests = {name: done(name, lambda *_: None) for name in wanted}
    for name in wanted:
        looks = 0

        def let_in(*_: object) -> None:
            nonlocal looks
            guest = list(wanted)[looks % len(wanted)]
            looks += 1
            if looks <= len(wanted):
                assert done(guest, lambda *_: None) == guests[guest]

        assert done(name, let_in) == guests[name], name
        assert looks >= len(wanted)


def test_every_long_step_looks_for_a_cancellation(pipeline: Pipeline, photo: np.ndarray) -> None:
    # Of about three steps between two looks each takes some tenths of a second at 12 megapixels.
    large = np.ascontiguousarray(np.tile(photo, (4, 4, 1)))
    looks = {"mask": 0, "cut-out": 0, "brush": 0}

    def count(what: str) -> Callable[..., None]:
        def look(*_: object) -> None:
            looks[what] += 1

        return look

    region = to_region(large)[0]
    pipeline.mask(region, MaskOptions(feather=1, grow=1), count("mask"))
    pipeline.mask(region, MaskOptions(cutout=True), count("cut-out"))
    pipeline.stylize(to_region(photo)[0], StylizeOptions.of("udnie", brush=1), count("brush"))
    once = looks["brush"]
    pipeline.stylize(to_region(photo)[0], StylizeOptions.of("udnie", brush=1.1), count("brush"))
    assert looks["mask"] >= 10
    assert looks["cut-out"] >= 8
    assert looks["brush"] - once > once - 5
