"""A network as `torch.export` writes it down, from which most other formats are made, and the file of that."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from impasto.export.formats import Runner
from impasto.export.source import Source
from impasto.nets.portable import LONGEST, sizes_as_expressions

#: Height and width of the sample; no number of the network, lest one be taken for the other.
_SAMPLE = (72, 104)


def sample(source: Source) -> tuple[Tensor, ...]:
    """Inputs of a usual kind, in the order of ``forward``."""
    return tuple(source.inputs(torch.rand(1, 3, *_SAMPLE)).values())


def as_program(source: Source) -> ExportedProgram:
    """The network for any height and width."""
    height, width = (Dim(name, min=source.smallest, max=LONGEST) for name in ("height", "width"))
    return _exported(source, {2: height, 3: width})


def for_compilers(source: Source, longest: int = LONGEST) -> ExportedProgram:
    """The same for compilers that cannot do with sizes that are symbols of their own.

    Inductor 2.15 reads what a convolution of such a size makes in another order than it is written in, and XNNPACK
    takes no such convolutions.

    Args:
        source: the network.
        longest: the longest side that it will be given, in pixels.
    """
    with sizes_as_expressions():
        return _exported(source, {side: Dim.AUTO(min=source.smallest, max=longest) for side in (2, 3)})


def _exported(source: Source, image: dict[int, Any]) -> ExportedProgram:
    shapes = {name: image if name == "image" else {} for name in source.inputs(torch.empty(0))}
    return torch.export.export(source.net, sample(source), dynamic_shapes=shapes)


def write(source: Source, path: Path) -> None:
    """See `impasto.export.formats.Writer`. What it tells of itself is in its ``extra_files``."""
    # Not to the path: on a full disk PyTorch's own writer says nothing that people understand.
    written = io.BytesIO()
    torch.export.save(as_program(source), written, extra_files=source.told())
    path.write_bytes(written.getvalue())


def open_file(path: Path) -> Runner:
    """See `impasto.export.formats.Writer`."""
    return in_order(torch.export.load(path).module())


def in_order(net: Callable[..., Tensor]) -> Runner:
    """What takes and returns tensors as what takes arrays by name, in the order of ``forward``, and returns one."""

    def run(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        with torch.inference_mode():
            return net(*(torch.from_numpy(value) for value in inputs.values())).numpy()

    return run
