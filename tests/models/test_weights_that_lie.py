"""Files of weights that are not what they say: told by name, before anything is built of them."""

from __future__ import annotations

import json
import math
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from impasto.client import to_region
from impasto.engines.adain.files import load_decoder
from impasto.engines.gatys.refine import refine
from impasto.engines.pictures import StylePicture
from impasto.nets.encoder import CompactEncoder
from impasto.nets.style_bank import StyleBankNet
from impasto.pipeline import Pipeline
from impasto.progress import silent
from impasto.zoo.bank import load_body, load_codes, mix_codes, save_bank
from impasto.zoo.encoder import load_compact_encoder, save_encoder
from impasto.zoo.features import Features
from impasto.zoo.library import Library
from impasto.zoo.subject import load_subject_net
from impasto.zoo.vgg import load_vgg19
from impasto_link.errors import ImpastoError, ModelProblem
from impasto_link.options import RefineOptions, StylizeOptions

Change = Callable[[dict[str, Tensor]], Any]


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    """A bank of one style, its network as small as they come."""
    net, path = StyleBankNet(4, 1), tmp_path / "mine.safetensors"
    save_bank(path, net, {"mine": torch.zeros(1, 1, net.code_length)}, [{"name": "mine"}], {})
    return path


def change(path: Path, how: Change) -> None:
    tensors = load_file(path)
    how(tensors)
    save_file(tensors, path)


def peak() -> int:
    """The most memory that this process ever had, in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_codes_and_networks_that_are_no_numbers_are_refused_by_name(bank: Path, value: float) -> None:
    change(bank, lambda tensors: tensors["styles.mine"][..., 3:4].fill_(value))
    with pytest.raises(ModelProblem, match=r"mine\.safetensors.*styles\.mine.*not a number"):
        load_codes(bank)
    load_body(bank)
    change(bank, lambda tensors: tensors["body.down.0.conv.weight"][0, 0].fill_(value))
    with pytest.raises(ModelProblem, match=r"mine\.safetensors.*down\.0.*not a number"):
        load_body(bank)


@pytest.mark.parametrize(
    "claim",
    [
        lambda tensors: tensors.update({"body.body.1000000.x": torch.zeros(1)}),
        # A width that only this one tensor has: the network would take 20 GB.
        lambda tensors: tensors.update({"body.down.0.conv.weight": torch.zeros(4096, 5, 1, 1)}),
        lambda tensors: tensors.update({"body.body": torch.zeros(1)}),
        lambda tensors: tensors.pop("body.body.0.first.conv.weight"),
    ],
)
def test_a_network_larger_than_its_file_is_never_built(bank: Path, claim: Change) -> None:
    change(bank, claim)
    before = peak()
    with pytest.raises(ModelProblem, match=r"mine\.safetensors does not hold"):
        load_body(bank)
    assert peak() - before < 200_000


@pytest.mark.parametrize("claim", [{"width": 100_000}, {"width": "wide"}, {"width": -1}])
def test_neither_is_one_larger_than_its_weights_because_a_card_says_so(tmp_path: Path, claim: dict[str, Any]) -> None:
    path = tmp_path / "encoder.safetensors"
    save_encoder(path, CompactEncoder(8), {})
    card = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**card, **claim}))
    before = peak()
    with pytest.raises(ModelProblem, match=r"encoder\.safetensors"):
        load_compact_encoder(path)
    subject = tmp_path / "subject.safetensors"
    save_file({"stem.weight": torch.zeros(1)}, subject)
    subject.with_suffix(".json").write_text(
        json.dumps({"kind": "subject-mask", "padding": "same", "context": 10_000_000})
    )
    with pytest.raises(ModelProblem, match="context"):
        load_subject_net(subject)
    assert peak() - before < 200_000


def test_a_vgg_that_is_no_numbers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "vgg19.safetensors"
    shapes = {"0": (64, 3), "2": (64, 64)}
    weights = {f"features.{at}.weight": torch.full((*shape, 3, 3), math.nan) for at, shape in shapes.items()}
    save_file({**weights, **{f"features.{at}.bias": torch.zeros(64) for at in shapes}}, path)
    with pytest.raises(ValueError, match="not a number"):
        load_vgg19(path, "relu1_2")


def test_a_style_of_hardly_any_weight_is_still_the_only_one() -> None:
    code = torch.rand(5)
    assert torch.equal(mix_codes([code], [1e-300])[0], code)
    assert torch.equal(mix_codes([code, torch.full((5,), 9.0)], [1e6, 1e-300])[0], code)


def test_a_painting_that_is_no_number_is_an_error_and_not_black(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = Pipeline(Library(), torch.device("cpu"))
    paint = lambda *args: torch.full((1, 3, 16, 16), math.nan)  # noqa: E731
    monkeypatch.setattr("impasto.engines.fixed.engine.FixedEngine.paint", paint)
    region = to_region(torch.zeros(16, 16, 3, dtype=torch.uint8).numpy())[0]
    with pytest.raises(ImpastoError, match="not a number"):
        pipeline.stylize(region, StylizeOptions.of("udnie"), lambda *_: None)


def test_a_refinement_that_goes_astray_says_so() -> None:
    features = Features(CompactEncoder(8).eval().requires_grad_(False), torch.device("cpu"), torch.float32)
    run = features._run
    features._run = lambda *args: {name: value * math.inf for name, value in run(*args).items()}
    photo = torch.rand(1, 3, 64, 64)
    options = RefineOptions(iterations=1, features="compact")
    with pytest.raises(ImpastoError, match="astray"):
        refine(features, None, photo, [(StylePicture(photo), 1.0)], options, 64, silent())


def test_no_compiler_is_imported_to_look_at_shapes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first picture as a style would wait for it, for four seconds in which no cancellation is heard."""
    monkeypatch.setitem(sys.modules, "torch.fx.experimental.symbolic_shapes", None)
    load_compact_encoder()
    load_decoder()
