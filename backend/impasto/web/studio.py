"""The jobs: from the moment that somebody begins to send one until its results are forgotten. All of it in memory."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress

from impasto.imaging.metadata import FileInfo
from impasto.web.job import CANCELLED, DONE, FAILED, QUEUED, RUNNING, SENDING, Job
from impasto.web.lines import Exchange
from impasto.web.memory import Load, Memory
from impasto.web.metrics import Metrics
from impasto.web.orders import Order, Writing
from impasto.web.persons import Person, Persons
from impasto.web.problems import Busy, Forgotten, NotThere, NotYet
from impasto.web.settings import WebOptions
from impasto.web.workshop import Upload, Workshop
from impasto_link.client import Event
from impasto_link.errors import Cancelled, ImpastoError, from_wire

#: Jobs that have ended are remembered up to this number, however small their results are.
_MOST_ENDED = 1000
#: How often it is looked for what is to be forgotten, in seconds.
_SWEEP_EVERY = 5.0
#: Letters of a job's id that are drawn by chance.
_RANDOM = 16
#: So long the jobs under way may take to end when the web server does, in seconds.
_LAST_WORDS = 3.0


class Studio:
    """All jobs, and what they need.

    Args:
        options: how the web face is to behave.
        metrics: what is counted.

    Attributes:
        kept_bytes: what results take of the memory.
    """

    def __init__(self, options: WebOptions, metrics: Metrics) -> None:
        self.exchange = Exchange()
        self.persons = Persons(options, self.exchange)
        self.workshop = Workshop(options)
        self.memory = Memory(int(options.memory_megabytes * 2**20))
        self._options, self._metrics = options, metrics
        #: Ids are proofs that they were given: so it is known which were, without keeping them.
        self._secret = secrets.token_bytes(32)
        self._open: set[Job] = set()
        #: In the order of their end.
        self._ended: dict[str, Job] = {}
        self.kept_bytes = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_ending = False

    def start(self) -> None:
        """Begin to look after what is to be forgotten; needs the event loop."""
        self._keep(self._sweep())
        # So that the first job does not wait for it, nor is it an error if there is none: the first job will tell.
        self._keep(self._start_server())

    def count(self, state: str) -> int:
        """How many jobs that have not ended are in a state."""
        return sum(job.state == state for job in self._open)

    # --- what persons ask for

    @contextmanager
    def begin(self, person: Person, kind: str) -> Iterator[Job]:
        """Make room for a job before anything of it is read; it goes again if the block fails.

        Raises:
            TooOften: the person has begun too many in the last minute.
            Busy: too many have not ended.
        """
        if self._is_ending:
            raise Busy("The web server ends.", "Try again in a while.")
        person.spend()
        if person.open_jobs >= self._options.jobs_each:
            raise Busy(f"You have {person.open_jobs} jobs under way.", "Wait until some of them have ended.")
        if len(self._open) >= self._options.jobs:
            raise Busy(f"There are {len(self._open)} jobs under way.", "Wait until some of them have ended.")
        job = Job(self._new_id(person), person, kind, Load(self.memory))
        person.open_jobs += 1
        self._open.add(job)
        try:
            yield job
        except BaseException:
            if not job.has_ended:
                job.cancel()
                self._leave(job, CANCELLED)
            self._forget(job)
            raise

    async def send(self, job: Job, order: Order, uploads: Mapping[str, Upload]) -> None:
        """Have a job done; returns once the server has taken it.

        Raises:
            ImpastoError: a picture cannot be read, the server does not take the job, or there is none.
        """
        decoded = await self.workshop.decode(uploads)
        job.load.become(decoded.nbytes)
        job.notes.extend(decoded.notes)
        job.writing = order.writing
        line = await job.person.way.line()
        info = decoded.info
        call = line.client.submit(
            job.kind, order.options.to_wire(), decoded.regions, lambda event: self._heard(job, info, event)
        )
        job.sent(line, call)
        line.pump()
        async for _ in job.changes():
            if job.state != SENDING:
                break
        if job.error is not None:
            raise job.error
        job.person.jobs[job.id] = job

    def find(self, person: Person, job_id: str) -> Job:
        """A job of a person.

        Raises:
            NotThere: there never was one.
            Forgotten: there was one.
        """
        job = person.jobs.get(job_id)
        if job is not None:
            return job
        if hmac.compare_digest(job_id.encode(), self._proven(job_id[:_RANDOM], person).encode()):
            raise Forgotten("The results of this job are not kept any more.", "Do it again, and fetch them sooner.")
        raise NotThere("There is no such job.", "Jobs are forgotten when the web server is started anew.")

    def result(self, job: Job, what: str) -> tuple[bytes, Writing]:
        """A file that came of a job, and of what kind it is; raises NotYet if there is none."""
        if job.error is not None:
            raise NotYet(f"There is no result: {job.error.message}", job.error.hint)
        if not job.has_ended:
            raise NotYet("The job is not done yet.", "Its events say when it is.")
        if what not in job.results:
            raise NotYet(
                "The job has no result of this kind.",
                "There is a mask if flatten is false, and the painting does not show everywhere.",
            )
        return job.results[what]

    def give_up(self, job: Job) -> None:
        """Cancel a job, or forget one that has ended."""
        if job.has_ended:
            self._forget(job)
        else:
            job.cancel()

    async def end(self) -> None:
        """Take no more jobs, and end those that are under way."""
        self._is_ending = True
        for job in list(self._open):
            job.cancel()
        deadline = time.monotonic() + _LAST_WORDS
        while self._open and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        for job in list(self._open):
            self._cancelled(job)

    async def close(self) -> None:
        """End jobs, connections and processes."""
        await self.end()
        for task in self._tasks:
            task.cancel()
        self.persons.close()
        self.workshop.close()

    # --- what becomes of jobs

    def _heard(self, job: Job, info: FileInfo, event: Event) -> None:
        if job.has_ended:
            return
        if event.kind == "accepted" and job.state != RUNNING:
            job.state, job.place = QUEUED, event.place
        elif event.kind == "progress":
            if job.state != RUNNING:
                job.state, job.place, job.running_at = RUNNING, 0, time.monotonic()
            job.fraction, job.doing = event.fraction, event.doing
        elif event.kind == "done":
            self._keep(self._finish(job, info, event))
        elif event.kind == "failed":
            job.error = from_wire(event.fields)
            self._end(job, FAILED)
        elif event.kind == "cancelled":
            self._cancelled(job)
        job.tell()

    def _cancelled(self, job: Job) -> None:
        job.error = Cancelled("The job was cancelled.")
        self._end(job, CANCELLED)

    async def _finish(self, job: Job, info: FileInfo, event: Event) -> None:
        """Make files of what the server has sent."""
        shown, mask = event.regions.get("pixels"), event.regions.get("mask")
        # A mask beside a painting is for programs, and JPEG would blur its edge.
        wanted = {"result": (shown or mask, job.writing), **({"mask": (mask, Writing())} if shown else {})}
        try:
            for what, (region, writing) in wanted.items():
                if region is None:
                    continue
                data, notes = await self.workshop.encode(region, info if region is shown else None, writing)
                job.results[what] = data, writing
                job.notes.extend(notes)
        except ImpastoError as error:
            job.error = error
        if job.has_ended:
            return  # Whoever wanted it has gone meanwhile, or the web face ends.
        job.notes.extend(map(str, event.fields.get("notes", ())))
        job.fraction, job.doing = 1.0, ""
        self._end(job, DONE if job.error is None else FAILED)

    def _end(self, job: Job, state: str) -> None:
        # What the server has not taken is answered with an error, and nobody can ask for it.
        was_taken = job.state != SENDING
        self._leave(job, state)
        self._metrics.end(job)
        if was_taken:
            self._ended[job.id] = job
            self.kept_bytes += job.nbytes
            self._forget_oldest()

    def _leave(self, job: Job, state: str) -> None:
        """A job makes room for others."""
        self._open.remove(job)
        job.person.open_jobs -= 1
        job.end(state)

    def _forget(self, job: Job) -> None:
        job.person.jobs.pop(job.id, None)
        if self._ended.pop(job.id, None) is not None:
            self.kept_bytes -= job.nbytes

    def _forget_oldest(self) -> None:
        """Forget what is too old, and the oldest while it is too much; the newest result always stays."""
        oldest = time.monotonic() - 60 * self._options.keep_minutes
        limit = self._options.keep_megabytes * 2**20
        while self._ended:
            first = next(iter(self._ended.values()))
            too_much = len(self._ended) > 1 and (self.kept_bytes > limit or len(self._ended) > _MOST_ENDED)
            if first.ended_at >= oldest and not too_much:
                return
            self._forget(first)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(_SWEEP_EVERY)
            self._forget_oldest()
            self.persons.give_up()

    async def _start_server(self) -> None:
        with suppress(ImpastoError):
            (await self.exchange.line()).close()

    def _keep(self, work: Coroutine[None, None, None]) -> None:
        """Do something beside all else."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _new_id(self, person: Person) -> str:
        return self._proven(secrets.token_urlsafe(12), person)

    def _proven(self, random: str, person: Person) -> str:
        proof = hmac.new(self._secret, f"{random} {person.name}".encode(), hashlib.sha256)
        return f"{random}{proof.hexdigest()[:_RANDOM]}"
