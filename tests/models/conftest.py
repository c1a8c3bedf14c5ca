"""A VGG-19 with random weights: trainings run with it as with the real one, they only learn nothing of worth."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from impasto.nets.vgg import CHANNELS
from support import TORCHVISION


@pytest.fixture(scope="session")
def vgg_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights in torchvision's layout, up to relu4_1."""
    torch.manual_seed(0)
    weights, channels_in = {}, 3
    for name in list(CHANNELS)[:9]:
        channels = CHANNELS[name]
        weights[f"features.{TORCHVISION[name]}.weight"] = (
            torch.randn(channels, channels_in, 3, 3) * (2 / channels_in / 9) ** 0.5
        )
        weights[f"features.{TORCHVISION[name]}.bias"] = torch.zeros(channels)
        channels_in = channels
    path = tmp_path_factory.mktemp("vgg") / "vgg.safetensors"
    save_file(weights, path)
    return path
