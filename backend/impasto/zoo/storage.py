"""Models on disk: safetensors, and a JSON card beside them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from impasto_link.errors import ModelProblem


def write_model(path: Path, tensors: Mapping[str, Tensor], card: Mapping[str, Any]) -> None:
    """Write weights and card, each whole or not at all.

    Args:
        path: the ``.safetensors`` file; its folder is made if it is not there.
        tensors: the weights by name.
        card: what the model is, how it was made, its licence, its quality.

    Raises:
        ModelProblem: the folder cannot be written to, or the disk is full.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_whole(path, save(dict(tensors)))
        text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
        _write_whole(path.with_suffix(".json"), text.encode())
    except OSError as error:
        raise ModelProblem(
            f"The model {path} cannot be written: {error.strerror or error}.",
            "Choose another folder with IMPASTO_MODELS, or make room.",
        ) from error


def _write_whole(path: Path, content: bytes) -> None:
    partial = path.with_name(f"{path.name}.partial")
    try:
        partial.write_bytes(content)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def read_tensors(path: Path, prefix: str = "") -> dict[str, Tensor]:
    """The weights whose names begin with ``prefix``.

    Raises:
        ModelProblem: the file is missing or damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys() if key.startswith(prefix)}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ModelProblem(
            f"The model {path} cannot be read: {error}.", "Install Impasto again, or remove it."
        ) from error
