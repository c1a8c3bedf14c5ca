"""Training, with a VGG-19 of random weights: its features are as good as any to see that a loss goes down."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from impasto.cli import main
from impasto.nets.perceptual import STYLE_LAYERS, content_distance, gram, style_distance, total_variation
from impasto.nets.vgg import CHANNELS, VGG19Features
from impasto.training.losses import spikes
from impasto.training.photos import PhotoCrops, find_pictures, is_held_out
from impasto.training.recipe import BankRecipe
from impasto.training.styles import gram_matrices
from impasto.zoo.bank import load_body, load_codes
from impasto.zoo.vgg import load_vgg19
from impasto_link.errors import ModelProblem
from support import TORCHVISION


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos/ and two paintings."""
    folder = tmp_path_factory.mktemp("data")
    (folder / "photos").mkdir()
    chance = np.random.default_rng(0)
    for index in range(8):
        small = chance.integers(0, 255, (6, 8, 3), np.uint8)
        Image.fromarray(small).resize((96, 72), Image.Resampling.BICUBIC).save(folder / "photos" / f"{index}.png")
    (folder / "photos" / "broken.png").write_bytes(b"not a picture")
    for name, color in (("red dots", (200, 30, 30)), ("blue_lines", (20, 40, 180))):
        array = np.full((80, 100, 3), 240, np.uint8)
        array[::7, :] = color
        Image.fromarray(array).save(folder / f"{name}.png")
    return folder


def train(data: Path, vgg: Path, output: Path, *more: str) -> int:
    return main(
        ["train", "styles", *more, "--photos", str(data / "photos"), "--vgg", str(vgg), "--device", "cpu",
         "--output", str(output), "--work", str(output / "work"), "--crop", "48", "--batch", "2", "--no-exemplars"]
    )  # fmt: skip


def test_a_bank_is_trained_resumed_and_extended(
    data: Path, vgg_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPASTO_MODELS", str(tmp_path))
    paintings = [str(data / "red dots.png"), str(data / "blue_lines.png")]
    assert train(data, vgg_file, tmp_path, *paintings, "--name", "mine", "--steps", "2", "--seed", "3") == 0
    assert train(data, vgg_file, tmp_path, *paintings, "--name", "mine", "--steps", "4", "--seed", "3") == 0
    bank = tmp_path / "mine.safetensors"
    card = json.loads(bank.with_suffix(".json").read_text())
    assert [style["name"] for style in card["styles"]] == ["red-dots", "blue-lines"]
    assert card["training"]["steps"] == 4
    assert card["training"]["seed"] == 3
    assert [stretch["from_step"] for stretch in card["training"]["history"]] == [0, 2]
    assert sorted(path.stem for path in bank.with_suffix(".thumbnails").iterdir()) == ["blue-lines", "red-dots"]
    assert (tmp_path / "work" / "samples.jpg").exists()
    assert list((tmp_path / "work" / "logs").iterdir())

    assert train(data, vgg_file, tmp_path / "nothing", *paintings, "--name", "mine", "--export") == 1
    extra = tmp_path / "extra"
    assert train(data, vgg_file, extra, paintings[0], "--name", "more", "--add-to", "mine", "--steps", "2") == 0
    assert json.loads((extra / "more.json").read_text())["body"] == card["body"]
    assert list(load_codes(extra / "more.safetensors")) == ["red-dots"]
    with pytest.raises(ModelProblem):
        load_body(extra / "more.safetensors")


def test_both_layouts_of_vgg_give_the_same_features(vgg_file: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    weights = load_file(vgg_file)
    named = {
        f"conv{name}.{part}": weights[f"features.{TORCHVISION[name]}.{part}"]
        for name in list(CHANNELS)[:9]
        for part in ("weight", "bias")
    }
    std = torch.tensor([0.229, 0.224, 0.225])
    named["preprocess.weight"] = torch.diag(1 / std)[:, :, None, None].contiguous()
    named["preprocess.bias"] = -torch.tensor([0.485, 0.456, 0.406]) / std
    save_file(named, tmp_path / "named.safetensors")
    x = torch.rand(1, 3, 40, 40)
    one = load_vgg19(vgg_file)(x, {"relu1_1", "relu4_1"})
    two = load_vgg19(tmp_path / "named.safetensors")(x, {"relu1_1", "relu4_1"})
    for layer, features in one.items():
        torch.testing.assert_close(features, two[layer])
    assert one["relu4_1"].shape == (1, 512, 5, 5)


def test_vgg_agrees_with_torchvision(vgg_file: Path) -> None:
    """Inside, where padding does not reach."""
    from safetensors.torch import load_file
    from torchvision.models import vgg19

    theirs = vgg19(weights=None).features[:21]
    theirs.load_state_dict({key.removeprefix("features."): value for key, value in load_file(vgg_file).items()})
    x = torch.rand(1, 3, 160, 160)
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    with torch.no_grad():
        expected = theirs((x - mean[:, None, None]) / std[:, None, None])
    ours = load_vgg19(vgg_file)(x, {"relu4_1"})["relu4_1"]
    torch.testing.assert_close(ours[..., 6:-6, 6:-6], expected[..., 6:-6, 6:-6], atol=1e-4, rtol=1e-3)


def test_missing_layers_are_named(vgg_file: Path) -> None:
    with pytest.raises(ValueError, match="5_1"):
        load_vgg19(vgg_file, deepest="relu5_1")
    with pytest.raises(ValueError, match="relu9_9"):
        VGG19Features("relu9_9")


def test_distances_are_zero_for_equals_and_one_for_nothing() -> None:
    features = {"a": torch.rand(2, 5, 8, 8), "b": torch.rand(2, 3, 4, 4)}
    nothing = {layer: torch.zeros_like(value) for layer, value in features.items()}
    grams = {layer: gram(value) for layer, value in features.items()}
    torch.testing.assert_close(style_distance(features, grams), torch.zeros(2))
    torch.testing.assert_close(style_distance(nothing, grams), torch.ones(2))
    torch.testing.assert_close(content_distance(features, features), torch.zeros(2))
    torch.testing.assert_close(content_distance(nothing, features), torch.ones(2))


def test_total_variation_counts_steps() -> None:
    stripes = torch.zeros(1, 1, 4, 4)
    stripes[..., ::2] = 1
    torch.testing.assert_close(total_variation(stripes), torch.ones(1))
    torch.testing.assert_close(total_variation(torch.full((1, 3, 8, 8), 0.3)), torch.zeros(1))


def test_spikes_see_a_spike_and_nothing_else() -> None:
    plain = torch.randn(1, 4, 32, 32)
    spiked = plain.clone()
    spiked[:, :, 5, 5] = 60
    assert float(spikes(plain)) == 0
    assert float(spikes(spiked)) > 10


def test_crops_skip_what_cannot_be_read(data: Path) -> None:
    torch.manual_seed(0)
    crops = PhotoCrops(find_pictures(data / "photos"), 32)
    for index in range(len(crops)):
        crop = crops[index]
        assert crop.shape == (3, 32, 32)
        assert 0 <= float(crop.min()) <= float(crop.max()) <= 1


def test_held_out_photos_are_about_one_in_twenty() -> None:
    count = sum(is_held_out(Path(f"photo_{index}.jpg")) for index in range(4000))
    assert 140 < count < 260


def test_a_recipe_that_makes_no_sense_is_refused(tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    for text, says in (
        ("styles = 3", "recipe"),
        ("[styles.a]\ntitle = 'A'", "paintings"),
        ("[styles.a]\npaintings = ['none.jpg']", "none.jpg"),
        ("[styles.a]\npaintings = []\ncolour = 1", "colour"),
    ):
        recipe.write_text(text)
        with pytest.raises(ValueError, match=says):
            BankRecipe.from_toml(recipe, tmp_path)
    with pytest.raises(ValueError, match="no picture"):
        BankRecipe.from_paintings([tmp_path / "nothing"])


def test_the_deepest_style_layer_is_used_where_the_weights_have_it(vgg_file: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    assert "relu5_1" not in load_vgg19(vgg_file).names
    weights, channels_in = load_file(vgg_file), 512
    for name in ("4_2", "4_3", "4_4", "5_1"):
        weights[f"features.{TORCHVISION[name]}.weight"] = torch.zeros(CHANNELS[name], channels_in, 3, 3)
        weights[f"features.{TORCHVISION[name]}.bias"] = torch.zeros(CHANNELS[name])
    save_file(weights, tmp_path / "deep.safetensors")
    vgg = load_vgg19(tmp_path / "deep.safetensors")
    assert set(gram_matrices(torch.rand(1, 3, 64, 64), vgg)) == set(STYLE_LAYERS)
