"""VGG-19 weights: torchvision's, downloaded once, or a file in either of two layouts."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from torch import Tensor

from impasto.nets.vgg import CHANNELS, VGG19Features
from impasto.zoo.storage import check_numbers

log = logging.getLogger(__name__)

#: ImageNet statistics with which torchvision's weights were trained.
_MEAN = (0.485, 0.456, 0.406)
_STD = (0.229, 0.224, 0.225)


def load_vgg19(path: Path | None = None, deepest: str | None = None) -> VGG19Features:
    """VGG-19 up to ``deepest``, in evaluation form, float32, on the CPU.

    Args:
        path: a safetensors or ``.pth`` file, in torchvision's key layout (``features.0.weight``) or named by layer
            (``conv1_1.weight``, with ``preprocess``). Without it, torchvision's weights are taken from the cache or
            downloaded (548 MB) with progress and a check of their hash.

        deepest: the last layer that is needed; by default relu5_1 if the weights reach that far, else relu4_1.

    Raises:
        ValueError: the file is damaged, or does not hold the layers up to ``deepest``.
        OSError: the file cannot be read, or the download failed.
    """
    source = path or f"torchvision's file in {torch.hub.get_dir()}/checkpoints"
    try:
        weights = _read(path)
    except OSError:
        raise
    except Exception as error:  # a damaged file may trip the unpickler up in any way
        raise ValueError(f"{source} is damaged, or no file of weights") from error
    if not isinstance(weights, Mapping):
        raise ValueError(f"{source} holds no weights by name")

    named = "conv1_1.weight" in weights
    indices = dict(zip(CHANNELS, _torchvision_indices(), strict=True))
    if deepest is None:
        last = "conv5_1.weight" if named else f"features.{indices['5_1']}.weight"
        deepest = "relu5_1" if last in weights else "relu4_1"
    net = VGG19Features(deepest, padding_mode="reflect")
    state: dict[str, Tensor] = {}
    try:
        if named:
            state["preprocess.weight"] = weights["preprocess.weight"]
            state["preprocess.bias"] = weights["preprocess.bias"]
        else:
            std = torch.tensor(_STD)
            state["preprocess.weight"] = torch.diag(1 / std)[:, :, None, None]
            state["preprocess.bias"] = -torch.tensor(_MEAN) / std
        for name in net.layers:
            key = f"conv{name}" if named else f"features.{indices[name]}"
            for part in ("weight", "bias"):
                if f"{key}.{part}" not in weights:
                    raise ValueError(f"{source} has no VGG-19 layer {name}, which {deepest} needs")
                state[f"layers.{name}.{part}"] = weights[f"{key}.{part}"].float()
        check_numbers(state)
        net.load_state_dict(state)
    except (AttributeError, KeyError, RuntimeError) as error:
        raise ValueError(f"{source} does not hold a VGG-19: {error}") from error
    net.fold_preprocess()
    log.info("VGG-19 to %s from %s (%s layout)", deepest, source, "named" if named else "torchvision")
    return net.eval()


def _read(path: Path | None) -> object:
    if path is None:
        from torchvision.models import VGG19_Weights

        return VGG19_Weights.IMAGENET1K_V1.get_state_dict(progress=True, check_hash=True)
    if path.suffix == ".safetensors":
        with safe_open(path, framework="pt") as file:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
    return torch.load(path, map_location="cpu", weights_only=True)


def _torchvision_indices() -> list[int]:
    """Where torchvision's ``features`` has its convolutions: each is followed by a ReLU, each stage by a pooling."""
    indices, at, stage = [], 0, "1"
    for name in CHANNELS:
        if name[0] != stage:
            stage, at = name[0], at + 1
        indices.append(at)
        at += 2
    return indices
