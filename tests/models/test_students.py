"""Students: small networks that paint like a bank's. Here of networks that are tiny themselves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from torch import Tensor
from torchvision.transforms.v2 import functional as TF

from impasto.cli import main
from impasto.engines.base import Studio, Wanted
from impasto.engines.pictures import StyleReader
from impasto.engines.registry import make_engine
from impasto.export.check import psnr
from impasto.nets.style_bank import StyleBankNet
from impasto.progress import silent
from impasto.training.pruning import Gates, cut, groups_of
from impasto.training.student import measure
from impasto.training.student_net import StudentOptions, StudentTrainer, Teacher
from impasto.zoo.bank import fingerprint, load_body, load_codes, save_bank
from impasto.zoo.encoder import load_compact_encoder
from impasto.zoo.library import Library, shipped_models
from impasto.zoo.student import find_student, load_student_codes, student_at
from impasto_link.coats import StyleChoice
from impasto_link.errors import BadRequest, ModelProblem
from small_models import GRID, NAMES, save_small_models, small_codes, small_net


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of smooth pictures of chance."""
    folder = tmp_path_factory.mktemp("photos")
    chance = np.random.default_rng(0)
    for index in range(2):
        small = chance.integers(0, 255, (6, 8, 3), np.uint8)
        Image.fromarray(small).resize((96, 72), Image.Resampling.BICUBIC).save(folder / f"{index}.png")
    return folder


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's models: a bank, and another one that adds a style with a single code to its network."""
    folder = tmp_path / "models"
    monkeypatch.setenv("IMPASTO_MODELS", str(folder))
    net = small_net()
    save_small_models(folder, net)
    code = {"dusk": small_codes(net)["day"].codes[1:2, 1:]}
    save_bank(folder / "more.safetensors", net, code, [{"name": "dusk", "title": "Dusk"}], {}, with_body=False)
    return folder


def train(photos: Path, folder: Path, *more: str) -> int:
    return main(
        ["train", "student", "--photos", str(photos), "--bank", "mine", "--width", "2", "--blocks", "1", "--device",
         "cpu", "--output", str(folder), "--work", str(folder / "work"), "--crop", "48", "--slim-steps", "2", *more]
    )  # fmt: skip


def chosen(net: StyleBankNet) -> dict[str, Tensor]:
    """Of each group of a network every second channel."""
    return {group.name: torch.arange(group.times * net.width)[::2] for group in groups_of(net)}


def test_cutting_what_counts_for_nothing_changes_no_painting() -> None:
    torch.manual_seed(0)
    net = StyleBankNet(width=4, blocks=3)
    codes = net.neutral_code() + 0.3 * torch.randn(2, net.code_length)
    gates = Gates(net, codes)
    with torch.no_grad():
        for name, keep in chosen(net).items():
            gate = torch.zeros_like(gates.factors[name])
            gates.factors[name].copy_(gate.index_fill(0, keep, 1.0))
        codes = codes * gates.factor()
        small, own = cut(net, codes, 2, 3)
        assert (small.width, small.blocks, own.shape) == (2, 3, (2, small.code_length))
        photo = torch.rand(1, 3, 37, 50)
        for code, other in zip(codes.split(1), own.split(1), strict=True):
            torch.testing.assert_close(small(photo, other), net(photo, code), atol=1e-4, rtol=0)
        # A block that adds nothing is the first to go.
        second = Gates(net, codes)
        at = 2 * (4 + 8 + 16 + 16 + 16 + 16)
        codes[:, at : at + 32] = 0
        assert second.factor().shape == (net.code_length,)
        less, own = cut(net, codes, 2, 2)
        torch.testing.assert_close(less(photo, own[:1]), net(photo, codes[:1]), atol=1e-4, rtol=0)


def test_the_penalty_falls_only_if_some_channels_shrink_more_than_others() -> None:
    net = small_net()
    gates = Gates(net, net.neutral_code()[None])
    usual = gates.penalty()
    assert usual.item() == pytest.approx(1)
    with torch.no_grad():
        for factor in gates.factors.values():
            factor *= 0.1
        assert gates.penalty().item() == pytest.approx(1)
        for name, keep in chosen(net).items():
            gates.factors[name][keep] *= 0.01
    assert gates.penalty().item() < 0.75


def test_a_student_comes_to_paint_like_its_teacher(photos: Path) -> None:
    net = small_net()
    teacher = Teacher(net, small_codes(net))
    assert torch.equal(teacher.all_codes[teacher.usual[1]], teacher.codes["day"].at())
    assert float(teacher.chances().sum()) == pytest.approx(len(NAMES))
    small = StyleBankNet(width=3, blocks=1)
    codes = small.neutral_code().repeat(len(teacher.all_codes), 1)
    options = StudentOptions(steps=25, batch=1, crop=32, warmup=5, learning_rate=1e-2)
    paths = sorted(photos.iterdir())
    trainer = StudentTrainer(teacher, small, codes, paths, load_compact_encoder(), options, torch.device("cpu"))
    views = torch.rand(2, 3, 6, 6).repeat_interleave(8, 2).repeat_interleave(8, 3)

    def likeness() -> dict[str, float]:
        return measure(trainer.net, trainer.codes(), teacher, views, silent())

    before = likeness()
    for _ in range(trainer.steps):
        trainer.train_step()
    after = likeness()
    assert sum(after.values()) > sum(before.values()) + 2 * len(NAMES), (before, after)


def test_a_student_is_trained_resumed_and_found_but_is_no_style_twice(
    photos: Path, models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    styles = [(style.name, style.bank.name) for style in Library().styles()]
    for steps in ("1", "3"):
        assert train(photos, models, "--steps", steps, "--seed", "5") == 0
    card = json.loads((models / "small.json").read_text())
    assert card["training"]["steps"] == 3
    assert [stretch["from_step"] for stretch in card["training"]["history"]] == [0, 1]
    assert {style["name"]: style["bank"] for style in card["styles"]} == {
        "night": "mine",
        "day": "mine",
        "dusk": "more",
    }
    assert list(card["quality"]["styles"]) == ["night", "day", "dusk"]
    assert (models / "work" / "samples.jpg").exists()
    # It is no bank, and nothing of the library has changed.
    assert [(style.name, style.bank.name) for style in Library().styles()] == styles
    assert not Library().problems()
    teacher = load_body(models / "mine.safetensors")
    student = find_student(Library().folders, fingerprint(teacher))
    assert student is not None
    assert (student.name, student.path) == ("small", models / "small.safetensors")
    assert find_student(Library().folders, "another") is None
    net, codes = load_body(student.path), load_student_codes(student.path)
    assert (net.width, net.blocks) == (2, 1)
    assert codes["night"].grid == GRID
    assert codes["dusk"].codes.shape == (1, 1, net.code_length)
    assert load_codes(models / "mine.safetensors")["night"].grid == GRID
    # Another look at it writes the same.
    before = student.path.read_bytes()
    assert train(photos, models, "--steps", "3", "--export") == 0
    assert student.path.read_bytes() == before
    # With a style less it would give the others wrong codes.
    (models / "more.json").unlink()
    assert train(photos, models, "--steps", "4") == 1
    assert "of another training" in capsys.readouterr().err
    assert student.path.read_bytes() == before


def test_what_cannot_be_a_student_is_said_in_words(
    photos: Path, models: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for more, words in (
        (["--photos", str(tmp_path / "none")], "no photos"),
        (["--bank", "unheard-of"], "no bank 'unheard-of'"),
        (["--width", "5"], "not smaller than its teacher"),
        (["--width", "4"], "not smaller than its teacher"),
        (["--width", "0"], "not smaller than its teacher"),
        (["--blocks", "2"], "not smaller than its teacher"),
        (["--crop", "8"], "too small"),
        (["--name", "Subject"], "Another model"),
        (["--name", "more"], "Another model"),
        (["--export"], "no checkpoint"),
    ):
        assert train(photos, models, "--steps", "1", *more) == 1, more
        printed = capsys.readouterr().err
        assert words in printed
        assert "Traceback" not in printed
    assert not (models / "work").exists()
    other = models / "small.safetensors"
    other.write_bytes(b"somebody's")
    assert train(photos, models, "--steps", "1") == 1
    assert "something else" in capsys.readouterr().err
    assert other.read_bytes() == b"somebody's"


def test_a_student_that_is_damaged_is_none(photos: Path, models: Path) -> None:
    assert train(photos, models, "--steps", "1", "--slim-steps", "0") == 0
    path, body = models / "small.safetensors", Library().style("night").bank.body
    card = json.loads(path.with_suffix(".json").read_text())
    assert find_student([models], body) is not None
    for wrong in ({**card, "student_of": None}, {**card, "kind": "style-bank"}, ["small"]):
        path.with_suffix(".json").write_text(json.dumps(wrong))
        assert student_at(path) is None
        assert find_student([models], body) is None
    for styles in ([], None, [{**style, "strokes": [2.0]} for style in card["styles"]]):
        path.with_suffix(".json").write_text(json.dumps({**card, "styles": styles}))
        with pytest.raises(ModelProblem, match="codes"):
            load_student_codes(path)


def test_the_shipped_student_has_all_shipped_styles_and_paints_like_its_teacher() -> None:
    library = Library([shipped_models()])
    style = library.style("starry-night")
    student = find_student(library.folders, style.bank.body)
    assert student is not None
    assert student.card["licence"] == "Apache-2.0"
    assert student.path.stat().st_size < 1e6
    codes = load_student_codes(student.path)
    assert sorted(codes) == sorted(style.name for style in library.styles())
    some = {name: codes[name] for name in ("starry-night", "red-chalk", "woodcut")}
    teacher = Teacher(
        load_body(style.bank.weights),
        {name: load_codes(library.style(name).bank.weights)[name] for name in some},
    )
    photo = torch.from_numpy(data.astronaut()[:256:2, :256:2]).permute(2, 0, 1)[None] / 255
    likeness = measure(load_body(student.path), some, teacher, photo, silent())
    assert min(likeness.values()) > 19, likeness


def test_the_engine_small_paints_with_the_student_as_the_bank_would(models: Path) -> None:
    library = Library()
    engine = make_engine("small", Studio(library, torch.device("cpu"), StyleReader(library, torch.device("cpu"))))
    photo = TF.to_image(data.astronaut())[None, :, :256, 96:352].float() / 255
    mixed = Wanted([StyleChoice("udnie", 2), StyleChoice("charcoal")])
    assert (
        psnr(engine.paint(photo, mixed, silent()), make_engine("fixed", engine.studio).paint(photo, mixed, silent()))
        > 20
    )
    assert engine.loaded() == ["small"]
    for name in ("night", "dusk"):  # of a bank that has no student
        with pytest.raises(BadRequest, match=f"small network does not have the style '{name}'"):
            engine.paint(photo, Wanted([StyleChoice(name)]), silent())
    # Strokes and strengths are the student's own.
    student = find_student(library.folders, library.style("udnie").bank.body)
    assert student is not None
    grid = student.grids["charcoal"]
    assert engine.reach(Wanted([StyleChoice("charcoal")])) == (grid.strokes[0], grid.strokes[-1], grid.strengths[0])


def test_a_student_of_a_damaged_card_paints_nothing(models: Path) -> None:
    for suffix in (".json", ".safetensors"):
        (models / f"small{suffix}").write_bytes((shipped_models() / f"small{suffix}").read_bytes())
    card = json.loads((models / "small.json").read_text())
    card["styles"][0]["strokes"] = "bold"
    (models / "small.json").write_text(json.dumps(card))
    library = Library()
    engine = make_engine("small", Studio(library, torch.device("cpu"), StyleReader(library, torch.device("cpu"))))
    with pytest.raises(ModelProblem, match=r"small.safetensors cannot be read: .*strokes have to be a list"):
        engine.reach(Wanted([StyleChoice("udnie")]))
