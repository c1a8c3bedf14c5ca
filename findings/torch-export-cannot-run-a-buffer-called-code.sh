#!/bin/sh
# torch 2.15.0: names of buffers, parameters and submodules.
# Belief: a name that nn.Module takes is one like any other; and what torch.export has exported, and read back from
#         its file, can be run.
# Seen: "code", "graph", "meta" and some more are attributes of torch.fx's GraphModule. A buffer of that name is
#       exported, written and read without a word; only when the program is made a module again, or exported to ONNX,
#       comes KeyError: attribute 'code' already exists. torch.compile and TorchScript take it; and so does
#       torch.export where the buffer is one module deeper.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv" \
  torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import io
import logging
import warnings

import torch
from torch import nn

warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
x = torch.ones(2, 3)


class Scaled(nn.Module):
    def __init__(self, name):
        super().__init__()
        self.name = name
        self.register_buffer(name, torch.full((3,), 2.0))

    def forward(self, x):
        return x * getattr(self, self.name)


def exported_and_read(network):
    file = io.BytesIO()
    torch.export.save(torch.export.export(network, (x,)), file)
    file.seek(0)
    return torch.export.load(file)


def outcome(run):
    """The first cause of the error, or that there is none."""
    try:
        run()
    except Exception as error:
        while error.__cause__:
            error = error.__cause__
        return f"{type(error).__name__}: {error.args[0]}"
    return "runs"


ways = {
    "torch.compile": lambda network: torch.compile(network, backend="eager")(x),
    "torch.jit.trace": lambda network: torch.jit.trace(network, (x,))(x),
    "torch.export and its file": exported_and_read,
    "the module of that": lambda network: exported_and_read(network).module()(x),
    "torch.onnx.export": lambda network: torch.onnx.export(network, (x,), verbose=False),
}
print("torch", torch.__version__)
for name in ("code", "graph", "meta", "style"):
    for where, network in (("at the top", Scaled(name)), ("deeper", nn.Sequential(Scaled(name)))):
        seen = {way: outcome(lambda: run(network)) for way, run in ways.items()}
        print(f"{name}, {where}: " + "; ".join(f"{way}: {what}" for way, what in seen.items()))
        if name == "style" or where == "deeper":
            assert set(seen.values()) == {"runs"}
        else:
            error = f"KeyError: attribute '{name}' already exists"
            assert list(seen.values()) == ["runs", "runs", "runs", error, error]
PYTHON
