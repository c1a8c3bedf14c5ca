"""A library of small networks: two styles with codes for several strokes and strengths, and what reads pictures."""

from __future__ import annotations

from pathlib import Path

import torch

from impasto.nets.predictor import StylePredictor
from impasto.nets.style_bank import StyleBankNet
from impasto.zoo.bank import StyleCodes, save_bank
from impasto.zoo.encoder import load_compact_encoder
from impasto.zoo.grid import CodeGrid
from impasto.zoo.library import Library, shipped_models
from impasto.zoo.predictor import save_predictor

#: For which strokes and strengths the styles have codes, and the predictor strengths.
GRID = CodeGrid((0.64, 1.0, 1.6), (0.5, 1.0))
NAMES = ("night", "day")


def small_net(seed: int = 0) -> StyleBankNet:
    """A network of four channels."""
    torch.manual_seed(seed)
    return StyleBankNet(width=4, blocks=1)


def small_codes(net: StyleBankNet) -> dict[str, StyleCodes]:
    """Of each style a code for each size and strength, each a little different."""
    torch.manual_seed(1)
    found = {}
    for name in NAMES:
        style = net.neutral_code() + 0.5 * torch.randn(net.code_length)
        found[name] = StyleCodes((style + 0.1 * torch.randn(3, 2, net.code_length)).half().float(), GRID)
    return found


def save_small_models(folder: Path, net: StyleBankNet) -> dict[str, StyleCodes]:
    """Write the bank of a network and its predictor, and put the shipped encoder and AdaIN's decoder beside them.

    Returns:
        The codes of the bank's styles.
    """
    codes = small_codes(net)
    tensors = {name: style.codes for name, style in codes.items()}
    entries = [{"name": name} for name in NAMES]
    save_bank(folder / "mine.safetensors", net, tensors, entries, {}, strokes=GRID.strokes, strengths=GRID.strengths)
    for name in ("encoder", "adain"):
        for suffix in (".json", ".safetensors"):
            if not (link := folder / f"{name}{suffix}").exists():
                link.symlink_to(shipped_models() / link.name)
    predictor = StylePredictor(2 * sum(load_compact_encoder().channels), net.code_length, 16, GRID.strengths)
    predictor.code_mean.copy_(codes["night"].at())
    torch.nn.init.normal_(predictor.to_code.weight, std=0.1)
    torch.nn.init.normal_(predictor.of_strength.weight, std=3.0)
    save_predictor(folder / "my-predictor.safetensors", predictor, Library([folder]).style("night").bank.body, {})
    return codes
