#!/bin/sh
# OpenVINO 2026.4.1 and a mean that is taken in two steps.
# Belief: a mean of a large plane that is taken by rows first, and then of the rows, is exact enough in float32
#         wherever the file is run: no sum has more terms than the plane has rows or columns.
# Seen: OpenVINO makes one reduction of the two (https://github.com/openvinotoolkit/openvino/pull/11746), also with
#       "f32" asked for, and sums all of the plane into few numbers. The mean of 4096 x 4096 values between 100 and
#       101 comes out as 101.5, above every one of them. A factor between the two keeps them apart.
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

SIDE = 4096
print("OpenVINO", openvino.__version__, "ONNX Runtime", onnxruntime.__version__)

by_rows_first = [
    helper.make_node("ReduceMean", ["x", "last"], ["rows"]),
    helper.make_node("ReduceMean", ["rows", "first"], ["y"]),
]
with_a_factor = [
    helper.make_node("ReduceSum", ["x", "last"], ["sums"]),
    helper.make_node("Mul", ["sums", "factor"], ["rows"]),
    helper.make_node("ReduceMean", ["rows", "first"], ["y"]),
]


def model_of(nodes):
    constants = [
        helper.make_tensor("first", TensorProto.INT64, [1], [0]),
        helper.make_tensor("last", TensorProto.INT64, [1], [1]),
        helper.make_tensor("factor", TensorProto.FLOAT, [], [1 / SIDE]),
    ]
    used = {name for node in nodes for name in node.input}
    graph = helper.make_graph(
        nodes,
        "mean",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["h", "w"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1])],
        [constant for constant in constants if constant.name in used],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def by_onnxruntime(nodes):
    session = onnxruntime.InferenceSession(model_of(nodes), providers=["CPUExecutionProvider"])
    return session.run(None, {"x": plane})[0].item()


def by_openvino(nodes):
    """The mean, and how many reductions OpenVINO took for it."""
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(model_of(nodes)), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    kinds = [node.get_rt_info()["layerType"].astype(str) for node in compiled.get_runtime_model().get_ops()]
    return compiled(plane)[0].item(), kinds.count("Reduce")


plane = 100 + np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32)
right = plane.mean(dtype=np.float64)
elsewhere = by_onnxruntime(by_rows_first)
merged, reductions = by_openvino(by_rows_first)
apart, reductions_apart = by_openvino(with_a_factor)
print(f"{SIDE} x {SIDE} values from {plane.min():.4f} to {plane.max():.4f}; mean in float64 {right:.4f}")
print(f"ONNX Runtime, by rows first: {elsewhere:.4f}")
print(f"OpenVINO, by rows first: {merged:.4f}, reductions: {reductions}")
print(f"OpenVINO, with a factor between: {apart:.4f}, reductions: {reductions_apart}")
assert abs(elsewhere - right) < 0.001 and abs(apart - right) < 0.001
assert abs(merged - right) > 0.1
assert (reductions, reductions_apart) == (1, 2)
PYTHON
