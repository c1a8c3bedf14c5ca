#!/bin/sh
# torch 2.15.0, AOTInductor on a CPU: a convolution of a size that comes out of a tensor.
# Belief: torch.compile and AOTInductor are one compiler, so what the one cannot do, the other refuses, too.
# Seen: of such a size (.item(), with torch._check) torch.compile stops with "expected size ..., stride ...": it took
#       the result to lie channel by channel, and it came pixel by pixel. AOTInductor compiles the same program and
#       does not look: the numbers are right and in the wrong places, with no warning. A free size that is one of the
#       input's own is right.
# No report of it was found. Needs a C++ compiler.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check uv
"$folder/venv/bin/uv" pip install --quiet --python "$folder/venv" torch==2.15.0 numpy==2.4.6
cat >"$folder/compile.py" <<'PYTHON'
import sys

import torch
from torch import nn
from torch._inductor import aoti_compile_and_package, aoti_load_package

torch._dynamo.config.capture_scalar_outputs = True
print("torch", torch.__version__)


class UpperRows(nn.Module):
    """Convolves the first rows of a picture; how many is told by a tensor."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3)

    def forward(self, x, rows):
        count = rows.item()
        torch._check(count >= 4)
        torch._check(count <= x.shape[2])
        return self.conv(x[:, :, :count]).relu()


class AllRows(UpperRows):
    """The same of all rows, whatever the height is."""

    def forward(self, x, rows):
        return self.conv(x).relu()


def off(painted, wanted):
    return (painted - wanted).abs().max().item()


def compiled(network, height):
    shapes = {"x": {2: height}, "rows": {}}
    program = torch.export.export(network, (x, rows), dynamic_shapes=shapes)
    path = f"{sys.argv[1]}/{type(network).__name__}.pt2"
    return aoti_load_package(aoti_compile_and_package(program, package_path=path))(x, rows)


x, rows = torch.rand(1, 3, 40, 48), torch.tensor(20)
with torch.inference_mode():
    of_all, by_count = AllRows().eval(), UpperRows().eval()
    all_off = off(compiled(of_all, torch.export.Dim("height", min=8, max=4096)), of_all(x, rows))
    print(f"AOTInductor, a size of the input's: off by {all_off:.1e}")
    wanted = by_count(x, rows)
    try:
        torch.compile(by_count, fullgraph=True)(x, rows)
        refused = "nothing"
    except AssertionError as error:
        refused = str(error).split(";")[0]
    print("torch.compile, a size from a tensor:", refused)
    seen = compiled(by_count, torch.export.Dim.STATIC)
    as_it_lay = wanted.permute(0, 2, 3, 1).reshape(wanted.shape)
    print(f"AOTInductor, the same: shape {tuple(seen.shape)}, off by {off(seen, wanted):.2f}; ", end="")
    print(f"from the right numbers pixel by pixel by {off(seen, as_it_lay):.1e}")
assert all_off < 1e-5 and "stride" in refused
assert seen.shape == wanted.shape and off(seen, wanted) > 0.1 and off(seen, as_it_lay) < 1e-5
PYTHON
TORCHINDUCTOR_CACHE_DIR="$folder/cache" "$folder/venv/bin/python" "$folder/compile.py" "$folder" 2>"$folder/said" || { cat "$folder/said"; exit 1; }
! grep -v "CUDA" "$folder/said" || exit 1
echo "Warnings about it: none"
