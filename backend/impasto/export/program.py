"""A network as `torch.export` writes it down, from which all other formats are made."""

from __future__ import annotations

import torch
from torch.export import Dim, ExportedProgram

from impasto.export.source import Source
from impasto.nets.portable import LONGEST

#: Height and width of the sample; no number of the network, lest one be taken for the other.
_SAMPLE = (72, 104)


def as_program(source: Source) -> ExportedProgram:
    """The network for any height and width."""
    inputs = source.inputs(torch.rand(1, 3, *_SAMPLE))
    shapes: dict[str, dict[int, Dim]] = {name: {} for name in inputs} | {
        "image": {
            2: Dim("height", min=source.smallest, max=LONGEST),
            3: Dim("width", min=source.smallest, max=LONGEST),
        }
    }
    return torch.export.export(
        source.net,
        tuple(inputs.values()),
        dynamic_shapes=shapes,
    )
