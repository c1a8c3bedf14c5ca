"""What others feel of somebody's long work: a preview and a picture alone, beside a refinement, and beside a batch.

    python benchmarks/serving.py

Prints Markdown, rows as they come. All figures are of one run on one server; what counts are the ratios to the rows
"alone", so that a machine that is busy with something else changes all of them. `load.py` has crowds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager

import numpy as np

from impasto.client import to_region
from impasto.command import SERVER_COMMAND
from impasto_link.client import Call, Client
from impasto_link.discovery import read_server_info
from impasto_link.launch import connect_or_start
from impasto_link.options import RefineOptions, StylizeOptions
from impasto_link.pixels import Region
from impasto_link.transport import open_transport

Ask = Callable[[Client], Call]

#: As the docker sends it: a layer made smaller, to be painted at 512 pixels.
PREVIEW = StylizeOptions.of("udnie", max_side=512)


def picture(width: int, height: int) -> Region:
    """Some pixels."""
    return to_region(np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8))[0]


def client() -> Client:
    """A connection of its own."""
    info = read_server_info()
    assert info is not None
    one = Client(open_transport(info.endpoint, info.token))
    one.ask("hello", timeout=120)
    return one


def preview(one: Client) -> Call:
    return one.stylize(picture(1024, 768), PREVIEW, preview=True)


def small_picture(one: Client) -> Call:
    return one.stylize(picture(512, 512), StylizeOptions.of("udnie"))


def seconds(ask: Ask, one: Client, others: Sequence[Client] = ()) -> float:
    """How long what somebody asks for takes, while others hear of their work."""
    started = time.perf_counter()
    call = ask(one)
    while not call.finished:
        one.poll(0.01)
        for other in others:
            other.poll(0.0)
    assert call.result is not None, call.error
    return time.perf_counter() - started


@contextmanager
def working(one: Client, begin: Callable[[], list[Call]]) -> Iterator[list[Call]]:
    """Somebody's long work, which has begun and is cancelled in the end."""
    calls = begin()
    while not any(event.kind == "progress" and event.fraction > 0.02 for event in calls[0].events):
        one.poll(0.1)
    yield calls
    for call in calls:
        if not call.finished:
            one.cancel(call)
    while not all(call.finished for call in calls):
        one.poll(0.1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=25, help="how often each row asks")
    runs = parser.parse_args().runs
    os.environ["IMPASTO_RUNTIME_DIR"] = tempfile.mkdtemp()
    with closing(connect_or_start(SERVER_COMMAND)) as starter, closing(client()) as host, closing(client()) as guest:
        alone: dict[Ask, tuple[float, float]] = {}

        def rows(
            what: str, one: Client, others: tuple[Client, ...] = (), asks: Sequence[Ask] = (preview, small_picture)
        ) -> None:
            for ask in asks:
                times = []
                for _ in range(runs):
                    times.append(seconds(ask, one, others))
                    time.sleep(0.3)
                middle, late = statistics.median(times), sorted(times)[int(0.95 * runs)]
                usual, usually_late = alone.setdefault(ask, (middle, late))
                print(
                    f"| a {ask.__name__.replace('_', ' ')} {what} | {middle:.2f} | {late:.2f} "
                    f"| {middle / usual:.2f} | {late / usually_late:.2f} |",
                    flush=True,
                )

        seconds(preview, guest)
        worker = starter.ask("status", timeout=120).fields["workers"][0]
        machine = f"{worker.get('name', worker['device'])}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        print(f"{machine}; {runs} times each\n")
        print("| | median, s | p95, s | median to alone | p95 to alone |\n|---|---|---|---|---|")
        rows("alone", guest)
        refine = StylizeOptions.of("udnie", refine=RefineOptions("fine", features="compact"))
        with working(host, lambda: [host.stylize(picture(1500, 1000), refine)]):
            rows("beside a refinement of 1500 x 1000", guest, (host,))
        batch = StylizeOptions.of("the-scream")
        photo = picture(1500, 1000)
        with working(host, lambda: [host.stylize(photo, batch) for _ in range(200)]):
            rows("beside a batch of 200 x 1500 x 1000 of somebody else", guest, (host,))
        with working(host, lambda: [host.stylize(photo, batch) for _ in range(200)]):
            # What is no preview is part of that batch.
            rows("beside one's own batch, on one connection", host, asks=(preview,))
        rows("alone again", guest)
        starter.ask("shutdown")


if __name__ == "__main__":
    main()
