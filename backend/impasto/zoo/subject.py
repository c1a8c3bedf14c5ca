"""The network that finds the subject, on disk; and where its encoder's first weights come from."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impasto.nets.unet import MobileNetV2, PaddedConv, Padding, SubjectNet
from impasto.zoo.library import find_model
from impasto.zoo.storage import load_net, read_tensors, save_net
from impasto_link.errors import quoted

log = logging.getLogger(__name__)

CARD_KIND = "subject-mask"
FILE_NAME = "subject.safetensors"
TORCHVISION_ENCODER = "torchvision MobileNet_V2_Weights.IMAGENET1K_V2"
#: By which torchvision's weights want their input normalised.
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_BATCH_NORM_EPS = 1e-5
#: More layers of context than this no network has.
_MOST_CONTEXT = 16


def subject_model() -> Path:
    """The file of the network: the user's own if there is one, else the one that comes with Impasto."""
    return find_model(FILE_NAME)


def save_subject_net(path: Path, net: SubjectNet, card: Mapping[str, Any]) -> None:
    """Write the network and its card; raises ModelProblem as `write_model` does."""
    save_net(path, net, CARD_KIND, {**card, "padding": net.encoder.padding, "context": len(net.context)})


def load_subject_net(path: Path, *, to_train: bool = False) -> SubjectNet:
    """The network, float32, on the CPU: ready to use, with batch normalisation folded into the convolutions.

    Args:
        path: the weights.
        to_train: leave batch normalisation as it is, and let all weights learn.

    Raises:
        ModelProblem: the file is missing, damaged, or something else.
    """
    net = load_net(path, CARD_KIND, _build)
    if to_train:
        return net.train().requires_grad_(True)
    net.fold_norms()
    return net


def _build(card: Mapping[str, Any]) -> SubjectNet:
    context = card.get("context", 0)
    if context not in range(_MOST_CONTEXT + 1):
        raise ValueError(f"a context of {quoted(context)}")
    return SubjectNet(card["padding"], context)


def load_encoder(path: Path | None = None) -> MobileNetV2:
    """MobileNetV2 with weights learned on ImageNet, in torchvision's key layout.

    Args:
        path: a safetensors file whose input is scaled to [-1, 1] and whose strided convolutions are padded as in
            TensorFlow; without it torchvision's own weights, downloaded once (14 MB) with a check of their hash.

    Raises:
        OSError: the file cannot be read, or the download failed.
        ValueError: the file does not hold a MobileNetV2.
    """
    padding: Padding = "symmetric" if path is None else "same"
    if path is None:
        from torchvision.models import MobileNet_V2_Weights

        weights: Mapping[str, Tensor] = MobileNet_V2_Weights.IMAGENET1K_V2.get_state_dict(check_hash=True)
    else:
        weights = {key: value.float() for key, value in read_tensors(path).items()}
    net = MobileNetV2(padding)
    state: dict[str, Tensor] = {}

    def fold(target: str, conv: str, norm: str) -> None:
        gain = weights[f"{norm}.weight"] * torch.rsqrt(weights[f"{norm}.running_var"] + _BATCH_NORM_EPS)
        state[f"{target}.weight"] = weights[f"{conv}.weight"] * gain[:, None, None, None]
        state[f"{target}.bias"] = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * gain

    try:
        fold("stem", "features.0.0", "features.0.1")
        for number in range(len(net.blocks)):
            source, target = f"features.{number + 1}.conv", f"blocks.{number}"
            at = 0
            if number:  # the first one does not expand
                fold(f"{target}.expand", f"{source}.0.0", f"{source}.0.1")
                at = 1
            fold(f"{target}.depthwise", f"{source}.{at}.0", f"{source}.{at}.1")
            fold(f"{target}.project", f"{source}.{at + 1}", f"{source}.{at + 2}")
        net.load_state_dict(state)
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"{path or 'torchvision'} does not hold a MobileNetV2: {error}") from error
    if path is None:
        _expect_unit_range(net.stem)
    log.info("MobileNetV2 from %s (%s padding)", path or "torchvision", padding)
    return net


@torch.no_grad()
def _expect_unit_range(stem: PaddedConv) -> None:
    """Turn a convolution of (x - mean) / std into one of 2x - 1."""
    assert stem.bias is not None
    mean, std = (torch.tensor(values)[None, :, None, None] for values in (_MEAN, _STD))
    stem.bias += (stem.weight * (0.5 - mean) / std).sum((1, 2, 3))
    stem.weight /= 2 * std
