"""A small bank, and a file of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from impasto.export.run import export
from impasto.export.source import Source
from impasto.nets.portable import PortableStyleBank
from impasto.nets.style_bank import StyleBankNet


@pytest.fixture(scope="session")
def net() -> StyleBankNet:
    torch.manual_seed(5)
    return StyleBankNet(width=4, blocks=1).eval()


@pytest.fixture(scope="session")
def codes(net: StyleBankNet) -> dict[str, torch.Tensor]:
    torch.manual_seed(6)
    return {name: net.neutral_code()[None] + 0.2 * torch.randn(1, net.code_length) for name in ("waves", "night")}


@pytest.fixture(scope="session")
def bank(net: StyleBankNet, codes: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    styles = [{"name": name, "title": name.title()} for name in codes]
    source = Source("small", PortableStyleBank(net), "painting", 8, {"name": "small"}, codes, styles)
    return export(source, tmp_path_factory.mktemp("bank") / "small.onnx", replace=False)
