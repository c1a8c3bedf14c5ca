"""Which job runs where and when, and how much may wait."""

from __future__ import annotations

import itertools
import random
import sys

import pytest

from impasto.compute.memory import trim_heap
from impasto.server.jobs import MAX_TRIES, MAX_WAITING, Job, JobQueue, KeptResults
from impasto.server.memory import Memory
from impasto_link.errors import BadRequest


@pytest.mark.parametrize(
    ("wanted", "device", "may"),
    [
        ("auto", "cuda:1", True),
        ("cuda", "cuda:1", True),
        ("cuda:0", "cuda", True),
        ("cuda:1", "cuda", False),
        ("cuda:1", "cuda:10", False),
        ("cpu", "cuda", False),
        ("rocm", "cuda:1", True),
        ("rocm:1", "cuda:1", True),
        ("mps", "mps:0", True),
        ("xpu:1", "xpu:0", False),
        ("mps", "xpu:0", False),
    ],
)
def test_a_job_runs_on_the_device_that_it_names(wanted: str, device: str, may: bool) -> None:
    assert Job("id", b"client", [], wanted).may_run_on(device) is may


def job(number: int, client: bytes = b"client", nbytes: int = 1, *, preview: bool = False) -> Job:
    return Job(str(number), client, [bytes(nbytes)], streams=preview)


def test_what_waits_is_bounded_in_bytes() -> None:
    queue = JobQueue(limit_bytes=100)
    queue.add(job(0, b"first", 60))  # more than a client may have, but alone
    with pytest.raises(BadRequest, match="wait already"):
        queue.add(job(1, b"first", 1))
    queue.add(job(2, b"second", 40))
    with pytest.raises(BadRequest, match="wait already"):
        queue.add(job(3, b"third", 1))
    assert queue.take("cpu") is not None
    queue.add(job(4, b"third", 1))
    assert [one.id for one in queue] == ["2", "4"]
    shared = Job("5", b"fourth", [b""], shared={"name": 100})
    with pytest.raises(BadRequest, match="wait already"):
        queue.add(shared)


def test_what_is_on_its_way_takes_room() -> None:
    queue = JobQueue(limit_bytes=100)
    queue.check_room(b"first", 1000)
    queue.check_room(b"first", 40, of_client=10, in_all=60)
    with pytest.raises(BadRequest, match="wait already"):
        queue.check_room(b"first", 45, of_client=10, in_all=10)
    with pytest.raises(BadRequest, match="wait already"):
        queue.check_room(b"first", 45, in_all=60)


def test_what_waits_of_one_client_is_bounded_in_number() -> None:
    queue = JobQueue()
    for number in range(MAX_WAITING):
        queue.add(job(number))
    with pytest.raises(BadRequest, match="256 jobs"):
        queue.add(job(MAX_WAITING))
    queue.add(job(MAX_WAITING, b"another"))


def test_a_job_that_is_put_back_is_next_and_only_so_often() -> None:
    queue = JobQueue()
    for number in range(3):
        queue.add(job(number, b"first" if number < 2 else b"second"))
    taken = queue.take("cpu")
    assert taken is not None
    queue.put_back(taken)
    assert [one.id for one in queue] == ["0", "2", "1"]
    assert queue.find("0") is taken
    taken.tries = MAX_TRIES - 1
    assert taken.may_be_tried_again
    taken.tries += 1
    assert not taken.may_be_tried_again


class Counter:
    """A place where people wait, come again when they had their turn, and are counted."""

    def __init__(self) -> None:
        self.queue = JobQueue()
        self._numbers = itertools.count()

    def comes(self, client: bytes) -> int:
        """Somebody has something to be done; how many are before him."""
        added = job(next(self._numbers), client)
        self.queue.add(added)
        return self.queue.place_of_last(added)

    def next(self) -> bytes:
        taken = self.queue.take("cpu")
        assert taken is not None
        return taken.client


def test_who_asks_once_in_a_while_does_not_wait_for_two_hundred_who_never_stop() -> None:
    counter = Counter()
    for number in range(200):
        counter.comes(b"%d" % number)
    places = []
    for number in range(1400):
        if number % 450 == 0:
            places.append(counter.comes(b"me"))
        if (served := counter.next()) != b"me":
            counter.comes(served)
    assert places == [200, 0, 0, 0], "the others had not had a turn either at first"


def test_who_never_stops_has_as_many_turns_as_others() -> None:
    counter, turns = Counter(), dict.fromkeys((b"first", b"second", b"third"), 0)
    for client in turns:
        counter.comes(client)
    for _ in range(300):
        served = counter.next()
        turns[served] += 1
        counter.comes(served)
    assert set(turns.values()) == {100}


def test_however_many_come_anew_nobody_waits_for_ever() -> None:
    counter = Counter()
    counter.comes(b"me")
    assert counter.next() == b"me"
    counter.comes(b"me")
    for number in range(100):
        counter.comes(b"one %d" % number)
        counter.comes(b"another %d" % number)
        if counter.next() == b"me":
            break
    assert number < 20, "and these come twice as fast as they are served"


def test_places_are_counted_without_looking_at_every_job() -> None:
    chance, queue = random.Random(1), JobQueue()
    for number in range(200):
        client = bytes([chance.randrange(8)])
        added = job(number, client)
        added.quick = chance.random() < 0.2
        queue.add(added)
        assert queue.place_of_last(added) == [one.id for one in queue].index(str(number))
        if chance.random() < 0.3:
            queue.take("cpu")


def test_places_are_told_where_they_are_news() -> None:
    one, told = job(0), 0
    one.told_place = 1000
    for place in range(999, -1, -1):
        if one.has_moved(place):
            one.told_place = place
            told += 1
    assert one.told_place == 0
    assert told < 80


def test_results_are_kept_within_bounds() -> None:
    kept = KeptResults(limit_bytes=100)
    for name in ("a", "b", "c"):
        kept.keep(name, [bytes(40)], {})
    assert [kept.find(name) is not None for name in ("a", "b", "c")] == [False, True, True]
    kept.keep("d", [b""], {"shared": 1000})
    assert kept.find("c") is None
    assert kept.find("d") is not None
    kept.drop("d")
    for name in ("e", "f", "f"):
        kept.keep(name, [bytes(40)], {})
    assert kept.find("e") is not None, "what was dropped, or kept anew, takes no room"


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc keeps what was freed")
def test_freed_memory_is_given_back() -> None:
    trim_heap()  # or the pieces lie in what earlier tests have left
    memory = Memory()
    pieces = [bytes(1 << 16) for _ in range(2000)]
    del pieces[:-1]
    before = memory.used
    memory.give_back()
    assert before - memory.used > 50e6
