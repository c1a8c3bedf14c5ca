"""Painting the subject, the background, a selection: what shows, what stays, what does not leak."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from skimage.data import chelsea, coffee

from impasto.client import to_region
from impasto.pipeline import Layer, Pipeline
from impasto.progress import nobody
from impasto.zoo.library import Library, shipped_models
from impasto_link.errors import BadRequest, ModelProblem, NoSubject
from impasto_link.options import MaskOptions, RefineOptions, StylizeOptions
from impasto_link.pixels import PixelFormat, Region


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    return Pipeline(Library([shipped_models()]), torch.device("cpu"))


@pytest.fixture(scope="module")
def photo(astronaut: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(astronaut[:256, 90:330])


@pytest.fixture(scope="module")
def mask(photo: np.ndarray) -> np.ndarray:
    """An ellipse with a soft edge, uint8."""
    down, across = np.mgrid[: photo.shape[0], : photo.shape[1]]
    distance = np.hypot((down - 110) / 70, (across - 120) / 50)
    return (np.clip((1.1 - distance) / 0.2, 0, 1) * 255).astype(np.uint8)


def stylize(
    pipeline: Pipeline,
    image: np.ndarray,
    mask: np.ndarray | None = None,
    selection: np.ndarray | None = None,
    style: str = "udnie",
    **options: Any,
) -> tuple[np.ndarray, Any]:
    region, back = to_region(image)
    layer = pipeline.stylize(
        region,
        StylizeOptions.of(style, **options),
        nobody,
        subject_mask=None if mask is None else to_region(mask)[0],
        selection=None if selection is None else to_region(selection)[0],
    )
    return back(layer.pixels), mask_of(layer)


def mask_of(layer: Layer) -> Any:
    """The mask of a layer as an array, or None."""
    if layer.mask is None:
        return None
    assert (layer.mask.format.channels, layer.mask.format.dtype) == ("GRAY", "u8")
    return np.frombuffer(layer.mask.data, np.uint8).reshape(layer.mask.format.height, layer.mask.format.width)


def as_dtype(photo: np.ndarray, kind: str) -> np.ndarray:
    if kind == "u8 with alpha":
        alpha = np.linspace(0, 255, photo.shape[1]).astype(np.uint8)
        return np.dstack([photo, np.broadcast_to(alpha, photo.shape[:2])])
    return {
        "u8": photo,
        "gray": photo[..., 0].copy(),
        "u16": photo.astype(np.uint16) * 257 + 3,
        "f32": (photo / 200).astype(np.float32),  # some of it above white
    }[kind]


@pytest.mark.parametrize("kind", ["u8", "u8 with alpha", "gray", "u16", "f32"])
@pytest.mark.parametrize("flatten", [True, False])
def test_outside_the_area_not_a_bit_changes(
    pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray, kind: str, flatten: bool
) -> None:
    image = as_dtype(photo, kind)
    painted, _ = stylize(pipeline, image, mask, area="subject", flatten=flatten)
    assert painted.dtype == image.dtype
    assert np.array_equal(painted[mask == 0], image[mask == 0])
    inside = np.abs(painted[mask == 255].astype(float) - image[mask == 255]).mean()
    assert inside > 0.03 * float(image.max())


def test_layer_and_mask_make_up_the_flattened_picture(pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray) -> None:
    painted, shown = stylize(pipeline, photo, mask, area="subject", strength=0.8)
    assert np.array_equal(shown, mask)
    flat, none = stylize(pipeline, photo, mask, area="subject", strength=0.8, flatten=True)
    assert none is None
    share = shown[..., None] / 255
    assert np.abs(painted * share + photo * (1 - share) - flat).max() <= 1.01


def test_everything_has_no_mask(pipeline: Pipeline, photo: np.ndarray) -> None:
    assert stylize(pipeline, photo)[1] is None


def test_the_background_is_the_rest(pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray) -> None:
    painted, shown = stylize(pipeline, photo, mask, area="background")
    assert np.array_equal(shown, 255 - mask)
    assert np.array_equal(painted[mask == 255], photo[mask == 255])


def test_a_selection_limits_what_is_painted(pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray) -> None:
    selection = np.zeros_like(mask)
    selection[:, :120] = 100
    painted, shown = stylize(pipeline, photo, selection=selection)
    assert np.array_equal(shown, selection)
    assert np.array_equal(painted[:, 120:], photo[:, 120:])
    _, shown = stylize(pipeline, photo, mask, selection, area="subject")
    assert np.abs(shown - mask.astype(float) * selection / 255).max() <= 0.51


@pytest.mark.parametrize("side", [1, 4, 9])
def test_a_few_pixels_are_painted_like_their_surroundings(
    pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray, side: int
) -> None:
    """Statistics of so few say nothing; taken all the same, they gave black, pure green and no numbers at all."""
    floats = photo.astype(np.float32) / 255
    for at in range(8, 150, 23):
        selection = np.zeros_like(mask)
        selection[at : at + side, at : at + side] = 255
        painted, _ = stylize(pipeline, floats, selection=selection, style="starry-night", flatten=True)
        few = painted[at : at + side, at : at + side]
        assert np.isfinite(painted).all()
        assert 0.02 < few.mean() < 0.98
        assert np.abs(few.mean((0, 1)) - floats[at : at + side, at : at + side].mean((0, 1))).max() < 0.6


def test_the_border_of_an_area_of_one_colour_is_not_burnt_out(
    pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray
) -> None:
    """By its own variance, next to none, the surroundings would come out white and black over the border."""
    area = np.s_[40:140, 40:160]
    flat, selection = photo.copy(), np.zeros_like(mask)
    flat[area], selection[area] = 128, 255
    inside = stylize(pipeline, flat, selection=selection, flatten=True)[0][area]
    border = np.ones(inside.shape[:2], bool)
    border[8:-8, 8:-8] = False
    assert ((inside[border] < 2) | (inside[border] > 253)).mean() < 0.05


def test_two_styles_in_one_go(pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray) -> None:
    both, shown = stylize(pipeline, photo, mask, background_style="great-wave")
    assert shown is None
    front, _ = stylize(pipeline, photo, mask, area="subject")
    behind, _ = stylize(pipeline, photo, mask, area="background", style="great-wave")
    assert np.array_equal(both[mask == 255], front[mask == 255])
    assert np.array_equal(both[mask == 0], behind[mask == 0])


@pytest.mark.parametrize(("style", "brush"), [("udnie", 1.0), ("udnie", 1.5), ("mosaic", 1.0), ("woodcut", 1.0)])
def test_an_area_is_painted_as_in_the_whole_picture(
    pipeline: Pipeline, astronaut: np.ndarray, style: str, brush: float
) -> None:
    """Only the rectangle around the area is computed; that must not show."""
    mask = np.zeros(astronaut.shape[:2], np.uint8)
    mask[203:261, 181:303] = 255
    part, _ = stylize(pipeline, astronaut, mask, area="subject", style=style, brush=brush)
    inside = mask == 255
    mask[0, 0] = mask[-1, -1] = 1  # makes the rectangle the whole picture
    whole, _ = stylize(pipeline, astronaut, mask, area="subject", style=style, brush=brush)
    assert np.abs(part[inside].astype(float) - whole[inside]).mean() < 1.5


@pytest.mark.parametrize("style", ["starry-night", "udnie"])
def test_the_background_does_not_leak_into_the_subject(
    pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray, style: str
) -> None:
    """One subject before ten backgrounds: painted by itself it stays nearly the same, painted along it does not."""
    scene = coffee()
    inner = mask == 255
    painted: dict[str, list[np.ndarray]] = {"subject": [], "everything": []}
    for number in range(10):
        top, left, gamma = 14 * number, 36 * number, 0.4 + 0.2 * number
        ground = 255 * (scene[top : top + 256, left : left + 240] / 255) ** gamma
        image = np.where(mask[..., None] > 127, photo, np.roll(ground, number, axis=2)).astype(np.uint8)
        for area, found in painted.items():
            found.append(stylize(pipeline, image, mask, area=area, style=style)[0][inner].astype(float))
    spread = {area: np.stack(found).std(0).mean() for area, found in painted.items()}
    assert spread["subject"] < 9
    assert spread["everything"] > 3 * spread["subject"]


def test_feather_and_grow_are_in_pixels_of_the_picture(pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray) -> None:
    _, full = stylize(pipeline, photo, mask, area="subject", grow=20, feather=10)
    _, small = stylize(pipeline, photo, mask, area="subject", grow=20, feather=10, max_side=128)
    assert full.astype(bool).sum() > mask.astype(bool).sum()
    assert small.mean() == pytest.approx(full.mean(), rel=0.06)


@pytest.mark.parametrize("area", ["subject", "background"])
def test_nothing_to_paint_is_said(pipeline: Pipeline, photo: np.ndarray, area: str) -> None:
    plain = np.full(photo.shape[:2], 0 if area == "subject" else 255, np.uint8)
    with pytest.raises(NoSubject):
        stylize(pipeline, photo, plain, area=area)
    with pytest.raises(NoSubject):
        stylize(pipeline, photo, selection=np.zeros(photo.shape[:2], np.uint8))


def test_a_mask_that_is_white_throughout_is_everything(pipeline: Pipeline, photo: np.ndarray) -> None:
    painted, _ = stylize(pipeline, photo, np.full(photo.shape[:2], 255, np.uint8), area="subject")
    assert np.abs(painted.astype(float) - stylize(pipeline, photo)[0]).max() <= 1


@pytest.mark.parametrize("what", ["mask", "selection"])
def test_masks_that_do_not_fit_are_refused(pipeline: Pipeline, photo: np.ndarray, what: str) -> None:
    options = {"area": "subject"} if what == "mask" else {}
    with pytest.raises(BadRequest, match="pixels, the picture"):
        stylize(pipeline, photo, **{what: np.full((10, 10), 255, np.uint8)}, **options)  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match="has to be gray"):
        stylize(pipeline, photo, **{what: photo}, **options)  # type: ignore[arg-type]
    wrong = np.full(photo.shape[:2], np.nan, np.float32)
    with pytest.raises(BadRequest, match="not a number"):
        stylize(pipeline, photo, **{what: wrong}, **options)  # type: ignore[arg-type]


# -- Finding the subject -----------------------------------------------------------------------------------------------


def find(pipeline: Pipeline, image: np.ndarray, **options: Any) -> Any:
    return mask_of(pipeline.mask(to_region(image)[0], MaskOptions(**options), nobody))


def test_a_person_is_found(pipeline: Pipeline, astronaut: np.ndarray) -> None:
    found = find(pipeline, astronaut)
    assert found[120, 220] == 255  # the face
    assert found[400, 230] == 255  # the suit
    assert found[20, 20] == 0
    assert 0.2 < (found > 127).mean() < 0.75


def test_a_cat_is_found(pipeline: Pipeline) -> None:
    found = find(pipeline, chelsea())
    assert found[120:180, 180:280].mean() > 240  # between the eyes
    assert found[120:250, 400:].mean() < 20  # the sofa


def test_what_is_found_is_inverted(pipeline: Pipeline, astronaut: np.ndarray) -> None:
    assert np.array_equal(find(pipeline, astronaut, invert=True), 255 - find(pipeline, astronaut))


def test_a_selection_limits_what_is_found(pipeline: Pipeline, astronaut: np.ndarray) -> None:
    selection = np.zeros((512, 512), np.uint8)
    selection[:, :256] = 255
    region, options = to_region(astronaut)[0], MaskOptions(invert=True)
    limited = pipeline.mask(region, options, nobody, selection=to_region(selection)[0])
    assert limited.mask is not None
    shown = np.frombuffer(limited.mask.data, np.uint8).reshape(512, 512)
    assert np.array_equal(shown[:, :256], find(pipeline, astronaut, invert=True)[:, :256])
    assert not shown[:, 256:].any()


def test_a_preview_of_a_mask_is_small(pipeline: Pipeline, astronaut: np.ndarray) -> None:
    small = find(pipeline, astronaut, max_side=128)
    assert small.shape == (128, 128)
    assert (small > 127).mean() == pytest.approx((find(pipeline, astronaut) > 127).mean(), abs=0.05)


def test_a_picture_without_subject_is_said(pipeline: Pipeline) -> None:
    for plain in (np.full((200, 300, 3), 128, np.uint8), np.zeros((64, 64, 4), np.uint8)):
        with pytest.raises(NoSubject, match="No subject"):
            find(pipeline, plain)


def test_the_subject_is_found_once(pipeline: Pipeline, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    image = np.ascontiguousarray(astronaut[:, ::-1])
    first = find(pipeline, image)
    looked: list[object] = []
    monkeypatch.setattr("impasto.masking.subject.find_mask", lambda *arguments: looked.append(arguments))
    assert np.array_equal(find(pipeline, image), first)
    painted, shown = stylize(pipeline, image, area="subject")
    assert not looked
    assert np.array_equal(shown, first)
    assert np.array_equal(painted[first == 0], image[first == 0])


def test_a_cut_out_has_the_mask_as_alpha(pipeline: Pipeline, astronaut: np.ndarray) -> None:
    layer = pipeline.mask(to_region(astronaut)[0], MaskOptions(cutout=True), nobody)
    assert layer.pixels.format == PixelFormat(512, 512, "RGBA")
    cut = np.frombuffer(layer.pixels.data, np.uint8).reshape(512, 512, 4)
    assert np.array_equal(cut[..., 3], mask_of(layer))
    inside = cut[..., 3] == 255
    assert np.array_equal(cut[inside][:, :3], astronaut[inside])


def test_transparent_parts_are_no_subject(pipeline: Pipeline, astronaut: np.ndarray) -> None:
    alpha = np.zeros((512, 512), np.uint8)
    alpha[:, :256] = 255
    found = find(pipeline, np.dstack([astronaut, alpha]))
    assert not found[:, 256:].any()
    assert found[:, :256].any()


def test_a_half_transparent_figure_stays_half_transparent(pipeline: Pipeline, astronaut: np.ndarray) -> None:
    half = np.dstack([astronaut, np.full((512, 512), 128, np.uint8)])
    layer = pipeline.mask(to_region(half)[0], MaskOptions(cutout=True), nobody)
    assert mask_of(layer).max() == 255
    cut = np.frombuffer(layer.pixels.data, np.uint8).reshape(512, 512, 4)
    assert cut[..., 3].max() == 128
    painted, shown = stylize(pipeline, half, area="subject")
    assert (painted[..., 3] == 128).all()
    assert shown.max() == 255


def test_the_last_preview_of_two_styles_is_the_painting(
    pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray
) -> None:
    previews: list[Region] = []

    def progress(done: float, doing: str, preview: Callable[[], Region] | None = None) -> None:
        if preview is not None:
            previews.append(preview())

    refine = RefineOptions(iterations=1, features="compact")
    options = StylizeOptions.of("udnie", background_style="great-wave", refine=refine, flatten=True)
    layer = pipeline.stylize(to_region(photo)[0], options, progress, subject_mask=to_region(mask)[0])
    last, painted = (np.frombuffer(one.data, np.uint8).astype(float) for one in (previews[-1], layer.pixels))
    assert np.abs(last - painted).max() <= 1


def test_strength_0_in_an_area_gives_the_original(pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray) -> None:
    linear = ((photo / 255) ** 2.2).astype("<f4")
    region = Region(PixelFormat(photo.shape[1], photo.shape[0], "RGB", "f32", "linear"), linear.tobytes())
    options = StylizeOptions.of("udnie", area="subject", strength=0, flatten=True)
    layer = pipeline.stylize(region, options, nobody, subject_mask=to_region(mask)[0])
    assert layer.pixels.data == region.data


def test_a_layer_of_one_colour_is_seen_by_its_alpha(pipeline: Pipeline, astronaut: np.ndarray) -> None:
    """A figure drawn in black on a transparent layer: all of it is in the alpha."""
    figure = np.zeros((512, 512, 4), np.uint8)
    figure[..., 3] = find(pipeline, astronaut)
    try:
        found = find(pipeline, figure)
    except NoSubject:
        return
    assert not found[figure[..., 3] == 0].any()


@pytest.mark.skipif(importlib.util.find_spec("rembg") is not None, reason="rembg is installed here")
def test_a_model_that_is_not_installed_is_named(pipeline: Pipeline, astronaut: np.ndarray) -> None:
    with pytest.raises(ModelProblem, match="rembg"):
        find(pipeline, astronaut, mask_model="u2net")


def test_a_mask_region_of_any_number_format_will_do(pipeline: Pipeline, photo: np.ndarray, mask: np.ndarray) -> None:
    as_float = Region(
        PixelFormat(photo.shape[1], photo.shape[0], "GRAY", "f32", "linear"),
        (mask / np.float32(255)).astype("<f4").tobytes(),
    )
    layer = pipeline.stylize(
        to_region(photo)[0], StylizeOptions.of("udnie", area="subject"), nobody, subject_mask=as_float
    )
    assert np.array_equal(mask_of(layer), mask)
