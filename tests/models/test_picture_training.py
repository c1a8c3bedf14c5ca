"""The trainings for pictures as styles, in a few steps; and what `impasto keep` and `impasto inspect` make."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from skimage.data import astronaut, brick, coffee

from impasto.cli import main
from impasto.inspection import draw_sheet
from impasto.nets.look import Statistics, see_styles, style_distance
from impasto.nets.style_bank import StyleBankNet
from impasto.training.adain import AdaINOptions, AdaINTrainer
from impasto.training.arbitrary import measure_styles
from impasto.training.exemplars import save_exemplars
from impasto.training.photos import StyleCrops, find_pictures
from impasto.training.predictor import PredictorOptions, PredictorTrainer
from impasto.training.recipe import StyleRecipe
from impasto.zoo.bank import fingerprint, load_body, load_codes, save_bank
from impasto.zoo.encoder import load_compact_encoder
from impasto.zoo.features import FeatureSource
from impasto.zoo.library import Library, shipped_models
from impasto.zoo.storage import read_card
from impasto.zoo.vgg import load_vgg19


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for kind, pictures in {
        "photos": [astronaut()[:128, :128], coffee()[:120, :160]],
        "paintings": [coffee()[100:300, 100:300], astronaut()[200:400, :300]],
        "textures": [np.stack([brick()[:150, :150]] * 3, -1)],
    }.items():
        (folder / kind).mkdir()
        for number, picture in enumerate(pictures):
            Image.fromarray(picture).save(folder / kind / f"{kind} {number}.png")
    return folder


def train(kind: str, data: Path, vgg: Path, output: Path, *more: str) -> int:
    return main(
        ["train", kind, "--photos", str(data / "photos"), "--paintings", str(data / "paintings"),
         "--textures", str(data / "textures"), "--unseen", "paintings 1", "--vgg", str(vgg), "--device", "cpu",
         "--output", str(output), "--work", str(output / kind), "--crop", "48", "--batch", "2", *more]
    )  # fmt: skip


def test_encoder_predictor_and_decoder_are_trained_and_go_on(
    data: Path, vgg_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IMPASTO_MODELS", str(tmp_path))
    assert train("encoder", data, vgg_file, tmp_path, "--steps", "2") == 0
    assert train("encoder", data, vgg_file, tmp_path, "--steps", "3") == 0
    assert torch.load(tmp_path / "encoder" / "checkpoint.pt", weights_only=True)["step"] == 3
    for kind in ("predictor", "adain"):
        assert train(kind, data, vgg_file, tmp_path, "--steps", "2", "--views", "3") == 0
        assert (tmp_path / kind / "samples.jpg").is_file()
        assert train(kind, data, vgg_file, tmp_path, "--export") == 0
    for name in ("encoder", "classic-predictor", "adain"):
        card = json.loads((tmp_path / f"{name}.json").read_text())
        assert card["training"]["steps"] in (2, 3)
        assert card["training"]["paintings"] == ["paintings 0.png"]
        assert card["licence"] == "Apache-2.0"
    predictor = json.loads((tmp_path / "classic-predictor.json").read_text())
    assert predictor["body"] == fingerprint(load_body(shipped_models() / "classic.safetensors"))


def test_one_style_and_one_view_are_enough(data: Path, vgg_file: Path) -> None:
    cpu, photos, classic = torch.device("cpu"), find_pictures(data / "photos"), shipped_models() / "classic.safetensors"
    encoder, vgg = load_compact_encoder(), load_vgg19(vgg_file)
    styles = measure_styles([photos], 1, 64, encoder, vgg, cpu)
    code = next(iter(load_codes(classic).values())).at()[None]
    predictor = PredictorTrainer(
        load_body(classic), code, styles, photos, encoder, vgg, PredictorOptions(crop=48, batch=1), cpu
    )
    decoder = AdaINTrainer(encoder, styles, photos, vgg, AdaINOptions(crop=48, batch=1), cpu)
    for trainer, net in ((predictor, predictor.predictor), (decoder, decoder.decoder)):
        assert np.isfinite(trainer.train_step()["gradient"])
        assert all(value.isfinite().all() for value in net.state_dict().values())


def test_what_is_kept_of_a_view_is_what_the_loss_compares_with(data: Path, vgg_file: Path) -> None:
    cpu, sources = torch.device("cpu"), [find_pictures(data / "paintings")]
    encoder, vgg, layers = load_compact_encoder(), load_vgg19(vgg_file), ["relu1_1", "relu4_1"]
    torch.manual_seed(1)
    kept = measure_styles(sources, 3, 64, encoder, vgg, cpu)
    torch.manual_seed(1)
    crops = StyleCrops(sources, 64)
    views = torch.stack([crops[0] for _ in range(3)])
    assert len(kept) == 3
    order = torch.tensor([2, 0])
    given, wanted = kept.of(order, cpu).look, see_styles(vgg, views[order], layers)
    for one, other in zip(given.sizes, wanted.sizes, strict=True):
        for layer in layers:
            assert float(style_distance(one[layer], other[layer]).max()) < 1e-3
            # Of another view it is not.
            assert float(style_distance(one[layer], Statistics(*(x.flip(0) for x in other[layer]))).min()) > 0.1
    torch.testing.assert_close(given.dots, wanted.dots)


def test_decoder_and_predictor_learn_to_paint_like_a_style(data: Path, vgg_file: Path) -> None:
    cpu, photos, classic = torch.device("cpu"), find_pictures(data / "photos"), shipped_models() / "classic.safetensors"
    encoder, vgg = load_compact_encoder(), load_vgg19(vgg_file)
    styles = measure_styles([find_pictures(data / "paintings")[:1]], 1, 64, encoder, vgg, cpu)
    numbers: dict[str, Any] = {"steps": 30, "crop": 48, "batch": 1, "warmup": 1, "learning_rate": 3e-3}
    codes = torch.stack([codes.at() for codes in load_codes(classic).values()])
    trainers = [
        AdaINTrainer(encoder, styles, photos[:1], vgg, AdaINOptions(**numbers), cpu),
        PredictorTrainer(
            load_body(classic), codes, styles, photos[:1], encoder, vgg,
            PredictorOptions(**numbers), cpu,
        ),
    ]  # fmt: skip
    for trainer in trainers:
        losses = [trainer.train_step()["loss"] for _ in range(12)]
        assert sum(losses[-3:]) < 0.9 * sum(losses[:3])


def test_decoder_and_predictor_learn_on_from_networks(
    data: Path, vgg_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMPASTO_MODELS", str(tmp_path))
    still = ["--steps", "1", "--views", "2", "--learning-rate", "0"]
    # The one that is installed, or a file.
    for kind, name in (("adain", "adain"), ("predictor", "classic-predictor")):
        shipped = shipped_models() / f"{name}.safetensors"
        start = [] if kind == "adain" else [str(shipped)]
        assert train(kind, data, vgg_file, tmp_path, *still, "--start", *start) == 0
        assert load_file(tmp_path / f"{name}.safetensors").keys() == load_file(shipped).keys()
        for key, tensor in load_file(tmp_path / f"{name}.safetensors").items():
            assert torch.equal(tensor, load_file(shipped)[key])
        training = json.loads((tmp_path / f"{name}.json").read_text())["training"]
        assert training["history"][0]["learned_before"] == read_card(shipped)["training"]
    for file, said in (("nowhere.safetensors", "nowhere"), (str(shipped), "adain-decoder")):
        assert train("adain", data, vgg_file, tmp_path, *still, "--start", file) == 1
        assert said in capsys.readouterr().err
    net = StyleBankNet(width=4, blocks=1)
    save_bank(tmp_path / "small.safetensors", net, {"a": net.neutral_code()[None, None]}, [{"name": "a"}], {})
    small = ["--bank", "small", "--start"]
    assert train("predictor", data, vgg_file, tmp_path, *still, *small) == 1
    assert "no network to learn on from" in capsys.readouterr().err
    assert train("predictor", data, vgg_file, tmp_path, *still, *small, str(shipped)) == 1
    assert "another kind of network" in capsys.readouterr().err


def test_a_training_without_pictures_says_so(
    tmp_path: Path, vgg_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("encoder", tmp_path, vgg_file, tmp_path) == 1
    assert "no pictures" in capsys.readouterr().err


def test_views_of_styles_come_from_every_kind_and_fill_the_crop(data: Path) -> None:
    torch.manual_seed(0)
    crops = StyleCrops([find_pictures(data / "paintings"), find_pictures(data / "textures")], 40)
    views = torch.stack([crops[0] for _ in range(40)])
    assert views.shape == (40, 3, 40, 40)
    assert float(views.min()) >= 0
    assert float(views.max()) <= 1
    gray = (views - views.mean(1, keepdim=True)).abs().amax((1, 2, 3)) < 0.02
    assert 5 < int(gray.sum()) < 35


def test_views_of_styles_get_the_colours_of_others(data: Path, tmp_path: Path) -> None:
    teal = tmp_path / "teal.png"
    Image.fromarray(np.random.default_rng(0).integers((0, 90, 90), (9, 160, 160), (90, 90, 3), np.uint8)).save(teal)
    torch.manual_seed(0)
    crops = StyleCrops([find_pictures(data / "textures"), [teal]], 40, recolor=0, mix=1)
    views = torch.stack([crops[0] for _ in range(24)])
    # Neighbouring pixels of bricks are alike, those of noise are not.
    light = views.mean(1)
    bricks = (light[..., 1:] - light[..., :-1]).abs().mean((1, 2)) < 0.5 * light.std((1, 2))
    is_teal = views[:, 2].mean((1, 2)) - views[:, 0].mean((1, 2)) > 0.3
    assert {(bool(one), bool(other)) for one, other in zip(bricks, is_teal, strict=True)} == {
        (True, True), (True, False), (False, True), (False, False)
    }  # fmt: skip


def test_a_picture_is_kept_as_a_style_of_the_library(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMPASTO_MODELS", str(tmp_path / "not yet made"))
    picture = str(data / "paintings" / "paintings 0.png")
    assert main(["keep", picture, "--title", "My Cup", "--artist", "Me"]) == 0
    style = Library().style("paintings-0")
    assert (style.title, style.artist) == ("My Cup", "Me")
    assert style.thumbnail() is not None
    assert style.exemplar() is not None
    (code,) = load_codes(style.bank.weights).values()
    assert len(code.at()) == len(next(iter(load_codes(shipped_models() / "classic.safetensors").values())).at())
    assert main(["keep", picture, "--title", "Again"]) == 0
    assert Library().style("paintings-0").title == "Again"
    another = tmp_path / "elsewhere" / "paintings 0.png"
    another.parent.mkdir()
    Image.new("RGB", (64, 64), "teal").save(another)
    assert main(["keep", str(another)]) == 1, "another picture of the same name"
    assert Library().style("paintings-0").title == "Again"
    assert main(["keep", picture, "--name", "udnie"]) == 1
    assert "already" in capsys.readouterr().err


def test_a_picture_is_not_kept_in_place_of_a_trained_bank(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMPASTO_MODELS", str(tmp_path))
    picture, bank = str(data / "paintings" / "paintings 0.png"), tmp_path / "mine.safetensors"
    net = StyleBankNet(width=4, blocks=1)
    # Of the same name as one of its styles, too.
    for names in (["night", "day"], ["mine", "day"], ["mine"]):
        codes = {name: net.neutral_code()[None, None] for name in names}
        save_bank(bank, net, codes, [{"name": name} for name in names], {})
        before = bank.read_bytes()
        assert main(["keep", picture, "--name", "mine"]) == 1
        assert "mine.safetensors" in (error := capsys.readouterr().err)
        assert "--name" in error
        assert bank.read_bytes() == before
    bank.with_suffix(".json").unlink()
    assert main(["keep", picture, "--name", "mine"]) == 1
    assert bank.read_bytes() == before


@pytest.mark.parametrize("name", ["subject", "Encoder", "adain", "vgg19", "classic predictor"])
def test_a_picture_does_not_take_the_place_of_another_model(
    data: Path, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IMPASTO_MODELS", str(tmp_path / "models"))
    picture = tmp_path / f"{name}.png"
    picture.write_bytes((data / "paintings" / "paintings 0.png").read_bytes())
    assert main(["keep", str(picture)]) == 1
    assert "Another model" in capsys.readouterr().err
    assert not (tmp_path / "models").exists()
    assert main(["keep", str(picture), "--name", f"my {name}"]) == 0


def test_examples_of_styles_have_their_colours_and_are_painted_once(data: Path, vgg_file: Path, tmp_path: Path) -> None:
    red = tmp_path / "red.png"
    Image.fromarray(np.random.default_rng(0).integers((150, 0, 0), (255, 60, 60), (90, 90, 3), np.uint8)).save(red)
    styles = (StyleRecipe("cup", (data / "paintings" / "paintings 0.png",), trim=0.05), StyleRecipe("red", (red,)))
    bank = tmp_path / "mine.safetensors"
    save_exemplars(bank, styles, load_vgg19(vgg_file), torch.device("cpu"), side=64, iterations=1)
    painted = tmp_path / "mine.exemplars" / "red.jpg"
    colors = np.asarray(Image.open(painted)).reshape(-1, 3).mean(0)
    assert colors[0] > 150
    assert colors[1:].max() < 90
    changed = painted.stat().st_mtime_ns
    save_exemplars(bank, styles, load_vgg19(vgg_file), torch.device("cpu"), side=64, iterations=1)
    assert painted.stat().st_mtime_ns == changed


def test_a_sheet_of_what_a_network_sees_is_drawn(data: Path, tmp_path: Path) -> None:
    picture, photo = str(data / "paintings" / "paintings 0.png"), str(data / "photos" / "photos 0.png")
    sheet = tmp_path / "sheet.png"
    assert main(["inspect", picture, "-o", str(sheet), "--features", "compact"]) == 0
    alone = Image.open(sheet).size
    compared = ["--photo", photo, "--result", str(data / "photos" / "photos 1.png")]
    assert main(["inspect", picture, "-o", str(sheet), "--features", "compact", *compared]) == 1, "is there already"
    wider = ["--existing", "replace", *compared]
    assert main(["inspect", picture, "-o", str(sheet), "--features", "compact", *wider]) == 0
    assert Image.open(sheet).size[1] > alone[1]
    assert main(["inspect", picture, "-o", str(tmp_path / "sheet.txt"), "--features", "compact"]) == 1


@pytest.mark.parametrize(
    ("names", "charts"),
    [
        (["photo"], ["distance of style (Gram)"]),
        (["photo", "painting"], ["distance of style (Gram)", "distance of content from photo"]),
    ],
)
def test_the_charts_of_a_sheet_have_places_of_their_own(names: list[str], charts: list[str]) -> None:
    net, _ = FeatureSource(Library(), torch.device("cpu"), torch.float32).get("compact")
    others = {name: torch.rand(1, 3, 64, 96) for name in names}
    figure = draw_sheet(net, torch.rand(1, 3, 96, 64), "noise", others, "photo")
    figure.draw_without_rendering()
    boxes = [axes.get_window_extent() for axes in figure.axes]
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    # A chart without bars has no legend.
    assert [axes.get_title() for axes in figure.axes if axes.get_legend()] == charts
    assert len(figure.axes) == 4 * 7 + len(charts)
