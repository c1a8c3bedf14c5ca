"""Which device is taken."""

from __future__ import annotations

import logging

import pytest
import torch

from impasto.engines import devices
from impasto.engines.devices import pick_device, plan_for
from impasto.execution.strips import Plan
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
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    with caplog.at_level(logging.WARNING):
        assert pick_device("auto") == torch.device("cpu")
    assert "the CPU paints" in caplog.text


def test_what_the_allocator_has_kept_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu, free = torch.device("cpu"), [1 << 20]
    monkeypatch.setattr(devices, "available_memory", lambda device: free[0])
    with pytest.raises(NotEnoughMemory):
        plan_for(cpu, 1 << 20, 60, 20, torch.float32)
    monkeypatch.setattr(devices, "give_memory_back", lambda device: free.__setitem__(0, 1 << 30))
    assert plan_for(cpu, 1 << 20, 60, 20, torch.float32) == Plan()
