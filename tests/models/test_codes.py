"""A style's codes: for strokes of several sizes and for several strengths, on disk and between one another."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from impasto.engines.pictures import STYLE_SIDE, StylePicture, StyleReader
from impasto.nets.predictor import StylePredictor
from impasto.nets.style_bank import StyleBankNet
from impasto.zoo.bank import StyleCodes, load_codes, save_bank
from impasto.zoo.encoder import load_compact_encoder
from impasto.zoo.grid import CodeGrid
from impasto.zoo.library import Library
from impasto.zoo.predictor import find_predictor, load_predictor, save_predictor
from impasto_link.errors import ModelProblem

STROKES, STRENGTHS = (0.5, 1.0, 2.0), (0.5, 1.0)


def make_bank(path: Path) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    net = StyleBankNet(width=4, blocks=1)
    codes = {"mine": torch.randn(3, 2, net.code_length).half().float()}
    save_bank(path, net, codes, [{"name": "mine"}], {}, strokes=STROKES, strengths=STRENGTHS)
    return codes


def change_card(path: Path, **fields: Any) -> None:
    card = path.with_suffix(".json")
    card.write_text(json.dumps({**json.loads(card.read_text()), **fields}))


def test_codes_come_back_with_the_strokes_and_strengths_that_they_are_for(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    codes = make_bank(path)
    (stored,) = load_codes(path).values()
    assert torch.equal(stored.codes, codes["mine"])
    for row, brush in enumerate(STROKES):
        for column, strength in enumerate(STRENGTHS):
            assert torch.equal(stored.at(brush, strength), codes["mine"][row, column])
    (bank,) = Library([tmp_path]).banks()
    assert bank.grid == stored.grid == CodeGrid(STROKES, STRENGTHS)


def test_between_codes_lie_their_mixtures_and_beyond_the_ends_nothing_else() -> None:
    codes = torch.tensor([[0.0, 10.0], [1.0, 11.0], [2.0, 12.0]])[..., None]
    style = StyleCodes(codes, CodeGrid(STROKES, STRENGTHS))
    # Half-way between sizes is where one is as many times larger as the other is larger than it.
    assert float(style.at(math.sqrt(0.5), 0.5)) == pytest.approx(0.5)
    assert float(style.at(1.0, 0.75)) == pytest.approx(6.0)
    assert float(style.at(math.sqrt(2), 0.9)) == pytest.approx(1.5 + 8.0)
    assert float(style.at(0.25, 0.1)) == 0.0
    assert float(style.at(4.0, 1.0)) == 12.0


def test_a_bank_of_the_first_format_has_one_code_for_all(tmp_path: Path) -> None:
    path = tmp_path / "mine.safetensors"
    make_bank(path)
    tensors = load_file(path)
    code = tensors["styles.mine"] = tensors["styles.mine"][1, 1].clone()
    save_file(tensors, path)
    card = json.loads(path.with_suffix(".json").read_text())
    path.with_suffix(".json").write_text(
        json.dumps({key: value for key, value in card.items() if key not in ("strokes", "strengths")} | {"format": 1})
    )
    (stored,) = load_codes(path).values()
    assert stored.grid == CodeGrid()
    for brush, strength in ((0.25, 0.1), (1.0, 1.0), (4.0, 0.7)):
        assert torch.equal(stored.at(brush, strength), code.float())


@pytest.mark.parametrize("strokes", [[1.0], [0.5, 1.0]])
def test_codes_of_another_shape_than_the_card_says_are_refused_by_name(tmp_path: Path, strokes: list[float]) -> None:
    path = tmp_path / "mine.safetensors"
    codes = make_bank(path)
    change_card(path, strokes=strokes)
    with pytest.raises(ModelProblem, match=r"mine\.safetensors.*styles\.mine.*strokes"):
        load_codes(path)
    with pytest.raises(ValueError, match="mine"):
        save_bank(path, StyleBankNet(4, 1), codes, [{"name": "mine"}], {}, strokes=strokes, strengths=STRENGTHS)


@pytest.mark.parametrize(
    "fields",
    [
        {"strokes": []},
        {"strokes": 1.0},
        {"strokes": [0.5, 1.0, True]},
        {"strokes": [0.5, math.nan, 2.0]},
        {"strokes": [1.0, 0.5, 2.0]},
        {"strokes": [1.5, 2.0, 3.0]},
        {"strokes": [0.5, 1.0, 10**400]},
        {"strengths": [0.0, 1.0]},
        {"strengths": [0.5, 0.9]},
        {"strengths": [0.5, 2.0]},
        {"strengths": ["0.5", 1.0]},
    ],
)
def test_a_card_with_odd_strokes_or_strengths_costs_only_itself(tmp_path: Path, fields: dict[str, Any]) -> None:
    make_bank(tmp_path / "mine.safetensors")
    change_card(tmp_path / "mine.safetensors", **fields)
    library = Library([tmp_path])
    assert library.styles() == []
    (problem,) = library.problems()
    assert "mine.json" in problem
    assert next(iter(fields)) in problem
    with pytest.raises(ModelProblem, match=next(iter(fields))):
        load_codes(tmp_path / "mine.safetensors")


def make_predictor(strengths: tuple[float, ...]) -> StylePredictor:
    torch.manual_seed(0)
    described = 2 * sum(load_compact_encoder().channels)
    net = StylePredictor(described, 5, 8, strengths)
    torch.nn.init.normal_(net.to_code.weight)
    return net.eval()


def test_a_predictor_tells_strengths_apart_once_it_has_learned_to(tmp_path: Path) -> None:
    old, new = make_predictor((1.0,)), make_predictor((0.5, 1.0))
    new.load_state_dict(old.state_dict(), strict=False)
    described = torch.randn(2, len(old.described_mean))
    for strength in (None, torch.tensor([0.0, 1.0])):
        assert torch.equal(new(described, strength), old(described)), "it begins as the one that it learns on from"
    torch.nn.init.ones_(new.of_strength.weight)
    assert torch.equal(new(described), new(described, torch.ones(2)))
    assert not torch.allclose(new(described), new(described, torch.zeros(2)))
    with pytest.raises(ValueError, match="single"):
        old(described, torch.zeros(2))

    path = tmp_path / "my-predictor.safetensors"
    save_predictor(path, new, "a body", {})
    found = find_predictor([tmp_path], "a body")
    assert found == (path, "a body", (0.5, 1.0))
    assert load_predictor(path).strengths == (0.5, 1.0)
    reader, style = StyleReader(Library(), torch.device("cpu")), StylePicture(torch.rand(1, 3, 64, 64))
    gentle, between, full = (reader.code(style, path, strength=strength) for strength in (0.5, 0.75, 1.0))
    assert torch.equal(full, reader.code(style, path))
    assert not torch.allclose(gentle, full)
    assert not torch.allclose(between, gentle)


def test_a_predictor_of_before_knows_one_strength(tmp_path: Path) -> None:
    path = tmp_path / "my-predictor.safetensors"
    save_predictor(path, make_predictor((1.0,)), "a body", {})
    card = json.loads(path.with_suffix(".json").read_text())
    del card["strengths"]
    path.with_suffix(".json").write_text(json.dumps(card))
    found = find_predictor([tmp_path], None)
    assert found is not None
    assert found.strengths == (1.0,)
    assert load_predictor(path).strengths == (1.0,)


def test_larger_strokes_of_a_picture_are_seen_in_a_larger_view_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = StyleReader(Library(), torch.device("cpu"))
    seen: list[tuple[int, ...]] = []
    encoder = reader.encoder
    encoder.register_forward_pre_hook(lambda _, inputs: seen.append(tuple(inputs[0].shape[-2:])))
    monkeypatch.setattr(reader._shelf, "take", lambda *_: encoder)
    style = StylePicture(torch.rand(1, 3, 800, 1000))
    first = reader.latent(style)
    for brush in (0.5, 2.0, 1.0, 2.0):
        assert torch.equal(reader.latent(style, brush).mean, first.mean) == (brush == 1.0)
    assert seen == [(STYLE_SIDE, 496), (200, 248), (800, 1000)], "and each of them once"


@pytest.mark.parametrize(
    ("side", "shown"),
    [(2000, STROKES), (800, STROKES), (600, (0.5, 1.0, 1.5)), (400, (0.5, 1.0)), (100, (0.5, 1.0))],
)
def test_a_picture_is_not_enlarged_for_its_strokes(side: int, shown: tuple[float, ...]) -> None:
    assert StylePicture(torch.zeros(1, 3, side, side + 200)).strokes(STROKES) == shown
