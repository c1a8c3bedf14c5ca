"""The network that finds the subject: its shapes, its files, its encoder's two sources, its training."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from skimage import data
from skimage.measure import label
from torch import nn
from torchvision.models import mobilenet_v2

from impasto.cli import main
from impasto.engines.fixed.engine import FixedEngine
from impasto.masking.finder import SubjectFinder
from impasto.masking.subject import find_mask, without_specks, working_size
from impasto.nets.unet import SubjectNet
from impasto.training.mask_losses import mask_loss, mask_scores
from impasto.training.masks import MaskTrainingOptions, evaluate
from impasto.training.painted import paint_copies
from impasto.training.photos import find_pictures, load_rgb, name_of_own
from impasto.training.subjects import SubjectCrops, find_subjects, load_mask, random_view
from impasto.training.weak_masks import mask_photos
from impasto.zoo.library import Library, shipped_models
from impasto.zoo.storage import read_card
from impasto.zoo.subject import FILE_NAME, load_encoder, load_subject_net, save_subject_net, subject_model
from impasto_link.errors import BadRequest, ModelProblem


@pytest.fixture(scope="module")
def net() -> SubjectNet:
    torch.manual_seed(0)
    return SubjectNet().eval().requires_grad_(False)


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    """A file with an untrained MobileNetV2."""
    torch.manual_seed(0)
    path = tmp_path / "encoder.safetensors"
    save_file({k: v.contiguous() for k, v in mobilenet_v2().state_dict().items()}, path)
    return path


@pytest.fixture
def finder() -> SubjectFinder:
    return SubjectFinder(Library(), torch.device("cpu"))


@pytest.mark.parametrize("size", [(320, 320), (1, 1), (40, 4000), (3000, 20), (375, 500)])
def test_a_picture_of_any_size_has_a_mask(net: SubjectNet, size: tuple[int, int]) -> None:
    found = find_mask(net, torch.rand(1, 3, *size))
    assert found.shape[-2:] == working_size(*size)
    assert 0 <= found.min() <= found.max() <= 1


def test_the_working_size_keeps_the_shape() -> None:
    assert working_size(320, 320) == (320, 320)
    for height, width in ((480, 640), (4000, 6000), (1920, 1080)):
        down, across = working_size(height, width)
        assert down / across == pytest.approx(height / width, rel=0.1)
        assert down * across == pytest.approx(320 * 320, rel=0.15)


def test_specks_go_and_thin_parts_stay() -> None:
    mask = torch.zeros(1, 1, 96, 96)
    mask[..., 30:70, 30:70] = 0.9
    mask[..., 48:51, 70:90] = 0.9  # a tail
    mask[..., 28:30, 30:70] = 0.2  # a soft rim
    expected = mask.clone()
    mask[..., 5:10, 5:10] = 0.9
    mask[..., 60:90, 0:3] = 0.9  # along the border
    assert torch.equal(without_specks(mask), expected)


def test_saved_and_loaded_it_finds_the_same(net: SubjectNet, tmp_path: Path) -> None:
    trained = SubjectNet("same").train()
    trained(torch.rand(2, 3, 64, 64))  # so that the normalisation has statistics
    trained.eval()
    path = tmp_path / FILE_NAME
    save_subject_net(path, trained, {"title": "a test"})
    loaded = load_subject_net(path)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in loaded.modules())
    photo = torch.rand(1, 3, 96, 128)
    with torch.no_grad():
        torch.testing.assert_close(loaded(photo), trained(photo), atol=2e-2, rtol=1e-2)  # stored as float16
    assert path.stat().st_size < 8_000_000


@pytest.mark.parametrize("content", [b"", b"not a model"])
def test_a_damaged_file_is_said(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / FILE_NAME
    with pytest.raises(ModelProblem):
        load_subject_net(path)
    path.write_bytes(content)
    with pytest.raises(ModelProblem):
        load_subject_net(path)


def test_the_encoder_is_torchvisions(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its normalisation folded it gives what torchvision's own gives, of normalised input."""
    torch.manual_seed(0)
    theirs = mobilenet_v2(weights=None)
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.running_mean = torch.randn_like(module.bias) * 0.1
            module.running_var = torch.rand_like(module.bias) + 0.5
    theirs.eval()
    from torchvision.models import MobileNet_V2_Weights

    monkeypatch.setattr(MobileNet_V2_Weights, "get_state_dict", lambda *_, **__: theirs.state_dict())
    photo = torch.rand(1, 3, 96, 96)
    mean, std = (torch.tensor(v)[:, None, None] for v in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        ours = load_encoder().eval()(2 * photo - 1)[-1]
        expected = theirs.features[:18]((photo - mean) / std)
    # Outside of the picture torchvision's sees its mean colour, ours gray; that reaches the border only.
    torch.testing.assert_close(ours[..., 1, 1], expected[..., 1, 1], atol=0.05, rtol=0.05)


def test_an_encoder_file_of_something_else_is_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="MobileNetV2"):
        load_encoder(tmp_path / "other.safetensors")


def test_the_loss_knows_good_from_bad_and_weak_masks_from_good_ones() -> None:
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 16:48, 16:48] = 1
    strong, weak = torch.zeros(1), torch.ones(1)
    good, bad = 8 * (2 * mask - 1), -8 * (2 * mask - 1)
    assert float(mask_loss(good, mask, strong, 0.4)) < 0.02
    assert float(mask_loss(bad, mask, strong, 0.4)) > 5
    assert float(mask_loss(bad, mask, weak, 0.4)) < float(mask_loss(bad, mask, strong, 0.4)) / 2
    # A mask that is one pixel off costs a weak label nearly nothing.
    shifted = 8 * (2 * mask.roll(1, -1) - 1)
    assert float(mask_loss(shifted, mask, weak, 0.4)) < 0.2 * float(mask_loss(shifted, mask, strong, 0.4))


def test_scores_are_those_of_their_definitions() -> None:
    mask, found = torch.zeros(1, 1, 100, 100), torch.zeros(1, 1, 100, 100)
    mask[..., 20:60, 20:60] = 1
    found[..., 20:60, 40:80] = 1
    scores = mask_scores(found, mask)
    assert scores["iou"] == pytest.approx(1 / 3)
    assert scores["dice"] == pytest.approx(1 / 2)
    assert scores["mae"] == pytest.approx(1600 / 10000)
    assert 0 < scores["boundary"] < 0.8
    assert mask_scores(mask, mask) == {"iou": 1.0, "dice": 1.0, "mae": 0.0, "boundary": 1.0}


@pytest.mark.parametrize("size", [(480, 320), (100, 300), (64, 64)])
def test_views_are_square_and_within_range(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    for _ in range(20):
        view = random_view(torch.rand(4, *size), 96)
        assert view.shape == (4, 96, 96)
        assert view.min() >= 0
        assert view.max() <= 1


def test_a_network_is_trained_exported_and_goes_on(tmp_path: Path, astronaut: np.ndarray, encoder: Path) -> None:
    subjects, weak, photos, scenes, by_model = (
        tmp_path / name for name in ("subjects", "weak", "photos", "scenes", "work/u2net")
    )
    for folder in (subjects, weak, photos, scenes, by_model):
        folder.mkdir(parents=True)
    mask = np.zeros((96, 128), np.uint8)
    mask[20:80, 30:90] = 255
    for number in range(3):
        photo = Image.fromarray(astronaut[100 * number : 100 * number + 96, 100:228])
        photo.save(subjects / f"set_{number}.jpg")
        Image.fromarray(mask).save(subjects / f"set_{number}.png")
        other = photos / f"other_{number}.jpg"
        photo.save(other)
        Image.fromarray(mask).save(weak / f"other_{number}.png")
        # As another network would have left it: of the last one it is not sure.
        Image.fromarray(mask if number < 2 else np.full_like(mask, 90)).save(by_model / f"{name_of_own(other)}.png")
    photo.save(scenes / "empty.jpg")
    command = [
        "train", "mask", "--subjects", str(subjects), "--val", str(subjects), "--weak", str(weak),
        "--weak-model", "u2net",
        "--photos", str(photos), "--backgrounds", str(scenes), "--encoder", str(encoder),
        "--work", str(tmp_path / "work"), "--output", str(tmp_path / "out"), "--batch", "2", "--side", "64",
        "--device", "cpu",
    ]  # fmt: skip
    assert main([*command, "--steps", "2"]) == 0
    assert len(list((tmp_path / "work" / "painted").glob("*.jpg"))) == 6
    assert main([*command, "--steps", "3"]) == 0
    assert main([*command, "--steps", "3", "--export"]) == 0
    card = json.loads((tmp_path / "out" / "subject.json").read_text())
    assert card["training"]["steps"] == 3
    assert card["training"]["weak_subjects"] == 3
    assert card["training"]["weak_masks_by"] == ["weak", "u2net"]
    assert str(tmp_path) not in json.dumps(card)
    assert set(card["quality"]) == {"set", "all"}
    assert [stretch["from_step"] for stretch in card["training"]["history"]] == [0, 2]
    load_subject_net(tmp_path / "out" / FILE_NAME)


def train_one_step(folder: Path, encoder: Path, astronaut: np.ndarray, work: str, *more: str) -> int:
    """Train on a single picture; all files are in the folder. The exit status."""
    Image.fromarray(astronaut[:128, 160:288]).save(folder / "one.jpg")
    Image.new("L", (128, 128), 255).save(folder / "one.png")
    return main([
        "train", "mask", "--subjects", str(folder), "--encoder", str(encoder), "--no-painted", "--batch", "2",
        "--side", "64", "--steps", "1", "--device", "cpu", "--work", str(folder / work), "--output", str(folder / work),
        *more,
    ])  # fmt: skip


def test_a_seed_says_all_of_a_training(tmp_path: Path, astronaut: np.ndarray, encoder: Path) -> None:
    made = []
    for work, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        assert train_one_step(tmp_path, encoder, astronaut, work, "--seed", seed) == 0
        made.append((tmp_path / work / FILE_NAME).read_bytes())
    assert made[0] == made[1] != made[2]


def test_what_went_apart_is_averaged(tmp_path: Path, astronaut: np.ndarray, encoder: Path) -> None:
    for seed in "567":
        assert train_one_step(tmp_path, encoder, astronaut, seed, "--seed", seed) == 0
    nets = [load_file(tmp_path / seed / FILE_NAME)["head.bias"] for seed in "567"]
    others = [str(tmp_path / seed) for seed in "67"]
    assert train_one_step(tmp_path, encoder, astronaut, "5", "--average", *others) == 1, "without --export"
    assert train_one_step(tmp_path, encoder, astronaut, "5", "--export", "--average", *others) == 0
    mean = load_file(tmp_path / "5" / FILE_NAME)["head.bias"]
    assert torch.allclose(mean, torch.stack(nets).mean(0), atol=1e-6)
    assert not torch.allclose(mean, nets[0], atol=1e-6)
    training = read_card(tmp_path / "5" / FILE_NAME)["training"]
    assert [one["history"][0]["seed"] for one in training["averaged_with"]] == [6, 7]


def test_training_learns_on_from_the_network_that_is_installed(
    tmp_path: Path,
    astronaut: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    encoder: Path,
) -> None:
    monkeypatch.setenv("IMPASTO_MODELS", str(tmp_path / "mine"))
    Image.fromarray(astronaut[:128, 160:288]).save(tmp_path / "one.jpg")
    Image.new("L", (128, 128), 255).save(tmp_path / "one.png")
    command = [
        "train", "mask", "--subjects", str(tmp_path), "--start", "--no-painted", "--work", str(tmp_path / "work"),
        "--batch", "2", "--side", "64", "--steps", "1", "--learning-rate", "0", "--device", "cpu",
    ]  # fmt: skip
    before = load_subject_net(subject_model())
    for _ in range(2):  # the second call finds its own result installed, and nothing left to do
        assert main(command) == 0
        assert subject_model().is_relative_to(tmp_path)
        training = read_card(subject_model())["training"]
        assert "encoder" not in training
        (stretch,) = training["history"]
        assert stretch["learned_before"] == read_card(shipped_models() / FILE_NAME)["training"]
    # A folder in which a training began otherwise is not taken for one's own.
    assert main([*(word for word in command if word != "--start"), "--encoder", str(encoder)]) == 1
    assert "is of another training" in capsys.readouterr().err
    photo = torch.from_numpy(astronaut).permute(2, 0, 1)[None].float() / 255
    after = load_subject_net(subject_model())
    assert (find_mask(after, photo) - find_mask(before, photo)).abs().mean() < 0.01


def test_masks_of_another_network_count_where_it_is_sure(tmp_path: Path, finder: SubjectFinder) -> None:
    photos, masks = tmp_path / "photos", tmp_path / "masks"
    photos.mkdir()
    masks.mkdir()
    for name, gray in {"clear": 255, "doubtful": 100, "empty": 0}.items():
        photo = photos / f"{name}.jpg"
        Image.new("RGB", (40, 40)).save(photo)
        mask = Image.new("L", (40, 40))
        mask.paste(gray, (10, 10, 30, 30))
        mask.save(masks / f"{name_of_own(photo)}.png")
    found = mask_photos(sorted(photos.glob("*.jpg")), masks, "u2net", finder)
    assert [(one.picture.stem, one.weak) for one in found] == [("clear", True)]
    assert mask_photos([], masks, "u2net", finder) == []


def test_masks_belong_to_their_photos_in_folders_in_other_formats_and_despite_a_damaged_one(
    tmp_path: Path, finder: SubjectFinder
) -> None:
    photos, masks = tmp_path / "photos", tmp_path / "masks"
    (photos / "sub").mkdir(parents=True)
    pictures = {"a.png": data.astronaut(), "sub/a.jpg": data.chelsea(), "sub/c.jpg": data.coffee()}
    for name, pixels in pictures.items():
        Image.fromarray(pixels).resize((240, 200)).save(photos / name, quality=95)
    (photos / "damaged.jpg").write_bytes(b"no picture")
    found = mask_photos(find_pictures(photos), masks, "impasto", finder)
    assert {"a.png", "sub/a.jpg"} <= {one.picture.relative_to(photos).as_posix() for one in found} <= pictures.keys()
    for one in found:
        expected = finder.find(load_rgb(one.picture)[None].float() / 255, "impasto")
        assert (load_mask(one.mask).float() / 255 - expected).abs().max() < 0.01
        assert one.weak
    made = {path: path.stat().st_mtime_ns for path in masks.iterdir()}
    assert mask_photos(find_pictures(photos), masks, "impasto", finder) == found
    assert {path: path.stat().st_mtime_ns for path in masks.iterdir()} == made


def test_painted_copies_belong_to_their_pictures(tmp_path: Path) -> None:
    class Engine:
        studio = SimpleNamespace(
            library=SimpleNamespace(styles=lambda: [SimpleNamespace(name="plain")]),
        )
        paint = staticmethod(lambda picture, *_: picture)

    for folder, gray in {"people": 40, "cats": 200}.items():
        (tmp_path / folder).mkdir()
        Image.new("RGB", (32, 32), (gray, gray, gray)).save(tmp_path / folder / "001.jpg")
        Image.new("L", (32, 32), 255).save(tmp_path / folder / "001.png")
    subjects = find_subjects(tmp_path / "people") + find_subjects(tmp_path / "cats")
    (tmp_path / "damaged.jpg").write_bytes(b"no picture")
    pictures = [*(one.picture for one in subjects), tmp_path / "damaged.jpg"]
    paint_copies(pictures, tmp_path / "painted", cast(FixedEngine, Engine()))
    assert len(list((tmp_path / "painted").iterdir())) == 2
    copies = [one.with_painted(tmp_path / "painted").painted for one in subjects]
    assert [round(float(load_rgb(copy).float().mean())) for copy in copies if copy] == [40, 200]


def test_damaged_pictures_and_masks_are_left_out(
    net: SubjectNet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("good", "cut", "unmasked"):
        Image.effect_noise((64, 64), 50).convert("RGB").save(tmp_path / f"{name}.jpg")
        Image.new("L", (64, 64), 255).save(tmp_path / f"{name}.png")
    for damaged in (tmp_path / "cut.jpg", tmp_path / "unmasked.png"):
        damaged.write_bytes(damaged.read_bytes()[: damaged.stat().st_size // 2])
    subjects = find_subjects(tmp_path)
    crops = SubjectCrops(subjects, [tmp_path / "cut.jpg"], 32)
    torch.manual_seed(0)
    with caplog.at_level(logging.WARNING):
        assert {tuple(crops[index][0].shape) for index in range(3)} == {(3, 32, 32)}
        assert set(evaluate(net, subjects)) == {"good", "all"}
    assert "cut.jpg" in caplog.text
    assert "unmasked.png" in caplog.text
    with pytest.raises(BadRequest, match="in a row"):
        SubjectCrops([one for one in subjects if one.group != "good"], [], 32)[0]


def test_sets_are_seen_as_often_as_asked(tmp_path: Path) -> None:
    for name in ("cats_1", "cats_2", "cats_3", "cats_4", "people_1"):
        Image.new("RGB", (8, 8)).save(tmp_path / f"{name}.jpg")
        Image.new("L", (8, 8)).save(tmp_path / f"{name}.png")
    subjects = find_subjects(tmp_path)
    plain = SubjectCrops(subjects, [], 32).sampling_weights()
    assert sum(plain[:4]) == pytest.approx(2 * plain[4])  # neither as their number, 4 : 1, nor alike
    asked = SubjectCrops(subjects, [], 32, {"people": 3.0}).sampling_weights()
    assert asked == pytest.approx([*plain[:4], 3 * plain[4]])


def test_without_variety_a_view_is_the_picture(tmp_path: Path, astronaut: np.ndarray) -> None:
    picture = Image.fromarray(astronaut).resize((64, 64))
    picture.save(tmp_path / "one_1.png")
    picture.save(tmp_path / "one_1.jpg", quality=100)
    crops = SubjectCrops(find_subjects(tmp_path), [tmp_path / "one_1.jpg"], 64, variety=0.0)
    seen, mask = load_rgb(tmp_path / "one_1.jpg") / 255, load_mask(tmp_path / "one_1.png") / 255
    torch.manual_seed(0)
    mirrored = set()
    for view, its_mask, _ in (crops[0] for _ in range(12)):
        for flip in (False, True):
            expected = [x.flip(-1) if flip else x for x in (seen, mask)]
            if all((x - y).abs().max() < 0.01 for x, y in zip((view, its_mask), expected, strict=True)):
                mirrored.add(flip)
                break
        else:
            pytest.fail("this view is another picture")
    assert mirrored == {False, True}
    with pytest.raises(BadRequest, match="variety"):
        MaskTrainingOptions(variety=1.5)


def test_some_subjects_are_joined_by_another_one(tmp_path: Path) -> None:
    for name in ("set_1", "set_2"):
        Image.new("RGB", (90, 90), "gray").save(tmp_path / f"{name}.jpg")
        mask = Image.new("L", (90, 90))
        mask.paste(255, (40, 40, 50, 50))
        mask.save(tmp_path / f"{name}.png")
    crops = SubjectCrops(find_subjects(tmp_path), [], 64)
    torch.manual_seed(0)
    counted = {int(label((crops[0][1][0] > 0.5).numpy()).max()) for _ in range(40)}
    assert {1, 2} <= counted


def test_a_subject_is_joined_only_by_one_of_its_set(tmp_path: Path) -> None:
    for name, shade in (("small_1", 0), ("whole_1", 255)):
        Image.new("RGB", (90, 90), "gray").save(tmp_path / f"{name}.jpg")
        mask = Image.new("L", (90, 90), shade)
        mask.paste(255, (40, 40, 50, 50))
        mask.save(tmp_path / f"{name}.png")
    crops = SubjectCrops(find_subjects(tmp_path), [], 64)
    torch.manual_seed(0)
    assert max(float(crops[0][1].mean()) for _ in range(60)) < 0.2


def test_subjects_are_pairs_of_files(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "a_1.jpg")
    Image.new("L", (8, 8)).save(tmp_path / "a_1.png")
    Image.new("L", (8, 8)).save(tmp_path / "alone.png")
    found = find_subjects(tmp_path)
    assert [(one.picture.name, one.group, one.weak) for one in found] == [("a_1.jpg", "a", False)]
