#!/bin/sh
# torch 2.15.0 with onnxscript 0.7.2: floor division of integers, exported to ONNX.
# Belief: x // 3 and torch.div(x, 3, rounding_mode="floor") are one operation, as torch's manual says; exported, too.
# Seen: in torch they are. In the file, // is a division of integers, since its rounding was reported
#       (https://github.com/microsoft/onnxscript/issues/2589), and torch.div is one in float32 with a Floor behind:
#       beyond 2**24 quotients of int32 and int64 are off, by 22 at 2**31. rounding_mode="trunc" is the same. No
#       warning.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv" \
  torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6
cat >"$folder/divide.py" <<'PYTHON'
from importlib.metadata import version

import onnxruntime
import torch
from torch import nn


class By3(nn.Module):
    def __init__(self, way):
        super().__init__()
        self.way = way

    def forward(self, x):
        if self.way == "//":
            return x // 3
        return torch.div(x, 3, rounding_mode=self.way)


print("torch", torch.__version__, "onnxscript", version("onnxscript"), "ONNX Runtime", onnxruntime.__version__)
for kind in (torch.int32, torch.int64):
    x = torch.tensor([1000, 2**24 + 2, 2**28 + 15, 2**31 - 1], dtype=kind)
    for way in ("//", "floor", "trunc"):
        network = By3(way).eval()
        assert network(x).tolist() == [number // 3 for number in x.tolist()]
        program = torch.onnx.export(network, (x,), verbose=False)
        data = program.model_proto.SerializeToString()
        session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        off = (torch.from_numpy(session.run(None, {"x": x.numpy()})[0]) - network(x)).tolist()
        operations = " ".join(node.op_type for node in program.model_proto.graph.node)
        print(f"{kind}, {way}: off by {off}; {operations}")
        assert off == ([0, 0, 0, 0] if way == "//" else [0, 0, -2, 22])
PYTHON
"$folder/venv/bin/python" "$folder/divide.py" 2>"$folder/said" || { cat "$folder/said"; exit 1; }
! grep -v "torchvision is not installed" "$folder/said" || exit 1
echo "Warnings about it: none"
