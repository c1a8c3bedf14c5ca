"""The way down where memory is short."""

from __future__ import annotations

import pytest
import torch

from impasto.compute import ladder
from impasto.compute.ladder import climb_down, with_cpu, with_plans
from impasto.compute.plan import SMALLEST, Plan
from impasto_link.errors import NotEnoughMemory

CPU, GPU = torch.device("cpu"), torch.device("cuda:0")


@pytest.fixture(autouse=True)
def given_back(monkeypatch: pytest.MonkeyPatch) -> list[torch.device]:
    """The devices whose memory was given back, one by one."""
    devices: list[torch.device] = []
    monkeypatch.setattr(ladder, "give_memory_back", devices.append)
    monkeypatch.setattr(ladder, "available_memory", lambda device: 1 << 20)
    return devices


class Work:
    """Fails on its first tries with the errors given."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.tried: list[object] = []

    def __call__(self, rung: object) -> str:
        self.tried.append(rung)
        if self._errors:
            raise self._errors.pop(0)
        return "done"


SHORT = torch.OutOfMemoryError("out of memory"), NotEnoughMemory("Too large.")


@pytest.mark.parametrize("failures", [0, 1, 2])
def test_each_rung_is_tried_until_one_holds(failures: int, given_back: list[torch.device]) -> None:
    work = Work(*SHORT[:failures])
    assert climb_down(GPU, ("a", "b", "c"), work) == "done"
    assert work.tried == ["a", "b", "c"][: failures + 1]
    assert given_back == [GPU] * failures


def test_the_last_rung_says_what_it_says() -> None:
    with pytest.raises(NotEnoughMemory):
        climb_down(GPU, ("a", "b"), Work(*SHORT))


def test_other_errors_are_not_tried_again() -> None:
    work = Work(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes"):
        climb_down(GPU, ("a", "b"), work)
    assert work.tried == ["a"]


def test_a_gpu_gets_smaller_strips_and_then_leaves_it_to_the_cpu() -> None:
    work = Work(SHORT[0])
    assert with_plans(GPU, 100, 60, 20, torch.float32, work) == "done"
    assert work.tried == [Plan(), SMALLEST]
    work = Work(SHORT[0])
    assert with_cpu(GPU, work) == "done"
    assert work.tried == [GPU, CPU]


def test_on_the_cpu_an_allocation_that_fails_is_not_tried_again() -> None:
    for way in (with_cpu, lambda device, work: with_plans(device, 100, 60, 20, torch.float32, work)):
        work = Work(SHORT[0])
        with pytest.raises(torch.OutOfMemoryError):
            way(CPU, work)
        assert len(work.tried) == 1
