"""Two hundred clients at once, over ZeroMQ and over HTTP: is every job accounted for, and does memory stay?

    python benchmarks/load.py [--short]

Prints Markdown, rows as they come. Each client asks for one job a round: pictures of 16 to 512 pixels, which have to be
painted as they are alone, to the last bit. Some give up, leave without a word, lose their connection, read late, move a
slider, break off an upload; eight are killed. Memory is measured between the rounds (`measured.py`), without results
that the server keeps for those who have gone. Beside them, two editors ask in every other round each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx
import psutil

import crowd_link
import crowd_web
from crowd import ALL, MOST, PICTURES, Account, Group, Person, Request, Right, be_killed
from impasto_link.client import Client
from impasto_link.discovery import log_file
from impasto_link.launch import connect_or_start
from measured import command, memory_of, slope

#: So many processes share the clients, and so many clients are killed in each round.
GROUPS, DOOMED = 4, 8
#: What somebody beside them asks for, in every other round.
LARGE = Request(2)


def p95(times: list[float]) -> float:
    return sorted(times)[int(0.95 * len(times))]


class Crowd:
    """Clients by one face of the server, round after round.

    Args:
        face: what the face is called.
        kind: what clients are like.
        where: where they go.
        right: what each request looks like alone.
        size: how many they are.
        processes: those that are measured, by their names.
        kept: how many bytes of results some of them keep for those who may come back.
        editors: two more clients, who ask in every other round each.
    """

    def __init__(
        self,
        face: str,
        kind: Callable[..., Person],
        where: Any,
        right: Right,
        size: int,
        processes: dict[str, int],
        kept: dict[str, Callable[[], int]],
        editors: list[Client],
    ) -> None:
        self._face, self._kind, self._where, self._right = face, kind, where, right
        self._groups = [Group(kind, list(range(first, size, GROUPS)), where, right) for first in range(GROUPS)]
        for group in self._groups:
            group.wait()
        self._processes = {**processes, f"{size // GROUPS} clients": self._groups[0].process.pid or 0}
        self._kept, self._editors = kept, editors
        self._beside: list[float] = []
        self._account = Account()
        #: How many jobs had been when the memory of each process was what.
        self._jobs: list[int] = []
        self._memory: dict[str, list[int]] = {name: [] for name in self._processes}

    def run(self, warm: int, rounds: int, starter: Client, alone: float) -> None:
        """All rounds, of which the first ones do not count for memory; ``alone`` is how long an editor waits then."""
        self._head()
        for number in range(warm + rounds):
            self._round(number, starter, counts=number >= warm)
        self._end(alone)

    def _head(self) -> None:
        columns = ["round", "jobs", "ends", "seconds", "median wait, s", "p95, s", "broker, of a core"]
        columns += [f"{name}, MiB" for name in self._processes]
        print(f"\n| {self._face}: {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)

    def _round(self, number: int, starter: Client, *, counts: bool) -> None:
        """Have everybody ask once, and see to it that all of it has come to an end."""
        broker = psutil.Process(self._processes["broker"])
        began, used, this = time.perf_counter(), sum(broker.cpu_times()[:2]), Account()
        for group in self._groups:
            group.begin(1)
        time.sleep(0.5)
        self._beside.append(wait_of(self._editors[number % 2]))
        doomed = Group(self._kind, list(range(-DOOMED, 0)), self._where, self._right, be_killed)
        doomed.wait()
        doomed.kill()
        this.ends["killed"] = DOOMED
        for group in self._groups:
            this.add(group.wait())
        while (status := starter.ask("status").fields)["jobs_waiting"] or status["jobs_running"]:
            time.sleep(0.2)
        seconds = time.perf_counter() - began
        share = (sum(broker.cpu_times()[:2]) - used) / seconds
        self._account.add(this)
        memory = memory_of(self._processes)
        for name, kept in self._kept.items():
            memory[name] -= kept()
        if counts:
            self._jobs.append(self._account.ends.total())
            for name, nbytes in memory.items():
                self._memory[name].append(nbytes)
        ends = ", ".join(f"{count} {end}" for end, count in this.ends.most_common())
        cells = [number, self._account.ends.total(), ends, f"{seconds:.1f}"]
        cells += [f"{sorted(this.waits)[len(this.waits) // 2]:.2f}", f"{p95(this.waits):.2f}", f"{share:.0%}"]
        print(f"| {' | '.join(map(str, [*cells, *(f'{one / 2**20:.1f}' for one in memory.values())]))} |", flush=True)

    def _end(self, alone: float) -> None:
        slopes = [f"{name} {slope(self._jobs, memory):+.0f}" for name, memory in self._memory.items()]
        ends = ", ".join(f"{count} {end}" for end, count in self._account.ends.most_common())
        print(f"\n{self._face}: {self._account.ends.total()} jobs: {ends}. Bytes a job: {', '.join(slopes)}.")
        median, worst = sorted(self._beside)[len(self._beside) // 2], max(self._beside)
        print(
            f"Editors that ask for {MOST} x {MOST} pixels in every other round wait {median:.2f} s (median; at worst "
            f"{worst:.2f} s), {median / alone:.1f} times as long as alone (at worst {worst / alone:.1f} times)."
        )
        for problem in self._account.problems[:10]:
            print(f"- {problem}")
        for group in self._groups:
            group.end()


def done_twice() -> int:
    """How many jobs the server says were done more than once."""
    words = [json.loads(line)["message"].split() for line in log_file().read_text().splitlines() if line[:1] == "{"]
    done = Counter(said[1] for said in words if said[:1] == ["job"] and said[2:3] == ["done"])
    return sum(count > 1 for count in done.values())


def wait_of(client: Client) -> float:
    began = time.perf_counter()
    crowd_link.result(client, crowd_link.send(client, LARGE))
    return time.perf_counter() - began


@contextmanager
def server() -> Iterator[Client]:
    """A client of a server that ends with the block."""
    with closing(connect_or_start(command("impasto"))) as starter:
        try:
            yield starter
        finally:
            starter.ask("shutdown")


@contextmanager
def web_face() -> Iterator[tuple[str, int]]:
    """The address and the process of a web face."""
    # Kept for so short a time that as much goes as comes, as it does after half an hour of usual keeping.
    options = ["web", "--port", "0", "--proxy", crowd_web.WHO, "--jobs", "1000", "--keep-minutes", "0.4"]
    process = subprocess.Popen([*command("impasto"), *options], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1].rstrip("/"), process.pid
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--short", action="store_true", help="24 clients and few rounds, in less than a minute")
    short = parser.parse_args().short
    size, rounds, warm = (24, 2, 1) if short else (200, 6, 2)
    os.environ["IMPASTO_RUNTIME_DIR"] = tempfile.mkdtemp()
    with server() as starter:
        right = {one: crowd_link.result(starter, crowd_link.send(starter, one)) for one in ALL}
        alone = p95([wait_of(starter) for _ in range(3 if short else 20)])
        status = starter.ask("status").fields
        worker = status["workers"][0]
        processes = {"broker": status["pid"], "worker": worker["pid"]}
        machine = f"{worker.get('name', worker['device'])}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        print(f"{machine}; {size} clients, {PICTURES} pictures")
        editors = [crowd_link.new_client() for _ in range(2)]
        kept: dict[str, Callable[[], int]] = {"broker": lambda: starter.ask("status").fields["kept_bytes"]}
        people = Crowd("ZeroMQ", crowd_link.LinkPerson, None, right, size, processes, kept, editors)
        people.run(warm, rounds, starter, alone)
        with web_face() as (address, pid):
            with httpx.Client(base_url=address, headers={crowd_web.WHO: "nobody"}, timeout=300) as http:
                right = {one: crowd_web.result(http, crowd_web.send(http, one)) for one in ALL}
            processes["web"], kept["web"] = pid, lambda: crowd_web.kept_bytes(address)
            people = Crowd("HTTP", crowd_web.WebPerson, address, right, size, processes, kept, editors)
            people.run(warm if short else 4, rounds, starter, alone)
        print(f"\nJobs that were done twice: {done_twice()}")


if __name__ == "__main__":
    main()
