"""Jobs and the order in which they get their turn."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any, NamedTuple

from impasto.compute.memory import whole_memory
from impasto_link.devices import fits
from impasto_link.errors import NoRoom
from impasto_link.options import MaskOptions, StylizeOptions
from impasto_link.pixels import PixelFormat
from impasto_link.sentences import say

#: More waiting jobs than this of one client are a loop gone wild, not a person.
MAX_WAITING = 256
#: So many pixels are painted quickly: those of a preview, which is painted at no more than this side squared.
_PREVIEW_SIDE = 1024
QUICK_PIXELS = _PREVIEW_SIDE**2
#: So many quick jobs get their turn before the others; then one of these does.
_QUICK_IN_A_ROW = 4
#: Waiting jobs may take this share of the machine's memory with their pixels, those of one client half of it. A single
#: job may always wait.
WAITING_SHARE = 1 / 4
#: Results that nobody has confirmed may take this many bytes, and this share of the machine's memory.
KEPT_BYTES, KEPT_SHARE = 2**30, 1 / 8
#: A job that a worker took away with it before it had begun is given to another one so often.
MAX_TRIES = 3


@dataclass(eq=False)
class Job:
    """One request being worked on.

    Attributes:
        id: chosen by the client, unique.
        client: the ROUTER's identity of the client that gets the events.
        message: header and frames as they came, to be passed on to a worker; empty once one has begun with it.
        device: where it may run: one of `impasto_link.devices.DEVICES`.
        streams: whether a newer one of the same client that streams, too, replaces it.
        quick: whether it goes before others, and may be done in the middle of a long one.
        shared: its frames in shared memory, by name, and how many bytes each has.
        sequence: the sequence of which it is a frame, if it is one.
        sees_shared: whether the client can be given its result in shared memory.
        cancelled_at: when it was asked to stop, on the monotonic clock.
        wanted_again: whether its client, for whose absence it was asked to stop, has come back and asked for it.
        words: what its worker is to be told of it, once that has it: words overtake pictures.
        told_place: how many jobs its client was last told to be before it.
        tries: how often it was given to a worker.
        nbytes: what it takes of the memory while it waits.
    """

    id: str
    client: bytes
    message: list[Any]
    device: str = "auto"
    streams: bool = False
    quick: bool = False
    shared: Mapping[str, int] = field(default_factory=dict)
    sequence: str | None = None
    sees_shared: bool = False
    cancelled_at: float | None = None
    wanted_again: bool = False
    words: list[list[Any]] = field(default_factory=list)
    accepted_at: float = field(default_factory=time.monotonic)
    told_place: int = 0
    tries: int = 0
    nbytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.nbytes = sum(self.shared.values()) + sum(memoryview(frame).nbytes for frame in self.message)

    @property
    def has_begun(self) -> bool:
        """Whether a worker has it whole; it is lost with that one then."""
        return not self.message

    @property
    def may_be_tried_again(self) -> bool:
        """Whether nothing of it is lost with the worker that has it, and none has been lost over it too often."""
        return not self.has_begun and self.tries < MAX_TRIES and self.cancelled_at is None

    def has_moved(self, place: int) -> bool:
        """Whether a client should be told of a place: near the end of a long line, each step is not news."""
        return abs(place - self.told_place) > self.told_place // 10

    def may_run_on(self, device: str) -> bool:
        """Whether it may run on a device as a worker has it."""
        return fits(self.device, device)


def is_quick(options: StylizeOptions | MaskOptions, formats: Mapping[str, PixelFormat]) -> bool:
    """Whether a request is soon done: at most as much work as a preview.

    Args:
        options: what is asked for.
        formats: of the frames that came with it, by kind.
    """
    if sum(format.width * format.height for format in formats.values()) > 4 * QUICK_PIXELS:
        return False  # reading them alone takes its time
    pixels = formats["pixels"]
    area = float(pixels.width * pixels.height)
    if options.max_side is not None:
        area *= min(1.0, max(options.max_side, _PREVIEW_SIDE) / max(pixels.width, pixels.height)) ** 2
    elif isinstance(options, StylizeOptions):
        if options.refine is not None:
            return False
        area *= len(options.in_coats()) / options.brush**2
    return area <= QUICK_PIXELS


class _Line:
    """Jobs of clients that take turns, so that a batch of a hundred does not keep another person waiting.

    In a round everybody who waits has one turn. Who has had his is due again a round later, be it that his next job
    waits already or comes after that; who comes anew, or after a longer pause, is due at once. So two hundred who never
    stop do not keep somebody waiting who asks once in a while, nor do those who keep coming keep the two hundred.
    """

    def __init__(self) -> None:
        self._lanes: dict[bytes, list[Job]] = {}
        self._length = 0
        #: How many rounds have been, and when everybody is due who waits, or has had his turn in this one.
        self._rounds = 0.0
        self._due: dict[bytes, float] = {}

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Job]:
        lanes = [self._lanes[client] for client in sorted(self._lanes, key=self._due.__getitem__)]
        for turn in range(max(map(len, lanes), default=0)):
            yield from (lane[turn] for lane in lanes if turn < len(lane))

    def lane(self, client: bytes) -> list[Job]:
        return self._lanes.get(client, [])

    def put(self, job: Job) -> None:
        if job.client not in self._lanes:
            self._due[job.client] = max(self._rounds, self._due.get(job.client, 0.0))
        self._lanes.setdefault(job.client, []).append(job)
        self._length += 1

    def put_first(self, job: Job) -> None:
        self._lanes.setdefault(job.client, []).insert(0, job)
        self._due[job.client] = -inf
        self._length += 1

    def remove(self, job: Job) -> None:
        lane = self._lanes[job.client]
        lane.remove(job)
        if not lane:
            del self._lanes[job.client]
        self._length -= 1

    def take(self, may: Callable[[Job], bool]) -> Job | None:
        """Take out the first job that may be taken; its client has had its turn."""
        job = next(filter(may, self), None)
        if job is not None:
            self._rounds += 1 / len(self._lanes)
            self.remove(job)
            self._due[job.client] = self._rounds + 1
            self._due = {one: due for one, due in self._due.items() if one in self._lanes or due > self._rounds}
        return job

    def place_of_last(self, client: bytes) -> int:
        """How many jobs are before the last one of a client, who has one."""
        turn = len(self._lanes[client]) - 1
        others_later = False
        place = turn
        for other, lane in self._lanes.items():
            if other == client:
                others_later = True
            else:
                due, other_due = self._due[client], self._due[other]
                before = other_due < due or (other_due == due and not others_later)
                place += min(len(lane), turn + before)
        return place


class JobQueue:
    """Waiting jobs: first what is quick, for people before a screen, then the rest; clients take turns in both."""

    def __init__(self, limit_bytes: int | None = None) -> None:
        self._limit = limit_bytes or int(whole_memory() * WAITING_SHARE)
        self._quick, self._others = _Line(), _Line()
        self._quick_in_a_row = 0
        self._by_id: dict[str, Job] = {}
        self._nbytes = 0

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Job]:
        """All waiting jobs in the order in which they would run."""
        yield from self._quick
        yield from self._others

    def add(self, job: Job) -> Job | None:
        """Put a job behind those of its client; returns the preview that it replaces, if there is one.

        Raises:
            NoRoom: too much is waiting already.
        """
        waiting = self.of_client(job.client)
        self.check_room(job.client, job.nbytes)
        replaced = next((other for other in waiting if other.streams), None) if job.streams else None
        if replaced is not None:
            self.remove(replaced)
        self._count(job)
        self._line_of(job).put(job)
        return replaced

    def put_back(self, job: Job) -> None:
        """Put a job that was taken out before all others."""
        self._count(job)
        self._line_of(job).put_first(job)

    def take(
        self, device: str, *, quick_only: bool = False, may: Callable[[Job], bool] = lambda job: True
    ) -> Job | None:
        """Take out the next job that may run on ``device``, and may at all; its client has had its turn then."""
        lines = [self._quick] if quick_only else [self._quick, self._others]
        if self._quick_in_a_row >= _QUICK_IN_A_ROW:
            # Many who want something small must not keep a large job waiting for ever.
            lines.reverse()
        job = next((job for line in lines if (job := line.take(lambda job: job.may_run_on(device) and may(job)))), None)
        if job is not None:
            self._quick_in_a_row = self._quick_in_a_row + 1 if job.quick else 0
            self._uncount(job)
        return job

    def remove(self, job: Job) -> None:
        """Take a waiting job out."""
        self._line_of(job).remove(job)
        self._uncount(job)

    def find(self, job_id: str) -> Job | None:
        """The waiting job with this id."""
        return self._by_id.get(job_id)

    def of_client(self, client: bytes) -> list[Job]:
        """The waiting jobs of a client."""
        return [*self._quick.lane(client), *self._others.lane(client)]

    def hand_over(self, job: Job, client: bytes) -> None:
        """Give a waiting job to another client, who has it after all of its own."""
        self._line_of(job).remove(job)
        job.client = client
        self._line_of(job).put(job)

    def place_of_last(self, job: Job) -> int:
        """How many waiting jobs are before one that was just added."""
        return self._line_of(job).place_of_last(job.client) + (0 if job.quick else len(self._quick))

    def _line_of(self, job: Job) -> _Line:
        return self._quick if job.quick else self._others

    def _count(self, job: Job) -> None:
        self._by_id[job.id] = job
        self._nbytes += job.nbytes

    def _uncount(self, job: Job) -> None:
        del self._by_id[job.id]
        self._nbytes -= job.nbytes

    def check_room(self, client: bytes, nbytes: int, of_client: int = 0, in_all: int = 0) -> None:
        """See whether so many bytes of a client may wait, too.

        Args:
            client: whose they are.
            nbytes: how many.
            of_client: what else of that client is on its way into the queue, in bytes.
            in_all: what is on its way of all clients.

        Raises:
            NoRoom: there is none.
        """
        lane = self.of_client(client)
        if len(lane) >= MAX_WAITING:
            raise NoRoom(
                say("There are {max_waiting} jobs waiting already.", max_waiting=MAX_WAITING),
                "Wait for some of them to end.",
            )
        of_client += sum(job.nbytes for job in lane)
        for waiting, limit in ((of_client, self._limit // 2), (self._nbytes + in_all, self._limit)):
            if waiting and waiting + nbytes > limit:
                raise NoRoom(
                    say("The pictures that wait already have {waiting} MiB.", waiting=waiting >> 20),
                    "Wait for some of them to be painted.",
                )


class KeptResult(NamedTuple):
    """A result that no client has confirmed yet."""

    since: float
    message: list[Any]
    shared: Mapping[str, int]
    """As in `Job`."""
    nbytes: int


class KeptResults:
    """Results that no client has confirmed yet, for a while.

    Attributes:
        nbytes: how many bytes they have.
    """

    def __init__(self, seconds: float = 600.0, limit_bytes: int | None = None) -> None:
        self._seconds = seconds
        self._limit = limit_bytes or min(KEPT_BYTES, int(whole_memory() * KEPT_SHARE))
        self._kept: OrderedDict[str, KeptResult] = OrderedDict()
        self.nbytes = 0

    def __iter__(self) -> Iterator[KeptResult]:
        return iter(self._kept.values())

    def keep(self, job_id: str, message: list[Any], shared: Mapping[str, int]) -> None:
        """Keep the message with the result of a job; ``shared`` as in `Job`."""
        nbytes = sum(shared.values()) + sum(memoryview(frame).nbytes for frame in message)
        self.drop(job_id)
        self._kept[job_id] = KeptResult(time.monotonic(), message, shared, nbytes)
        self.nbytes += nbytes
        self.expire()

    def find(self, job_id: str) -> list[Any] | None:
        """The message with the result of a job."""
        found = self._kept.get(job_id)
        return found.message if found else None

    def drop(self, job_id: str) -> None:
        """Forget the result of a job: its client has it."""
        found = self._kept.pop(job_id, None)
        self.nbytes -= found.nbytes if found else 0

    def expire(self) -> None:
        """Forget what is too old, and the oldest while it is too much; the newest result always stays."""
        oldest = time.monotonic() - self._seconds
        while self._kept:
            job_id, first = next(iter(self._kept.items()))
            if first.since >= oldest and (self.nbytes <= self._limit or len(self._kept) == 1):
                return
            self.drop(job_id)
