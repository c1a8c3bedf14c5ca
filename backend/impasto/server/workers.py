"""Worker processes as the broker sees them: started, watched, started again."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import time
import uuid
from typing import Any

import psutil

from impasto.server.jobs import Job
from impasto_link.shared import SharedFolder

log = logging.getLogger(__name__)

#: The user name of every worker in the PLAIN mechanism.
WORKER = "worker"

#: A worker that ends this often before it was ready once is given a rest. The next job after that has it started once
#: more, for what kept it may have passed; each rest is twice as long as the one before. In seconds.
MAX_FAILED_STARTS = 3
FIRST_REST, LONGEST_REST = 5.0, 600.0
#: A worker with a job that says nothing and takes no processor time at so many looks, this many seconds apart, stands
#: still. Looks are counted rather than time: a machine that was suspended has done nothing wrong.
STILL_EVERY, STILL_LOOKS = 5.0, 12

WORKER_COMMAND = [sys.executable, "-P", "-m", "impasto.server.worker"]  # see SERVER_COMMAND

#: OpenMP's threads wait for each other in a loop by default. Where one of them has to share its core, with the editor
#: itself or anything else, the others burn the time that it needs: many times as long, against some percent more on a
#: machine that is otherwise idle (docs/speed.md).
#:
#: oneDNN keeps the code that it makes for each shape of a convolution: of 1024 of them by default, and every size of a
#: picture has others. A picture needs less than forty.
_DEFAULTS = {"OMP_WAIT_POLICY": "PASSIVE", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64"}


class WorkerProcess:
    """One worker.

    Attributes:
        device: what it was started for ("auto", "cpu", "cuda:1"); once it is ready, the device it really has.
        state: "starting", "idle", "busy", "leaving" (it has asked to be started anew) or "broken".
        jobs: what it works on, by id: one job, and perhaps a quick one that was let in between.
        stats: what it last said of itself: device name, memory, models.
        killed: whether it was told to end.
    """

    def __init__(
        self,
        device: str,
        endpoint: str,
        token: str,
        unload_after: float,
        shared: SharedFolder | None,
        memory: int | None = None,
    ) -> None:
        self.device = device
        self.jobs: dict[str, Job] = {}
        self.stats: dict[str, Any] = {}
        self._environment = {
            "IMPASTO_WORKER_ENDPOINT": endpoint,
            "IMPASTO_WORKER_TOKEN": token,
            "IMPASTO_WORKER_DEVICE": device,
            "IMPASTO_WORKER_UNLOAD_AFTER": str(unload_after),
            # glibc gives big blocks back to the system at once and takes the page faults again for the next layer of
            # the network: 1.7 times the time at 512 x 512.
            "MALLOC_MMAP_MAX_": "0",
            "MALLOC_TRIM_THRESHOLD_": str(2**40),
        }
        if shared is not None:
            self._environment["IMPASTO_WORKER_SHARED"] = str(shared.path)
        if memory is not None:
            self._environment["IMPASTO_WORKER_MEMORY"] = str(memory)
        #: Since when it has had a job without a pause, and how long those took that were let in between, in seconds.
        self._busy_since = self._let_in = 0.0
        self._failed_starts = 0
        self._rest = FIRST_REST
        self._rests_until = 0.0
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start the process, as a new one for the broker: messages of the one before are not its messages."""
        self.identity = uuid.uuid4().bytes
        self.state = "starting"
        self.started_at = time.monotonic()
        environment = {
            **_DEFAULTS,
            **os.environ,
            **self._environment,
            "IMPASTO_WORKER_IDENTITY": self.identity.hex(),
        }
        flags = 0
        if sys.platform == "win32":
            # Else a console would open for it.
            flags = subprocess.CREATE_NO_WINDOW
        self.process = None
        self.killed = False
        self.heard()
        try:
            # The worker ends when its standard input does: it never outlives the broker, however that ends.
            self.process = subprocess.Popen(WORKER_COMMAND, stdin=subprocess.PIPE, env=environment, creationflags=flags)
        except OSError as error:
            # No descriptors or no memory are left, perhaps, or Impasto is being installed anew.
            log.error("the worker for %s cannot be started: %s", self.device, error)
        else:
            log.info("started the worker for %s as process %d", self.device, self.process.pid)

    def ready(self, stats: dict[str, Any]) -> None:
        """Take note that the process is up and which device it has."""
        self.stats = stats
        self.device = stats["device"]
        self.state = "idle"
        self._failed_starts = 0
        self._rest = FIRST_REST
        log.info("the worker is ready on %s after %.1f s", self.device, time.monotonic() - self.started_at)

    def begin(self, job: Job) -> None:
        """Take note that the process is given a job."""
        if not self.jobs:
            self._busy_since, self._let_in = time.monotonic(), 0.0
        self.jobs[job.id] = job
        self.state = "busy"

    def finish(self, job: Job, seconds: float, *, leaves: bool) -> None:
        """Take note that a job has ended.

        Args:
            job: which of its jobs.
            seconds: how long it took.
            leaves: whether the process is to end now.
        """
        del self.jobs[job.id]
        self._let_in += seconds
        if leaves:
            # Not by itself: what it said last might never have left it.
            self.state = "leaving"
            self.kill()
        elif not self.jobs:
            self.state = "idle"

    def lets_in(self) -> bool:
        """Whether a quick job may be done in the middle of the one that is under way.

        All of these together have no more time than it has itself, so that it is half as fast at worst.
        """
        if self.state != "busy" or len(self.jobs) > 1 or any(job.quick for job in self.jobs.values()):
            return False
        return self._let_in <= (time.monotonic() - self._busy_since) / 2

    def heard(self) -> None:
        """Take note that the process has just shown that it lives."""
        self._looked_at = time.monotonic()
        self._still_looks = 0
        self._used_s = -1.0

    def stands_still(self) -> bool:
        """Whether the process has a job and has done nothing for long."""
        if self.state != "busy" or self.process is None:
            return False
        if time.monotonic() - self._looked_at >= STILL_EVERY:
            self._looked_at = time.monotonic()
            try:
                used = sum(psutil.Process(self.process.pid).cpu_times()[:2])
            except psutil.Error:
                return False
            self._still_looks = self._still_looks + 1 if used == self._used_s else 0
            self._used_s = used
        return self._still_looks >= STILL_LOOKS

    def has_ended(self) -> bool:
        """Whether the process has ended and something should be done about it."""
        return self.state != "broken" and (self.process is None or self.process.poll() is not None)

    def restart(self) -> None:
        """Start again after the process has ended, unless it keeps ending."""
        if self.state == "starting":
            self._failed_starts += 1
        if self._failed_starts >= MAX_FAILED_STARTS:
            log.error("the worker for %s ended %d times before it was ready", self.device, self._failed_starts)
            self.state = "broken"
            self._rests_until = time.monotonic() + self._rest
            self._rest = min(2 * self._rest, LONGEST_REST)
            return
        self.start()

    @property
    def rests_for(self) -> float:
        """How many seconds it is still not to be started again."""
        return max(0.0, self._rests_until - time.monotonic())

    def kill(self) -> None:
        """End the process at once."""
        self.killed = True
        if self.process is not None:
            self.process.kill()

    def stop(self) -> None:
        """Let the process end, by force if it does not within two seconds."""
        if self.process is None:
            return
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(2.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            # One that waits for a disk cannot even be killed.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(2.0)

    def to_wire(self, client: bytes) -> dict[str, Any]:
        """What the operation ``status`` says of the worker; a client hears the ids of its own jobs only."""
        return {
            **self.stats,
            "device": self.device,
            "state": self.state,
            "pid": self.process.pid if self.process else None,
            "job": next((job.id for job in self.jobs.values() if job.client == client), None),
        }
