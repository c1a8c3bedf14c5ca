#!/bin/sh
# OpenVINO 2026.4.1 and ONNX's BitShift.
# Belief: a shift of unsigned integers moves bits, so it is exact in every runtime.
# Seen: the reader of ONNX files makes a power of two and a division of it, which the CPU does with signed numbers in
#       float32. uint32 shifted right by 3 is off from 2**24 + 7 on, by up to 8 below 2**31; from there on it is as if
#       the number were negative, and 2**32 - 1 becomes 0. uint16 is exact. OpenVINO's own BitwiseRightShift is exact
#       below 2**31, and brings the sign bit in above. A hash that shifts is another one there.
# That integers are divided in float32 is known: https://github.com/openvinotoolkit/openvino/issues/35830
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
from openvino import opset15

BY = 3
print("OpenVINO", openvino.__version__, "ONNX Runtime", onnxruntime.__version__)


def shifted_right(numbers):
    """What ONNX Runtime and OpenVINO make of a file that shifts these numbers, and OpenVINO's operations for it."""
    kind = helper.np_dtype_to_tensor_dtype(numbers.dtype)
    graph = helper.make_graph(
        [helper.make_node("BitShift", ["x", "by"], ["y"], direction="RIGHT")],
        "shift",
        [helper.make_tensor_value_info("x", kind, ["n"])],
        [helper.make_tensor_value_info("y", kind, ["n"])],
        [helper.make_tensor("by", kind, [1], [BY])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    data = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    core = openvino.Core()
    read = core.read_model(data)
    operations = [node.get_type_name() for node in read.get_ordered_ops()]
    return session.run(None, {"x": numbers})[0], core.compile_model(read, "CPU")(numbers)[0], operations


def by_own_operation(numbers):
    x = opset15.parameter([-1], numbers.dtype)
    shift = opset15.bitwise_right_shift(x, opset15.constant(np.array([BY], numbers.dtype)))
    return openvino.compile_model(openvino.Model([shift], [x]), "CPU")(numbers)[0]


numbers = np.array([2**24 + 6, 2**24 + 7, 2**31 - 64, 2**31, 2**31 + 12345, 2**32 - 1], np.uint32)
right = numbers >> BY
elsewhere, seen, operations = shifted_right(numbers)
own = by_own_operation(numbers)
print("BitShift is read as", " ".join(operations))
print(f"{'x':>10} {'x >> 3':>10} {'ONNX Runtime':>12} {'OpenVINO':>10} {'BitwiseRightShift':>17}")
for row in zip(numbers, right, elsewhere, seen, own):
    print("{:10} {:10} {:12} {:10} {:17}".format(*(int(number) for number in row)))
assert {"Power", "Divide"} <= set(operations)
assert np.array_equal(elsewhere, right)
assert (seen.astype(np.int64) - right).tolist()[:3] == [0, 1, 8]
assert (seen[3:] != right[3:]).all() and seen[-1] == 0
assert np.array_equal(own, (numbers.view(np.int32) >> BY).view(np.uint32))
halves = np.array([1, 2**15, 2**16 - 1], np.uint16)
assert np.array_equal(shifted_right(halves)[1], halves >> BY)
PYTHON
