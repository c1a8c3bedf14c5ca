"""The client: calls to the server and what becomes of them.

Nothing here waits unless it is told to. A script calls ``wait`` or iterates over ``events``; an editor calls ``poll``
from its event loop whenever the connection's descriptor is readable, and never stands still.
"""

from __future__ import annotations

import os
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Any

from impasto_link import codec
from impasto_link.coats import STYLE_FRAME
from impasto_link.contact import LOOK_EVERY, Contact
from impasto_link.errors import Cancelled, ImpastoError, ServerGone, from_wire
from impasto_link.frames import Frame
from impasto_link.options import MaskOptions, StylizeOptions
from impasto_link.patience import Patience
from impasto_link.pieces import Message
from impasto_link.pixels import Region
from impasto_link.sentences import say, text_from_wire
from impasto_link.shared import SharedFolder
from impasto_link.transport import Transport

#: A job that the server turns out not to know is sent so many times.
_MOST_TRIES = 3


@dataclass(frozen=True)
class Event:
    """A change in the life of a job: accepted, progress, preview, done, failed or cancelled."""

    kind: str
    place: int = 0
    """How many jobs are before this one."""
    fraction: float = 0.0
    """How much is done, 0 to 1; of ``done`` itself 1."""
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
        cancelled: whether it was asked to end.
    """

    def __init__(self, call_id: str, on_event: Callable[[Event], None] | None = None) -> None:
        self.id = call_id
        self.events: list[Event] = []
        self.result: Event | None = None
        self.error: ImpastoError | None = None
        self.kept = self.cancelled = False
        self.request: tuple[Mapping[str, Any], Mapping[str, Region]] = {}, {}
        #: Of the message that asks, for the transport, and how often it was sent.
        self.number = self.tries = 0
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
            self.error = Cancelled("The job was cancelled.", text_from_wire(event.fields, "message"))
        elif event.kind == "failed":
            self.error = from_wire(event.fields)
        if self._on_event is not None:
            self._on_event(event)
        else:
            self.events.append(event)

    def fail(self, error: ImpastoError) -> None:
        """End with an error that the server has not told."""
        self.add(Event("failed", fields=error.to_wire()))


class Client:
    """Speaks to one server. Not thread-safe.

    Nothing is sent before the server has shown that it knows the token. When the connection is lost another one is
    made, and the client asks for its calls again; they end with an error only if the server is gone.

    Args:
        transport: the way to the server.
        patience: with the server; by default that with one of which nothing is known.
        share: whether large frames may go by files in shared memory.

    Attributes:
        transport: the same.
        problem: why the server can do no more than tell its status and end; None if it can.
    """

    def __init__(
        self,
        transport: Transport,
        patience: Patience | None = None,
        *,
        share: bool = True,
    ) -> None:
        self.transport = transport
        self.problem: ImpastoError | None = None
        self._process = os.getpid()
        self._share = share
        self._open: dict[str, Call] = {}
        self._withdrawn: list[Call] = []
        #: What has come and was not looked at: who is told of an event may raise an error, or poll himself.
        self._came: deque[Message] = deque()
        self._shared: SharedFolder | None = None
        self._contact = Contact(transport, self._take_hello, patience or Patience())

    @property
    def shares_memory(self) -> bool:
        """Whether large frames go by files in shared memory; known once the server has answered."""
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
        """Send a call and return at once. Do not change what it refers to before its end."""
        self._check_process()
        call = Call(uuid.uuid4().hex, on_event)
        call.request = {**(fields or {}), "op": op, "id": call.id}, regions or {}
        if not self._open:
            self._contact.expect()
        self._open[call.id] = call
        if self._contact.is_made:
            try:
                self._ask(call)
            except BaseException:
                # Nobody would ever hear of it, and to ask again would raise the same in the middle of something else.
                del self._open[call.id]
                raise
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
        frame: Frame | None = None,
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
            frame: which frame of which sequence it is, whose paintings are to follow one another without flicker.

        Returns:
            A call whose result has the region ``pixels``, and ``mask`` unless they show everywhere.
        """
        sent = {"pixels": region, "mask": mask, "selection": selection}
        regions = {name: one for name, one in sent.items() if one is not None}
        regions.update({STYLE_FRAME + name: one for name, one in (pictures or {}).items()})
        fields = {**options.to_wire(), **({} if frame is None else frame.to_wire())}
        return self.submit("preview" if preview else "stylize", fields, regions, on_event)

    def mask(self, region: Region, options: MaskOptions, on_event: Callable[[Event], None] | None = None) -> Call:
        """Send a region whose subject is to be found. The result has the region ``mask``."""
        return self.submit("mask", options.to_wire(), {"pixels": region}, on_event)

    def cancel(self, call: Call, *, keep: bool = False) -> None:
        """Ask the server to give a job up; the call ends with "cancelled", or as it would have if that was too late.

        With ``keep`` a refinement ends with the best picture that it has so far.
        """
        if call.finished or self.is_forked:
            return
        call.kept |= keep
        call.cancelled |= not keep
        if not self._contact.is_made or not call.tries:
            return
        if call.cancelled and self.transport.withdraw(call.number):
            # The server has never had all of it, and will not answer.
            self._withdrawn.append(call)
        self._contact.say("cancel", call.id, keep=keep)

    def poll(self, timeout: float | None = 0.0) -> bool:
        """Take in what has arrived; waits up to ``timeout`` seconds for the first message. Whether there was any.

        Raises:
            ImpastoError: there is no server any more that could answer, and every call has ended with that error.
        """
        self._check_process()
        until = inf if timeout is None else time.monotonic() + timeout
        if self._withdrawn:
            self._give_up(self._withdrawn.pop())
            return True
        while True:
            wait = 0.0 if self._came else min(max(0.0, until - time.monotonic()), LOOK_EVERY)
            try:
                self._came.extend(self._contact.listen(wait, expecting=self.waits))
            except ImpastoError as error:
                self._end(error)
                raise
            heard = bool(self._came)
            while self._came:
                self._take(self._came.popleft())
            if heard or time.monotonic() >= until:
                return heard

    def _end(self, error: ImpastoError) -> None:
        """No call will get an answer any more."""
        calls, self._open = self._open, {}
        for call in calls.values():
            call.fail(error)

    def _take_hello(self, header: codec.Header) -> None:
        """The server has shown who it is, over a new connection: ask all that is to be asked."""
        self.problem = None
        if header.get("protocol") != codec.PROTOCOL:
            self.problem = codec.wrong_version(codec.PROTOCOL, header.get("protocol"), header.get("pid"))
        self._shared = SharedFolder.of_server(header.get("shared")) if self._share else None
        for call in list(self._open.values()):
            self._ask(call)

    def _ask(self, call: Call) -> None:
        """Ask over a new connection: for the first time, or what has become of it."""
        header, regions = call.request
        if self.problem is not None and header["op"] not in codec.ANY_VERSION:
            self._finish(call, self.problem)
        elif call.cancelled:
            self._contact.say("cancel", call.id)
            self._give_up(call)
        elif call.tries and regions:
            # It came with pictures, so the server may be at work on it; what is answered at once is simply asked again.
            self._contact.say("fetch", call.id, shared=self.shares_memory)
            if call.kept:
                self._contact.say("cancel", call.id, keep=True)
        else:
            self._send(call)

    def _send(self, call: Call) -> None:
        header, regions = call.request
        call.tries += 1
        if self._shared is not None:
            # The result may come that way, too.
            header = {**header, "shared": True}
        call.number = self.transport.send(codec.encode(header, regions, self._shared))

    def _finish(self, call: Call, error: ImpastoError) -> None:
        self._open.pop(call.id, None)
        call.fail(error)

    def _give_up(self, call: Call) -> None:
        """End a call as cancelled, unless it has ended meanwhile."""
        if self._open.pop(call.id, None) is not None:
            call.add(Event("cancelled"))

    def _take(self, message: Message) -> None:
        header = codec.decode_header(message[0], codec.MAX_ANSWER)
        call = self._open.get(str(header.get("id")))
        if call is None:
            return
        kind = str(header.get("event"))
        if kind == "unknown":
            self._send_again(call)
        else:
            self._add(call, kind, header, message[1:])

    def _send_again(self, call: Call) -> None:
        """The server does not know the job: it was lost on the way there, or given up while we were away."""
        if call.cancelled:
            self._give_up(call)
        elif call.tries < _MOST_TRIES:
            self._send(call)
        else:
            self._finish(call, ServerGone("The connection to the server is lost again and again.", "Try once more."))

    def _add(self, call: Call, kind: str, header: codec.Header, frames: Message) -> None:
        """Take note of an event."""
        try:
            if kind not in FINAL:
                codec.check_version(header)
            event = Event(
                kind,
                int(header.get("place", 0)),
                float(header.get("fraction", 1.0 if kind == "done" else 0.0)),
                text_from_wire(header, "doing"),
                codec.decode_regions(header, frames, self._shared.take if self._shared else None),
                header,
            )
        except ImpastoError as error:
            if self._shared is not None and kind == "done":
                # Its pictures were taken away: we have stood still for longer than the server keeps them.
                self._send_again(call)
            else:
                self._finish(call, error)
            return
        if kind in FINAL:
            del self._open[call.id]
            # What of the request has not been sent is of no use any more.
            self.transport.withdraw(call.number)
            call.request = {}, {}
        call.add(event)
        if kind == "done" and event.regions:
            # Until then the server keeps it, in case that it was lost on the way.
            self._contact.say("received", uuid.uuid4().hex, job=call.id)

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
                self.poll(LOOK_EVERY)
        finally:
            if not call.kept:
                self.cancel(call)

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
        deadline = time.monotonic() + (inf if timeout is None else timeout)
        while not call.finished:
            left = deadline - time.monotonic()
            if left <= 0:
                self._open.pop(call.id, None)
                raise ServerGone(
                    say("The server did not answer within {timeout} seconds.", timeout=f"{timeout:g}"),
                    "Look at it with: impasto status",
                )
            self.poll(left)
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
