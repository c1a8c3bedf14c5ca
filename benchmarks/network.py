"""The network alone: Impasto beside plain PyTorch, ONNX Runtime and OpenVINO, and its memory by size.

    python benchmarks/network.py [--sizes 512 1024 2048] [--memory 1024 2048 4096 8192]

Prints Markdown. All run the same weights on the same picture, in turn in one process, so that a machine that changes
its speed changes all; times are medians. ONNX Runtime and OpenVINO come with the extra ``bench`` and are left out where
they are not installed. Memory is measured in a process of its own for each size.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from impasto.compute.accelerator import fast_dtype
from impasto.compute.plan import Plan
from impasto.execution.style_bank import FoldedStyleBank
from impasto.nets import style_bank
from impasto.nets.grain import grain
from impasto.nets.style_bank import StyleBankNet
from impasto.zoo.bank import load_body, load_codes
from impasto.zoo.library import shipped_models

Run = Callable[[Tensor], Tensor]


def load() -> tuple[StyleBankNet, Tensor]:
    path = shipped_models() / "classic.safetensors"
    return load_body(path), load_codes(path)["starry-night"].at()[None]


def photo(side: int) -> Tensor:
    """A photo of that size, (1, 3, side, side)."""
    from skimage import data

    pixels = torch.from_numpy(data.astronaut()).permute(2, 0, 1)[None] / 255
    return F.interpolate(pixels, (side, side), mode="bicubic", antialias=True).clamp(0, 1)


class WithCode(nn.Module):
    """The network with one style, as an exporter wants it."""

    def __init__(self, net: StyleBankNet, code: Tensor) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("style", code)

    def forward(self, x: Tensor) -> Tensor:
        assert isinstance(self.style, Tensor)
        return self.net(x, self.style)


def export(net: StyleBankNet, code: Tensor, side: int, path: Path) -> None:
    """Write an ONNX file in which the grain is a constant and the normalisation ONNX's own."""
    noise = grain(0, 0, side, side)

    def norm(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        return F.instance_norm(x, weight=scale.flatten(), bias=shift.flatten(), eps=style_bank.NORM_EPS)

    with mock.patch.multiple(style_bank, grain=lambda *where: noise, instance_norm=norm):
        torch.onnx.export(WithCode(net, code).eval(), (torch.rand(1, 3, side, side),), path, verbose=False)


def contenders(side: int) -> dict[str, Run]:
    """Every way to run the network on a square picture of that side."""
    device, dtype = torch.device("cpu"), fast_dtype(torch.device("cpu"))
    net, code = load()
    runs: dict[str, Run] = {}
    kinds = {dtype, torch.float32}
    folded = {kind: FoldedStyleBank(load()[0], device, kind) for kind in kinds}
    name = str(dtype).removeprefix("torch.")
    runs[f"Impasto, {name}"] = lambda x: folded[dtype].paint(x, code)
    runs[f"Impasto, {name}, sparing memory"] = lambda x: folded[dtype].paint(x, code, Plan(keep_all=False))
    runs["Impasto, float32"] = lambda x: folded[torch.float32].paint(x, code)
    runs["PyTorch eager, float32"] = lambda x: net(x, code)
    if dtype != torch.float32:
        low = load()[0].to(dtype).to(memory_format=torch.channels_last)
        runs[f"PyTorch eager, {name}, channels_last"] = lambda x: low(x.to(dtype), code)
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / "net.onnx"
        try:
            export(net, code, side, exported)
        except ImportError:
            print("ONNX Runtime and OpenVINO need: pip install 'impasto[export]'\n")
            return runs
        runs |= others(exported, name)
    return runs


def others(exported: Path, fast: str) -> dict[str, Run]:
    runs: dict[str, Run] = {}
    try:
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(exported, settings, providers=["CPUExecutionProvider"])
        entry = session.get_inputs()[0].name
        runs["ONNX Runtime, float32"] = lambda x: torch.from_numpy(session.run(None, {entry: x.numpy()})[0])
    except ImportError:
        pass
    try:
        import openvino

        core = openvino.Core()
        for kind, hint in (("float32", "f32"), (fast, "bf16")):
            if (kind, hint) == ("float32", "bf16"):
                continue
            compiled = core.compile_model(
                exported,
                "CPU",
                {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": torch.get_num_threads()},
            )
            runs[f"OpenVINO, {kind}"] = lambda x, compiled=compiled: torch.from_numpy(compiled(x.numpy())[0])  # type: ignore[misc]
    except ImportError:
        pass
    return runs


def compare(sides: list[int], rounds: int) -> None:
    columns: dict[str, dict[int, str]] = {}
    for side in sides:
        runs = contenders(side)
        picture = photo(side)
        reference = next(run for name, run in runs.items() if name == "PyTorch eager, float32")(picture)
        times: dict[str, list[float]] = {name: [] for name in runs}
        apart = {name: psnr(run(picture), reference) for name, run in runs.items()}
        for _ in range(rounds):
            for name, run in runs.items():
                started = time.perf_counter()
                run(picture)
                times[name].append(time.perf_counter() - started)
        ours = next(iter(runs))
        for name in runs:
            ratio = statistics.median(theirs / mine for theirs, mine in zip(times[name], times[ours], strict=True))
            median = statistics.median(times[name]) * 1000
            columns.setdefault(name, {})[side] = f"{median:.0f} ms, {ratio:.2f}, {apart[name]:.0f} dB"
    print("Each cell: median time, ratio to the first row, PSNR against PyTorch eager in float32.\n")
    print("| | " + " | ".join(f"{side} x {side}" for side in sides) + " |")
    print("|---" * (len(sides) + 1) + "|")
    for name, cells in columns.items():
        print(f"| {name} | " + " | ".join(cells.get(side, "") for side in sides) + " |")
    print(flush=True)


def psnr(one: Tensor, two: Tensor) -> float:
    error = float((one - two).double().square().mean())
    return -10 * math.log10(error) if error else math.inf


def memory(sides: list[int]) -> None:
    dtype = str(fast_dtype(torch.device("cpu"))).removeprefix("torch.")
    print("Bytes of memory per pixel beyond the picture, the painting (12 bytes) included, and seconds:\n")
    print(f"| | {dtype} | {dtype}, sparing memory | float32, sparing memory |\n|---|---|---|---|")
    for side in sides:
        cells = []
        for kind, keep in ((dtype, True), (dtype, False), ("float32", False)):
            command = [sys.executable, __file__, "--one", str(side), kind, str(int(keep))]
            # The worker's settings of the allocator; see impasto.server.workers.
            env = {**os.environ, "MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000"}
            done = subprocess.run(command, capture_output=True, text=True, env=env)
            if done.returncode:
                cells.append("does not fit")
                continue
            used, seconds = json.loads(done.stdout)
            cells.append(f"{used:.0f} B, {seconds:.1f} s")
        print(f"| {side} x {side} | " + " | ".join(cells) + " |", flush=True)


def one(side: int, dtype: str, keep: bool) -> None:
    import psutil

    net, code = load()
    bank = FoldedStyleBank(net, torch.device("cpu"), getattr(torch, dtype))
    bank.paint(torch.rand(1, 3, 64, 64), code)
    picture = torch.rand(1, 3, side, side)
    before = psutil.Process().memory_info().rss
    started = time.perf_counter()
    bank.paint(picture, code, Plan(keep_all=keep))
    seconds = time.perf_counter() - started
    # Not getrusage, whose peak includes that of the parent before this program was loaded.
    peak = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert peak is not None
    print(json.dumps([(int(peak[1]) * 1024 - before) / side**2, seconds]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="*", default=[512, 1024, 2048])
    parser.add_argument("--memory", type=int, nargs="*", default=[1024, 2048, 4096, 8192])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    if options.one:
        one(int(options.one[0]), options.one[1], options.one[2] == "1")
        return
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}\n")
    if options.sizes:
        compare(options.sizes, options.rounds)
    if options.memory:
        memory(options.memory)


if __name__ == "__main__":
    main()
