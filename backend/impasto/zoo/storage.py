"""Models on disk: safetensors, and a JSON card beside them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from impasto.zoo.library import MAX_CARD_BYTES
from impasto_link.errors import ModelProblem, quoted
from impasto_link.files import read_regular
from impasto_link.sentences import say

Net = TypeVar("Net", bound=nn.Module)
Card = dict[str, Any]


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
            say("The model {path} cannot be written: {strerror}.", path=path, strerror=error.strerror or error),
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
        ModelProblem: the file is missing or damaged, or a weight is infinite or not a number.
    """
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys() if key.startswith(prefix)}  # noqa: SIM118
        check_numbers(tensors)
        return tensors
    except (OSError, SafetensorError, ValueError) as error:
        raise ModelProblem(
            say("The model {path} cannot be read: {error}.", path=path, error=error),
            "Install Impasto again, or remove it.",
        ) from error


def check_numbers(tensors: Mapping[str, Tensor]) -> None:
    """Raise ValueError if a weight is infinite or not a number: whatever it had a part in would come out black."""
    for key, value in tensors.items():
        if not bool(torch.isfinite(value.float()).all()):
            raise ValueError(f"{quoted(key)} has values that are infinite or not a number")


class _WithoutChance(TorchFunctionMode):
    """Nothing is drawn at random: for a tensor that is but a shape PyTorch imports its compiler, in four seconds."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return args[0] if func is Tensor.normal_ else func(*args, **(kwargs or {}))


def fill(build: Callable[[], Net], tensors: Mapping[str, Tensor]) -> Net:
    """A network with its weights, in evaluation form, float32, on the CPU.

    Args:
        build: makes the network, its weights still of no account.
        tensors: the weights by name.

    Raises:
        ValueError: these are not the weights of that network; it is not built then, for it may be of any size.
    """
    with torch.device("meta"), _WithoutChance():
        wanted = build().state_dict()
    left = {key: value for key, value in tensors.items() if key not in wanted}
    missing = [key for key in wanted if key not in tensors and not key.endswith("num_batches_tracked")]
    unlike = [key for key, value in tensors.items() if key in wanted and value.shape != wanted[key].shape]
    if wrong := [*left, *missing, *unlike]:
        raise ValueError(f"wrong weights {quoted(wrong[:3])}")
    net = build()
    net.load_state_dict({key: value.float() for key, value in tensors.items()}, strict=False)
    return net.eval().requires_grad_(False)


def read_card(path: Path) -> Card:
    """The card beside the weights ``path``.

    Raises:
        ModelProblem: it is missing or damaged.
    """
    try:
        card = json.loads(read_regular(path.with_suffix(".json"), MAX_CARD_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelProblem(
            say("The card of the model {path} cannot be read: {error}.", path=path, error=error),
            "Install Impasto again.",
        ) from error
    if not isinstance(card, dict):
        raise ModelProblem(say("The card of the model {path} is no card.", path=path), "Install Impasto again.")
    return card


def save_net(path: Path, net: nn.Module, kind: str, card: Mapping[str, Any]) -> None:
    """Write a network and its card. Matrices are stored as float16, what is small and adds up as it is.

    Raises:
        ModelProblem: as `write_model`.
    """
    tensors = {
        key: (value.half() if value.ndim > 1 else value).detach().cpu().contiguous()
        for key, value in net.state_dict().items()
        if not key.endswith("num_batches_tracked")
    }
    write_model(path, tensors, {"kind": kind, "format": 1, **card})


def load_net(path: Path, kind: str, build: Callable[[Card], Net]) -> Net:
    """A network as `save_net` wrote it, in evaluation form, float32, on the CPU.

    Args:
        path: the weights.
        kind: what the card has to say that it is.
        build: makes the network, its weights still of no account, from the card.

    Raises:
        ModelProblem: the file is missing, damaged, or something else.
    """
    tensors, card = read_tensors(path), read_card(path)
    try:
        if card["kind"] != kind:
            raise ValueError(f"it is a {card['kind']}")
        return fill(lambda: build(card), tensors)
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ModelProblem(
            say("The file {path} does not hold a {kind}: {error}.", path=path, kind=kind, error=error),
            "Install Impasto again.",
        ) from error
