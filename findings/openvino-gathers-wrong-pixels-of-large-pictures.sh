#!/bin/sh
# OpenVINO 2026.4.1 on x86-64 with AVX2 or AVX-512, and ONNX's Gather.
# Belief: Gather only copies, so neither the size of a picture nor the number of threads changes what comes out.
# Seen: with sizes that the file leaves open, gathering along the last axis goes wrong without a word where a thread
#       begins beyond element 2**24: its first places are worked out in float32, which no longer holds them. With two
#       threads that happens from a little more than 2**25 elements on: RGB of 12 megapixels turned into BGR has wrong
#       colours in its lower half. With one thread, or with sizes that the file states, all is right, as it is in ONNX
#       Runtime.
# No report of it was found; the kernel came with https://github.com/openvinotoolkit/openvino/pull/10083
set -e
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "openvino==2026.4.1" "onnx==1.23.2" "onnxruntime==1.32.0" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper

HEIGHT, WIDTH = 3000, 4000
SWAPPED = [2, 1, 0]
print("OpenVINO", openvino.__version__, "ONNX Runtime", onnxruntime.__version__)


def channels_swapped(size):
    """A file that turns (H, W, 3) of that size, or of any, into the same with red and blue swapped."""
    picture, swapped = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [*size, 3]) for name in ("x", "y"))
    order = helper.make_tensor("order", TensorProto.INT64, [3], SWAPPED)
    graph = helper.make_graph(
        [helper.make_node("Gather", ["x", "order"], ["y"], axis=2)], "swap", [picture], [swapped], [order]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def by_onnxruntime(size):
    session = onnxruntime.InferenceSession(channels_swapped(size), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": picture})[0]


def by_openvino(size, threads):
    core = openvino.Core()
    settings = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    return core.compile_model(core.read_model(channels_swapped(size)), "CPU", settings)(picture)[0]


picture = np.random.default_rng(0).random((HEIGHT, WIDTH, 3), dtype=np.float32)
right = picture[..., SWAPPED]
open_size, fixed_size = ("h", "w"), (HEIGHT, WIDTH)
seen = {
    "ONNX Runtime, any size": by_onnxruntime(open_size),
    "OpenVINO, any size, one thread": by_openvino(open_size, 1),
    "OpenVINO, this size, two threads": by_openvino(fixed_size, 2),
    "OpenVINO, any size, two threads": by_openvino(open_size, 2),
}
for name, swapped in seen.items():
    wrong = (swapped != right).any(axis=2)
    rows = np.flatnonzero(wrong.any(axis=1))
    where = f"rows {rows[0]} to {rows[-1]}" if len(rows) else "nowhere"
    print(f"{name}: {wrong.sum()} of {wrong.size} pixels wrong, {where}")
    if name == "OpenVINO, any size, two threads":
        assert wrong.mean() > 0.1 and rows[0] == HEIGHT // 2
    else:
        assert not wrong.any()
PYTHON
