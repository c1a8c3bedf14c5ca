"""A server whose memory can be measured: what its processes hold after they have given back all that they can.

    python benchmarks/measured.py impasto serve

runs a module as `python -m` does, and so does a worker that it starts. Asked by a signal, each of them collects its
garbage and has the C library give back what is free: what is left is what it needs, or has lost.
"""

from __future__ import annotations

import gc
import runpy
import signal
import sys
import time
from collections.abc import Mapping
from types import FrameType

import psutil

from impasto.compute.memory import trim_heap
from impasto.server import workers


def command(module: str) -> tuple[str, ...]:
    """How to start a module so that it can be measured."""
    return (sys.executable, "-P", __file__, module)


def tidy(signum: int = 0, frame: FrameType | None = None) -> None:
    """Give back what can be given back."""
    gc.collect()
    trim_heap()


def be_measured() -> None:
    """Let this process be asked."""
    signal.signal(signal.SIGUSR2, tidy)


def memory_of(processes: Mapping[str, int]) -> dict[str, int]:
    """Bytes that belong to each process alone (USS), once it has given back what it can."""
    for pid in processes.values():
        psutil.Process(pid).send_signal(signal.SIGUSR2)
    time.sleep(1.0)
    return {name: int(psutil.Process(pid).memory_full_info().uss) for name, pid in processes.items()}


def slope(jobs: list[int], memory: list[int]) -> float:
    """Bytes a job, by least squares."""
    middle, level = sum(jobs) / len(jobs), sum(memory) / len(memory)
    spread = sum((x - middle) ** 2 for x in jobs)
    return sum((x - middle) * (y - level) for x, y in zip(jobs, memory, strict=True)) / spread


def main() -> None:
    module, *arguments = sys.argv[1:]
    be_measured()
    workers.WORKER_COMMAND = list(command("impasto.server.worker"))
    sys.argv[1:] = arguments
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
