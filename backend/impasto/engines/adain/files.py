"""The decoder of adaptive instance normalisation on disk; its encoder is `impasto.zoo.encoder`'s."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from impasto.nets.adain import AdaINDecoder
from impasto.zoo.library import find_model
from impasto.zoo.storage import load_net, save_net

CARD_KIND = "adain-decoder"
FILE_NAME = "adain.safetensors"


def save_decoder(path: Path, net: AdaINDecoder, card: Mapping[str, Any]) -> None:
    """Write the network and its card; raises ModelProblem as `impasto.zoo.storage.write_model` does."""
    save_net(path, net, CARD_KIND, {**card, "width": net.width, "described": net.described})


def load_decoder(path: Path | None = None) -> AdaINDecoder:
    """The network in evaluation form, float32, on the CPU; by default the one that is installed.

    Raises:
        ModelProblem: the file is missing, damaged, or something else.
    """
    return load_net(
        path or find_model(FILE_NAME), CARD_KIND, lambda card: AdaINDecoder(card["width"], card["described"])
    )
