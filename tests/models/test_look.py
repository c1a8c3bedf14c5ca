"""The loss by which things learn to paint. A VGG-19 of random weights sees well enough to tell these pictures apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from skimage import data
from torch import Tensor
from torchvision.transforms.v2 import functional as TF

from impasto.cli import main
from impasto.nets import look
from impasto.nets.look import LookParts, LookWeights, Statistics, StyleLook, look_at, see_styles
from impasto.nets.vgg import VGG19Features
from impasto.training.photos import load_rgb
from impasto.zoo.bank import fingerprint, load_body, load_codes
from impasto.zoo.library import shipped_models
from impasto.zoo.predictor import find_predictor, load_predictor
from impasto.zoo.vgg import load_vgg19

SIDE = 160


@pytest.fixture(scope="module")
def vgg(vgg_file: Path) -> VGG19Features:
    return load_vgg19(vgg_file)


@pytest.fixture(scope="module")
def photo() -> Tensor:
    return TF.resize(torch.from_numpy(data.astronaut()).permute(2, 0, 1)[None], [SIDE], antialias=True).float() / 255


@pytest.fixture(scope="module")
def picture() -> Tensor:
    """A picture in one style, (1, 3, 2 SIDE, 2 SIDE)."""
    example = load_rgb(shipped_models() / "classic.exemplars" / "starry-night.jpg")[None].float() / 255
    return TF.resize(example, [2 * SIDE], antialias=True)


@pytest.fixture(scope="module")
def starry(picture: Tensor) -> Tensor:
    """Two pieces of it, (2, 3, SIDE, SIDE)."""
    return torch.cat([picture[..., :SIDE, :SIDE], picture[..., SIDE:, SIDE:]])


@pytest.fixture(scope="module")
def style(vgg: VGG19Features, starry: Tensor) -> StyleLook:
    """The style of the first piece alone."""
    return see_styles(vgg, starry[:1], look.style_layers(vgg.names))


def guards(parts: LookParts) -> dict[str, float]:
    return {name: float(part) for name, part in parts._asdict().items() if name not in ("style", "content", "color")}


def test_a_style_is_at_no_distance_from_itself(vgg: VGG19Features, starry: Tensor, style: StyleLook) -> None:
    parts = look_at(vgg, starry[:1], starry[:1], style)
    assert all(part.shape == (1,) and part.dtype == torch.float32 for part in parts)
    torch.testing.assert_close(parts.total(LookWeights()), torch.zeros(1), atol=1e-4, rtol=0)


def test_a_copy_of_the_photo_loses_on_style_and_another_picture_of_the_style_on_content(
    vgg: VGG19Features, picture: Tensor, starry: Tensor, photo: Tensor
) -> None:
    style = see_styles(vgg, picture, look.style_layers(vgg.names))
    classic = shipped_models() / "classic.safetensors"
    with torch.no_grad():
        painting = load_body(classic)(photo, load_codes(classic)["starry-night"].at()[None])
    copied, other, painted = (look_at(vgg, x, photo, style) for x in (photo, starry[:1], painting))
    assert float(copied.content) == 0
    for part in ("style", "color"):
        assert getattr(other, part) < getattr(painted, part) < getattr(copied, part)
    assert float(copied.style) > 5 * float(other.style)
    assert float(painted.content) < 1.2 < float(other.content)
    assert float(painted.light) < float(other.light) / 4
    totals = [float(parts.total(LookWeights())) for parts in (painted, copied, other)]
    assert totals[0] < min(totals[1:])


def test_no_layer_and_no_channel_drowns_the_rest() -> None:
    target = Statistics(torch.zeros(1, 8), torch.eye(8)[None])
    channel = torch.eye(8)[None].clone()
    channel[0, 0, 0] = 1e6
    assert float(look.style_distance(Statistics(torch.zeros(1, 8), channel), target)) < 30
    # As much to see in faint channels as in loud ones; one that is all but silent in the style does not count more.
    louder = torch.diag(torch.tensor([100.0] * 4 + [1.0] * 4))[None]
    faint = torch.diag(torch.tensor([100.0] * 4 + [4.0] * 4))[None]
    loud = torch.diag(torch.tensor([400.0] * 4 + [1.0] * 4))[None]
    none = torch.zeros(1, 8)
    distances = [float(look.style_distance(Statistics(none, x), Statistics(none, louder))) for x in (faint, loud)]
    assert 0 < distances[0] < distances[1]
    plain = Statistics(torch.zeros(1, 8), torch.zeros(1, 8, 8))
    assert float(look.style_distance(plain, target)) == pytest.approx(torch.log(torch.tensor(2.0)).item())


def test_statistics_keep_their_digits_in_bfloat16() -> None:
    features = torch.rand(2, 4, 32, 32) + 50
    exact, rounded = look.statistics(features.bfloat16().float()), look.statistics(features.bfloat16())
    torch.testing.assert_close(rounded.mean, exact.mean, atol=0.02, rtol=0)
    torch.testing.assert_close(rounded.covariance, exact.covariance, atol=2e-3, rtol=0.02)


def test_pieces_of_a_picture_are_one_style(starry: Tensor) -> None:
    def net(x: Tensor, wanted: object) -> dict[str, Tensor]:
        return {"relu1_1": torch.cat([x, 1 - x.square()], 1)}

    whole = see_styles(net, torch.cat(list(starry[:, None]), 3), ["relu1_1"])
    one = look.one_style([see_styles(net, piece[None], ["relu1_1"]) for piece in starry])
    for size, expected in zip(one.sizes, whole.sizes, strict=True):
        torch.testing.assert_close(size["relu1_1"], expected["relu1_1"])
    torch.testing.assert_close(one.colors, whole.colors)
    both = look.all_styles([one, see_styles(net, starry[:1], ["relu1_1"])])
    chosen = both.of(torch.tensor([1, 0, 1]))
    assert torch.equal(chosen.colors.mean[1], one.colors.mean[0])
    assert chosen.sizes[1]["relu1_1"].covariance.shape == (3, 6, 6)


def test_dots_are_seen_and_lines_are_not() -> None:
    paper, lines, dotted = torch.full((3, 1, 3, 64, 64), 0.8)
    lines[..., 10:12, :] = 0.2
    lines[..., :, 30] = 0.2
    for k in range(64):
        lines[..., k, k] = lines[..., k, 63 - k] = 0.2
    dotted[..., 8::16, 8::16] = 0.2
    dotted[..., 9::16, 8::16] = 1.0
    assert float(look.dots(paper)) == 0
    assert float(look.dots(lines)) < 1e-3
    assert float(look.dots(dotted)) > 3e-3


@pytest.mark.parametrize("period", [2, 4])
def test_patterns_of_the_grid_are_seen_and_others_are_not(period: int, photo: Tensor) -> None:
    torch.manual_seed(0)
    place = torch.arange(SIDE)
    alternate = 0.04 * ((place[:, None] // (period // 2) + place // (period // 2)) % 2 - 0.5)
    soft = TF.gaussian_blur(photo, [25, 25], [6.0])
    assert float(look.checker(soft + alternate)) > 0.2
    stripes = 0.1 * torch.sin(2 * torch.pi * place / 7).expand(1, 3, SIDE, SIDE)
    step = (place > SIDE / 2).float().expand(1, 3, SIDE, SIDE)
    for other in (photo, soft, torch.rand(1, 3, SIDE, SIDE), 0.5 + stripes, step, torch.full((1, 3, SIDE, SIDE), 0.3)):
        assert float(look.checker(other)) < 0.02


def test_each_guard_fires_for_what_it_guards_against_and_no_other(
    vgg: VGG19Features, starry: Tensor, style: StyleLook
) -> None:
    torch.manual_seed(0)
    painting, place = starry[:1], torch.arange(SIDE)
    spoiled = {
        "dots": painting.clone(),
        "checker": TF.gaussian_blur(painting, [9, 9], [3.0]) + 0.06 * ((place[:, None] + place) % 2 - 0.5),
        "variation": painting + 0.2 * torch.randn_like(painting),
        "light": 1 - painting,
    }
    spoiled["dots"][..., 4::8, 4::8] = 1.0
    found = {name: guards(look_at(vgg, x, painting, style)) for name, x in spoiled.items()}
    for name, parts in found.items():
        assert parts[name] > 0.003, name
        assert getattr(LookWeights(), name) * parts[name] > 0.02, name
    assert found["light"]["checker"] == found["light"]["variation"] == 0
    assert found["dots"]["checker"] < 0.05
    assert found["light"]["dots"] < 1e-4
    spiked = look_at(vgg, painting, painting, style, torch.tensor(3.0))
    assert float(spiked.spikes) == 3
    assert float(spiked.total(LookWeights())) == pytest.approx(3 * LookWeights().spikes, abs=1e-3)


def test_shading_is_kept_and_the_style_has_its_contrast(photo: Tensor) -> None:
    gentle = 0.3 + 0.4 * photo
    assert float(look.light_distance(gentle, photo, 8, 0.4)) < 0.01
    hole = photo.clone()
    hole[..., 40:80, 40:80] = 0
    assert float(look.light_distance(hole, photo, 24, 0.2)) > 0.05


def test_a_gray_veil_is_seen_and_a_little_of_it_is_free(photo: Tensor) -> None:
    veiled = 0.45 + 0.1 * photo
    assert float(look.brightness_distance(veiled, photo)) > 0.003
    assert float(look.brightness_distance((photo + 0.1).clamp(0, 1), photo)) == 0


def test_what_is_quiet_stays_quiet_and_may_be_as_rough_as_the_style_on_the_whole() -> None:
    torch.manual_seed(0)
    grain = torch.randn(1, 1, 96, 96).expand(-1, 3, -1, -1)
    busy = torch.ones(1, 1, 96, 96)
    busy[..., :48] = 0.05
    photo = 0.5 + 0.05 * busy * grain
    rough, everywhere, inverted = (0.5 + 0.2 * share * grain for share in (busy, torch.ones_like(busy), 1.05 - busy))
    assert float(look.quiet_distance(rough, photo)) < 0.02
    assert float(look.quiet_distance(everywhere, photo)) > 0.2
    assert float(look.quiet_distance(inverted, photo)) > 1


def test_what_is_alike_is_painted_alike_in_whatever_colours(photo: Tensor) -> None:
    inverted = 1 - photo[:, [2, 0, 1]]
    torch.manual_seed(0)
    patches = F.interpolate(torch.rand(1, 3, SIDE // 20, SIDE // 20), scale_factor=20.0)
    by_chance = 0.4 * inverted + 0.6 * patches
    colors = look.likeness_distance(torch.cat([inverted, by_chance]), photo.expand(2, -1, -1, -1))
    assert float(colors[0]) < 0.05
    assert float(colors[1]) > 0.3


def test_hue_in_what_is_to_be_gray_counts() -> None:
    torch.manual_seed(0)
    gray = torch.rand(1, 1, 64, 64).expand(-1, 3, -1, -1)
    style = look.statistics(look.opponents(gray))
    tinted = gray.clone()
    tinted[:, 0] = (tinted[:, 0] + 0.05).clamp(0, 1)
    assert float(look.color_distance(look.statistics(look.opponents(gray.flip(-1))), style)) < 1e-4
    assert float(look.color_distance(look.statistics(look.opponents(tinted)), style)) > 0.3


def test_gradients_are_finite_on_plain_fills(vgg: VGG19Features, starry: Tensor) -> None:
    flat = torch.full((2, 3, 64, 64), 0.5)
    styles = see_styles(vgg, torch.stack([starry[0, :, :64, :64], flat[0]]), look.style_layers(vgg.names))
    painted = flat.clone().requires_grad_()
    parts = look_at(vgg, painted, flat, styles)
    parts.total(LookWeights(), torch.tensor([1.0, 0.5])).mean().backward()
    assert all(part.isfinite().all() for part in parts)
    # What is not plain is far from a plain style, but there is an end to it.
    assert float(look_at(vgg, torch.rand_like(flat), flat, styles).style[1]) < 40
    assert painted.grad is not None
    assert painted.grad.isfinite().all()


def test_half_as_much_style_counts_half(vgg: VGG19Features, starry: Tensor, style: StyleLook, photo: Tensor) -> None:
    parts = look_at(vgg, photo, photo, style)
    weights = LookWeights(content=0, color=0, light=0, dots=0, variation=0, checker=0)
    torch.testing.assert_close(parts.total(weights, torch.tensor([0.5])), parts.total(weights) / 2)
    torch.testing.assert_close(parts.total(weights), weights.style * parts.style)


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos/ and a recipe of a small bank."""
    folder = tmp_path_factory.mktemp("material")
    (folder / "photos").mkdir()
    TF.to_pil_image(torch.from_numpy(data.chelsea()).permute(2, 0, 1)[:, :200, :260]).save(
        folder / "photos" / "cat.png"
    )
    TF.to_pil_image(torch.from_numpy(data.coffee()).permute(2, 0, 1)[:, :200, :260]).save(folder / "cup.png")
    style = '[styles.{}]\npaintings = ["cup.png"]\nsize = 64\n'
    (folder / "small.toml").write_text("width = 8\nblocks = 1\n" + style.format("cup"))
    (folder / "two.toml").write_text(style.format("cup") + style.format("saucer"))
    return folder


def train(material: Path, vgg: Path, output: Path, recipe: str, name: str, *more: str) -> int:
    return main(
        ["train", "styles", "--recipe", str(material / recipe), "--photos", str(material / "photos"), "--name", name,
         "--vgg", str(vgg), "--device", "cpu", "--output", str(output), "--work", str(output / f"work {name}"),
         "--crop", "64", "--batch", "2", "--no-exemplars", *more]
    )  # fmt: skip


def test_a_bank_learns_on_by_the_look(
    material: Path, vgg_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMPASTO_MODELS", str(tmp_path))
    assert train(material, vgg_file, tmp_path, "small.toml", "old", "--steps", "2") == 0
    old, new = tmp_path / "old.safetensors", tmp_path / "new.safetensors"
    # Without learning it is the same bank, whose file has 16 bits; the new style begins with a code of its own.
    still = ["--start", "old", "--learning-rate", "0"]
    assert train(material, vgg_file, tmp_path, "two.toml", "same", *still, "--steps", "1") == 0
    same = tmp_path / "same.safetensors"
    assert fingerprint(load_body(same)) == fingerprint(load_body(old))
    assert torch.equal(load_codes(same)["cup"].at(), load_codes(old)["cup"].at())

    for steps in ("1", "3"):
        learn = ["--start", "old", "--steps", steps]
        assert train(material, vgg_file, tmp_path, "two.toml", "new", *learn) == 0
    assert ", color " in capsys.readouterr().err
    assert fingerprint(load_body(new)) != fingerprint(load_body(old))
    training = json.loads(new.with_suffix(".json").read_text())["training"]
    assert training["steps"] == 3
    assert [stretch["from_step"] for stretch in training["history"]] == [0, 1]
    assert training["history"][1]["color_weight"] == LookWeights.color
    learned = training["history"][0]["learned_before"]
    before = json.loads(old.with_suffix(".json").read_text())
    assert learned == {"bank": "old", "body": before["body"], **before["training"]}

    assert train(material, vgg_file, tmp_path, "two.toml", "new", "--steps", "4") == 1
    assert "is of another training" in capsys.readouterr().err
    assert train(material, vgg_file, tmp_path, "two.toml", "other", "--start", "nothing", "--steps", "1") == 1
    assert "no bank 'nothing'" in capsys.readouterr().err


def test_a_bank_learns_to_paint_like_any_picture_with_its_styles(
    material: Path, vgg_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMPASTO_MODELS", str(tmp_path))
    pictures = ["--pictures", str(material), "--views", "3", "--picture-share", "0.7"]
    assert train(material, vgg_file, tmp_path, "small.toml", "own", *pictures, "--steps", "3") == 0
    bank, path = tmp_path / "own.safetensors", tmp_path / "own-predictor.safetensors"
    found = find_predictor([tmp_path], fingerprint(load_body(bank)))
    assert found is not None
    assert found.path == path
    codes = load_codes(bank)["cup"]
    assert found.strengths == codes.grid.strengths == (0.5, 1.0)
    assert codes.codes.shape[:2] == (3, 2)
    # It has learned: what it says depends on the picture, and on the strength.
    predictor = load_predictor(path)
    described = torch.stack([predictor.described_mean, predictor.described_mean + predictor.described_std])
    full, gentle = predictor(described), predictor(described, torch.zeros(2))
    assert not torch.equal(full[0], full[1])
    assert not torch.equal(full, gentle)

    # What learns on from it begins with what it knows of pictures.
    still = ["--start", "own", "--learning-rate", "0", "--steps", "1"]
    assert train(material, vgg_file, tmp_path, "two.toml", "same", *pictures, *still) == 0
    torch.testing.assert_close(load_predictor(tmp_path / "same-predictor.safetensors")(described), full)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert train(material, vgg_file, tmp_path, "two.toml", "other", "--pictures", str(empty), "--steps", "1") == 1
    assert "--pictures" in capsys.readouterr().err
