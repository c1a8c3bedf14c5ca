"""Which device is taken."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import pytest
import torch

from impasto.compute import accelerator, ladder
from impasto.compute.accelerator import fast_dtype, pick_device
from impasto.compute.ladder import plan_for
from impasto.compute.plan import Plan
from impasto.nets.vgg import VGG19Features
from impasto.training.common import autocast, to_measure
from impasto_link.errors import NotEnoughMemory


def test_names() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("cuda") == torch.device("cuda:0")
    assert pick_device("cuda:1") == torch.device("cuda:1")


@pytest.mark.skipif(torch.cuda.is_available(), reason="the GPU here works")
def test_a_gpu_that_cannot_compute_is_not_taken(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert pick_device("auto") == torch.device("cpu")
    # As PyTorch does with a GPU that it has no code for.
    monkeypatch.setattr(accelerator.Cuda, "count", lambda self: 1)
    with caplog.at_level(logging.WARNING):
        assert pick_device("auto") == torch.device("cpu")
    assert "the CPU paints" in caplog.text


def test_what_the_allocator_has_kept_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu, free = torch.device("cpu"), [1 << 20]
    monkeypatch.setattr(ladder, "available_memory", lambda device: free[0])
    with pytest.raises(NotEnoughMemory):
        plan_for(cpu, 1 << 20, 60, 20, torch.float32)
    monkeypatch.setattr(ladder, "give_memory_back", lambda device: free.__setitem__(0, 1 << 30))
    assert plan_for(cpu, 1 << 20, 60, 20, torch.float32) == Plan()


@pytest.mark.parametrize("name", ["float32", "bfloat16", "float16"])
def test_the_number_format_may_be_named(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("IMPASTO_DTYPE", name)
    for device in ("cpu", "cuda:0"):
        assert fast_dtype(torch.device(device)) == getattr(torch, name)


def test_a_number_format_that_is_none_does_not_count(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cpu = torch.device("cpu")
    monkeypatch.delenv("IMPASTO_DTYPE", raising=False)
    usual = fast_dtype(cpu)
    monkeypatch.setenv("IMPASTO_DTYPE", "int4")
    assert fast_dtype(cpu) == usual
    assert "int4" in caplog.text


@pytest.mark.parametrize(
    ("name", "trained"), [("float32", "float32"), ("bfloat16", "bfloat16"), ("float16", "float32")]
)
def test_trainings_go_by_it(monkeypatch: pytest.MonkeyPatch, name: str, trained: str) -> None:
    """Not in float16, where small gradients are lost."""
    monkeypatch.setenv("IMPASTO_DTYPE", name)
    cpu, expected = torch.device("cpu"), getattr(torch, trained)
    with autocast(cpu):
        assert torch.nn.Linear(2, 2)(torch.ones(1, 2)).dtype == expected
    seen = to_measure(VGG19Features("relu1_1"), cpu)(torch.rand(1, 3, 8, 8), {"relu1_1"})
    assert seen["relu1_1"].dtype == expected


def test_a_cpu_without_instructions_for_bfloat16_computes_in_float32() -> None:
    """As far as oneDNN is concerned it is such a CPU: it reads the variable when it begins."""
    script = "import torch; from impasto.compute.accelerator import fast_dtype; print(fast_dtype(torch.device('cpu')))"
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2", "ATEN_CPU_CAPABILITY": "avx2"}
    environment.pop("IMPASTO_DTYPE", None)
    said = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "torch.float32"
