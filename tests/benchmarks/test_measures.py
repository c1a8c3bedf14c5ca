"""The measures of `make bench-look`, on pictures that were made up for what they have to find."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torchvision.models import mobilenet_v2

import look
from impasto.nets import perceptual
from impasto.nets.vgg import VGG19Features
from measures import (
    PERIODS,
    Eyes,
    MobileNetEyes,
    color_distance,
    colors,
    distance_apart,
    distance_of_content,
    flat_windows,
    lattice,
    structure,
    style_distance,
    to_lab,
)
from measures import look as look_at


class RandomEyes(Eyes):
    """Eyes that have learned nothing."""

    style_layers = ("near", "far")
    content_layers = ("far",)

    def __init__(self) -> None:
        torch.manual_seed(0)
        self._near, self._far = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 16, 3, stride=2)

    @torch.inference_mode()
    def __call__(self, picture: Tensor) -> Mapping[str, Tensor]:
        near = F.relu(self._near(picture))
        return {"near": near, "far": F.relu(self._far(near))}


@pytest.fixture
def eyes() -> RandomEyes:
    return RandomEyes()


def landscape(size: int = 256) -> Tensor:
    """A smooth picture with some noise, (1, 3, size, size)."""
    torch.manual_seed(1)
    coarse = F.interpolate(torch.rand(1, 3, 5, 5), (size, size), mode="bicubic")
    return (coarse + 0.01 * torch.randn(1, 3, size, size)).clamp(0, 1)


def test_a_copy_is_at_no_distance(eyes: RandomEyes) -> None:
    photo, copy = look_at(eyes, landscape()), look_at(eyes, landscape().clone())
    assert style_distance(copy, photo) == 0
    assert distance_of_content(copy, photo) == 0
    assert distance_apart(copy, photo) == 0
    assert color_distance(colors(landscape()), colors(landscape().clone())) == 0


def test_distances_are_those_of_style_transfer(eyes: RandomEyes) -> None:
    painting, style = torch.rand(1, 3, 40, 40), landscape(48)
    features = eyes(painting)
    targets = {layer: perceptual.gram(found) for layer, found in eyes(style).items()}
    expected = float(perceptual.style_distance(features, targets))
    assert style_distance(look_at(eyes, painting), look_at(eyes, style)) == pytest.approx(expected, rel=1e-5)


def test_another_picture_has_another_content(eyes: RandomEyes) -> None:
    photo, other = look_at(eyes, landscape()), look_at(eyes, landscape().flip(-1))
    assert distance_of_content(other, photo) > 0.01
    # What is mirrored has lost its content far more than its style.
    assert style_distance(other, photo) < distance_of_content(other, photo) / 2


def test_how_far_two_pictures_are_apart_is_the_same_from_both(eyes: RandomEyes) -> None:
    one, other = look_at(eyes, landscape()), look_at(eyes, torch.rand(1, 3, 64, 64))
    assert distance_apart(one, other) == pytest.approx(distance_apart(other, one))
    assert distance_apart(one, other) > 0


@pytest.mark.parametrize("period", PERIODS)
def test_a_checker_raises_the_lattice(period: int) -> None:
    photo = landscape()
    rows = torch.arange(photo.shape[-1]) // (period // 2)
    checker = ((rows[:, None] + rows) % 2 - 0.5) * 0.05
    windows = flat_windows(photo)
    assert abs(lattice(photo, windows)) < 2
    assert lattice(photo + checker, windows) > lattice(photo, windows) + 3


def test_what_has_no_period_of_a_lattice_does_not_raise_it() -> None:
    photo = landscape()
    stripes = 0.05 * torch.sin(torch.arange(photo.shape[-1]) * 2 * torch.pi / 5.5)
    windows = flat_windows(photo)
    assert lattice(photo + stripes, windows) < lattice(photo, windows) + 2
    assert lattice(torch.full_like(photo, 0.5), windows) == pytest.approx(0)


def test_the_lattice_is_looked_for_where_the_photo_is_flat() -> None:
    photo = torch.full((1, 3, 256, 256), 0.5)
    photo[..., 128:] += 0.2 * torch.randn(256, 128)
    windows = flat_windows(photo)
    tiled = photo.clone()
    tiled[..., 192:] += 0.1 * (torch.arange(64) % 2)
    assert lattice(tiled, windows) == pytest.approx(lattice(photo, windows))


def test_a_recoloured_picture_is_farther_in_colour_the_stronger_it_is() -> None:
    photo = landscape()
    tint = torch.tensor([0.2, 0.0, -0.2])[:, None, None]
    slight, strong = (color_distance(colors((photo + share * tint).clamp(0, 1)), colors(photo)) for share in (0.3, 1.0))
    assert 1 < slight < strong
    # Where the colours are is of no account.
    assert color_distance(colors(photo.flip(-1)), colors(photo)) < 0.5


def test_lab_of_known_colours() -> None:
    rgb = torch.tensor([[1.0, 1, 1], [0, 0, 0], [1, 0, 0], [0, 0, 1]]).T
    expected = torch.tensor([[100.0, 0, 0], [0, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86]]).T
    assert torch.allclose(to_lab(rgb), expected, atol=0.1)


def test_structure_has_neither_colour_nor_lightness_nor_contrast() -> None:
    photo = landscape()
    gray = structure(photo)
    assert torch.equal(gray[:, 0], gray[:, 2])
    assert gray.mean() == pytest.approx(0.5, abs=1e-3)
    assert gray.std() == pytest.approx(0.2, abs=1e-3)
    assert torch.allclose(structure(photo * 0.5 + 0.2), gray, atol=1e-3)


def test_mobilenet_sees_at_four_strides_and_pads_like_tensorflow(tmp_path: Path) -> None:
    torch.manual_seed(0)
    net = mobilenet_v2(weights=None)
    save_file(net.state_dict(), tmp_path / "weights.safetensors")
    eyes = MobileNetEyes(tmp_path / "weights.safetensors")
    features = eyes(torch.rand(1, 3, 64, 96))
    assert [(64 // found.shape[2], 96 // found.shape[3]) for found in features.values()] == [
        (s, s) for s in (2, 4, 8, 16)
    ]
    # Nothing is padded above and on the left: the first place sees the first pixels, and no border.
    first = torch.zeros(1, 3, 64, 96)
    first[..., :3, :3] = torch.rand(3, 3)
    seen = eyes._blocks[0](first * 2 - 1)[0, :, 0, 0]
    conv, norm, relu = net.eval().features[0]
    unpadded = relu(norm(F.conv2d(first[..., :3, :3] * 2 - 1, conv.weight)))[0, :, 0, 0]
    assert torch.allclose(seen, unpadded, atol=1e-5)


def row(**changes: float) -> look.Row:
    values = dict.fromkeys(("style", "style2", "color"), 0.1) | dict.fromkeys(("content", "content2"), 0.5)
    named = {"named_gray": True, "named": True}
    return look.Row(**(values | {"lattice": 0.0, "seconds": 1.0} | named | changes))  # type: ignore[arg-type]


def test_brackets_hold_where_copy_and_style_lose_and_say_where_they_do_not() -> None:
    copy = row(style=0.9, style2=0.9, color=9.0, content=0.0, content2=0.0, named_gray=False, named=False)
    rows = {look.COPY: [copy], look.ITSELF: [row(content=2.0, content2=2.0)], look.FIXED: [row()]}
    assert all(line.endswith("holds") for line in look.brackets(rows))
    rows["a painter of anything"] = [row(content=3.0)]
    failed = [line for line in look.brackets(rows) if line.endswith("DOES NOT HOLD")]
    assert len(failed) == 1
    assert failed[0].startswith("content:")
    assert "a painter of anything" in failed[0]


def test_styles_are_pictures_that_no_card_and_no_recipe_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models, pictures = tmp_path / "models", tmp_path / "pictures"
    models.mkdir()
    pictures.mkdir()
    (models / "predictor.json").write_text(json.dumps({"training": {"paintings": ["seen.png"]}}))
    (models / "bank.toml").write_text('[styles.wave]\npaintings = ["wave.png"]\n')
    for name in ("seen", "wave", "unseen"):
        Image.new("RGB", (40, 30), "red").save(pictures / f"{name}.png")
    monkeypatch.setattr(look, "shipped_models", lambda: models)
    options = look.parse(["--mobilenet", "weights", "--pictures", str(pictures), "--size", "32"])
    assert [name for name, _, _ in look.unseen(options)] == ["astronaut / unseen"]
    (pictures / "unseen.png").unlink()
    with pytest.raises(SystemExit, match="has not learned from"):
        look.unseen(options)


def test_a_sheet_has_a_row_for_each_pair(tmp_path: Path) -> None:
    sheet = look.Sheet(["photo", "style"])
    for _ in range(3):
        sheet.add([torch.zeros(1, 3, 16, 16), torch.ones(1, 3, 16, 16)])
    sheet.save(tmp_path / "sheet.png")
    with Image.open(tmp_path / "sheet.png") as written:
        assert written.size == (32, 24 + 48)
        assert written.getpixel((8, 71)) == (0, 0, 0)
        assert written.getpixel((24, 71)) == (255, 255, 255)


def test_the_bench_measures_paintings_and_prints_table_and_brackets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    vgg = {
        f"conv{name.removeprefix('layers.')}": value
        for name, value in VGG19Features("relu4_1").state_dict().items()
        if name.startswith("layers.")
    }
    vgg |= {"preprocess.weight": torch.eye(3)[:, :, None, None].clone(), "preprocess.bias": torch.zeros(3)}
    save_file(vgg, tmp_path / "vgg.safetensors")
    save_file(mobilenet_v2(weights=None).state_dict(), tmp_path / "mobilenet.safetensors")
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    Image.effect_noise((160, 128), 60).convert("RGB").save(pictures / "noise.png")
    given = {"vgg": tmp_path / "vgg.safetensors", "mobilenet": tmp_path / "mobilenet.safetensors"}
    given |= {"pictures": pictures, "peers": tmp_path, "sheet": tmp_path / "sheet.png"}
    arguments = [part for name, path in given.items() for part in (f"--{name}", str(path))]
    with torch.no_grad():
        look.compare(look.parse([*arguments, "--size", "128", "--gatys", "1"]))
    printed = capsys.readouterr().out
    painters = [look.FIXED, "Impasto adain", "Gatys 1"]
    for name in painters:
        assert f"| astronaut / noise | {name} |" in printed
        assert f"\n| {name} | " in printed
    assert "MicroAST is left out" in printed
    assert printed.count("the bracket") == 7
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.size == (128 * (2 + len(painters)), 24 + 128)
