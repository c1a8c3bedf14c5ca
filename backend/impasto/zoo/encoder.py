"""The compact encoder on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from impasto.nets.encoder import CompactEncoder
from impasto.zoo.library import find_model
from impasto.zoo.storage import load_net, save_net

CARD_KIND = "compact-encoder"
FILE_NAME = "encoder.safetensors"


def save_encoder(path: Path, net: CompactEncoder, card: Mapping[str, Any]) -> None:
    """Write the network and its card; raises ModelProblem as `impasto.zoo.storage.write_model` does."""
    save_net(path, net, CARD_KIND, {**card, "width": net.width})


def load_compact_encoder(path: Path | None = None) -> CompactEncoder:
    """The network in evaluation form, float32, on the CPU; by default the one that is installed.

    Raises:
        ModelProblem: the file is missing, damaged, or something else.
    """
    return load_net(path or find_model(FILE_NAME), CARD_KIND, lambda card: CompactEncoder(card["width"]))
