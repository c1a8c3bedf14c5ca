"""ExecuTorch, for phones and small boards; computed by XNNPACK."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
from executorch.exir import EdgeCompileConfig, to_edge_transform_and_lower
from executorch.runtime import Runtime

from impasto.export.formats import Runner, format_of
from impasto.export.program import for_compilers
from impasto.export.source import Source


def write(source: Source, path: Path) -> None:
    """See `impasto.export.formats.Writer`. The memory for the largest picture is laid out beforehand."""
    program = to_edge_transform_and_lower(
        for_compilers(source, format_of(path).longest),
        partitioner=[XnnpackPartitioner()],
        # The grain's bitwise operators are none of the core ones, which the portable kernels have all the same.
        compile_config=EdgeCompileConfig(_check_ir_validity=False),
    )
    path.write_bytes(program.to_executorch().buffer)


def open_file(path: Path) -> Runner:
    """See `impasto.export.formats.Writer`."""
    program = Runtime.get().load_program(path)
    method = program.load_method("forward")

    def run(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        (result,) = method.execute([torch.from_numpy(value) for value in inputs.values()])
        # It lies in the method's own memory, where the next picture comes.
        return result.numpy().copy()

    return run
