"""OpenVINO's own format: a file of the graph, and one of the weights beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openvino
import torch

from impasto.export import onnx
from impasto.export.formats import Runner
from impasto.export.source import Source

#: OpenVINO takes bfloat16 where a processor has it, unless told otherwise.
PRECISION = {"INFERENCE_PRECISION_HINT": "f32"}


def write(source: Source, path: Path) -> None:
    """By way of ONNX, with the weights in float32. What it tells of itself is in its ``rt_info``."""
    by_way = path.with_suffix(".onnx")
    onnx.write(source, by_way)
    model = openvino.Core().read_model(by_way)
    for key, value in source.told().items():
        model.set_rt_info(value, key.split("."))
    openvino.save_model(model, path, compress_to_fp16=False)
    del model  # It may hold the file open.
    by_way.unlink()


def open_file(path: Path) -> Runner:
    """See `impasto.export.formats.Writer`."""
    settings = {**PRECISION, "INFERENCE_NUM_THREADS": torch.get_num_threads()}
    model = openvino.Core().compile_model(path, "CPU", settings)

    def run(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        return model(dict(inputs))[0]

    return run
