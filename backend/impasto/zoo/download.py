"""A file fetched from the network in the background: tried again, verified, and there whole or not at all."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path

import filelock

from impasto_link.errors import ModelProblem
from impasto_link.sentences import say

log = logging.getLogger(__name__)

#: Pauses before the second and the third attempt, in seconds.
PAUSES = (2.0, 8.0)
#: After a failure nothing is tried for so long, in seconds.
REST = 120.0


class Download:
    """Fetches one file, once, however often it is asked for.

    Args:
        url: where from.
        target: where to.
        hash_prefix: how the file's SHA-256 begins, in hexadecimal digits.
        size: its size in bytes, for the progress.
    """

    def __init__(self, url: str, target: Path, hash_prefix: str, size: int) -> None:
        self.url, self.target, self.hash_prefix, self.size = url, target, hash_prefix, size
        self.error = ""
        self._thread: threading.Thread | None = None
        self._failed_at = -REST

    @property
    def running(self) -> bool:
        """Whether it is being fetched."""
        return self._thread is not None and self._thread.is_alive()

    def fraction(self) -> float:
        """How much of it has arrived, 0 to 1."""
        sizes = [path.stat().st_size for path in self._partials()]
        return min(1.0, max(sizes, default=0) / self.size)

    def start(self) -> bool:
        """Begin in the background, unless it runs or has just failed. Whether it runs now."""
        if not self.running and time.monotonic() - self._failed_at >= REST:
            self._thread = threading.Thread(target=self._run, name="download", daemon=True)
            self._thread.start()
        return self.running

    def wait(self) -> None:
        """Until the attempts are over.

        Raises:
            ModelProblem: they failed.
        """
        if self._thread is not None:
            self._thread.join()
        if not self.target.is_file():
            raise ModelProblem(
                say("{name} could not be downloaded: {error}.", name=self.target.name, error=self.error),
                "Look at the network.",
            )

    def _partials(self) -> list[Path]:
        return list(self.target.parent.glob(f"{self.target.name}.*.partial"))

    def _run(self) -> None:
        # Torch is heavy, and its function does the rest: a file beside the target, its hash, and the final name.
        from torch.hub import download_url_to_file

        for pause in (0.0, *PAUSES):
            time.sleep(pause)
            try:
                self.target.parent.mkdir(parents=True, exist_ok=True)
                # One process at a time fetches it; the others wait for what it brings.
                with filelock.FileLock(self.target.with_name(f"{self.target.name}.lock")):
                    if not self.target.is_file():
                        for left_over in self._partials():
                            # Of a process that was killed while it fetched.
                            left_over.unlink(missing_ok=True)
                        download_url_to_file(self.url, str(self.target), self.hash_prefix, progress=False)
            except Exception as error:  # whatever a network or a disk can do
                self.error = str(getattr(error, "reason", error)) or type(error).__name__
                log.warning("downloading %s failed: %s", self.url, self.error)
            else:
                log.info("downloaded %s", self.target)
                return
        self._failed_at = time.monotonic()
