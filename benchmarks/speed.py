"""What the server costs around the network, as ratios in one run.

    python benchmarks/speed.py

Prints Markdown. Times are medians of several runs after a warm-up; each pair is measured in turn, so that a machine
that changes its speed changes both.
"""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing

import numpy as np
import torch

from impasto.client import Server, to_region
from impasto.command import SERVER_COMMAND
from impasto.compute.accelerator import pick_device
from impasto.pipeline import Pipeline
from impasto.progress import nobody
from impasto.zoo.library import Library
from impasto_link.client import Client
from impasto_link.discovery import read_server_info
from impasto_link.launch import connect_or_start
from impasto_link.options import StylizeOptions
from impasto_link.pixels import Region
from impasto_link.transport import open_transport


def pair(one: Callable[[], object], two: Callable[[], object], runs: int) -> tuple[float, float, float]:
    """Median seconds of both and the median of their ratios, run in turn."""
    times: list[tuple[float, float]] = []
    for run in range(runs + 1):
        measured = []
        for function in (one, two):
            started = time.perf_counter()
            function()
            measured.append(time.perf_counter() - started)
        if run:
            times.append((measured[0], measured[1]))
    return (
        statistics.median(a for a, _ in times),
        statistics.median(b for _, b in times),
        statistics.median(a / b for a, b in times),
    )


def main() -> None:
    os.environ["IMPASTO_RUNTIME_DIR"] = tempfile.mkdtemp()
    pipeline = Pipeline(Library(), pick_device("auto"))
    machine = platform.processor() or platform.machine()
    print(f"{machine}, {os.cpu_count()} cores, {pipeline.device}, torch {torch.__version__}\n")
    print("| what | A, ms | B, ms | A : B |\n|---|---|---|---|")

    def row(what: str, result: tuple[float, float, float]) -> None:
        print(f"| {what} | {result[0] * 1000:.1f} | {result[1] * 1000:.1f} | {result[2]:.2f} |", flush=True)

    with Server(connect_or_start(SERVER_COMMAND)) as server:
        for side in (512, 1024):
            image = np.random.default_rng(0).integers(0, 255, (side, side, 3), np.uint8)
            region = to_region(image)[0]

            def through_server(image: np.ndarray = image) -> None:
                server.stylize(image, "udnie")

            def in_process(region: Region = region) -> None:
                pipeline.stylize(region, StylizeOptions.of("udnie"), nobody)

            row(f"{side} x {side}: through the server : pipeline in this process", pair(through_server, in_process, 5))
        large = np.full((2160, 3840, 4), 255, np.uint8)
        info = read_server_info()
        assert info is not None
        idle = StylizeOptions.of("udnie", strength=0.0)
        with (
            closing(Client(open_transport(info.endpoint, info.token, prefer="zmtp"), share=False)) as own,
            closing(Client(open_transport(info.endpoint, info.token, prefer="pyzmq"), share=False)) as zmq,
        ):
            row(
                "4K RGBA there and back at strength 0: own ZMTP client : pyzmq",
                pair(
                    lambda: own.wait(own.stylize(to_region(large)[0], idle)),
                    lambda: zmq.wait(zmq.stylize(to_region(large)[0], idle)),
                    7,
                ),
            )
            with closing(Client(open_transport(info.endpoint, info.token, prefer="pyzmq"))) as sharing:
                row(
                    "the same: shared memory : pyzmq",
                    pair(
                        lambda: sharing.wait(sharing.stylize(to_region(large)[0], idle)),
                        lambda: zmq.wait(zmq.stylize(to_region(large)[0], idle)),
                        7,
                    ),
                )
        server.shutdown()


if __name__ == "__main__":
    main()
