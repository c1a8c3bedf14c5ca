"""Style banks on disk: safetensors with the network under ``body.`` and each style's code under ``styles.``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impasto.nets.style_bank import StyleBankNet
from impasto.zoo.library import CARD_KIND
from impasto.zoo.storage import fill, read_tensors, write_model
from impasto_link.errors import ModelProblem
from impasto_link.sentences import say

_BODY, _STYLES = "body.", "styles."


def fingerprint(net: StyleBankNet) -> str:
    """By which codes find the network they were trained with: a hash of its weights as they are stored (float16)."""
    digest = hashlib.sha256()
    for key, value in sorted(net.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().half().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def save_bank(
    path: Path,
    net: StyleBankNet,
    codes: Mapping[str, Tensor],
    styles: list[dict[str, Any]],
    card: Mapping[str, Any],
    *,
    with_body: bool = True,
) -> None:
    """Write a bank and its card.

    Args:
        path: the ``.safetensors`` file; its folder is made if it is not there.
        net: the network; left out of the file unless ``with_body``, but named by its fingerprint.
        codes: each style's code, (code_length,).
        styles: what the card says of each style; each has at least a ``name``.
        card: what else the card says: licence, training, quality.

    Raises:
        ModelProblem: the folder cannot be written to, or the disk is full.
    """
    tensors = {f"{_STYLES}{name}": code.detach().cpu().half() for name, code in codes.items()}
    if with_body:
        tensors |= {
            f"{_BODY}{key}": value.detach().cpu().half().contiguous() for key, value in net.state_dict().items()
        }
    full_card = {
        "kind": CARD_KIND,
        "format": 1,
        "name": path.stem,
        **card,
        "width": net.width,
        "blocks": net.blocks,
        "body": fingerprint(net),
        "has_body": with_body,
        "styles": styles,
    }
    write_model(path, tensors, full_card)


def load_body(path: Path) -> StyleBankNet:
    """The network of a bank, float32, in evaluation form; its shape is read off its weights.

    Raises:
        ModelProblem: the file is missing, damaged, or holds no network.
    """
    weights = {key.removeprefix(_BODY): value for key, value in read_tensors(path, _BODY).items()}
    try:
        width = weights["down.0.conv.weight"].shape[0]
        # As many as there are, and not the highest number: a name is no measure of what is in the file.
        blocks = len({key.split(".")[1] for key in weights if key.startswith("body.")})
        return fill(lambda: StyleBankNet(width, blocks), weights)
    except (KeyError, IndexError, ValueError, RuntimeError) as error:
        raise ModelProblem(
            say("The file {path} does not hold the network of a style bank: {error}.", path=path, error=error)
        ) from error


def load_codes(path: Path) -> dict[str, Tensor]:
    """The code of each style of a bank, (code_length,) float32, by name.

    Raises:
        ModelProblem: the file is missing or damaged.
    """
    return {key.removeprefix(_STYLES): value.float() for key, value in read_tensors(path, _STYLES).items()}


def mix_codes(codes: list[Tensor], weights: list[float]) -> Tensor:
    """The code between codes: their mean by weight. Shape (1, code_length)."""
    # In float32 small weights would be 0, and their shares not a number.
    shares = torch.tensor(weights, dtype=torch.float64)
    shares = (shares / shares.sum()).float()
    return (torch.stack(codes) * shares[:, None]).sum(0, keepdim=True)
