"""A network as `torch.export` writes it down, from which all other formats are made."""

from __future__ import annotations

import torch
from torch.export import Dim, ExportedProgram

from impasto.export.source import Source

#: Height and width of the sample; no number of the network, lest one be taken for the other.
_SAMPLE = (72, 104)
#: The longest side that a file may be given, in pixels.
LONGEST = 1 << 15


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
        # What holds at every size but is more than the exporter can prove becomes a check when the program is run.
        prefer_deferred_runtime_asserts_over_guards=True,
    )
