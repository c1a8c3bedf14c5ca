"""Strokes and strength: first the style's own codes, and done to picture and painting only what they leave."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from impasto.client import to_region
from impasto.engines.base import Wanted
from impasto.engines.fixed.engine import FixedEngine
from impasto.nets.style_bank import StyleBankNet
from impasto.pipeline import Pipeline
from impasto.progress import nobody
from impasto.zoo.bank import StyleCodes, load_codes, save_bank
from impasto.zoo.grid import CodeGrid
from impasto.zoo.library import Library
from impasto_link.coats import Coat
from impasto_link.options import RefineOptions, StylizeOptions
from impasto_link.pixels import Region
from small_models import NAMES, save_small_models, small_net

HEIGHT, WIDTH = 90, 120


@pytest.fixture(autouse=True)
def exact_and_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """In bfloat16 rounding would hide what is looked for; and small pictures are large enough, and quickly read."""
    monkeypatch.setattr("impasto.engines.pictures.STYLE_SIDE", 100)
    monkeypatch.setattr("impasto.engines.by_code.fast_dtype", lambda device: torch.float32)


@pytest.fixture(scope="module")
def net() -> StyleBankNet:
    return small_net()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, net: StyleBankNet) -> Path:
    """A bank of two styles, a predictor for its network, and a style of the same network that has a single code."""
    folder = tmp_path_factory.mktemp("models")
    alone = {"alone": save_small_models(folder, net)["day"].codes[1:2, 1:]}
    save_bank(folder / "single.safetensors", net, alone, [{"name": "alone"}], {}, with_body=False)
    return folder


@pytest.fixture(scope="module")
def codes(folder: Path) -> dict[str, StyleCodes]:
    return load_codes(folder / "mine.safetensors")


@pytest.fixture(scope="module")
def pipeline(folder: Path) -> Pipeline:
    return Pipeline(Library([folder]), torch.device("cpu"))


@pytest.fixture(scope="module")
def photo(astronaut: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(astronaut[40 : 40 + HEIGHT, 160 : 160 + WIDTH])


@pytest.fixture(scope="module")
def picture(astronaut: np.ndarray) -> Region:
    """A picture as a style, large enough for the boldest strokes."""
    return to_region(np.ascontiguousarray(astronaut[::-2, ::2]))[0]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, Wanted]]:
    """What the engine was given to paint: height, width, and how."""
    seen: list[tuple[int, int, Wanted]] = []
    paint = FixedEngine.paint

    def noted(self: FixedEngine, photo: Tensor, wanted: Wanted, *more: Any) -> Tensor:
        seen.append((photo.shape[-2], photo.shape[-1], wanted))
        return paint(self, photo, wanted, *more)

    monkeypatch.setattr(FixedEngine, "paint", noted)
    return seen


def paint(pipeline: Pipeline, photo: np.ndarray, options: StylizeOptions, **frames: Any) -> np.ndarray:
    """What comes back, as numbers from 0 to 255."""
    layer = pipeline.stylize(to_region(photo)[0], options, nobody, **frames)
    shape = layer.pixels.format.height, layer.pixels.format.width, 3
    return np.frombuffer(layer.pixels.data, np.uint8).reshape(shape).astype(int)


def with_single_codes(
    folder: Path, net: StyleBankNet, codes: Mapping[str, StyleCodes], brush: float, strength: float
) -> Pipeline:
    """As before there were several: of each style the code for these strokes and this strength is its only one."""
    single = {name: style.at(brush, strength)[None, None] for name, style in codes.items()}
    save_bank(folder / "single.safetensors", net, single, [{"name": name} for name in single], {})
    return Pipeline(Library([folder]), torch.device("cpu"))


def is_the_same(one: np.ndarray, other: np.ndarray) -> bool:
    """Codes are stored in float16, so those between others come back a little rounded."""
    return int(np.abs(one - other).max()) <= 1


@pytest.mark.parametrize(
    ("brush", "own", "size"),
    [
        (1.3, 1.3, (HEIGHT, WIDTH)),
        (0.7, 0.7, (HEIGHT, WIDTH)),
        (1.6, 1.6, (HEIGHT, WIDTH)),
        (3.0, 1.6, (48, 64)),
        (0.32, 0.64, (180, 240)),
    ],
)
def test_strokes_are_larger_by_their_codes_first(
    brush: float, own: float, size: tuple[int, int], pipeline: Pipeline, photo: np.ndarray, tmp_path: Path,
    net: StyleBankNet, codes: dict[str, StyleCodes], given: list[tuple[int, int, Wanted]],
) -> None:  # fmt: skip
    """So the picture stays sharp, and takes as long; only what is larger than they have is painted on a smaller one."""
    painted = paint(pipeline, photo, StylizeOptions.of("night", brush=brush))
    (height, width, wanted), *more = given
    assert ((height, width), wanted.brush) == (size, own)
    assert not more
    before = with_single_codes(tmp_path, net, codes, own, 1.0)
    assert is_the_same(painted, paint(before, photo, StylizeOptions.of("night", brush=brush / own)))


@pytest.mark.parametrize(("strength", "own"), [(1.0, 1.0), (0.8, 0.8), (0.5, 0.5), (0.3, 0.5), (0.05, 0.5)])
def test_less_strength_is_a_gentler_painting_first(
    strength: float, own: float, pipeline: Pipeline, photo: np.ndarray, tmp_path: Path, net: StyleBankNet,
    codes: dict[str, StyleCodes],
) -> None:  # fmt: skip
    """The photo shines only through the gentlest."""
    before = with_single_codes(tmp_path, net, codes, 1.0, own)
    for keep_colors in (False, True):
        painted, expected = (
            paint(one, photo, StylizeOptions.of("night", strength=shown, keep_colors=keep_colors))
            for one, shown in ((pipeline, strength), (before, strength / own))
        )
        assert is_the_same(painted, expected)


def test_strength_goes_from_photo_to_painting_without_a_jump(pipeline: Pipeline, photo: np.ndarray) -> None:
    steps = [0.0, 0.25, 0.499, 0.501, 0.75, 1.0]
    painted = [paint(pipeline, photo, StylizeOptions.of("night", strength=strength)) for strength in steps]
    assert np.array_equal(painted[0], photo)
    apart = [float(np.abs(one - painted[-1]).mean()) for one in painted]
    assert apart == sorted(apart, reverse=True)
    assert np.abs(painted[3] - painted[2]).max() <= 2
    assert apart[1] - apart[2] > 2
    assert apart[3] - apart[4] > 2


def test_at_no_strength_no_network_is_even_loaded(folder: Path, photo: np.ndarray, picture: Region) -> None:
    pipeline = Pipeline(Library([folder]), torch.device("cpu"))
    nothing = StylizeOptions(coats=(Coat.of("night", strength=0.0), Coat.of("x", strength=0.0)))
    for options in (StylizeOptions.of({"night": 1, "x": 1}, strength=0.0, brush=1.3), nothing):
        assert np.array_equal(paint(pipeline, photo, options, pictures={"x": picture}), photo)
        assert pipeline.loaded() == []


def test_coats_are_each_as_gentle_as_they_and_the_request_say(
    pipeline: Pipeline, photo: np.ndarray, tmp_path: Path, net: StyleBankNet, codes: dict[str, StyleCodes]
) -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[20:70, :50] = 255
    mask[20:70, 50:80] = 130

    def coats(below: float, above: float) -> tuple[Coat, Coat]:
        return Coat.of("night", strength=below), Coat.of("day", "mask", strength=above)

    for strength, below, above in ((0.8, 1.0, 0.25), (0.3, 0.5, 1.0), (0.7, 0.9, 0.9)):
        asked = StylizeOptions(coats=coats(below, above), strength=strength, brush=1.2)
        own = {"night": max(0.5, strength * below), "day": max(0.5, strength * above)}
        single = {name: StyleCodes(codes[name].at(1.2, own[name])[None, None], CodeGrid()) for name in NAMES}
        before = with_single_codes(tmp_path, net, single, 1.0, 1.0)
        left = coats(strength * below / own["night"], strength * above / own["day"])
        frames = {"subject_mask": to_region(mask)[0]}
        assert is_the_same(
            paint(pipeline, photo, asked, **frames), paint(before, photo, StylizeOptions(coats=left), **frames)
        )


def test_in_a_mixture_the_style_with_the_fewest_codes_counts(
    pipeline: Pipeline, photo: np.ndarray, given: list[tuple[int, int, Wanted]], picture: Region
) -> None:
    paint(pipeline, photo, StylizeOptions.of({"night": 1, "day": 2}, brush=1.3, strength=0.4))
    paint(pipeline, photo, StylizeOptions.of({"night": 1, "alone": 2}, brush=1.5, strength=0.4))
    paint(pipeline, photo, StylizeOptions.of({"night": 1, "x": 2}, brush=1.5, strength=0.8), pictures={"x": picture})
    assert [(height, wanted.brush, wanted.strength) for height, _, wanted in given] == [
        (HEIGHT, 1.3, 0.5),
        (HEIGHT / 1.5, 1.0, 1.0),
        (HEIGHT, 1.5, 0.8),
    ]


def test_a_style_with_a_single_code_is_painted_as_ever(
    pipeline: Pipeline, photo: np.ndarray, tmp_path: Path, net: StyleBankNet, codes: dict[str, StyleCodes]
) -> None:
    before = with_single_codes(tmp_path, net, codes, 1.0, 1.0)
    for brush, strength in ((1.0, 1.0), (1.4, 1.0), (0.8, 0.6)):
        one, other = (StylizeOptions.of(name, brush=brush, strength=strength) for name in ("alone", "day"))
        assert np.array_equal(paint(pipeline, photo, one), paint(before, photo, other))


def test_strokes_and_strength_of_pictures_are_those_that_they_can_show(
    pipeline: Pipeline, photo: np.ndarray, picture: Region, astronaut: np.ndarray,
    given: list[tuple[int, int, Wanted]],
) -> None:  # fmt: skip
    """A large picture is looked at as large as the boldest strokes need, a smaller one as large as it is."""
    small = to_region(np.ascontiguousarray(astronaut[::-4, ::4]))[0]
    for frame, own in ((picture, 1.6), (small, 1.28)):
        painted = paint(pipeline, photo, StylizeOptions.of("x", brush=3.0, strength=0.3), pictures={"x": frame})
        height, width, wanted = given.pop()
        assert (height, width) == (round(HEIGHT * own / 3), round(WIDTH * own / 3))
        assert (wanted.brush, wanted.strength) == (own, 0.5)
        assert painted.shape == photo.shape
    codes = [
        paint(pipeline, photo, StylizeOptions.of("x", brush=brush, strength=strength), pictures={"x": picture})
        for brush, strength in ((1.0, 1.0), (1.3, 1.0), (1.0, 0.7))
    ]
    for other in codes[1:]:
        assert np.abs(other - codes[0]).mean() > 1


def test_a_preview_has_strokes_that_shrink_with_it(
    pipeline: Pipeline, astronaut: np.ndarray, given: list[tuple[int, int, Wanted]]
) -> None:
    """As far as there are codes for finer ones: its pixels, which nobody would see more of, are never more."""
    large = np.ascontiguousarray(astronaut.repeat(4, 0)[:, :128])
    for brush, own, length in ((1.0, 0.64, 1024), (2.0, 1.0, 1024), (4.0, 1.6, 819)):
        painted = paint(pipeline, large, StylizeOptions.of("night", brush=brush, max_side=256))
        assert painted.shape == (256, 16, 3)
        height, width, wanted = given.pop()
        assert (height, width, wanted.brush) == (length, round(length / 16), own)


def test_what_is_refined_begins_at_full_strength_and_with_its_strokes(
    pipeline: Pipeline, photo: np.ndarray, given: list[tuple[int, int, Wanted]], picture: Region
) -> None:
    """The optimisation goes on to the full style, so the photo shines through what it has made."""
    refine = RefineOptions(iterations=1, features="compact", max_side=64)

    def refined(strength: float) -> np.ndarray:
        options = StylizeOptions.of("x", refine=refine, brush=1.3, strength=strength)
        return paint(pipeline, photo, options, pictures={"x": picture})

    whole, half = refined(1.0), refined(0.5)
    assert [(height, wanted.brush, wanted.strength) for height, _, wanted in given] == [(HEIGHT, 1.3, 1.0)] * 2
    assert np.abs(half - (whole + photo) / 2).max() <= 1


def test_engines_that_have_no_such_codes_are_given_what_they_were(
    pipeline: Pipeline, photo: np.ndarray, picture: Region, given: list[tuple[int, int, Wanted]]
) -> None:
    def by_adain(strength: float, *below: Coat) -> np.ndarray:
        coats = (*below, Coat.of("x", engine="adain"))
        return paint(pipeline, photo, StylizeOptions(coats=coats, strength=strength), pictures={"x": picture})

    whole, half = by_adain(1.0), by_adain(0.3)
    assert np.abs(half - (0.3 * whole + 0.7 * photo)).max() <= 1
    # Beneath it, in part, one that has: each counts as if it were alone.
    assert not given
    assert is_the_same(by_adain(0.3, Coat.of("night")), half)
