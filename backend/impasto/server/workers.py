"""Worker processes as the broker sees them: started, watched, started again."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import time
import uuid
from typing import Any

from impasto.server.jobs import Job
from impasto_link.shared import SharedFolder

log = logging.getLogger(__name__)

#: A worker that ends this often before it was ready once is given up.
MAX_FAILED_STARTS = 3

#: OpenMP's threads wait for each other in a loop by default. Where one of them has to share its core, with the editor
#: itself or anything else, the others burn the time that it needs: many times as long, against some percent more on a
#: machine that is otherwise idle (docs/speed.md).
_BESIDE_OTHERS = {"OMP_WAIT_POLICY": "PASSIVE"}


class WorkerProcess:
    """One worker.

    Attributes:
        device: what it was started for ("auto", "cpu", "cuda:1"); once it is ready, the device it really has.
        state: "starting", "idle", "busy" or "broken".
        job: what it works on.
        stats: what it last said of itself: device name, memory, models.
    """

    def __init__(
        self, device: str, endpoint: str, token: str, unload_after: float, shared: SharedFolder | None
    ) -> None:
        self.device = device
        self.job: Job | None = None
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
        self._failed_starts = 0
        self.start()

    def start(self) -> None:
        """Start the process, as a new one for the broker: messages of the one before are not its messages."""
        self.identity = uuid.uuid4().bytes
        self.state = "starting"
        self.started_at = time.monotonic()
        environment = {
            **_BESIDE_OTHERS,
            **os.environ,
            **self._environment,
            "IMPASTO_WORKER_IDENTITY": self.identity.hex(),
        }
        flags = 0
        if sys.platform == "win32":
            # Else a console would open for it.
            flags = subprocess.CREATE_NO_WINDOW
        # The worker ends when its standard input does: it never outlives the broker, however that ends.
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "impasto.server.worker"],  # see SERVER_COMMAND
            stdin=subprocess.PIPE,
            env=environment,
            creationflags=flags,
        )
        log.info("started the worker for %s as process %d", self.device, self.process.pid)

    def ready(self, stats: dict[str, Any]) -> None:
        """Take note that the process is up and which device it has."""
        self.stats = stats
        self.device = stats["device"]
        self.state = "idle"
        self._failed_starts = 0
        log.info("the worker is ready on %s after %.1f s", self.device, time.monotonic() - self.started_at)

    def has_ended(self) -> bool:
        """Whether the process has ended and something should be done about it."""
        return self.state != "broken" and self.process.poll() is not None

    def restart(self) -> None:
        """Start again after the process has ended, unless it keeps ending."""
        if self.state == "starting":
            self._failed_starts += 1
        if self._failed_starts >= MAX_FAILED_STARTS:
            log.error("the worker for %s ended %d times before it was ready", self.device, self._failed_starts)
            self.state = "broken"
            return
        self.start()

    def kill(self) -> None:
        """End the process at once."""
        self.process.kill()

    def stop(self) -> None:
        """Let the process end, by force if it does not within two seconds."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(2.0)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def to_wire(self) -> dict[str, Any]:
        """What the operation ``status`` says of the worker."""
        return {
            **self.stats,
            "device": self.device,
            "state": self.state,
            "pid": self.process.pid,
            "job": self.job.id if self.job else None,
        }
