"""The client: calls to the server and what becomes of them.

Nothing here waits unless it is told to. A script calls ``wait`` or iterates over ``events``; an editor calls ``poll``
from its event loop whenever the connection's descriptor is readable, and never stands still.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from impasto_link import codec
from impasto_link.errors import Cancelled, ImpastoError, ServerGone, from_wire
from impasto_link.options import STYLE_FRAME, MaskOptions, StylizeOptions
from impasto_link.patience import Patience
from impasto_link.pixels import Region
from impasto_link.shared import SharedFolder
from impasto_link.transport import Transport


@dataclass(frozen=True)
class Event:
    """A change in the life of a job: accepted, progress, preview, done, failed or cancelled."""

    kind: str
    place: int = 0
    """How many jobs are before this one."""
    fraction: float = 0.0
    """How much is done, 0 to 1."""
    doing: str = ""
    """What is being done, for a person."""
    regions: Mapping[str, Region] = field(default_factory=dict)
    """Pictures that came along: "pixels", "mask"."""
    fields: Mapping[str, Any] = field(default_factory=dict)
    """The whole header."""


FINAL = frozenset({"done", "failed", "cancelled"})


class Call:
    """One call and what is known of it so far.

    Attributes:
        id: by which the server knows it.
        events: all that has happened and was not taken out by `Client.events`; none if somebody is told of each.
        result: the last event, once there is one of kind "done".
        error: what went wrong, once it has.
        kept: whether its refinement was asked to end with what it has.
    """

    def __init__(self, call_id: str, on_event: Callable[[Event], None] | None = None) -> None:
        self.id = call_id
        self.events: list[Event] = []
        self.result: Event | None = None
        self.error: ImpastoError | None = None
        self.kept = False
        self._on_event = on_event

    @property
    def finished(self) -> bool:
        """Whether there is a result or an error."""
        return self.result is not None or self.error is not None

    def add(self, event: Event) -> None:
        """Take note of an event."""
        if event.kind == "done":
            self.result = event
        elif event.kind == "cancelled":
            self.error = Cancelled("The job was cancelled.", str(event.fields.get("message", "")))
        elif event.kind == "failed":
            self.error = from_wire(*(event.fields.get(key) for key in ("code", "message", "hint")))
        if self._on_event is not None:
            self._on_event(event)
        else:
            self.events.append(event)

    def fail(self, error: ImpastoError) -> None:
        """End with an error that the server has not told."""
        self.add(Event("failed", fields={"code": error.code, "message": error.message, "hint": error.hint}))


class Client:
    """Speaks to one server over one transport. Not thread-safe.

    Args:
        transport: to the server.
        patience: with it; by default that with a server of which nothing is known.
    """

    def __init__(self, transport: Transport, patience: Patience | None = None) -> None:
        self.transport = transport
        self._patience = patience or Patience()
        self._process = os.getpid()
        self._open: dict[str, Call] = {}
        self._shared: SharedFolder | None = None
        self._heard_at = time.monotonic()

    @property
    def shares_memory(self) -> bool:
        """Whether large frames go by files in shared memory; known once the server has answered ``hello``."""
        return self._shared is not None

    @property
    def waits(self) -> bool:
        """Whether a call has not ended yet."""
        return bool(self._open)

    def submit(
        self,
        op: str,
        fields: Mapping[str, Any] | None = None,
        regions: Mapping[str, Region] | None = None,
        on_event: Callable[[Event], None] | None = None,
    ) -> Call:
        """Send a call and return at once."""
        self._check_process()
        call = Call(uuid.uuid4().hex, on_event)
        self._open[call.id] = call
        header = {**(fields or {}), "op": op, "id": call.id}
        if self._shared is not None:
            # The result may come that way, too.
            header["shared"] = True
        self.transport.send(codec.encode(header, regions, self._shared))
        self._heard_at = time.monotonic()
        return call

    def stylize(
        self,
        region: Region,
        options: StylizeOptions,
        on_event: Callable[[Event], None] | None = None,
        *,
        mask: Region | None = None,
        selection: Region | None = None,
        pictures: Mapping[str, Region] | None = None,
        preview: bool = False,
    ) -> Call:
        """Send a region to be painted.

        Args:
            region: the pixels.
            options: how to paint them.
            on_event: called with each event.
            mask: the subject of the region, instead of finding it.
            selection: where the painting may show at most.
            pictures: pictures as styles, by the names under which the options have them.
            preview: a newer preview of this client replaces it if it has not started.

        Returns:
            A call whose result has the region ``pixels``, and ``mask`` unless they show everywhere.
        """
        sent = {"pixels": region, "mask": mask, "selection": selection}
        regions = {name: one for name, one in sent.items() if one is not None}
        regions.update({STYLE_FRAME + name: one for name, one in (pictures or {}).items()})
        return self.submit("preview" if preview else "stylize", options.to_wire(), regions, on_event)

    def mask(self, region: Region, options: MaskOptions, on_event: Callable[[Event], None] | None = None) -> Call:
        """Send a region whose subject is to be found. The result has the region ``mask``."""
        return self.submit("mask", options.to_wire(), {"pixels": region}, on_event)

    def cancel(self, call: Call, *, keep: bool = False) -> None:
        """Ask the server to give a job up; the call ends with "cancelled", or as it would have if that was too late.

        With ``keep`` a refinement ends with the best picture that it has so far.
        """
        if not call.finished and not self.is_forked:
            call.kept |= keep
            self.transport.send(codec.encode({"op": "cancel", "id": call.id, "keep": keep}))

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Take in what has arrived; waits up to ``timeout`` seconds for the first message. Whether there was any."""
        self._check_process()
        message = self.transport.receive(timeout)
        if message is None:
            return False
        while message is not None:
            self._take(message)
            message = self.transport.receive(0.0)
        return True

    def _take(self, message: list[memoryview]) -> None:
        self._heard_at = time.monotonic()
        header = codec.decode_header(message[0], codec.MAX_ANSWER)
        call = self._open.get(str(header.get("id")))
        if call is None:
            return
        kind = str(header.get("event"))
        try:
            if kind not in FINAL:
                codec.check_version(header)
            event = Event(
                kind,
                int(header.get("place", 0)),
                float(header.get("fraction", 0.0)),
                str(header.get("doing", "")),
                codec.decode_regions(header, message[1:], self._shared.take if self._shared else None),
                header,
            )
        except ImpastoError as error:
            call.fail(error)
        else:
            if "shared" in header:
                self._shared = SharedFolder.of_server(header["shared"])
            call.add(event)
        if call.finished:
            del self._open[call.id]
        if call.result is not None and call.result.regions:
            # Until then the server keeps it, in case that it was lost on the way.
            job = str(header.get("job", call.id))
            with contextlib.suppress(ImpastoError):
                self.transport.send(codec.encode({"op": "received", "id": uuid.uuid4().hex, "job": job}))

    def events(self, call: Call) -> Iterator[Event]:
        """The events of a call as they happen, until its end. Leaving the loop early cancels the job, unless
        it was asked to end with what it has.

        Raises:
            ImpastoError: the call failed, was cancelled, or the server is gone.
        """
        try:
            while True:
                while call.events:
                    event = call.events.pop(0)
                    if event.kind in ("failed", "cancelled"):
                        break
                    yield event
                if call.error is not None:
                    raise call.error
                if call.finished:
                    return
                if not self.poll(1.0):
                    self._wait_on(call)
        finally:
            if not call.kept:
                self.cancel(call)

    def _wait_on(self, call: Call) -> None:
        """End a call if the server is gone."""
        try:
            self._patience.wait(time.monotonic() - self._heard_at)
        except ServerGone as error:
            self._open.pop(call.id, None)
            call.error = error

    def wait(self, call: Call) -> Event:
        """Wait for the end of a call and return its result; raises as `events` does."""
        for _ in self.events(call):
            pass
        assert call.result is not None
        return call.result

    def ask(self, op: str, fields: Mapping[str, Any] | None = None, timeout: float | None = None) -> Event:
        """A question that the server answers at once (hello, styles, status, shutdown, fetch).

        Args:
            op: the operation.
            fields: what belongs to it.
            timeout: how long to wait at most, in seconds; None for as long as `impasto_link.patience` has it.

        Raises:
            ServerGone: the server has ended, or there was no answer in time.
            ImpastoError: the server says that something is wrong.
        """
        call = self.submit(op, fields)
        deadline = time.monotonic() + (math.inf if timeout is None else timeout)
        while not call.finished:
            left = deadline - time.monotonic()
            if left <= 0:
                self._open.pop(call.id, None)
                raise ServerGone(
                    f"The server did not answer within {timeout:g} seconds.", "Look at it with: impasto status"
                )
            if not self.poll(min(left, 1.0)):
                self._wait_on(call)
        if call.error is not None:
            raise call.error
        assert call.result is not None
        return call.result

    def close(self) -> None:
        """Close the connection; the server drops what this client had under way."""
        if not self.is_forked:
            self.transport.close()

    @property
    def is_forked(self) -> bool:
        """Whether this process is a copy of the one that made the connection, to which it goes on belonging."""
        return os.getpid() != self._process

    def _check_process(self) -> None:
        # Both would read from one connection, and each would wait for what the other has got.
        if self.is_forked:
            raise ImpastoError(
                "This connection belongs to the process from which this one was forked.", "Connect anew in this one."
            )
