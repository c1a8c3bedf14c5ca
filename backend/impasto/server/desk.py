"""The desk: jobs that clients bring, from the moment that they are taken until their results have been fetched."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Iterator
from typing import Any

from impasto.server.crew import Crew
from impasto.server.front import Front
from impasto.server.jobs import Job, JobQueue, KeptResults, is_quick
from impasto.server.operations import JobOperation, StreamOperation
from impasto_link import codec
from impasto_link.errors import BadRequest, ImpastoError, WorkerDied
from impasto_link.frames import Frame
from impasto_link.pieces import Message
from impasto_link.sentences import say
from impasto_link.shared import SharedFolder

log = logging.getLogger(__name__)

#: Clients are told of new places in the queue at most this often, in seconds.
PLACES_EVERY = 0.5

_DIED = WorkerDied(
    "The process that painted ended in the middle of the work.",
    "It was started again: try once more. If it ends again, the picture may need more memory.",
)


class Desk:
    """All jobs: those that wait, and by way of the crew those that are worked on; and results that nobody has fetched.

    Args:
        front: the clients.
        shared: the folder in shared memory, if there is one.

    Attributes:
        crew: the workers; to be set before anything happens.
        used_at: when a job last ended, on the monotonic clock.
    """

    crew: Crew

    def __init__(self, front: Front, shared: SharedFolder | None) -> None:
        self._front, self._shared = front, shared
        self.queue = JobQueue()
        self.kept = KeptResults()
        self.used_at = self._placed_at = time.monotonic()
        self._places_changed = False

    def jobs(self) -> Iterator[Job]:
        """All jobs that have not ended."""
        yield from self.queue
        yield from self.crew.jobs()

    # --- what clients ask for

    def take(self, operation: JobOperation, client: bytes, header: codec.Header, frames: Message) -> None:
        """Take a job.

        Raises:
            ImpastoError: it cannot be done; the sentence says why.
        """
        known = self._job(header["id"])
        if known is not None:
            if known.client == client:
                raise BadRequest(say("There is a job with the id {header} already.", header=header["id"]))
            # Sent again over another connection, before what had been sent over the one that broke was read.
            self.fetch(client, header)
            return
        job = self._read(operation, client, header, frames)
        self.crew.wake()
        self.crew.provide_for(job)
        replaced = self.queue.add(job)
        if replaced is not None:
            self._front.tell(replaced.client, replaced.id, "cancelled", message=say("A newer preview took its place."))
        job.told_place = self.queue.place_of_last(job) + len(self.crew.running)
        self._front.tell(client, job.id, "accepted", place=job.told_place)

    def _read(self, operation: JobOperation, client: bytes, header: codec.Header, frames: Message) -> Job:
        options, frame = operation.read(header), Frame.from_wire(header)
        shared = self._shared if self._front.is_local(client) else None
        regions = codec.decode_regions(header, frames[1:], shared.look if shared else None)
        missing = [kind for kind in operation.needs if kind not in regions]
        if missing:
            raise BadRequest(say("The request has no {missing}.", missing=missing[0]))
        if shared is None and header.get("shared") is True:
            # It would be sent the name of a file that it cannot see.
            frames = [codec.pack({**header, "shared": False}), *frames[1:]]
        # What comes in a row is a batch, however small its pictures are: of these only the first one hurries.
        is_first = not self.queue.of_client(client) and all(job.client != client for job in self.crew.jobs())
        streams = isinstance(operation, StreamOperation)
        hurries = streams or options.max_side is not None or (is_first and frame is None)
        quick = hurries and is_quick(options, {kind: one.format for kind, one in regions.items()})
        job = Job(
            header["id"],
            client,
            list(frames),
            options.device,
            streams,
            quick,
            codec.shared_frames(header),
            None if frame is None else frame.sequence,
        )
        job.sees_shared = header.get("shared") is True
        return job

    def cancel(self, job_id: str, *, keep: bool = False) -> None:
        """Stop a job, or with ``keep`` end a refinement with the best so far."""
        job = self.queue.find(job_id)
        if job is not None:
            self.queue.remove(job)
            self._places_changed = True
            self._front.tell(job.client, job_id, "cancelled")
            return
        job = self.crew.job(job_id)
        if job is not None:
            self.crew.cancel(job, keep=keep)

    def cancel_all_of(self, client: bytes) -> None:
        """A client is lost, and nobody wants its jobs any more."""
        for job in [job for job in self.jobs() if job.client == client]:
            log.info("job %s lost its client", job.id)
            self.cancel(job.id)

    def fetch(self, client: bytes, header: codec.Header) -> None:
        """A client has come back and asks for its job: its result, or to hear of it from now on."""
        job = self._job(header["id"])
        if job is None:
            self._front.postpone(client, functools.partial(self._send_kept, client, header["id"]))
            return
        if job.id in self.crew.running:
            job.client = client
        else:
            self.queue.hand_over(job, client)
        job.sees_shared = header.get("shared") is True
        job.wanted_again = job.cancelled_at is not None
        self._front.tell(client, job.id, "accepted", place=self._place(job))

    def _job(self, job_id: str) -> Job | None:
        """The job of that id that waits or is worked on."""
        return self.crew.job(job_id) or self.queue.find(job_id)

    def _place(self, job: Job) -> int:
        """How many jobs come before it."""
        running = self.crew.running
        return 0 if job.id in running else list(self.queue).index(job) + len(running)

    def _send_kept(self, client: bytes, job_id: str) -> None:
        """Send the result of a job to a client, or say that it is not there any more."""
        kept = self.kept.find(job_id)
        try:
            if kept is None:
                raise BadRequest("It was given to its client, or nobody has asked for it for too long.")
            header = codec.decode_header(kept[0])
            regions = codec.decode_regions(header, kept[1:], self._shared.look if self._shared else None)
        except BadRequest:
            # Or the client has taken it out of shared memory, but what for we cannot know.
            self._front.tell(client, job_id, "unknown")
        else:
            # To somebody else, perhaps, who does not see the folder. It happens once in a while, so all of it is sent.
            self._front.send(client, codec.encode(header, regions))

    # --- what becomes of them

    def dispatch(self) -> None:
        """Give waiting jobs to the crew."""
        self._places_changed |= self.crew.dispatch(self.queue)

    def tell_places(self) -> None:
        """Tell the clients of waiting jobs how many are before theirs, where that is news."""
        now = time.monotonic()
        if not self._places_changed or now - self._placed_at < PLACES_EVERY:
            return
        self._places_changed, self._placed_at = False, now
        for place, job in enumerate(self.queue, start=len(self.crew.running)):
            if job.has_moved(place):
                job.told_place = place
                self._front.tell(job.client, job.id, "accepted", place=place)

    def heard_of(self, job: Job, header: dict[str, Any], frames: Message, *, final: bool) -> None:
        """See `impasto.server.crew.Listener`."""
        event = header.get("event")
        if final:
            log.info("job %s %s after %.2f s", job.id, event, time.monotonic() - job.accepted_at)
            self.used_at = time.monotonic()
        if event == "cancelled":
            self._tell_cancelled(job)
            return
        message = [codec.pack(header), *frames]
        if event == "done":
            # What was sent to somebody who has just gone is lost without a word, so only the client can say that it
            # has its result.
            self.kept.keep(job.id, message, codec.shared_frames(header))
        hidden = bool(codec.shared_frames(header)) and not job.sees_shared
        if event == "done" and (hidden or not self._front.has_room(job.client, message)):
            self._front.postpone(job.client, functools.partial(self._send_kept, job.client, job.id))
        else:
            self._front.send(job.client, message, None if final else (job.id, event))

    def lost(self, job: Job) -> None:
        """See `impasto.server.crew.Listener`."""
        if job.may_be_tried_again:
            self.queue.put_back(job)
        elif job.cancelled_at:
            self._tell_cancelled(job)
        else:
            self.fail(job, _DIED)

    def crew_changed(self) -> None:
        """See `impasto.server.crew.Listener`: fail waiting jobs whose device turned out not to exist."""
        for job in list(self.queue):
            try:
                self.crew.provide_for(job)
            except ImpastoError as error:
                self.queue.remove(job)
                self.fail(job, error)

    def fail(self, job: Job, error: ImpastoError) -> None:
        """Tell a client that its job has failed."""
        self._front.tell(job.client, job.id, "failed", **error.to_wire())

    def _tell_cancelled(self, job: Job) -> None:
        # A client that was thought lost has not asked for that: what is unknown it sends again.
        self._front.tell(job.client, job.id, "unknown" if job.wanted_again else "cancelled")
