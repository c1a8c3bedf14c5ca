"""Style banks on disk: safetensors with the network under ``body.`` and each style's codes under ``styles.``.

Format 2 has of each style a code for every size of strokes and every strength that its card tells of, (Z, G,
code_length). Format 1 had a single one, (code_length,), and is still read.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from impasto.nets.style_bank import StyleBankNet
from impasto.zoo.grid import CodeGrid
from impasto.zoo.library import CARD_KIND
from impasto.zoo.storage import Card, fill, read_card, read_tensors, write_model
from impasto_link.errors import ModelProblem, quoted
from impasto_link.sentences import say

_BODY, _STYLES = "body.", "styles."


@dataclass(frozen=True)
class StyleCodes:
    """All codes of a style.

    Attributes:
        codes: (Z, G, code_length) float32.
        grid: the Z sizes of strokes and G strengths for which they are.
    """

    codes: Tensor
    grid: CodeGrid

    def at(self, brush: float = 1.0, strength: float = 1.0) -> Tensor:
        """The code for a size of strokes and a strength, (code_length,); between codes as `CodeGrid.corners` says."""
        return code_between(self.grid, brush, strength, lambda row, column: self.codes[row, column])


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
    strokes: Sequence[float] = (1.0,),
    strengths: Sequence[float] = (1.0,),
    with_body: bool = True,
) -> None:
    """Write a bank and its card.

    Args:
        path: the ``.safetensors`` file; its folder is made if it is not there.
        net: the network; left out of the file unless ``with_body``, but named by its fingerprint.
        codes: each style's codes, (Z, G, code_length).
        styles: what the card says of each style; each has at least a ``name``.
        card: what else the card says: licence, training, quality.
        strokes: the Z sizes of strokes for which the codes are, as `CodeGrid` has them.
        strengths: the G strengths for which they are, likewise.

    Raises:
        ModelProblem: the folder cannot be written to, or the disk is full.
        ValueError: the codes are not of that shape.
    """
    grid = CodeGrid.of(strokes, strengths)
    for name, code in codes.items():
        _check_shape(name, code, grid)
    tensors = stored(net if with_body else None, codes)
    full_card = {
        "kind": CARD_KIND,
        "format": 2,
        "name": path.stem,
        **card,
        "width": net.width,
        "blocks": net.blocks,
        "body": fingerprint(net),
        "has_body": with_body,
        "strokes": grid.strokes,
        "strengths": grid.strengths,
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


def load_codes(path: Path) -> dict[str, StyleCodes]:
    """The codes of each style of a bank, by name.

    Raises:
        ModelProblem: the file is missing or damaged, or has other codes than its card tells of.
    """
    return read_codes(path, lambda card, _: CodeGrid.of_card(card))


def read_codes(path: Path, grid_of: Callable[[Card, str], CodeGrid]) -> dict[str, StyleCodes]:
    """The same of any file with codes; ``grid_of`` says what a card tells of a style, and raises ValueError if not."""
    tensors, card = read_tensors(path, _STYLES), read_card(path)
    try:
        found = {}
        for key, value in tensors.items():
            grid = grid_of(card, key.removeprefix(_STYLES))
            codes = (value[None, None] if value.ndim == 1 else value).float()
            _check_shape(key, codes, grid)
            found[key.removeprefix(_STYLES)] = StyleCodes(codes, grid)
        return found
    except ValueError as error:
        raise ModelProblem(
            say("The file {path} does not hold the codes of a style bank: {error}.", path=path, error=error)
        ) from error


def stored(net: StyleBankNet | None, codes: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of a file with a network, if there is one, and with codes of styles, as float16."""
    weights = {} if net is None else net.state_dict()
    named = {f"{_STYLES}{name}": code for name, code in codes.items()} | {
        f"{_BODY}{key}": value for key, value in weights.items()
    }
    return {key: value.detach().cpu().half().contiguous() for key, value in named.items()}


def _check_shape(name: str, codes: Tensor, grid: CodeGrid) -> None:
    sizes, strengths = len(grid.strokes), len(grid.strengths)
    if codes.ndim != 3 or codes.shape[:2] != (sizes, strengths):
        wanted = f"{sizes} sizes of strokes and {strengths} strengths"
        raise ValueError(f"{quoted(name)} has the shape {tuple(codes.shape)}, which is not that of {wanted}")


def code_between(grid: CodeGrid, brush: float, strength: float, code: Callable[[int, int], Tensor]) -> Tensor:
    """The code for a size of strokes and a strength; between codes as `CodeGrid.corners` says.

    Args:
        grid: where codes stand.
        brush, strength: what is wanted.
        code: gives the code of a place among the grid's strokes and among its strengths, (code_length,).
    """
    corners = grid.corners(brush, strength)
    return torch.stack([share * code(row, column) for row, column, share in corners]).sum(0)


def mix_codes(codes: list[Tensor], weights: list[float]) -> Tensor:
    """The code between codes: their mean by weight. Shape (1, code_length)."""
    # In float32 small weights would be 0, and their shares not a number.
    shares = torch.tensor(weights, dtype=torch.float64)
    shares = (shares / shares.sum()).float()
    return (torch.stack(codes) * shares[:, None]).sum(0, keepdim=True)
