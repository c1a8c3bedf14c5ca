"""How far a training is, whoever wants to know; and ending it, to go on later or with what it has learned so far."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from skimage import data
from torchvision.models import mobilenet_v2

from impasto.cli import main
from impasto.imaging import files
from impasto.keeping import keep
from impasto.progress import Enough, Progress, Teller
from impasto.training.adain import AdaINOptions
from impasto.training.bank import BankPlan, train_bank
from impasto.training.distillation import DistillationOptions
from impasto.training.exemplars import save_exemplars
from impasto.training.masks import MaskTrainingOptions
from impasto.training.picture_nets import PicturePlan, train_adain, train_encoder, train_predictor
from impasto.training.predictor import PredictorOptions
from impasto.training.recipe import StyleRecipe
from impasto.training.student import StudentPlan, train_student
from impasto.training.student_net import StudentOptions
from impasto.training.styles import TrainingOptions
from impasto.training.subject_net import SubjectPlan, train_subject_net
from impasto.zoo.storage import read_card
from impasto.zoo.vgg import load_vgg19
from small_models import save_small_models, small_net

KINDS = ("bank", "student", "encoder", "predictor", "adain", "mask")


class NotWanted(Exception):
    """The training is not wanted any more."""


class Listener:
    """Keeps what it is told, and ends the training after so many of its steps."""

    def __init__(self, steps: int = 0, ending: Exception | None = None) -> None:
        self.shares: list[float] = []
        self.words: list[str] = []
        #: What was trained at the end, as it painted then.
        self.sheet: Any = None
        self._steps, self._ending = steps, ending

    @property
    def steps(self) -> list[str]:
        """What it was told of steps."""
        return [words for words in self.words if words.startswith("step ")]

    def __call__(self, fraction: float, doing: str, picture: Callable[[], Any] | None = None, /) -> None:
        self.shares.append(fraction)
        self.words.append(doing)
        if self._ending is not None and doing.startswith("step ") and len(self.steps) == self._steps:
            self.sheet = None if picture is None else picture()
            raise self._ending


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photos/, paintings/, subjects/ with masks, a small bank's recipe, and an untrained MobileNetV2."""
    folder = tmp_path_factory.mktemp("pictures")
    for kind, picture in {"photos": data.chelsea(), "paintings": data.coffee(), "subjects": data.astronaut()}.items():
        (folder / kind).mkdir()
        Image.fromarray(picture[:200, :240]).save(folder / kind / "one.jpg")
    style = '[styles.cup]\npaintings = ["paintings/one.jpg"]\nsize = 32\n'
    (folder / "recipe.toml").write_text("width = 8\nblocks = 1\n" + style)
    Image.new("L", (240, 200), 255).save(folder / "subjects" / "one.png")
    torch.manual_seed(0)
    save_file({k: v.contiguous() for k, v in mobilenet_v2().state_dict().items()}, folder / "encoder.safetensors")
    return folder


Train = Callable[[Teller], Path]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """What is trained."""
    return str(request.param)


@pytest.fixture
def train(kind: str, pictures: Path, vgg_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Train:
    """Three steps of it; its work goes to work/, its model to the folder itself."""
    photos, paintings, work = pictures / "photos", pictures / "paintings", tmp_path / "work"
    rest: dict[str, Any] = {"steps": 3, "batch": 1}
    if kind == "bank":
        # No examples: they take longer than all else.
        plan = BankPlan(
            "mine", photos, recipe=pictures / "recipe.toml", vgg=vgg_file, device="cpu", work=work, output=tmp_path,
            no_exemplars=True,
        )  # fmt: skip
        return lambda tell: train_bank(plan, TrainingOptions(**rest, crop=48), tell)
    if kind == "student":
        monkeypatch.setenv("IMPASTO_MODELS", str(tmp_path / "models"))
        save_small_models(tmp_path / "models", small_net())
        pupil = StudentPlan(photos, "mine", width=2, blocks=1, device="cpu", work=work, output=tmp_path)
        return lambda tell: train_student(pupil, StudentOptions(**rest, crop=48, slim_steps=0), tell)
    if kind == "mask":
        subjects = SubjectPlan(
            [pictures / "subjects"], encoder=pictures / "encoder.safetensors", device="cpu", work=work, output=tmp_path
        )
        return lambda tell: train_subject_net(subjects, MaskTrainingOptions(**rest, side=64), tell)[0]
    nets = PicturePlan(photos, paintings, work, vgg=vgg_file, views=2, device="cpu", output=tmp_path)
    rest["crop"] = 48
    if kind == "encoder":
        return lambda tell: train_encoder(nets, DistillationOptions(**rest), tell)
    if kind == "predictor":
        return lambda tell: train_predictor(nets, PredictorOptions(**rest), tell)
    return lambda tell: train_adain(nets, AdaINOptions(**rest), tell)


def step_of(tmp_path: Path) -> int:
    return int(torch.load(tmp_path / "work" / "checkpoint.pt", weights_only=True)["step"])


def test_a_training_tells_how_far_it_is_and_goes_on_where_it_was_ended(kind: str, train: Train, tmp_path: Path) -> None:
    first = Listener(2, NotWanted())
    with pytest.raises(NotWanted):
        train(first)
    assert step_of(tmp_path) == 2
    assert not list(tmp_path.glob("*.safetensors")), "a model that nobody wanted"

    second = Listener()
    assert train(second).is_file()
    assert step_of(tmp_path) == 3
    assert [words.partition(":")[0] for words in first.steps] == ["step 1 of 3", "step 2 of 3"]
    (last,) = second.steps
    assert last.startswith("step 3 of 3: ")
    assert "gradient" in last
    for listener in (first, second):
        assert listener.shares == sorted(listener.shares)
        assert 0 <= listener.shares[0] <= listener.shares[-1] <= 1
    assert second.shares[-1] == pytest.approx(1)


def test_enough_ends_a_training_with_what_it_has_learned(kind: str, train: Train, tmp_path: Path) -> None:
    listener = Listener(2, Enough())
    model = train(listener)
    assert read_card(model)["training"]["steps"] == step_of(tmp_path) == 2
    if kind == "encoder":
        assert listener.sheet is None, "it makes no pictures"
    else:
        assert listener.sheet.shape[:2] == (1, 3)
        assert 0 <= listener.sheet.min() < listener.sheet.max() <= 1
    # Who is of another mind goes on.
    again = Listener()
    train(again)
    assert read_card(model)["training"]["steps"] == 3
    assert len(again.steps) == 1


def test_what_comes_before_a_training_can_be_ended_too(pictures: Path, vgg_file: Path, tmp_path: Path) -> None:
    def tell(fraction: float, doing: str, *_: object) -> None:
        assert doing == "measuring styles"
        if fraction > 0.01:
            raise NotWanted

    plan = PicturePlan(
        pictures / "photos", pictures / "paintings", tmp_path / "work", vgg=vgg_file, views=4, device="cpu"
    )
    with pytest.raises(NotWanted):
        train_adain(plan, AdaINOptions(steps=1, batch=1, crop=48), tell)
    assert not (tmp_path / "work").exists()


def test_an_example_that_was_not_finished_is_not_left_behind(pictures: Path, vgg_file: Path, tmp_path: Path) -> None:
    told: list[float] = []

    def tell(fraction: float, doing: str, picture: object = None, /) -> None:
        assert doing == "painting an example of cup"
        assert picture is None, "half an example is nothing to end with"
        told.append(fraction)
        if len(told) == 2:
            raise NotWanted

    bank, vgg, cpu = tmp_path / "mine.safetensors", load_vgg19(vgg_file), torch.device("cpu")
    styles = (StyleRecipe("cup", (pictures / "paintings" / "one.jpg",)),)
    with pytest.raises(NotWanted):
        save_exemplars(bank, styles, vgg, cpu, side=64, iterations=2, progress=Progress(tell))
    assert not list((tmp_path / "mine.exemplars").iterdir())
    save_exemplars(bank, styles, vgg, cpu, side=64, iterations=2, progress=Progress(tell))
    assert (tmp_path / "mine.exemplars" / "cup.jpg").is_file()
    assert told[2:] == sorted(told[2:])
    assert told[-1] == 1


def test_commands_print_what_is_told(
    pictures: Path, vgg_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = ["--photos", str(pictures / "photos"), "--paintings", str(pictures / "paintings")]
    where = ["--vgg", str(vgg_file), "--work", str(tmp_path / "work"), "--output", str(tmp_path), "--device", "cpu"]
    numbers = ["--steps", "1", "--batch", "1", "--crop", "48"]
    assert main(["train", "encoder", *folders, *where, *numbers]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"Wrote {tmp_path / 'encoder.safetensors'}\n"
    assert "100.0%" in printed.err
    assert "step 1 of 1: features " in printed.err


def test_keeping_a_picture_tells_how_far_it_is_and_can_be_ended(pictures: Path, tmp_path: Path) -> None:
    picture, _ = files.read(pictures / "paintings" / "one.jpg")
    listener = Listener()

    def tell(fraction: float, doing: str, *_: object) -> None:
        listener(fraction, doing)
        if fraction > 0:
            raise NotWanted

    with pytest.raises(NotWanted):
        keep(picture, "cup", folder=tmp_path / "models", tell=tell)
    assert not (tmp_path / "models").exists()
    assert keep(picture, "cup", folder=tmp_path / "models", tell=listener).path.is_file()
    assert listener.words == ["reading the picture", "keeping the style"] * 2
