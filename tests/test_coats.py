"""Requests as lists of coats: how much of each pixel a coat gets, and what the words from before coats mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from impasto.client import Server, to_region
from impasto.pipeline import Layer, Pipeline
from impasto.pipeline.areas import lay_out
from impasto.progress import Enough, nobody
from impasto.zoo.library import Library, shipped_models
from impasto_link.coats import MAX_COATS, Coat, StyleChoice
from impasto_link.errors import BadRequest, NoSubject
from impasto_link.options import StylizeOptions


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline(Library([shipped_models()]), torch.device("cpu"))


@pytest.fixture(scope="module")
def photo(astronaut: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(astronaut[:128, 100:220])


@pytest.fixture(scope="module")
def mask(photo: np.ndarray) -> np.ndarray:
    """White at the left, black at the right, and a wide ramp between them."""
    ramp = np.clip((80 - np.arange(photo.shape[1])) / 40, 0, 1) * 255
    return np.broadcast_to(ramp.astype(np.uint8), photo.shape[:2]).copy()


def lay(
    pipeline: Pipeline,
    photo: np.ndarray,
    *coats: Coat,
    mask: np.ndarray | None = None,
    selection: np.ndarray | None = None,
    **options: Any,
) -> Layer:
    return pipeline.stylize(
        to_region(photo)[0],
        StylizeOptions.of(coats=coats, **options),
        nobody,
        subject_mask=None if mask is None else to_region(mask)[0],
        selection=None if selection is None else to_region(selection)[0],
    )


def paint(pipeline: Pipeline, photo: np.ndarray, *coats: Coat, **more: Any) -> np.ndarray:
    """The painting as floats, 0 to 255, laid on what is beneath it."""
    layer = lay(pipeline, photo, *coats, flatten=True, **more)
    return np.frombuffer(layer.pixels.data, np.uint8).reshape(photo.shape).astype(float)


def shown(layer: Layer) -> np.ndarray:
    assert layer.mask is not None
    return np.frombuffer(layer.mask.data, np.uint8).reshape(layer.mask.format.height, layer.mask.format.width)


SOFT = torch.linspace(0, 1, 101).reshape(1, 1, 1, 101)
FLAT = torch.full_like(SOFT, 0.3)


@pytest.mark.parametrize(
    "places", [["background", "subject"], ["everything", "subject"], ["everything", "subject", "mask"]]
)
def test_shares_add_up_to_all_of_the_picture(places: list[str]) -> None:
    maps = {"subject": SOFT, "background": 1 - SOFT, "mask": FLAT}
    areas = lay_out([Coat.of("udnie", place) for place in places], maps, None)
    shares = [share.area for share in areas.shares]
    assert torch.stack([share for share in shares if share is not None]).sum(0).allclose(torch.ones(1), atol=1e-6)
    assert areas.shown is None


def test_a_coat_gets_at_most_what_those_above_leave() -> None:
    coats = [Coat.of("udnie", "mask"), Coat.of("udnie", "subject")]
    below, above = lay_out(coats, {"subject": SOFT, "mask": FLAT}, None).shares
    assert above.area is not None
    assert torch.equal(above.area, SOFT)
    assert below.area is not None
    assert torch.equal(below.area, torch.minimum(FLAT, 1 - SOFT))


def test_what_lies_wholly_under_another_coat_is_not_painted(pipeline: Pipeline, photo: np.ndarray) -> None:
    """Not even looked up: there is no such style."""
    alone = lay(pipeline, photo, Coat.of("udnie"))
    assert lay(pipeline, photo, Coat.of("no-such-style"), Coat.of("udnie")).pixels.data == alone.pixels.data


@pytest.mark.parametrize(
    ("words", "coats"),
    [
        ({"style": "udnie"}, [Coat.of("udnie")]),
        ({"style": "udnie", "area": "subject"}, [Coat.of("udnie", "subject")]),
        ({"style": "udnie", "area": "background"}, [Coat.of("udnie", "background")]),
        (
            {"style": "udnie", "background_style": "starry-night"},
            [Coat.of("starry-night", "background"), Coat.of("udnie", "subject")],
        ),
        ({"style": "udnie", "engine": "adain"}, [Coat.of("udnie", engine="adain")]),
    ],
)
@pytest.mark.parametrize("selected", [False, True])
def test_words_from_before_coats_mean_coats(
    pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray, words: dict[str, Any], coats: list[Coat], selected: bool
) -> None:
    sent: dict[str, Any] = {
        "subject_mask": to_region(mask)[0],
        "selection": to_region(mask[:, ::-1].copy())[0] if selected else None,
    }
    by_words = pipeline.stylize(to_region(photo)[0], StylizeOptions.of(**words), nobody, **sent)
    by_coats = pipeline.stylize(to_region(photo)[0], StylizeOptions.of(coats=coats), nobody, **sent)
    assert by_words.pixels.data == by_coats.pixels.data
    assert (by_words.mask is None) == (by_coats.mask is None)
    if by_words.mask is not None and by_coats.mask is not None:
        assert by_words.mask.data == by_coats.mask.data


def test_nothing_of_the_photo_shines_through_a_soft_border(
    pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray
) -> None:
    """What is behind a ramp is the other coat, and not the picture."""
    white = np.full_like(photo, 255)
    white[::2] = 250  # of one colour, statistics would say nothing
    behind, front = (paint(pipeline, white, Coat.of(style)) for style in ("starry-night", "udnie"))
    both = paint(pipeline, white, Coat.of("starry-night", "background"), Coat.of("udnie", "subject"), mask=mask)
    ramp = np.s_[16:-16, 45:75]
    darkest = np.minimum(behind, front)[ramp].mean()
    assert both[ramp].mean() < (darkest + 3 * 252) / 4, "the white of the photo shows"
    assert (
        lay(pipeline, white, Coat.of("starry-night", "background"), Coat.of("udnie", "subject"), mask=mask).mask is None
    )


def test_three_coats_show_each_where_it_is(pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray) -> None:
    """Where coats lie on one another the top one shows, and below it nothing of those beneath."""
    hard = np.where(mask > 127, 255, 0).astype(np.uint8)
    top = np.zeros_like(mask)
    top[80:] = 255
    coats = Coat.of("the-scream", "background"), Coat.of("starry-night", "subject"), Coat.of("udnie", "selection")
    all_three = paint(pipeline, photo, *coats[:2], mask=hard)
    only_top = paint(pipeline, photo, coats[2], selection=top)
    limited = paint(pipeline, photo, *coats, mask=hard, selection=top)
    assert np.array_equal(limited, only_top), "the selection limits all coats, and the top one fills it"
    everywhere = paint(pipeline, photo, Coat.of("udnie"), coats[0], coats[1], mask=hard)
    assert np.array_equal(everywhere, all_three), "nothing is left for the bottom one"


def test_each_coat_has_its_strength(pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray) -> None:
    hard = np.where(mask > 127, 255, 0).astype(np.uint8)
    full = paint(pipeline, photo, Coat.of("starry-night", "background"), Coat.of("udnie", "subject"), mask=hard)
    half = paint(
        pipeline, photo, Coat.of("starry-night", "background", strength=0.5), Coat.of("udnie", "subject"), mask=hard
    )
    assert np.array_equal(half[hard == 255], full[hard == 255])
    mean = (full[hard == 0] + photo[hard == 0]) / 2
    assert np.abs(half[hard == 0] - mean).max() <= 1
    none = paint(
        pipeline, photo, Coat.of("starry-night", "background", strength=0.0), Coat.of("udnie", "subject"), mask=hard
    )
    assert np.array_equal(none[hard == 0], photo[hard == 0])


def test_strengths_of_coat_and_request_multiply(pipeline: Pipeline, photo: np.ndarray) -> None:
    full = paint(pipeline, photo, Coat.of("udnie"))
    quarter = paint(pipeline, photo, Coat.of("udnie", strength=0.5), strength=0.5)
    assert np.abs(quarter - (0.75 * photo + 0.25 * full)).max() <= 1


def test_a_coat_shows_in_the_mask_or_in_the_selection(pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray) -> None:
    assert np.array_equal(shown(lay(pipeline, photo, Coat.of("udnie", "mask"), mask=mask)), mask)
    assert np.array_equal(shown(lay(pipeline, photo, Coat.of("udnie", "selection"), selection=mask)), mask)
    for place in ("mask", "selection"):
        with pytest.raises(BadRequest, match=f"no {place} was sent"):
            lay(pipeline, photo, Coat.of("udnie", place))
    with pytest.raises(NoSubject):
        lay(pipeline, photo, Coat.of("udnie", "mask"), mask=np.zeros_like(mask))


def test_feather_is_for_the_subject_and_not_for_the_mask(
    pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray
) -> None:
    assert np.array_equal(shown(lay(pipeline, photo, Coat.of("udnie", "mask"), mask=mask, grow=9.0)), mask)
    assert shown(lay(pipeline, photo, Coat.of("udnie", "subject"), mask=mask, grow=9.0)).sum() > mask.sum()


def test_each_coat_has_its_engine(pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray) -> None:
    hard = np.where(mask > 127, 255, 0).astype(np.uint8)
    mixed = paint(
        pipeline, photo, Coat.of("udnie", "background"), Coat.of("udnie", "subject", engine="adain"), mask=hard
    )
    fixed = paint(pipeline, photo, Coat.of("udnie", "background"), Coat.of("udnie", "subject"), mask=hard)
    adain = paint(
        pipeline, photo, Coat.of("udnie", "background"), Coat.of("udnie", "subject"), mask=hard, engine="adain"
    )
    assert np.array_equal(mixed[hard == 0], fixed[hard == 0])
    assert np.array_equal(mixed[hard == 255], adain[hard == 255])


def test_only_the_coat_is_refined_whose_engine_does_nothing_else(
    pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPASTO_OFFLINE", "1")
    hard = np.where(mask > 127, 255, 0).astype(np.uint8)

    def until_it_shows(fraction: float, doing: str, picture: object = None, /) -> None:
        if picture is not None:
            raise Enough

    coats = [Coat.of("udnie", "background"), Coat.of("starry-night", "subject", engine="gatys")]
    layer = pipeline.stylize(
        to_region(photo)[0], StylizeOptions.of(coats=coats), until_it_shows, subject_mask=to_region(hard)[0]
    )
    refined = np.frombuffer(layer.pixels.data, np.uint8).reshape(photo.shape).astype(float)
    in_one_pass = paint(pipeline, photo, Coat.of("udnie", "background"), Coat.of("starry-night", "subject"), mask=hard)
    assert np.array_equal(refined[hard == 0], in_one_pass[hard == 0])
    assert np.abs(refined - in_one_pass)[hard == 255].mean() > 2


def test_coats_come_over_the_wire() -> None:
    coats = (
        Coat.of(
            [StyleChoice("a", 2.0, "library"), StyleChoice("b", 1.0, "frame"), StyleChoice("c")],
            "mask",
            strength=0.5,
            engine="adain",
        ),
        Coat.of("udnie"),
    )
    options = StylizeOptions.of(coats=coats)
    entry = options.to_wire()
    assert entry["coats"][0]["styles"] == [["a", 2.0, "library"], ["b", 1.0, "frame"], ["c", 1.0]]
    assert StylizeOptions.from_wire(entry) == options
    assert StylizeOptions.from_wire({"coats": [{"styles": [["udnie", 1]]}]}).coats == (Coat.of("udnie"),)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"coats": 7}, "coats of the request cannot be read"),
        ({"coats": {"styles": []}}, "coats of the request cannot be read"),
        ({"coats": ["udnie"]}, "coats of the request cannot be read"),
        ({"coats": [{"styles": 3}]}, "styles of the request cannot be read"),
        ({"coats": [{"styles": ["udnie"]}]}, "styles of the request cannot be read"),
        ({"coats": [{"styles": []}]}, "takes 1 to 16 styles, not none"),
        ({"coats": [{"styles": [["udnie", 0]]}]}, "All styles have the weight 0"),
        ({"coats": [{"styles": [["udnie", 1, "smell"]]}]}, "kind 'smell' is not known"),
        ({"coats": [{"styles": [["udnie", 1, 5]]}]}, "kind 5 is not known"),
        ({"coats": [{"styles": [["udnie", 1]], "where": "sky"}]}, "place of a coat 'sky' is not known"),
        ({"coats": [{"styles": [["udnie", 1]], "where": []}]}, "place of a coat"),
        ({"coats": [{"styles": [["udnie", 1]], "strength": 2}]}, "strength of a coat is 2"),
        ({"coats": [{"styles": [["udnie", 1]], "strength": "much"}]}, "strength of a coat has to be a number"),
        ({"coats": [{"styles": [["udnie", 1]], "engine": 3}]}, "ngine"),
        ({"coats": [{"styles": [["udnie", 1]]}] * (MAX_COATS + 1)}, f"at most {MAX_COATS} coats"),
        ({"coats": [{"styles": [["udnie", 1]]}], "styles": [["udnie", 1]]}, "both coats and styles"),
        ({"coats": [{"styles": [["udnie", 1]]}], "area": "subject"}, "both coats and styles"),
    ],
)
def test_coats_that_cannot_be_are_refused_with_a_sentence(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(BadRequest, match=sentence):
        StylizeOptions.from_wire(fields)


def test_the_server_paints_coats(server: Server, photo: np.ndarray, mask: np.ndarray) -> None:
    coats = [Coat.of("starry-night", "background", strength=0.5), Coat.of("mine", "subject")]
    painted = server.stylize(photo, coats=coats, mask=mask, pictures={"mine": photo[:64, :64]})
    by_words = server.stylize(photo, photo[:64, :64], background_style="starry-night", mask=mask)
    assert np.array_equal(painted[:, :30], by_words[:, :30])
    assert np.abs(painted[:, 90:].astype(float) - photo[:, 90:]).mean() > 2
    assert np.abs(painted[:, 90:].astype(float) - (by_words[:, 90:] / 2 + photo[:, 90:] / 2)).max() <= 1
    with pytest.raises(BadRequest, match="both coats and styles"):
        server.stylize(photo, "udnie", coats=coats)
    with pytest.raises(BadRequest, match="watercolour"):
        server.stylize(photo, coats=[Coat.of("udnie", engine="watercolour")])


def test_a_picture_of_a_style_has_to_be_sent_along(pipeline: Pipeline, photo: np.ndarray) -> None:
    with pytest.raises(BadRequest, match="was not sent"):
        lay(pipeline, photo, Coat.of([StyleChoice("udnie", kind="frame")]))
