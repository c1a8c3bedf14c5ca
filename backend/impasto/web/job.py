"""One job of one person, and who waits for news of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from impasto.web.memory import Load
from impasto.web.orders import Writing
from impasto_link.client import Call
from impasto_link.errors import ImpastoError

if TYPE_CHECKING:
    from impasto.web.lines import Line
    from impasto.web.persons import Person

SENDING, QUEUED, RUNNING, DONE, FAILED, CANCELLED = "sending", "queued", "running", "done", "failed", "cancelled"


class Job:
    """What one person wants to have done.

    Attributes:
        id: by which the person asks for it.
        person: whose it is.
        kind: the operation, ``stylize`` or ``mask``.
        state: ``sending`` until the server has taken it, then ``queued`` and ``running``; at its end ``done``,
            ``failed`` or ``cancelled``.
        place: how many jobs are before it, as far as is known.
        fraction: how much is done, 0 to 1.
        doing: what is being done, in a few words.
        notes: what a person should be told about the result, in sentences.
        error: why it has no result, once it has ended so.
        load: what it takes of the memory while it is under way.
        results: files, and of what kind they are, by what they show: ``result``, ``mask``.
        writing: as what they are written.
        begun_at, running_at, ended_at: when, on the monotonic clock; ``running_at`` is None if nobody has worked on it.
        ended: is set at its end.
    """

    def __init__(self, job_id: str, person: Person, kind: str, load: Load) -> None:
        self.id, self.person, self.kind, self.load = job_id, person, kind, load
        self.state, self.place, self.fraction, self.doing = SENDING, 0, 0.0, ""
        self.notes: list[str] = []
        self.error: ImpastoError | None = None
        self.results: dict[str, tuple[bytes, Writing]] = {}
        self.writing = Writing()
        self.begun_at = self.ended_at = time.monotonic()
        self.running_at: float | None = None
        self.ended, self._news = asyncio.Event(), asyncio.Event()
        self._call: tuple[Line, Call] | None = None

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in (DONE, FAILED, CANCELLED)

    @property
    def nbytes(self) -> int:
        """What its results take of the memory."""
        return sum(len(data) for data, _ in self.results.values())

    def tell(self) -> None:
        """Wake all who wait for news."""
        if self.has_ended:
            self.ended.set()
        self._news.set()
        self._news = asyncio.Event()

    async def changes(self) -> AsyncIterator[Job]:
        """The job now and after each change, up to its end; what follows too fast is passed over."""
        while True:
            # Looked up before it is told: it may end while whoever listens is busy with what was.
            news, was_last = self._news, self.has_ended
            yield self
            if was_last:
                return
            await news.wait()

    def sent(self, line: Line, call: Call) -> None:
        """It is on its way to the server."""
        self._call = line, call

    def cancel(self) -> None:
        """Ask the server to give it up."""
        if self._call is not None:
            line, call = self._call
            line.client.cancel(call)
            line.pump()

    def end(self, state: str) -> None:
        """Nothing more will happen; what it had under way is let go, with the pixels that came back."""
        self.state, self.ended_at, self._call = state, time.monotonic(), None
        self.load.drop()
        self.tell()
