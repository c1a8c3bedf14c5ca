"""The Python client: Pillow images and numpy arrays in, the same kind out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pyvips
from PIL import Image, ImageCms

from impasto.client import Server, to_region
from impasto.imaging import files
from impasto.imaging.profiles import build_gray, power
from impasto_link.errors import BadRequest, Cancelled, NoSubject
from impasto_link.options import RefineOptions, StylizeOptions


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "CMYK"])
def test_pillow_images(server: Server, astronaut: np.ndarray, mode: str) -> None:
    image = Image.fromarray(astronaut[:64, :80]).convert(mode)
    painted = server.stylize(image, style="udnie")
    assert painted.size == image.size
    assert painted.mode == (mode if mode in ("RGB", "RGBA", "L", "LA") else "L" if mode == "1" else "RGB")


def test_a_pillow_image_keeps_its_profile(server: Server, astronaut: np.ndarray) -> None:
    image = Image.fromarray(astronaut[:64, :80])
    image.info["icc_profile"] = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert server.stylize(image, style="udnie").info["icc_profile"] == image.info["icc_profile"]


def profile(name: str) -> bytes:
    return bytes(pyvips.Operation.call("profile_load", name))


GRAY = build_gray(power(1.8))


@pytest.mark.parametrize("own", [profile("cmyk"), None, profile("srgb"), b"no profile"])
def test_cmyk_of_pillow_is_what_the_file_reader_makes_of_it(
    server: Server, astronaut: np.ndarray, tmp_path: Path, own: bytes | None
) -> None:
    path = tmp_path / "print.tif"
    Image.fromarray(astronaut[:64, :80]).convert("CMYK").save(path, icc_profile=own)
    image = Image.open(path)
    assert image.mode == "CMYK"
    region = to_region(image)[0]
    assert region == files.read(path)[0]
    assert region.profile is None
    painted = server.stylize(image, style="udnie")
    assert painted.mode == "RGB"
    assert "icc_profile" not in painted.info


@pytest.mark.parametrize(("mode", "foreign"), [("L", "srgb"), ("LA", "cmyk"), ("RGB", "gray"), ("RGBA", "cmyk")])
def test_a_profile_that_is_not_meant_for_the_pixels_is_passed_over(
    server: Server, astronaut: np.ndarray, mode: str, foreign: str
) -> None:
    image = Image.fromarray(astronaut[:64, :80]).convert(mode)
    plain = server.stylize(image, style="udnie")
    image.info["icc_profile"] = GRAY if foreign == "gray" else profile(foreign)
    painted = server.stylize(image, style="udnie")
    assert np.array_equal(np.asarray(painted), np.asarray(plain))
    assert "icc_profile" not in painted.info


@pytest.mark.parametrize(("mode", "fits"), [("P", "srgb"), ("YCbCr", "srgb"), ("1", "gray"), ("I;16", "gray")])
def test_a_profile_of_other_modes_stays_where_it_fits(mode: str, fits: str) -> None:
    image = Image.new(mode, (8, 8))
    image.info["icc_profile"] = GRAY if fits == "gray" else profile(fits)
    region, back = to_region(image)
    assert region.profile == image.info["icc_profile"]
    assert region.format.encoding == "icc"
    assert back(region).info["icc_profile"] == image.info["icc_profile"]


@pytest.mark.parametrize("mode", ["I;16", "I;16B"])
def test_sixteen_bit_gray_of_pillow(server: Server, mode: str) -> None:
    array = np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64)
    image = Image.frombytes(mode, (64, 64), array.astype(">u2" if mode == "I;16B" else "<u2").tobytes())
    assert np.array_equal(np.asarray(server.stylize(image, style="udnie", strength=0.0)), array)
    painted = server.stylize(image, style="udnie")
    assert painted.mode == "I;16"
    assert len(np.unique(np.asarray(painted))) > 300


def deep(mode: str, white: float = 65535) -> tuple[Image.Image, np.ndarray]:
    """A gray Pillow image of more than 8 bits from 0 to ``white``, and its values."""
    kind = {"F": "float32", "I": "int32"}.get(mode, "uint16")
    values = np.linspace(0, white, 64 * 80).reshape(64, 80).astype(kind)
    data = values.astype(">u2" if mode == "I;16B" else values.dtype).tobytes()
    return Image.frombytes(mode, (80, 64), data), values


@pytest.mark.parametrize(("mode", "white"), [("F", 1), ("I", 65535)])
def test_gray_of_pillow_in_floats_and_long_numbers(server: Server, mode: str, white: float) -> None:
    image, values = deep(mode, white)
    painted = server.stylize(image, style="udnie")
    same = server.stylize(values if mode == "F" else values.astype(np.uint16), style="udnie")
    assert painted.mode == mode
    assert np.array_equal(np.asarray(painted), same)
    untouched = server.stylize(image, style="udnie", strength=0.0)
    assert np.array_equal(np.asarray(untouched), values)
    with pytest.raises(BadRequest, match="16 bit") as caught:
        server.cutout(image)
    assert ("astype('uint16')" in caught.value.hint) == (mode == "I")


@pytest.mark.parametrize(("mode", "white"), [("F", 1), ("I", 65535), ("I;16", 65535), ("I;16B", 65535)])
def test_masks_of_pillow_in_any_depth(server: Server, astronaut: np.ndarray, mode: str, white: float) -> None:
    photo = Image.fromarray(astronaut[:64, :80])
    mask, values = deep(mode, white)
    as_array = values.astype(np.float32) / np.float32(white)
    by_mask = server.stylize(photo, style="udnie", mask=mask), server.stylize(photo, style="udnie", selection=mask)
    array = astronaut[:64, :80]
    by_array = (
        server.stylize(array, style="udnie", mask=as_array),
        server.stylize(array, style="udnie", selection=as_array),
    )
    for one, other in zip(by_mask, by_array, strict=True):
        painted, expected = np.asarray(one).astype(int), other.astype(int)
        assert np.abs(painted - expected).max() <= 1
        assert np.abs(painted - array)[-8:].mean() > 10


@pytest.mark.parametrize(
    ("mode", "first", "last"), [("F", 0, 255), ("F", -0.5, 1), ("F", 0, np.nan), ("I", -1, 255), ("I", 0, 65536)]
)
def test_values_that_may_mean_anything_are_refused(server: Server, mode: str, first: float, last: float) -> None:
    values = np.full((8, 8), first, np.float32 if mode == "F" else np.int32)
    values[3:] = last
    image = Image.fromarray(values)
    assert image.mode == mode
    with pytest.raises(BadRequest, match=f"mode {mode} has values from 0 to") as caught:
        server.stylize(image, style="udnie")
    assert "image.point" in caught.value.hint
    with pytest.raises(BadRequest, match=f"mode {mode}"):
        server.stylize(Image.new("RGB", (8, 8)), style="udnie", mask=image)


def test_what_is_said_of_such_values_helps() -> None:
    image = Image.new("F", (8, 8), 255.0)
    scaled = image.point(lambda value: value / 255)
    assert to_region(scaled)[0].data == np.ones((8, 8), np.float32).tobytes()


@pytest.mark.parametrize("shape", [(32, 40), (32, 40, 1), (32, 40, 2), (32, 40, 3), (32, 40, 4)])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float16", "float32", ">u2", ">f4"])
def test_arrays(server: Server, shape: tuple[int, ...], dtype: str) -> None:
    white = {"u": np.iinfo(np.dtype(dtype)).max}.get(np.dtype(dtype).kind, 1) if np.dtype(dtype).kind == "u" else 1
    array = (np.random.default_rng(0).random(shape) * white).astype(dtype)
    painted = server.stylize(array, style="udnie")
    assert painted.shape == shape
    assert painted.dtype == array.dtype
    assert np.array_equal(server.stylize(array, style="udnie", strength=0.0), array)


def test_a_view_that_is_not_contiguous(server: Server, astronaut: np.ndarray) -> None:
    view = astronaut[::4, 300:100:-4]
    assert np.array_equal(server.stylize(view, style="udnie"), server.stylize(view.copy(), style="udnie"))


@pytest.mark.parametrize(
    "image", [np.zeros((4, 4, 5), np.uint8), np.zeros((4, 4), np.int64), np.zeros(4, np.uint8), "x"]
)
def test_what_is_no_image_is_refused(server: Server, image: object) -> None:
    with pytest.raises(BadRequest):
        server.stylize(image, style="udnie")  # type: ignore[type-var]


def test_progress_and_result(server: Server, astronaut: np.ndarray) -> None:
    painting = server.start(astronaut, style={"udnie": 2, "the-scream": 1}, brush=1.2)
    fractions = [event.fraction for event in painting if event.kind == "progress"]
    assert fractions
    assert painting.result().shape == astronaut.shape


def test_leaving_the_loop_cancels(server: Server) -> None:
    painting = server.start(np.zeros((1200, 1200, 3), np.uint8), style="udnie")
    for event in painting:
        if event.kind == "progress":
            break
    with pytest.raises(Cancelled):
        painting.result()
    assert server.stylize(np.zeros((16, 16, 3), np.uint8), style="udnie").shape == (16, 16, 3)


def test_styles_and_status(server: Server) -> None:
    assert "udnie" in [style["name"] for style in server.styles()]
    assert server.status()["workers"][0]["state"] in ("idle", "busy")


def test_an_area_by_a_mask(server: Server, astronaut: np.ndarray) -> None:
    image = astronaut[:96, :128]
    mask = np.zeros((96, 128), np.uint8)
    mask[20:70, 30:90] = 255
    painted = server.stylize(image, style="udnie", mask=mask)
    assert np.array_equal(painted[mask == 0], image[mask == 0])
    assert not np.array_equal(painted[mask > 0], image[mask > 0])
    chosen = server.stylize(Image.fromarray(image), style="udnie", selection=Image.fromarray(mask).convert("RGB"))
    assert np.array_equal(np.asarray(chosen)[mask == 0], image[mask == 0])


def test_a_layer_and_its_mask(server: Server, astronaut: np.ndarray) -> None:
    painting = server.start(Image.fromarray(astronaut), style="udnie", area="subject")
    layer, mask = painting.result(), painting.mask()
    assert layer.size == mask.size == (512, 512)
    assert mask.mode == "L"
    assert np.array_equal(np.asarray(mask), np.asarray(server.mask(Image.fromarray(astronaut))))
    assert server.start(astronaut[:64, :64], style="udnie").mask() is None


def test_a_cutout_is_of_the_kind_that_was_sent_with_alpha(server: Server, astronaut: np.ndarray) -> None:
    mask = server.mask(astronaut)
    cut = server.cutout(astronaut)
    assert cut.shape == (512, 512, 4)
    assert np.array_equal(cut[..., 3], mask)
    assert np.array_equal(cut[mask == 255][:, :3], astronaut[mask == 255])
    deep = server.cutout(astronaut[..., 1].astype(np.uint16) * 257, grow=2)
    assert deep.shape == (512, 512, 2)
    assert deep.dtype == np.uint16
    gray = astronaut[..., 1]
    assert server.cutout(gray, max_side=64).shape == (64, 64, 2)
    assert server.stylize(gray, style="udnie", max_side=64).shape == (64, 64)
    assert server.stylize(gray[..., None], style="udnie", max_side=64).shape == (64, 64, 1)
    photo = Image.fromarray(astronaut)
    assert np.array_equal(np.asarray(server.cutout(photo)), cut)
    assert server.cutout(photo.convert("L")).mode == "LA"
    assert server.cutout(server.cutout(photo)).mode == "RGBA"
    with pytest.raises(BadRequest, match="16 bit"):
        server.cutout(Image.fromarray(deep[..., 0]))


def test_masks_are_of_the_kind_that_was_sent(server: Server, astronaut: np.ndarray) -> None:
    mask = server.mask(astronaut, feather=8)
    assert mask.dtype == np.uint8
    assert mask.shape == (512, 512)
    with pytest.raises(NoSubject):
        server.mask(np.full((64, 64, 3), 90, np.uint8))


@pytest.mark.parametrize("white", [255, 65535])
def test_floats_of_another_white_are_refused(server: Server, astronaut: np.ndarray, white: int) -> None:
    values = astronaut[:64, :80].astype(np.float32) * (white / 255)
    for wrong in (values, values.astype(np.float64)):
        with pytest.raises(BadRequest, match="values from 0 to 1") as caught:
            server.stylize(wrong, style="udnie")
        assert f"array / {white}" in caught.value.hint
    with pytest.raises(BadRequest, match="values from 0 to 1"):
        server.stylize(astronaut[:64, :80], style="udnie", mask=values[..., 0])
    with pytest.raises(BadRequest, match="values from 0 to 1"):
        server.stylize(astronaut[:64, :80], style=values)
    with pytest.raises(BadRequest, match="values from 0 to 1"):
        server.stylize(np.dstack([values[..., 0], np.ones((64, 80), np.float32)]), style="udnie")
    with pytest.raises(BadRequest, match="go from 0 to"):
        server.stylize(values * 300 * 255, style="udnie")


def test_highlights_are_floats_as_they_should_be() -> None:
    values = np.full((8, 8, 3), 0.5, np.float32)
    values[0, 0] = 7
    assert to_region(values)[0].data == values.tobytes()


def test_arrays_of_long_floats_and_of_yes_and_no(server: Server, astronaut: np.ndarray) -> None:
    photo = astronaut[:64, :80]
    long = photo / 255
    painted = server.stylize(long, style="udnie")
    assert painted.dtype == np.float64
    assert np.array_equal(painted, server.stylize(long.astype(np.float32), style="udnie"))
    mask = np.zeros((64, 80), bool)
    mask[16:48, 20:60] = True
    by_bool = server.stylize(photo, style="udnie", mask=mask)
    assert np.array_equal(by_bool, server.stylize(photo, style="udnie", mask=mask.astype(np.uint8) * 255))
    assert server.stylize(mask, style="udnie").dtype == np.uint8


def test_options_may_be_numbers_of_numpy(server: Server, astronaut: np.ndarray) -> None:
    photo = astronaut[:64, :80]
    plain = server.stylize(photo, style={"udnie": 2, "the-scream": 1}, strength=0.5, brush=2, max_side=64)
    numpy = server.stylize(
        photo,
        style={"udnie": np.int64(2), "the-scream": np.float32(1)},
        strength=np.float32(0.5),
        brush=np.int64(2),
        max_side=np.int64(64),
        keep_colors=np.bool_(False),
    )
    assert np.array_equal(plain, numpy)
    assert StylizeOptions.of("udnie", refine=np.int64(7)).refine == RefineOptions(iterations=7)  # type: ignore[arg-type]
    with pytest.raises(BadRequest, match="has to be a number"):
        StylizeOptions.of("udnie", strength=np.bool_(True))


def test_pictures_as_styles_in_lists_and_dicts(server: Server, astronaut: np.ndarray, tmp_path: Path) -> None:
    photo, path = astronaut[:64, :80], tmp_path / "style.png"
    one, other = Image.fromarray(astronaut[200:300, 100:200]), Image.fromarray(astronaut[300:400, 300:400])
    one.save(path)
    expected = server.stylize(photo, style="one:2", background_style=(), pictures={"one": one})
    assert np.array_equal(server.stylize(photo, style=[one]), expected)
    assert np.array_equal(server.stylize(photo, style={path: 3}), expected)
    mixed = server.stylize(photo, style=["a", "b", "udnie"], pictures={"a": one, "b": other})
    assert np.array_equal(server.stylize(photo, style=[path, other, "udnie"]), mixed)
    with pytest.raises(BadRequest, match="3 is no style"):
        server.stylize(photo, style=3)  # type: ignore[arg-type]


@pytest.mark.parametrize("word", ["sunflowers.jpg", "sunflowers.JPG:2", "art/sunflowers", ".\\sunflowers"])
def test_a_file_named_in_words_is_told_from_a_style(server: Server, astronaut: np.ndarray, word: str) -> None:
    with pytest.raises(BadRequest, match="looks like a file") as caught:
        server.stylize(astronaut[:64, :80], style=["udnie", word])
    assert "Path('" in caught.value.hint
    named = server.stylize(astronaut[:64, :80], style="a.jpg", pictures={"a.jpg": astronaut[:64, :64]})
    assert named.shape == (64, 80, 3)


def test_of_a_cut_out_as_a_mask_the_alpha_counts(server: Server, astronaut: np.ndarray) -> None:
    photo = astronaut[:64, :80]
    alpha = np.zeros((64, 80), np.uint8)
    alpha[16:48, 20:60] = 255
    dark = np.dstack([photo // 8, alpha])
    expected = server.stylize(photo, style="udnie", mask=alpha)
    cuts: list[Any] = [dark, Image.fromarray(dark), Image.fromarray(dark).convert("LA")]
    for cut in cuts:
        assert np.array_equal(server.stylize(photo, style="udnie", mask=cut), expected)
    opaque = np.dstack([alpha, alpha, alpha, np.full_like(alpha, 255)])
    assert np.array_equal(server.stylize(photo, style="udnie", mask=opaque), expected), "then its light counts"


def test_what_is_transparent_in_pillow_stays_so(server: Server, astronaut: np.ndarray) -> None:
    keyed = Image.new("RGB", (32, 32), "red")
    keyed.paste((10, 20, 30), (0, 0, 16, 32))
    keyed.info["transparency"] = (10, 20, 30)
    painted = server.stylize(keyed, style="udnie")
    assert painted.mode == "RGBA"
    assert np.array_equal(np.asarray(painted)[0, :, 3], [0] * 16 + [255] * 16)
    gray = keyed.convert("L")
    gray.info["transparency"] = gray.getpixel((0, 0))
    assert server.stylize(gray, style="udnie").getchannel("A").getextrema() == (0, 255)
    premultiplied = Image.fromarray(astronaut[:32, :32]).convert("LA").convert("La")
    assert server.stylize(premultiplied, style="udnie").mode == "LA"


def test_gray_in_colour(server: Server, astronaut: np.ndarray) -> None:
    gray = astronaut[:64, :80, 1]
    painted = server.stylize(gray, style="udnie", color=True)
    assert painted.shape == (64, 80, 3)
    assert np.array_equal(painted, server.stylize(np.dstack([gray] * 3), style="udnie"))
    assert server.stylize(Image.fromarray(gray), style="udnie", color=True).mode == "RGB"
    deep = gray.astype(np.uint16) * 257
    mask = np.zeros_like(gray)
    mask[:32] = 255
    half = server.stylize(np.dstack([deep, deep]), style="udnie", color=True, mask=mask)
    assert half.shape == (64, 80, 4)
    assert np.array_equal(half[32:], np.dstack([deep] * 4)[32:]), "what is not painted stays, bit for bit"
    with pytest.raises(BadRequest, match="colours"):
        server.stylize(Image.fromarray(deep), style="udnie", color=True)
    with pytest.raises(BadRequest, match="stays gray"):
        server.stylize(gray, style="udnie", color=True, keep_colors=True)
    assert np.array_equal(
        server.stylize(astronaut[:64, :80], "udnie", color=True), server.stylize(astronaut[:64, :80], "udnie")
    )
