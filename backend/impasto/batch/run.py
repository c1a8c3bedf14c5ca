"""The pictures of a plan through the server: as many at once as it has workers, and one that lies ready for each."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from typing import Protocol

from impasto.batch.plan import Item, Plan
from impasto.batch.reading import Picture, ends_all
from impasto_link.client import Call, Client
from impasto_link.contact import LOOK_EVERY
from impasto_link.errors import Cancelled, ImpastoError, ServerGone, WorkerDied
from impasto_link.pixels import Region

#: How often a picture is tried: its job may be cancelled by a server that is ending, and then the server has ended.
TRIES = 3

#: What may be well with the same picture the next time.
_PASSING = (ServerGone, WorkerDied, Cancelled)


class Watcher(Protocol):
    """Who hears of a run while it goes on."""

    def say(self, text: str) -> None:
        """A sentence for the person."""

    def at(self, done: float, name: str, doing: str) -> None:
        """How many pictures are done, what the first of those is called that are not, and what is done with it."""


@dataclass
class Job:
    """A picture on its way.

    Attributes:
        picture: as far as it was read.
        number: its place in the plan.
        call: its call, or why it could not be sent.
        tries: how often it has ended.
        began: when the server began with it, or else when it was sent, on the clock of `time.monotonic`.
        fraction: how much of it is done, 0 to 1.
        doing: what is being done, for a person.
    """

    picture: Picture
    number: int
    call: Call | ImpastoError | None = None
    tries: int = 0
    began: float = 0.0
    fraction: float = 0.0
    doing: str = ""

    @property
    def item(self) -> Item:
        """What is to be done."""
        return self.picture.item

    @property
    def ended(self) -> bool:
        """Whether there is a result or an error."""
        return not isinstance(self.call, Call) or self.call.finished


class Run:
    """Does the pictures of a plan.

    Args:
        plan: what is to be done.
        send: sends a picture that was read, as its region.
        connect: makes a connection to the server; starts one if there is none.
        watcher: hears of it.

    Attributes:
        done: how many pictures are.
    """

    def __init__(
        self, plan: Plan, send: Callable[[Client, Item, Region], Call], connect: Callable[[], Client], watcher: Watcher
    ) -> None:
        self.done = 0
        self._failed: dict[int, str] = {}
        self._plan = plan
        self._ask = send
        self._connect = connect
        self._watcher = watcher
        self._waiting = deque(Job(Picture(item), number) for number, item in enumerate(plan.items))
        self._sent = deque[Job]()

    @property
    def failed(self) -> list[str]:
        """For each picture that could not be done a sentence that names it, in the order of the plan."""
        return [sentence for _, sentence in sorted(self._failed.items())]

    def go(self) -> None:
        """Do all pictures. One that fails does not keep the others from being done.

        Raises:
            ImpastoError: nothing more can be done; or why the only picture failed.
        """
        if not self._waiting:
            return
        with self._plan.manifest or nullcontext():
            self._client = self._connect()
            try:
                # One for each worker, and one that lies ready, so that none waits for a file to be read.
                workers = self._client.ask("hello").fields.get("workers", ())
                self._most = len([one for one in workers if one.get("state") != "broken"]) + 1
                while self._waiting or self._sent:
                    self._fill()
                    self._end(self._next())
                    self._tell()
            finally:
                with suppress(ImpastoError):
                    self._client.close()

    def _fill(self) -> None:
        # What is tried once more goes alone: another picture may have been the reason.
        while self._waiting and len(self._sent) < (1 if self._sent and self._sent[0].tries else self._most):
            self._sent.append(self._waiting.popleft())
            self._send(self._sent[-1])

    def _send(self, job: Job) -> None:
        job.began, job.fraction, job.doing = time.monotonic(), 0.0, ""
        try:
            job.call = self._ask(self._client, job.item, job.picture.read())
        except MemoryError:
            job.call = ImpastoError(f"There is not enough memory to read {job.item.source}.")
        except ImpastoError as error:
            job.call = error

    def _next(self) -> Job:
        """Wait for a picture that has ended, the first of several."""
        while True:
            for job in self._sent:
                if job.ended:
                    self._sent.remove(job)
                    return job
            with suppress(ImpastoError):  # All calls have ended with it.
                self._client.poll(LOOK_EVERY)
            for job in self._sent:
                self._hear(job)
            self._tell()

    def _hear(self, job: Job) -> None:
        """Take note of how far a picture is."""
        events = job.call.events if isinstance(job.call, Call) else []
        for event in events:
            if event.kind in ("progress", "preview"):
                if not job.fraction:
                    job.began = time.monotonic()
                job.fraction, job.doing = event.fraction, event.doing
            elif event.kind == "accepted" and event.place:
                job.doing = f"{event.place} before it"
        events.clear()

    def _end(self, job: Job) -> None:
        job.tries += 1
        try:
            if self._write(job):
                self._enter(job)
            self.done += 1
        except ImpastoError as error:
            job.call = None
            if isinstance(error, ServerGone):
                # What was sent ahead has gone with it.
                self._waiting.extendleft(reversed(self._sent))
                self._sent.clear()
            if isinstance(error, _PASSING) and job.tries < TRIES:
                self._waiting.appendleft(job)
            else:
                self._fail(job, error)
            if isinstance(error, ServerGone) and self._waiting:
                self._connect_again(error)

    def _write(self, job: Job) -> bool:
        """Write what came of a picture; whether that was still to be written."""
        call, item = job.call, job.item
        if isinstance(call, ImpastoError):
            raise call
        assert call is not None
        if call.error is not None:
            raise call.error
        assert call.result is not None
        for note in call.result.fields.get("notes", ()):
            self._watcher.say(f"{item.source.name}: {note}")
        regions = call.result.regions
        try:
            written = [
                self._plan.outputs.write(
                    place, regions[name], job.picture.info if name == "pixels" else None, self._plan.wanted.quality
                )
                for name, place in item.files.items()
                if name in regions
            ]
        except MemoryError:
            raise ImpastoError(f"There is not enough memory to write {item.target}.") from None
        finally:
            job.call = None  # and with it the pixels
        if not any(written):
            self._watcher.say(f"{item.target} has come while it was made, and stays as it is.")
        return any(written)

    def _fail(self, job: Job, error: ImpastoError) -> None:
        if ends_all(error):
            raise error
        self._enter(job, error)
        if len(self._plan.items) == 1:
            raise error
        # One bad picture must not keep the other ninety-nine from being painted.
        source = str(job.item.source)
        self._failed[job.number] = str(error) if source in error.message else f"{source}: {error}"

    def _enter(self, job: Job, error: ImpastoError | None = None) -> None:
        """Write down what became of a picture."""
        manifest = self._plan.manifest
        if manifest is not None:
            seconds = time.monotonic() - job.began
            manifest.add(job.picture.entry(manifest.folder, self._plan.wanted.settings, seconds, error))

    def _connect_again(self, error: ServerGone) -> None:
        self._watcher.say(f"{error.message} Going on with a new one.")
        with suppress(ImpastoError):
            self._client.close()
        self._client = self._connect()

    def _tell(self) -> None:
        first = self._sent[0] if self._sent else None
        done = self.done + len(self._failed) + sum(job.fraction for job in self._sent)
        self._watcher.at(done, first.item.source.name if first else "", first.doing if first else "")
