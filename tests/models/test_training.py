"""Training, with a VGG-19 of random weights: its features are as good as any to see that a loss goes down."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import Dataset

from impasto.cli import main
from impasto.imaging.formats import PILLOW_FORMATS
from impasto.nets.look import spikes, style_layers
from impasto.nets.perceptual import STYLE_LAYERS, content_distance, gram, style_distance, total_variation
from impasto.nets.style_bank import StyleBankNet
from impasto.nets.vgg import CHANNELS, VGG19Features
from impasto.training import common
from impasto.training.common import Schedule, Trainer, endless, restore, save_checkpoint
from impasto.training.photos import (
    PhotoCrops,
    StyleCrops,
    find_pictures,
    is_held_out,
    load_rgb,
    open_picture,
    save_picture,
)
from impasto.training.recipe import BankRecipe, StyleRecipe
from impasto.training.styles import StyleTrainer, TrainingOptions, preview_photos
from impasto.zoo.bank import load_body, load_codes, save_bank
from impasto.zoo.vgg import load_vgg19
from impasto_link.errors import BadRequest, ModelProblem
from support import TORCHVISION


class TinyTrainer(Trainer):
    """Trains four weights, in as many groups as it is told, on losses that it is given."""

    def __init__(self, groups: int = 1) -> None:
        self.net = nn.Linear(4, 1, bias=False)
        parts = [{"params": [part]} for part in (self.net.weight, nn.Parameter(torch.zeros(1)))[:groups]]
        super().__init__(Schedule(steps=100), torch.optim.Adam(parts), {"net": self.net}, torch.device("cpu"))
        self.factor = 1.0

    def train_step(self) -> dict[str, float]:
        return {"gradient": self.descend(self.net(torch.ones(4)).sum() * self.factor)}


class Numbers(Dataset[Tensor]):
    """So many that two batches hardly ever are the same."""

    def __len__(self) -> int:
        return 10_000

    def __getitem__(self, index: int) -> Tensor:
        return torch.cat([torch.tensor([float(index)]), torch.rand(1)])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos/, two paintings, and a recipe of a small bank for each and for both."""
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
    style = '[styles.{}]\npaintings = ["{}.png"]\nsize = 32\n'
    dots, lines = style.format("red-dots", "red dots"), style.format("blue-lines", "blue_lines")
    for name, styles in {"dots": dots, "both": dots + lines, "lines first": lines + dots}.items():
        (folder / f"{name}.toml").write_text("width = 8\nblocks = 1\n" + styles)
    return folder


def train(data: Path, vgg: Path, output: Path, recipe: str, *more: str) -> int:
    return main(
        ["train", "styles", "--recipe", str(data / f"{recipe}.toml"), *more, "--photos", str(data / "photos"),
         "--vgg", str(vgg), "--device", "cpu", "--output", str(output), "--work", str(output / "work"),
         "--crop", "48", "--batch", "2", "--no-exemplars"]
    )  # fmt: skip


def test_a_bank_is_trained_resumed_and_extended(
    data: Path, vgg_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPASTO_MODELS", str(tmp_path))
    for steps in ("2", "4"):
        assert train(data, vgg_file, tmp_path, "both", "--name", "mine", "--steps", steps, "--seed", "3") == 0
    bank = tmp_path / "mine.safetensors"
    card = json.loads(bank.with_suffix(".json").read_text())
    assert [style["name"] for style in card["styles"]] == ["red-dots", "blue-lines"]
    assert card["training"]["steps"] == 4
    assert card["training"]["seed"] == 3
    assert [stretch["from_step"] for stretch in card["training"]["history"]] == [0, 2]
    assert sorted(path.stem for path in bank.with_suffix(".thumbnails").iterdir()) == ["blue-lines", "red-dots"]
    assert (tmp_path / "work" / "samples.jpg").exists()
    assert list((tmp_path / "work" / "logs").iterdir())

    assert train(data, vgg_file, tmp_path / "nothing", "both", "--name", "mine", "--export") == 1
    extra = tmp_path / "extra"
    assert train(data, vgg_file, extra, "dots", "--name", "more", "--add-to", "mine", "--steps", "2") == 0
    assert json.loads((extra / "more.json").read_text())["body"] == card["body"]
    assert list(load_codes(extra / "more.safetensors")) == ["red-dots"]
    with pytest.raises(ModelProblem):
        load_body(extra / "more.safetensors")


def test_a_training_does_not_take_the_place_of_other_models(
    data: Path, vgg_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMPASTO_MODELS", str(tmp_path))
    assert train(data, vgg_file, tmp_path, "dots", "--name", "Subject", "--steps", "1") == 1
    assert "Another model" in capsys.readouterr().err
    net = StyleBankNet(width=4, blocks=1)
    bank, codes = tmp_path / "mine.safetensors", {name: net.neutral_code()[None, None] for name in ("red-dots", "old")}
    save_bank(bank, net, codes, [{"name": name} for name in codes], {})
    # Neither other styles in the place of its own, nor styles alone in the place of the network they are for.
    assert train(data, vgg_file, tmp_path, "lines first", "--name", "mine", "--steps", "1") == 1
    assert "mine.safetensors" in capsys.readouterr().err
    save_bank(bank, net, {"red-dots": codes["red-dots"]}, [{"name": "red-dots"}], {})
    before = bank.read_bytes()
    assert train(data, vgg_file, tmp_path, "dots", "--name", "mine", "--add-to", "mine", "--steps", "1") == 1
    assert "mine.safetensors" in capsys.readouterr().err
    assert bank.read_bytes() == before
    assert not (tmp_path / "work").exists()


def test_a_kept_picture_is_polished_by_a_training(
    data: Path, vgg_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPASTO_MODELS", str(tmp_path))
    dots = str(data / "red dots.png")
    assert main(["keep", dots, "--name", "red-dots"]) == 0
    before = (tmp_path / "red-dots.safetensors").read_bytes()
    for _ in range(2):
        assert train(data, vgg_file, tmp_path, "dots", "--name", "red-dots", "--add-to", "classic", "--steps", "1") == 0
    assert (tmp_path / "red-dots.safetensors").read_bytes() != before
    # It is worth a training now.
    assert main(["keep", dots, "--name", "red-dots"]) == 1


@pytest.mark.parametrize("workers", [0, 1])
def test_a_training_that_goes_on_sees_other_pictures(workers: int) -> None:
    batches = []
    for restored in (None, 1, 1, 2):
        torch.manual_seed(0)
        pictures = endless(Numbers(), 8, workers)
        if restored is not None:
            torch.manual_seed(restored)  # what loading a checkpoint comes to
        batches.append(next(pictures))
        del pictures
    assert torch.equal(batches[1], batches[2])
    for other in (batches[0], batches[3]):
        assert not (batches[1] == other).any()


def test_random_numbers_go_on_where_styles_were_added(data: Path, vgg_file: Path) -> None:
    vgg, photos = load_vgg19(vgg_file), find_pictures(data / "photos")

    def trainer(*names: str) -> StyleTrainer:
        recipe = BankRecipe(tuple(StyleRecipe(name, (data / name,), size=32) for name in names))
        return StyleTrainer(recipe, photos, vgg, TrainingOptions(), torch.device("cpu"))

    first = trainer("red dots.png")
    first.codes.data += 1
    torch.rand(5)
    state = first.state_dict()
    second = trainer("red dots.png", "blue_lines.png")
    second.load_state_dict(state)
    assert torch.equal(torch.get_rng_state(), state["random"])
    assert torch.equal(second.codes[0], first.codes[0])


def damaged_checkpoints() -> dict[str, Any]:
    """Bytes, or states to save."""
    good = TinyTrainer().state_dict()
    return {
        "empty": b"",
        "text": b"hello, this is no checkpoint",
        "a page": b"<!DOCTYPE html><html></html>",
        "a list": [1, 2],
        "of something else": {"step": 3, "history": []},
        "without random numbers": {**good, "random": None},
        "other parts": {**good, "net": nn.Linear(3, 1).state_dict()},
        "other groups": TinyTrainer(groups=2).state_dict(),
    }


@pytest.mark.parametrize("kind", [*damaged_checkpoints(), "truncated"])
def test_a_damaged_checkpoint_is_said(tmp_path: Path, kind: str) -> None:
    content = damaged_checkpoints().get(kind, TinyTrainer().state_dict())
    checkpoint = tmp_path / "checkpoint.pt"
    if isinstance(content, bytes):
        checkpoint.write_bytes(content)
    else:
        save_checkpoint(content, checkpoint)
    if kind == "truncated":
        checkpoint.write_bytes(checkpoint.read_bytes()[:600])
    for use in (restore, common.train):
        with pytest.raises(ModelProblem, match=r"checkpoint\.pt is (damaged|of another training)") as told:
            use(TinyTrainer(), tmp_path)
        assert told.value.hint


def test_there_is_nothing_to_export_before_a_training(tmp_path: Path) -> None:
    with pytest.raises(ModelProblem, match="no checkpoint"):
        restore(TinyTrainer(), tmp_path)


def test_a_training_that_has_come_apart_ends() -> None:
    trainer = TinyTrainer()
    for factor in (float("nan"), 1.0, float("inf")):
        trainer.factor = factor
        for _ in range(19):
            trainer.train_step()
    with pytest.raises(ModelProblem, match="20 gradients in a row"):
        trainer.train_step()
    assert trainer.net.weight.isfinite().all()


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


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><html></html>", b"hello, these are no weights"])
def test_damaged_weights_are_a_value_error(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"vgg{suffix}"
    with pytest.raises(OSError, match="vgg"):
        load_vgg19(path)
    path.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        load_vgg19(path)


def test_weights_of_something_else_are_a_value_error(vgg_file: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    weights = load_file(vgg_file)
    first = f"features.{TORCHVISION['1_1']}.weight"
    path = tmp_path / "other.pth"
    for other in ([1, 2], torch.zeros(3), weights | {first: "text"}, weights | {first: torch.zeros(64, 3, 5, 5)}):
        torch.save(other, path)
        with pytest.raises(ValueError, match=r"other\.pth"):
            load_vgg19(path)
    named = {key.replace(first, "conv1_1.weight"): value for key, value in weights.items()}
    torch.save(named, path)
    with pytest.raises(ValueError, match="preprocess"):
        load_vgg19(path)


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


def truncated_copy(picture: Path, path: Path) -> Path:
    """A picture of which the rest is missing."""
    Image.open(picture).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def test_photos_to_learn_from_are_found_and_opened_by_the_same_list(tmp_path: Path) -> None:
    for name in ("b.bmp", "a.jpg", "._a.jpg", "c.eps", "d.kra"):
        (tmp_path / name).write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in find_pictures(tmp_path)] == ["a.jpg", "b.bmp"]
    with pytest.raises(OSError, match=r"a\.jpg cannot be read"):  # and is not handed to an interpreter of PostScript
        open_picture(tmp_path / "a.jpg")
    Image.init()
    assert set(PILLOW_FORMATS) <= set(Image.OPEN)


def test_a_picture_that_cannot_be_read_is_named(data: Path, tmp_path: Path) -> None:
    truncated = truncated_copy(data / "photos" / "0.png", tmp_path / "truncated.jpg")
    for path in (truncated, data / "photos" / "broken.png", tmp_path / "none.png"):
        with pytest.raises(OSError, match=path.name):
            load_rgb(path)


def test_styles_skip_what_cannot_be_read(data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    truncated = truncated_copy(data / "photos" / "0.png", tmp_path / "truncated.jpg")
    crops = StyleCrops([[truncated], [data / "red dots.png"]], 32)
    torch.manual_seed(0)
    with caplog.at_level(logging.WARNING):
        assert all(crops[0].shape == (3, 32, 32) for _ in range(10))
    assert "truncated.jpg" in caplog.text
    assert preview_photos([truncated, data / "red dots.png"]).shape == (1, 3, 256, 256)


@pytest.mark.parametrize("crops", [PhotoCrops, lambda paths, crop: StyleCrops([paths], crop)])
def test_crops_give_up_where_nothing_can_be_read(data: Path, crops: Any) -> None:
    broken = [data / "photos" / "broken.png"]
    with pytest.raises(BadRequest, match="in a row"):
        crops(broken, 32)[0]
    with pytest.raises(BadRequest, match="samples"):
        preview_photos(broken)


@pytest.mark.parametrize(("name", "kind"), [("gray.png", np.uint16), ("gray.tif", np.uint16), ("gray.tif", np.int32)])
def test_gray_pictures_of_16_bits_keep_their_grays(tmp_path: Path, name: str, kind: type) -> None:
    grays = np.linspace(0, 65535, 256).reshape(16, 16)
    Image.fromarray(grays.astype(kind)).save(tmp_path / name)
    loaded = load_rgb(tmp_path / name)
    assert torch.equal(loaded, torch.arange(256).to(torch.uint8).reshape(1, 16, 16).expand(3, -1, -1))


def test_a_picture_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_picture: Image.Image, path: Path, *_: object, **__: object) -> None:
        path.write_bytes(b"the beginning")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Image.Image, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            save_picture(torch.rand(3, 8, 8), tmp_path / "one.jpg")
    assert find_pictures(tmp_path) == []
    save_picture(torch.rand(3, 8, 8), tmp_path / "one.jpg")
    save_picture(torch.rand(1, 8, 8), tmp_path / "one.png")
    assert [Image.open(path).format for path in find_pictures(tmp_path)] == ["JPEG", "PNG"]


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
    assert style_layers(vgg.names) == list(STYLE_LAYERS)
