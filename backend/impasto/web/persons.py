"""Who asks: a person is known by a key, by what a proxy in front says, or else by the address."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from impasto.web.lines import Exchange, Way
from impasto.web.problems import TooOften
from impasto.web.settings import WebOptions

if TYPE_CHECKING:
    from impasto.web.job import Job

#: A person of whom nothing has been heard for so long, and who has no jobs, is given up, in seconds.
GIVEN_UP_AFTER = 300.0


class Person:
    """Somebody who asks, with a connection to the server of their own, so that the server lets them take turns.

    Attributes:
        name: by which they are known; it never leaves the process.
        jobs: those of them that have not ended, or whose results are still kept.
        open_jobs: how many have not ended.
        way: to the server.
        seen_at: when they last asked, on the monotonic clock.
    """

    def __init__(self, name: str, exchange: Exchange, rate: float) -> None:
        self.name = name
        self.jobs: dict[str, Job] = {}
        self.open_jobs = 0
        self.seen_at = time.monotonic()
        self.way = Way(exchange)
        self._rate, self._left, self._filled_at = rate, rate, self.seen_at

    def spend(self) -> None:
        """Count a job that is to begin; raises TooOften if there were too many in the last minute."""
        now = time.monotonic()
        self._left = min(self._rate, self._left + (now - self._filled_at) * self._rate / 60)
        self._filled_at = now
        if self._left < 1:
            wait = (1 - self._left) * 60 / self._rate
            raise TooOften(
                f"There may be {self._rate:g} jobs a minute, and these were more.",
                f"Try again in {max(1, round(wait))} s.",
                wait,
            )
        self._left -= 1


class Persons:
    """All persons that have been heard of lately."""

    def __init__(self, options: WebOptions, exchange: Exchange) -> None:
        self._rate, self._exchange = options.rate, exchange
        self._known: dict[str, Person] = {}

    def __len__(self) -> int:
        return len(self._known)

    def named(self, name: str) -> Person:
        """The person of that name."""
        person = self._known.get(name)
        if person is None:
            person = self._known[name] = Person(name, self._exchange, self._rate)
        person.seen_at = time.monotonic()
        return person

    def give_up(self) -> None:
        """Forget who has not been heard of for long and has no jobs."""
        oldest = time.monotonic() - GIVEN_UP_AFTER
        for person in [one for one in self._known.values() if one.seen_at < oldest and not one.jobs]:
            del self._known[person.name]
            person.way.close()

    def close(self) -> None:
        """End all connections."""
        for person in self._known.values():
            person.way.close()
