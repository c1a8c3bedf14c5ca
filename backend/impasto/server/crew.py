"""The crew: workers, what each is given and says, and who takes the place of one that ends."""

from __future__ import annotations

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Iterator
from functools import partial
from typing import Any, Protocol

import zmq

from impasto.server.door import Door
from impasto.server.doorman import Doorman
from impasto.server.gate import Gate
from impasto.server.jobs import Job, JobQueue
from impasto.server.options import BrokerOptions
from impasto.server.safely import safely
from impasto.server.workers import WORKER, WorkerProcess
from impasto_link import codec
from impasto_link.errors import BadRequest, WorkerDied
from impasto_link.pieces import Message
from impasto_link.sentences import say
from impasto_link.shared import SharedFolder

log = logging.getLogger(__name__)

#: A worker that does not obey a cancellation for this long is stuck and is replaced, in seconds. It looks for one after
#: about a second of computing; the rest is for machines that are slow, or busy with something else.
STUCK_AFTER = 30.0
#: Of so many sequences it is known which worker had the last frame.
_SEQUENCES = 256
_FINAL = frozenset({"done", "failed", "cancelled"})


class Listener(Protocol):
    """Whoever gives the crew its jobs, and hears what becomes of them."""

    def crew_changed(self) -> None:
        """A worker knows its device now, or cannot be started: jobs that wait for one may wait in vain."""

    def heard_of(self, job: Job, header: dict[str, Any], frames: Message, *, final: bool) -> None:
        """A worker has said something of a job."""

    def lost(self, job: Job) -> None:
        """The worker that had a job has ended."""


class Crew:
    """All workers, and what is under way.

    Args:
        context: for the socket.
        gate: where it listens.
        doorman: who is let in.
        token: with which workers show who they are.
        options: which devices there are, and how workers behave.
        shared: the folder in shared memory, if there is one.
        listener: hears of everything.

    Attributes:
        workers: one for each device, and one on the CPU once that was asked for.
        running: the worker of each job that has been given to one, by the job's id.
    """

    def __init__(
        self,
        context: zmq.Context[zmq.Socket[bytes]],
        gate: Gate,
        doorman: Doorman,
        token: str,
        options: BrokerOptions,
        shared: SharedFolder | None,
        listener: Listener,
    ) -> None:
        self._listener = listener
        self.door = Door(context, refused=self._replace_who_said, most_waiting=math.inf)
        doorman.let_in_with_password(self.door.socket, WORKER, token)
        endpoint = gate.bind(self.door.socket, "127.0.0.1")
        self._spawn = lambda device: WorkerProcess(
            device, endpoint, token, options.unload_after, shared, options.memory
        )
        self.running: dict[str, WorkerProcess] = {}
        self.workers = [self._spawn(device) for device in options.devices]
        #: Who remembers each sequence.
        self._remembers: OrderedDict[str, WorkerProcess] = OrderedDict()

    def jobs(self) -> Iterator[Job]:
        """All jobs that workers have."""
        for worker in self.workers:
            yield from worker.jobs.values()

    def job(self, job_id: str) -> Job | None:
        """The job of that id that a worker has."""
        worker = self.running.get(job_id)
        return None if worker is None else worker.jobs[job_id]

    # --- giving work

    def provide_for(self, job: Job) -> None:
        """See to it that there is a worker for the job's device.

        Raises:
            WorkerDied: there is one, but it does not start.
            BadRequest: there is no such device.
        """
        # What a worker on "auto" will be is known when it is ready; then the waiting jobs are looked at again.
        fit = [worker for worker in self.workers if worker.device == "auto" or job.may_run_on(worker.device)]
        if any(worker.state != "broken" for worker in fit):
            return
        if fit or not self.workers:
            rest = min((worker.rests_for for worker in fit), default=0.0)
            raise WorkerDied(
                "The worker does not start.",
                say(
                    "The end of the server's log says why: impasto status. What is sent in {value} seconds "
                    "has it started once more.",
                    value=max(1, round(rest)),
                ),
            )
        if job.device != "cpu":
            names = ", ".join(worker.device for worker in self.workers)
            raise BadRequest(
                say("This server has no device {device}; it has {names}.", device=job.device, names=names),
                "Use --device auto.",
            )
        self.workers.append(self._spawn("cpu"))

    def wake(self) -> None:
        """Try once more to start the workers that could not be started, if they have rested."""
        for worker in self.workers:
            if worker.state == "broken" and not worker.rests_for:
                worker.start()

    def dispatch(self, queue: JobQueue) -> bool:
        """Give jobs to who is idle, or can let one in between; returns whether there were any."""
        before = len(queue)
        # What is let in between delays another job, so first to those that have none.
        for worker in sorted(self.workers, key=lambda worker: worker.state != "idle"):
            if worker.state == "idle" or worker.lets_in():
                may = partial(self._may_have, worker)
                job = queue.take(worker.device, quick_only=worker.state != "idle", may=may)
                if job is not None:
                    self._give(worker, job)
        return len(queue) != before

    def _may_have(self, worker: WorkerProcess, job: Job) -> bool:
        """Whether it is a job's turn, and the worker's: frames of a sequence go to one, each after the one before."""
        if job.sequence is None:
            return True
        if any(other.sequence == job.sequence for other in self.jobs()):
            return False
        other = self._remembers.get(job.sequence, worker)
        return other is worker or other.state == "broken" or not job.may_run_on(other.device)

    def _give(self, worker: WorkerProcess, job: Job) -> None:
        worker.begin(job)
        if job.sequence is not None:
            self._remembers[job.sequence] = worker
            self._remembers.move_to_end(job.sequence)
            if len(self._remembers) > _SEQUENCES:
                self._remembers.popitem(last=False)
        job.tries += 1
        self.running[job.id] = worker
        worker.heard()
        if not self._send(worker, job.message):
            # The job goes on with the end of the worker, instead of waiting for ever.
            worker.kill()

    def cancel(self, job: Job, *, keep: bool) -> None:
        """Have the worker of a job stop it, or with ``keep`` end a refinement with the best so far."""
        if job.cancelled_at is not None:
            return
        if not keep:
            job.cancelled_at = time.monotonic()
        job.words.append([codec.pack({"op": "cancel", "id": job.id, "keep": keep})])
        self._pass_on_words(self.running[job.id], job)

    def _pass_on_words(self, worker: WorkerProcess, job: Job) -> None:
        while job.has_begun and job.words:
            self._send(worker, job.words.pop(0))

    def _send(self, worker: WorkerProcess, frames: Message) -> bool:
        reached = self.door.send(worker.identity, frames)
        if not reached:
            log.warning("the worker on %s cannot be reached", worker.device)
        return reached

    # --- hearing of it

    def receive(self) -> None:
        """Take what workers have sent."""
        for identity, message in self.door.receive():
            safely(self._take, identity, message)

    def _take(self, identity: bytes, frames: Message) -> None:
        worker = self._worker(identity)
        if worker is None:
            return
        try:
            worker.heard()
            self._hear(worker, codec.decode_header(frames[0]), frames[1:])
        except Exception as error:
            self._replace_who_said(identity, error)

    def _worker(self, identity: bytes) -> WorkerProcess | None:
        return next((one for one in self.workers if one.identity == identity), None)

    def _replace_who_said(self, identity: bytes, error: Exception) -> None:
        worker = self._worker(identity)
        if worker is not None:
            log.error("the worker on %s cannot be understood and is replaced: %s", worker.device, error, exc_info=error)
            worker.kill()

    def _hear(self, worker: WorkerProcess, header: dict[str, Any], frames: Message) -> None:
        """Do what a message of a worker is about."""
        event = header.get("event")
        if event == "ready":
            worker.ready(header["stats"])
            self._listener.crew_changed()
            return
        if event == "stats":
            worker.stats = header["stats"]
            return
        job = worker.jobs.get(str(header.get("id")))
        if job is None:
            return
        job.message = []
        self._pass_on_words(worker, job)
        if event == "began":
            return
        final = event in _FINAL
        if final:
            worker.stats = header.pop("stats", worker.stats)
            worker.finish(job, float(header.get("seconds", 0.0)), leaves=header.pop("leaves", False) is True)
            del self.running[job.id]
        self._listener.heard_of(job, header, frames, final=final)

    # --- looking after them

    def look_after(self) -> None:
        """Replace workers that have ended, are stuck or stand still."""
        now = time.monotonic()
        for worker in self.workers:
            stuck = [job for job in worker.jobs.values() if job.cancelled_at and now - job.cancelled_at > STUCK_AFTER]
            if worker.killed:
                pass
            elif stuck:
                log.error("the worker on %s does not stop job %s and is replaced", worker.device, stuck[0].id)
                worker.kill()
            elif worker.stands_still():
                log.error("the worker on %s stands still and is replaced", worker.device)
                worker.kill()
            if worker.has_ended():
                self._replace(worker)

    def _replace(self, worker: WorkerProcess) -> None:
        """Start a worker that has ended again, and see to the jobs that it had."""
        status = worker.process.returncode if worker.process else "unknown"
        level = logging.INFO if worker.state == "leaving" else logging.ERROR
        log.log(level, "the worker on %s ended with status %s", worker.device, status)
        for job in list(worker.jobs.values()):
            del worker.jobs[job.id], self.running[job.id]
            self._listener.lost(job)
        # It may have ended in the middle of a result, for which there is room already.
        self.door.forget(worker.identity)
        worker.restart()
        if worker.state == "broken":
            self._listener.crew_changed()

    def stop(self) -> None:
        """End all of them."""
        for worker in self.workers:
            safely(worker.stop)
