"""Which device is taken."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from impasto.compute import accelerator, ladder
from impasto.compute.accelerator import available_memory, fast_dtype, has_float64, is_out_of_memory, pick_device
from impasto.compute.ladder import plan_for
from impasto.compute.plan import Plan
from impasto.nets.vgg import VGG19Features
from impasto.training.common import autocast, to_measure
from impasto_link.errors import NotEnoughMemory


def test_names() -> None:
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("cuda") == torch.device("cuda:0")
    assert pick_device("cuda:1") == torch.device("cuda:1")
    assert pick_device("rocm:1") == torch.device("cuda:1"), "PyTorch calls it so"
    assert pick_device("mps") == torch.device("mps:0")
    assert pick_device("xpu:2") == torch.device("xpu:2")


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


def test_apples_gpu_shares_the_memory_of_the_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    device, free = torch.device("mps:0"), [500]
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 1000)
    monkeypatch.setattr(torch.mps, "driver_allocated_memory", lambda: 300)
    monkeypatch.setattr(torch.mps, "current_allocated_memory", lambda: 200)
    monkeypatch.setattr(accelerator, "free_memory", lambda: free[0])
    assert available_memory(device) == 500 + 100
    free[0] = 10_000
    assert available_memory(device) == 700 + 100
    assert not has_float64(device)


@pytest.mark.parametrize("has", [False, True])
def test_some_of_intels_gpus_have_float64(has: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.xpu, "get_device_properties", lambda device: SimpleNamespace(has_fp64=has))
    assert has_float64(torch.device("xpu:1")) == has


def test_rocm_is_called_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.version, "hip", "6.4")
    monkeypatch.setattr(torch.version, "cuda", None)
    assert accelerator.built_for() == "ROCm 6.4"


def test_memory_that_cannot_be_had_is_known_by_any_of_its_errors() -> None:
    with pytest.raises(RuntimeError) as on_the_cpu:
        torch.empty(1 << 60)
    said = [on_the_cpu.value, MemoryError(), torch.OutOfMemoryError(), RuntimeError("MPS backend out of memory (MPS")]
    said += [RuntimeError("std::bad_alloc"), RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling")]
    assert all(map(is_out_of_memory, said))
    assert not is_out_of_memory(RuntimeError("but its data is not allocated yet"))
    assert not is_out_of_memory(ValueError("out of memory"))


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
