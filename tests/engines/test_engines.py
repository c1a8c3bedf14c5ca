"""What every engine that paints in one pass promises, and what is known of engines before they are loaded."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from impasto.engines.base import Engine, Studio, Wanted
from impasto.engines.facts import PICTURE, EngineFacts
from impasto.engines.pictures import StylePicture, StyleReader
from impasto.engines.registry import engine_facts, make_engine
from impasto.pipeline import Layer, Pipeline
from impasto.pipeline.scale import PaintingScale, bounds
from impasto.progress import silent
from impasto.zoo.library import Library
from impasto_link.coats import StyleChoice
from impasto_link.errors import BadRequest
from impasto_link.options import StylizeOptions
from impasto_link.parameters import Parameter
from impasto_link.pixels import PixelFormat, Region

CPU = torch.device("cpu")
PAINTING = [name for name, facts in engine_facts().items() if facts.paints]
#: With this folder on the path somebody else's engine is installed.
DUMMY = Path(__file__).parents[1] / "dummy_engine"
#: What is computed in float32 in another order is as equal as this.
CLOSE = 2e-3


@pytest.fixture(params=PAINTING)
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Each of them, in float32; in bfloat16 rounding would hide what is looked for."""
    monkeypatch.setattr("impasto.execution.moments._LEAST_SHARE", 0.0)  # of all pixels, however little they weigh
    for kind in type(make_engine(request.param, _studio())).__mro__:
        monkeypatch.setattr(sys.modules[kind.__module__], "fast_dtype", lambda device: torch.float32, raising=False)
    return make_engine(request.param, _studio())


def _studio() -> Studio:
    return Studio(Library(), CPU, StyleReader(Library(), CPU))


def _wanted(facts: EngineFacts, seed: int = 9) -> Wanted:
    if PICTURE not in facts.accepts:
        return Wanted([StyleChoice("udnie")])
    picture = StylePicture(torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(seed)))
    return Wanted([StyleChoice("x")], {"x": picture})


def _photo(height: int, width: int) -> Tensor:
    return torch.rand(1, 3, height, width, generator=torch.Generator().manual_seed(3))


def _apart(engine: Engine, facts: EngineFacts, first: int) -> float:
    """How far an area, painted with what is around it, is from the same area of the whole picture."""
    photo, area = _photo(120, 260), torch.zeros(1, 1, 120, 260)
    shown = (..., slice(first // 2, first // 2 + 40), slice(first, first + 60))
    area[shown] = 1
    box = bounds(area, facts)
    assert box is not None
    rows, columns = box
    piece = (..., rows, columns)
    assert photo[piece].numel() < photo.numel()
    part = engine.paint(photo[piece], _wanted(engine.facts), silent(), area[piece], (rows.start, columns.start))
    whole = engine.paint(photo, _wanted(engine.facts), silent(), area)
    apart = torch.zeros_like(whole)
    apart[piece] = (part - whole[piece]).abs()
    return float(apart[shown].max())


@pytest.mark.parametrize("first", [100, 101, 106, 111, 132])
def test_an_area_is_painted_as_in_the_whole_picture(engine: Engine, first: int) -> None:
    assert _apart(engine, engine.facts, first) < CLOSE


def test_on_another_grid_it_would_not_be() -> None:
    """What the test above would not see is no proof: AdaIN was given areas that begin at any multiple of 4."""
    engine = make_engine("adain", _studio())
    halves = [replace(engine.facts, stride=4, halo=halo) for halo in (56, 60)]
    assert max(_apart(engine, facts, 132) for facts in halves) > 20 * CLOSE


def test_no_pixel_sees_farther_than_the_halo(engine: Engine) -> None:
    photo, weights = _photo(32, 320), torch.zeros(1, 1, 32, 320)
    weights[..., :48] = 1
    before = engine.paint(photo, _wanted(engine.facts), silent(), weights)
    for at in range(160, 160 + engine.facts.stride, 3):
        other = photo.clone()
        other[..., at] = 1 - other[..., at]
        change = (engine.paint(other, _wanted(engine.facts), silent(), weights) - before).abs().amax((0, 1, 2))
        seen = (change > CLOSE).nonzero()
        assert at - int(seen.min()) <= engine.facts.halo
        assert int(seen.max()) - at <= engine.facts.halo


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (7, 5), (17, 3)])
def test_what_is_smaller_than_an_engine_takes_is_continued_by_its_edge(engine: Engine, size: tuple[int, int]) -> None:
    """So a flat picture stays one, and comes back in its own size."""
    photo = torch.full((1, 3, *size), 0.3)
    scale = PaintingScale(photo, None, 1.0, engine.facts)
    assert min(scale.photo.shape[-2:]) >= engine.facts.smallest
    assert bool((scale.photo == 0.3).all())
    painted = scale.back(engine.paint(scale.photo, _wanted(engine.facts), silent(), scale.statistics), silent())
    assert painted.shape == photo.shape
    assert bool(torch.isfinite(painted).all())


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline(Library(), CPU)


def flat() -> Region:
    """A gray picture."""
    return Region(PixelFormat(24, 16, "RGB", "u8"), b"\x80" * (24 * 16 * 3))


def test_a_style_of_a_kind_that_an_engine_does_not_paint_like_is_refused(
    monkeypatch: pytest.MonkeyPatch, pipeline: Pipeline
) -> None:
    def paint(accepts: str, pictures: Mapping[str, Region], style: StyleChoice) -> Layer:
        facts = replace(engine_facts()["adain"], accepts=frozenset({accepts}))
        monkeypatch.setattr("impasto.pipeline.coats.one_pass", lambda name: facts)
        options = StylizeOptions((style,), engine="adain")
        return pipeline.stylize(flat(), options, lambda *_: None, pictures=pictures)

    mine = {"mine": flat()}
    for choice, accepts in ((StyleChoice("udnie"), "picture"), (StyleChoice("mine"), "library")):
        with pytest.raises(BadRequest, match=f"adain .* '{choice.name}'"):
            paint(accepts, mine, choice)
    assert paint("picture", mine, StyleChoice("mine")).pixels.format.width == 24


@pytest.mark.parametrize("facts", engine_facts().values(), ids=lambda facts: facts.name)
def test_facts_are_those_of_the_engine_and_go_over_the_wire(facts: EngineFacts) -> None:
    engine = make_engine(facts.name, _studio())
    assert engine.facts is facts
    assert engine.loaded() == []
    told = facts.to_wire()
    assert [Parameter.from_wire(one) for one in told["parameters"]] == list(facts.parameters)
    assert told["accepts"] == sorted(facts.accepts)
    for name in ("paint", "refine"):
        assert (getattr(type(engine), name) is not getattr(Engine, name)) == getattr(facts, f"{name}s")
