"""Predictors of codes on disk. Each belongs to the network of one style bank."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from impasto.nets.predictor import StylePredictor
from impasto.zoo.grid import CodeGrid
from impasto.zoo.storage import Card, load_net, read_card, save_net
from impasto_link.errors import ModelProblem

CARD_KIND = "style-predictor"


class FoundPredictor(NamedTuple):
    """A predictor as its card describes it.

    Attributes:
        path: its file.
        body: fingerprint of the network for which its codes are.
        strengths: of the paintings that it tells apart, as `CodeGrid` has them; a single one if it does not.
    """

    path: Path
    body: str
    strengths: tuple[float, ...]


def save_predictor(path: Path, net: StylePredictor, body: str, card: Mapping[str, Any]) -> None:
    """Write the network and its card; ``body`` is the fingerprint of the bank's network.

    Raises:
        ModelProblem: as `impasto.zoo.storage.write_model`.
    """
    shape = {"described": len(net.described_mean), "code_length": len(net.code_mean), "hidden": net.hidden}
    save_net(path, net, CARD_KIND, {**card, "body": body, **shape, "strengths": net.strengths})


def load_predictor(path: Path) -> StylePredictor:
    """The network in evaluation form, float32, on the CPU.

    Raises:
        ModelProblem: the file is missing, damaged, or something else.
    """

    def build(card: Card) -> StylePredictor:
        strengths = CodeGrid.of_card(card).strengths
        return StylePredictor(card["described"], card["code_length"], card["hidden"], strengths)

    return load_net(path, CARD_KIND, build)


def find_predictor(folders: Sequence[Path], body: str | None) -> FoundPredictor | None:
    """The predictor for a bank's network, or the first there is.

    Args:
        folders: where to look, later ones first.
        body: fingerprint of the network; any will do if it is None.
    """
    for folder in reversed(folders):
        for path in sorted(folder.glob("*predictor*.safetensors")):
            try:
                card = read_card(path)
                found = FoundPredictor(path, str(card.get("body")), CodeGrid.of_card(card).strengths)
            except (ModelProblem, ValueError):
                continue
            if card.get("kind") == CARD_KIND and (body is None or found.body == body):
                return found
    return None
