"""An engine of TensorRT, for the card on which it is made.

Written to its documentation and never run: nobody had a card at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import tensorrt
import torch

from impasto.export import onnx
from impasto.export.formats import Runner
from impasto.export.source import Source
from impasto_link.errors import ImpastoError

#: Sides of pictures that the engine is for, in pixels: the one that it is fastest at, and the longest.
_USUAL, _LONGEST = 1024, 4096


def write(source: Source, path: Path) -> None:
    """By way of ONNX. TensorRT 11 computes in the types that stand in the graph: float32.

    Raises:
        ImpastoError: there is no card, or TensorRT does not take the network.
    """
    if not torch.cuda.is_available():
        raise ImpastoError(
            "TensorRT makes an engine on the card that will run it, and there is no NVIDIA card here.",
            "Export to .onnx, and make the engine where the card is: trtexec --onnx=FILE --saveEngine=FILE",
        )
    by_way = path.with_suffix(".onnx")
    onnx.write(source, by_way)
    logger = tensorrt.Logger(tensorrt.Logger.ERROR)
    builder = tensorrt.Builder(logger)
    network = builder.create_network()
    parser = tensorrt.OnnxParser(network, logger)
    if not parser.parse_from_file(str(by_way)):
        raise ImpastoError(f"TensorRT does not take the network: {parser.get_error(0).desc()}", "Export to .onnx.")
    by_way.unlink()
    profile = builder.create_optimization_profile()
    sizes = (source.smallest, _USUAL, _LONGEST)
    profile.set_shape("image", *((1, 3, side, side) for side in sizes))
    config = builder.create_builder_config()
    config.add_optimization_profile(profile)
    engine = builder.build_serialized_network(network, config)
    if engine is None:
        raise ImpastoError("TensorRT made no engine of the network.", "Export to .onnx.")
    path.write_bytes(engine)


def open_file(path: Path) -> Runner:
    """See `impasto.export.formats.Writer`; on the card."""
    runtime = tensorrt.Runtime(tensorrt.Logger(tensorrt.Logger.ERROR))
    engine = runtime.deserialize_cuda_engine(path.read_bytes())
    context = engine.create_execution_context()
    names = [engine.get_tensor_name(place) for place in range(engine.num_io_tensors)]
    (output,) = (name for name in names if engine.get_tensor_mode(name) == tensorrt.TensorIOMode.OUTPUT)

    def run(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        given = {name: torch.from_numpy(value).cuda() for name, value in inputs.items()}
        for name, value in given.items():
            context.set_input_shape(name, tuple(value.shape))
            context.set_tensor_address(name, value.data_ptr())
        result = torch.empty(tuple(context.get_tensor_shape(output)), device="cuda")
        context.set_tensor_address(output, result.data_ptr())
        context.execute_async_v3(torch.cuda.current_stream().cuda_stream)
        return result.cpu().numpy()

    return run
