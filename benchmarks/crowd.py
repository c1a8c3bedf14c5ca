"""Many clients at once, each with its habits, and an account of what became of each of their jobs. See `load.py`."""

from __future__ import annotations

import multiprocessing
import random
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from impasto.client import to_region
from impasto_link.errors import Cancelled, ImpastoError
from impasto_link.options import StylizeOptions
from impasto_link.pixels import Region
from measured import be_measured

#: How many different pictures are sent, and their sides; small ones are as frequent as twice as large ones.
PICTURES, LEAST, MOST = 24, 16, 512
STYLES = "udnie", "the-scream", "starry-night"
PREVIEW_SIDE = 64


@dataclass(frozen=True)
class Request:
    """One of the things that are asked for, the same in every process."""

    number: int
    preview: bool = False

    @property
    def pixels(self) -> np.ndarray:
        """Gray, RGB or RGBA; one is just large enough for shared memory."""
        chance = np.random.default_rng(self.number)
        width, height = (int(LEAST * (MOST / LEAST) ** chance.random()) for _ in "wh")
        if self.number == 2:
            width = height = MOST
        return chance.integers(0, 255, (height, width, (1, 3, 4)[self.number % 3]), np.uint8)

    @property
    def region(self) -> Region:
        return to_region(self.pixels.squeeze())[0]

    @property
    def options(self) -> StylizeOptions:
        style = STYLES[self.number // 3 % len(STYLES)]
        return StylizeOptions.of(style, max_side=PREVIEW_SIDE if self.preview else None)


ALL = [Request(number, preview) for number in range(PICTURES) for preview in (False, True)]
#: What comes of each when nothing else is painted, as a number that depends on every bit of it.
Right = Mapping[Request, str]


@dataclass
class Account:
    """What has become of jobs: how many ended in which way, how long those took that ended well, what was wrong."""

    ends: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, other: Account) -> None:
        self.ends += other.ends
        self.waits += other.waits
        self.problems += other.problems


class Person(ABC):
    """Somebody who asks for one job after the other and does with each what is a habit."""

    def __init__(self, number: int, where: Any, right: Right) -> None:
        self.number, self.where, self.right = number, where, right
        self.chance = random.Random(number)
        self.account = Account()

    @property
    @abstractmethod
    def habits(self) -> Mapping[Callable[[], None], int]:
        """What this person does, and how often."""

    @abstractmethod
    def ask_and_vanish(self) -> None:
        """Ask for a job, to be killed after that."""

    @abstractmethod
    def close(self) -> None:
        """Go home."""

    def do(self, jobs: int) -> Account:
        """Ask for at least so many jobs, and see each to its end."""
        self.account = Account()
        while self.account.ends.total() < jobs:
            (habit,) = self.chance.choices(list(self.habits), list(self.habits.values()))
            habit()
        return self.account

    def choose(self, *, preview: bool = False) -> Request:
        return Request(self.chance.randrange(PICTURES), preview)

    def see(self, request: Request, result: Callable[[], str]) -> bool:
        """Take down how a job ends; ``result`` waits for it. Whether it is the right picture."""
        end = "done"
        try:
            if result() != self.right[request]:
                end = "wrong"
                self.account.problems.append(f"{request} looks otherwise than alone")
        except Cancelled:
            end = "cancelled"
        except ImpastoError as error:
            end = "failed"
            self.account.problems.append(f"{request}: {error}")
        self.account.ends[end] += 1
        return end == "done"


def live(orders: Connection, kind: Callable[..., Person], numbers: list[int], where: Any, right: Right) -> None:
    """The process of some people: does as it is told through a pipe, until that says 0."""
    be_measured()
    people = [kind(number, where, right) for number in numbers]
    with ThreadPoolExecutor(len(people)) as threads:
        orders.send(None)
        while jobs := orders.recv():
            account = Account()
            for one in threads.map(lambda person, jobs=jobs: person.do(jobs), people):
                account.add(one)
            orders.send(account)
    for person in people:
        person.close()


def be_killed(orders: Connection, kind: Callable[..., Person], numbers: list[int], where: Any, right: Right) -> None:
    """The process of some who are killed in the middle of it."""
    for person in [kind(number, where, right) for number in numbers]:
        person.ask_and_vanish()
    orders.send(None)
    time.sleep(60)


class Group:
    """People who share a process."""

    def __init__(
        self, kind: Callable[..., Person], numbers: list[int], where: Any, right: Right, target: Any = live
    ) -> None:
        spawning = multiprocessing.get_context("spawn")
        self._pipe, other = spawning.Pipe()
        self.process = spawning.Process(target=target, args=(other, kind, numbers, where, right), daemon=True)
        self.process.start()
        other.close()

    def begin(self, jobs: int) -> None:
        self._pipe.send(jobs)

    def wait(self) -> Any:
        return self._pipe.recv()

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    def end(self) -> None:
        self._pipe.send(0)
        self.process.join()
