"""ONNX, for ONNX Runtime and everything else that reads it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import onnxscript  # noqa: F401 - torch.onnx needs it, and says so only in the middle of its work
import torch

from impasto.export.formats import Runner
from impasto.export.program import as_program
from impasto.export.source import Source

#: Has BitwiseXor and BitwiseAnd; from ONNX Runtime 1.14 and OpenVINO 2024 on.
OPSET = 18


def write(source: Source, path: Path) -> None:
    """See `impasto.export.formats.Writer`; one file. What it tells of itself is in ``metadata_props``."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            as_program(source), dynamo=True, opset_version=OPSET, output_names=[source.output], verbose=False
        )
    assert program is not None
    model = _plain(program.model_proto, source.output)
    onnx.helper.set_model_props(model, source.told(opset=OPSET))
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def _plain(model: onnx.ModelProto, output: str) -> onnx.ModelProto:
    """Without what the exporter notes for itself, which names files of this machine, and with names for the sizes."""
    graph = model.graph
    del graph.value_info[:], graph.metadata_props[:]
    for part in (*graph.node, *graph.input, *graph.output, *graph.initializer):
        if hasattr(part, "metadata_props"):
            del part.metadata_props[:]
        part.doc_string = ""
    for value in (*graph.input, *graph.output):
        if value.name in ("image", output):
            for dim, name in zip(value.type.tensor_type.shape.dim[2:], ("height", "width"), strict=True):
                dim.dim_param = name
    return model


def open_file(path: Path, *, arena: bool = True) -> Runner:
    """See `impasto.export.formats.Writer`.

    Args:
        path: the file.
        arena: whether ONNX Runtime keeps memory for the next layer; without, it takes less of it and twice the time.
    """
    settings = onnxruntime.SessionOptions()
    settings.enable_cpu_mem_arena = arena
    settings.intra_op_num_threads = torch.get_num_threads()
    session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])

    def run(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        return session.run(None, dict(inputs))[0]

    return run
