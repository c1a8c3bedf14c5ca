#!/bin/sh
# torch 2.15.0: torch.onnx.export with dynamic_shapes, and a network that branches on its size.
# Belief: torch.onnx.export calls torch.export, so it refuses what that refuses: a program that is said to be for all
#         sizes and is only true of some.
# Seen: with the same arguments torch.export raises "Constraints violated" and names the condition. torch.onnx.export
#       has it put conditions off (https://github.com/pytorch/pytorch/pull/165820), or calls it again with sizes that
#       the error suggests, and writes neither down. The file says that the sizes are free, does what the sample did,
#       and gives others a wrong result; nothing is said about it. So run a file at sizes on both sides of every
#       branch.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv" \
  torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0 numpy==2.4.6
cat >"$folder/export.py" <<'PYTHON'
import onnxruntime
import torch
from torch import nn


class WholeTiles(nn.Module):
    """Pads the width up to a multiple of 4."""

    def forward(self, x):
        over = x.shape[-1] % 4
        return nn.functional.pad(x, (0, 4 - over)) if over else x


class LongerSide(nn.Module):
    """The mean along the longer side."""

    def forward(self, x):
        return x.mean(-1) if x.shape[-1] > x.shape[-2] else x.mean(-2)


print("torch", torch.__version__, "ONNX Runtime", onnxruntime.__version__)
free = {"x": {0: torch.export.Dim("h", min=2, max=4096), 1: torch.export.Dim("w", min=2, max=4096)}}
cases = (WholeTiles, (6, 8), (6, 7)), (WholeTiles, (6, 7), (6, 8)), (LongerSide, (6, 8), (8, 6))
for kind, of_sample, of_other in cases:
    network = kind().eval()
    sample, other = torch.rand(of_sample), torch.rand(of_other)
    try:
        torch.export.export(network, (sample,), dynamic_shapes=free)
        refused = False
    except Exception as error:
        refused = "Constraints violated" in str(error)
    program = torch.onnx.export(network, (sample,), dynamic_shapes=free, verbose=False)
    session = onnxruntime.InferenceSession(program.model_proto.SerializeToString(), providers=["CPUExecutionProvider"])
    inlet = session.get_inputs()[0]
    seen = [torch.from_numpy(session.run(None, {inlet.name: x.numpy()})[0]) for x in (sample, other)]
    wanted = [network(x) for x in (sample, other)]
    right = [a.shape == b.shape and torch.allclose(a, b) for a, b in zip(seen, wanted)]
    print(f"{kind.__name__}, sample {of_sample}: torch.export refuses: {refused}; torch.onnx: a file for {inlet.shape}")
    print(f"  {of_sample}: right: {right[0]}; {of_other}: right: {right[1]}, ", end="")
    print(f"{tuple(seen[1].shape)} for {tuple(wanted[1].shape)}")
    assert refused and inlet.shape == ["h", "w"] and right == [True, False]
PYTHON
"$folder/venv/bin/python" "$folder/export.py" 2>"$folder/said" || { cat "$folder/said"; exit 1; }
! grep -v "torchvision is not installed" "$folder/said" || exit 1
echo "Warnings about it: none"
