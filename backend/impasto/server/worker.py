"""A worker process: it takes one job at a time from the broker and does it with the pipeline.

Started by the broker as ``python -m impasto.server.worker``; how to reach the broker is in the environment, so that no
other user of the machine can read it off the list of processes.
"""

from __future__ import annotations

import logging
import math
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from impasto.progress import Enough
from impasto.server.logs import configure_logging
from impasto.server.operations import OPERATIONS, JobOperation, Outcome
from impasto.server.workers import WORKER
from impasto_link import codec
from impasto_link.errors import Cancelled, ImpastoError, NotEnoughMemory, quoted
from impasto_link.frames import Frame
from impasto_link.pieces import Message
from impasto_link.pixels import Region
from impasto_link.sentences import parts_to_wire, say, several_to_wire
from impasto_link.shared import SharedFolder
from impasto_link.transport import Transport
from impasto_link.zmq_transport import ZmqLine

log = logging.getLogger(__name__)

#: Progress is passed on at most this often, in seconds; a picture of it, in a refinement, less often.
PROGRESS_EVERY = 0.05
PREVIEW_EVERY = 1.0
#: After so many seconds without work memory is given back that no network needs, if it is more than so many bytes: a
#: large picture leaves gigabytes, and small ones paint faster with what they have left.
TIDY_AFTER = 5.0
TIDY_ABOVE = 2**29


@dataclass(eq=False)
class Task:
    """A job as its worker has it.

    Attributes:
        header: the request.
        sent: the regions that came with it.
        cancelled: whether it is to stop.
        is_enough: whether a refinement is to end with what it has.
        alone: whether there is too little memory to do it in the middle of another.
        others: seconds that went to a job which was let in between.
        reported_at, shown_at: when progress, and a picture of it, was last passed on; on the monotonic clock.
    """

    header: codec.Header
    sent: dict[str, Region] = field(default_factory=dict)
    cancelled: bool = False
    is_enough: bool = False
    alone: bool = False
    others: float = 0.0
    reported_at: float = 0.0
    shown_at: float = field(default_factory=time.monotonic)

    @property
    def id(self) -> str:
        """The id of the job."""
        return str(self.header["id"])


class Worker:
    """Connects to the broker and works until the broker is gone.

    While a job is under way the broker may send a quick one, which is done at once, in the middle of the other: between
    two of its strips or iterations. They share nothing but the networks, which do not change.
    """

    def __init__(self) -> None:
        environment = os.environ
        endpoint, token = environment["IMPASTO_WORKER_ENDPOINT"], environment["IMPASTO_WORKER_TOKEN"]
        name = bytes.fromhex(environment["IMPASTO_WORKER_IDENTITY"])
        self._broker = Transport(lambda: ZmqLine(endpoint, token, name=name, user=WORKER), token)
        #: Whether an allocation has failed. Who knows what state that has left libraries in, and the gaps that the
        #: attempt has left in memory fit nothing else: this process ends, and another takes its place.
        self._spoilt = False
        self._unload_after = float(environment["IMPASTO_WORKER_UNLOAD_AFTER"])
        shared = environment.get("IMPASTO_WORKER_SHARED")
        self._shared = SharedFolder(Path(shared), "") if shared else None

        # PyTorch takes seconds to import, so it comes after the connection stands.
        from impasto.compute.accelerator import device_stats, give_memory_back, is_out_of_memory, pick_device
        from impasto.compute.memory import hold_to_what_is_free, limit_memory
        from impasto.pipeline import Pipeline
        from impasto.zoo.library import Library

        self._device_stats = device_stats
        limit_memory(int(environment["IMPASTO_WORKER_MEMORY"]) if "IMPASTO_WORKER_MEMORY" in environment else None)
        self._hold_to_what_is_free = hold_to_what_is_free
        self._give_memory_back = give_memory_back
        self._is_out_of_memory = is_out_of_memory
        self._device = pick_device(environment["IMPASTO_WORKER_DEVICE"])
        self._pipeline = Pipeline(Library(), self._device)
        self._least_memory = psutil.Process().memory_info().rss
        #: What is under way, the last one in the middle of the first.
        self._under_way: list[Task] = []
        self._waiting: deque[Task] = deque()

    def run(self) -> None:
        """Do one job after the other, until a new process should take over."""
        self._send({"event": "ready", "stats": self._stats()})
        while not self._spoilt:
            self._rest()
            while self._waiting:
                self._do(self._waiting.popleft())
        log.info("to be started anew, because an allocation failed")
        while True:
            # The broker ends this process when it has heard that; what lies unsent would be lost with it.
            self._broker.receive(None)

    def _rest(self) -> None:
        """Wait for work, and make room for others meanwhile."""
        unload_after = self._unload_after if self._unload_after and self._pipeline.loaded() else math.inf
        tidy_after = min(TIDY_AFTER, unload_after)
        if self._receive(tidy_after):
            return
        if psutil.Process().memory_info().rss - self._least_memory > TIDY_ABOVE:
            self._make_room()
        if not self._receive(None if unload_after == math.inf else unload_after - tidy_after):
            log.info("unloading the models after %.0f s without work", self._unload_after)
            self._pipeline.unload()
            self._make_room()

    def _make_room(self) -> None:
        self._give_memory_back(self._device)
        self._least_memory = psutil.Process().memory_info().rss
        self._send({"event": "stats", "stats": self._stats()})

    def _receive(self, timeout: float | None) -> bool:
        """Take what the broker has sent: jobs wait, cancellations are noted with the job that they are for.

        Args:
            timeout: how many seconds to wait for the first message.

        Returns:
            Whether there was any.
        """
        message = first = self._broker.receive(timeout)
        while message is not None:
            self._take(codec.decode_header(message[0]), message[1:])
            message = self._broker.receive(0.0)
        return first is not None

    def _take(self, header: codec.Header, frames: Message) -> None:
        if header.get("op") != "cancel":
            self._accept(header, frames)
            return
        for task in [*self._under_way, *self._waiting]:
            if task.id == header.get("id"):
                task.is_enough |= header.get("keep") is True
                task.cancelled |= header.get("keep") is not True

    def _accept(self, header: codec.Header, frames: Message) -> None:
        task = Task(header)
        # From here on the job is lost where this process ends: its frames in shared memory are taken away.
        self._send({"event": "began", "id": task.id})
        try:
            task.sent = codec.decode_regions(header, frames, self._shared.take if self._shared else None)
        except Exception as error:
            self._finish(task, _failed(error))
        else:
            self._waiting.append(task)

    def _do(self, task: Task) -> None:
        """Do a job, perhaps in the middle of another, and send what comes of it."""
        between = bool(self._under_way)
        regions: dict[str, Region] = {}
        started = time.perf_counter()
        if not between and self._device.type == "cpu":
            self._hold_to_what_is_free()
        self._under_way.append(task)
        try:
            regions, notes = self._work(task)
            final: dict[str, Any] = {"event": "done", **several_to_wire(notes=notes)}
        except Cancelled:
            final = {"event": "cancelled"}
        except Exception as error:
            if between and isinstance(error, NotEnoughMemory):
                log.info("the job %s waits for the memory of another", task.id)
                task.alone = True
                self._waiting.append(task)
                return
            final = _failed(error)
            if isinstance(error, NotEnoughMemory):
                self._give_memory_back(self._device)
        finally:
            self._under_way.remove(task)
            seconds = time.perf_counter() - started - task.others
            for other in self._under_way:
                other.others += seconds
        self._finish(task, {**final, "seconds": round(seconds, 4)}, regions)

    def _finish(self, task: Task, final: dict[str, Any], regions: dict[str, Region] | None = None) -> None:
        leaves = self._spoilt and not self._under_way and not self._waiting
        message = {**final, "id": task.id, "stats": self._stats(), **({"leaves": True} if leaves else {})}
        # A client that does not see the folder gets all of its frames.
        shared = self._shared if task.header.get("shared") is True else None
        self._send(message, regions, shared)

    def _work(self, task: Task) -> Outcome:
        """Do what a job asks for; the regions of its result, and what a person should be told.

        Raises:
            NotEnoughMemory: in whatever way PyTorch or Python said so.
        """
        try:
            return self._ask_pipeline(task)
        except Exception as error:
            if not self._is_out_of_memory(error):
                raise
            log.exception("out of memory")
            self._spoilt = True
            raise NotEnoughMemory(
                "The memory did not suffice for this picture.", "Try a smaller region, or close other programs."
            ) from None

    def _ask_pipeline(self, task: Task) -> Outcome:
        if task.cancelled:
            raise Cancelled("The job was cancelled.")
        operation = OPERATIONS[task.header["op"]]
        assert isinstance(operation, JobOperation), "all others the broker answers"
        tell = partial(self._progress, task)
        frame = Frame.from_wire(task.header)
        return operation.work(self._pipeline, operation.read(task.header), task.sent, frame, tell)

    def _progress(self, task: Task, fraction: float, doing: str, preview: Callable[[], Region] | None = None) -> None:
        """Report progress, let a quick job in between, and stop the job if the broker has asked for it meanwhile."""
        self._receive(0.0)
        if len(self._under_way) == 1 and not task.cancelled:
            for quick in [one for one in self._waiting if one.cancelled or not one.alone]:
                self._waiting.remove(quick)
                self._do(quick)
        if task.cancelled:
            raise Cancelled("The job was cancelled.")
        if task.is_enough and preview is not None:
            # Only what has a picture to show has one to end with.
            raise Enough
        now = time.monotonic()
        message = {"id": task.id, "fraction": fraction, "doing": doing, **parts_to_wire(doing=doing)}
        if preview is not None and now - task.shown_at >= PREVIEW_EVERY:
            self._send({**message, "event": "preview"}, {"pixels": preview()})
            # Not from before: where previews take long, they must not take all the time.
            task.shown_at = task.reported_at = time.monotonic()
        elif now - task.reported_at >= PROGRESS_EVERY:
            task.reported_at = now
            self._send({**message, "event": "progress"})

    def _send(
        self, header: dict[str, Any], regions: Mapping[str, Region] | None = None, shared: SharedFolder | None = None
    ) -> None:
        self._broker.send(codec.encode(header, regions, shared))
        self._broker.flush()

    def _stats(self) -> dict[str, Any]:
        memory = psutil.Process().memory_info()
        return {
            **self._device_stats(self._device),
            "device": str(self._device),
            "models": self._pipeline.loaded(),
            "memory_bytes": memory.rss,
            "peak_memory_bytes": _peak_memory(),
        }


def _failed(error: Exception) -> dict[str, Any]:
    if not isinstance(error, ImpastoError):
        log.error("a job failed", exc_info=error)
        error = ImpastoError(
            say("Something unexpected went wrong: {error}", error=quoted(error)), "The server's log has more."
        )
    return {"event": "failed", **error.to_wire()}


def _peak_memory() -> int:
    """The most memory that this process ever had, in bytes."""
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _end_with_broker() -> None:
    """Wait for the end of standard input, which the broker holds open as long as it lives."""
    # Not through sys.stdin, whose lock would be in the way when the process ends by itself.
    while os.read(0, 1):
        pass
    os._exit(0)


def main() -> None:
    """Be a worker process."""
    configure_logging()
    threading.Thread(target=_end_with_broker, daemon=True).start()
    try:
        Worker().run()
    except KeyboardInterrupt:
        # Ctrl+C in a terminal goes to the whole group; the broker sees to the end.
        pass
    except Exception:
        log.exception("the worker ended by an error")
        sys.exit(1)


if __name__ == "__main__":
    main()
