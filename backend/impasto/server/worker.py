"""A worker process: it takes one job at a time from the broker and does it with the pipeline.

Started by the broker as ``python -m impasto.server.worker``; how to reach the broker is in the environment, so that no
other user of the machine can read it off the list of processes.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from impasto.server.logs import configure_logging
from impasto_link import codec
from impasto_link.errors import Cancelled, ImpastoError, NotEnoughMemory, quoted
from impasto_link.options import STYLE_FRAME, MaskOptions, StylizeOptions
from impasto_link.pieces import Message
from impasto_link.pixels import Region
from impasto_link.shared import SharedFolder
from impasto_link.transport import Transport
from impasto_link.zmq_transport import ZmqLine

log = logging.getLogger(__name__)

#: Progress is passed on at most this often, in seconds; a picture of it, in a refinement, less often.
PROGRESS_EVERY = 0.05
PREVIEW_EVERY = 1.0


class Worker:
    """Connects to the broker and works until the broker is gone."""

    def __init__(self) -> None:
        environment = os.environ
        endpoint, token = environment["IMPASTO_WORKER_ENDPOINT"], environment["IMPASTO_WORKER_TOKEN"]
        name = bytes.fromhex(environment["IMPASTO_WORKER_IDENTITY"])
        self._broker = Transport(lambda: ZmqLine(endpoint, token, name=name, user="worker"), token)
        self._unload_after = float(environment["IMPASTO_WORKER_UNLOAD_AFTER"])
        shared = environment.get("IMPASTO_WORKER_SHARED")
        self._shared = SharedFolder(Path(shared), "") if shared else None

        # Torch takes seconds to import, so it comes after the connection stands.
        import torch

        from impasto.engines.devices import give_memory_back, pick_device
        from impasto.engines.gatys.refine import Enough
        from impasto.pipeline import Pipeline
        from impasto.zoo.library import Library

        self._torch = torch
        self._give_memory_back = give_memory_back
        self._enough = Enough
        self._device = pick_device(environment["IMPASTO_WORKER_DEVICE"])
        self._pipeline = Pipeline(Library(), self._device)
        self._progress_at = self._preview_at = 0.0
        #: Whether refinements of the job under way are to end with what they have.
        self._is_enough = False

    def run(self) -> None:
        """Do one job after the other; never returns."""
        self._send({"event": "ready", "stats": self._stats()})
        while True:
            unload_after = self._unload_after if self._unload_after and self._pipeline.loaded() else None
            message = self._broker.receive(unload_after)
            if message is None:
                log.info("unloading the models after %.0f s without work", self._unload_after)
                self._pipeline.unload()
                self._give_memory_back(self._device)
                self._send({"event": "stats", "stats": self._stats()})
                continue
            header = codec.decode_header(message[0])
            # Only a job is of interest here; a cancellation that comes now was late.
            if header.get("op") != "cancel":
                self._do(header, message[1:])

    def _do(self, header: codec.Header, frames: Message) -> None:
        job_id = header["id"]
        final: dict[str, Any]
        regions: dict[str, Region] = {}
        started = time.perf_counter()
        self._preview_at = time.monotonic()
        self._is_enough = False
        # From here on the job is lost where this process ends: its frames in shared memory are taken away.
        self._send({"event": "began", "id": job_id})
        try:
            sent = codec.decode_regions(header, frames, self._shared.take if self._shared else None)
            regions, notes = self._work(header, sent)
            final = {"event": "done", "seconds": round(time.perf_counter() - started, 4), "notes": notes}
        except Cancelled:
            final = {"event": "cancelled"}
        except ImpastoError as error:
            final = _failed(error)
        except (MemoryError, self._torch.OutOfMemoryError) as error:
            log.exception("out of memory")
            final = _failed(NotEnoughMemory("The memory did not suffice for this picture.", str(error)))
        except RuntimeError as error:
            log.exception("the job %s failed", job_id)
            # Torch reports a failed allocation on the CPU as a plain RuntimeError.
            if "alloc" in str(error):
                final = _failed(
                    NotEnoughMemory("The memory did not suffice for this picture.", "Try a smaller region.")
                )
            else:
                final = _failed(ImpastoError(f"Something unexpected went wrong: {error}", "The server's log has more."))
        except Exception as error:
            log.exception("the job %s failed", job_id)
            what = f"Something unexpected went wrong: {quoted(error)}"
            final = _failed(ImpastoError(what, "The server's log has more."))
        message = {**final, "id": job_id, "stats": self._stats()}
        # A client that does not see the folder gets all of its frames.
        shared = self._shared if header.get("shared") is True else None
        self._send(message, regions, shared)

    def _work(self, header: codec.Header, sent: dict[str, Region]) -> tuple[dict[str, Region], list[str]]:
        """Do what a job asks for; the regions of its result, and what a person should be told."""

        def progress(done: float, doing: str, preview: Callable[[], Region] | None = None) -> None:
            self._progress(header["id"], done, doing, preview)

        if header["op"] == "mask":
            options = MaskOptions.from_wire(header)
            found = self._pipeline.mask(sent["pixels"], options, progress, selection=sent.get("selection"))
            assert found.mask is not None
            return {"mask": found.mask, **({"pixels": found.pixels} if options.cutout else {})}, []
        layer = self._pipeline.stylize(
            sent["pixels"],
            StylizeOptions.from_wire(header),
            progress,
            mask=sent.get("mask"),
            selection=sent.get("selection"),
            pictures={
                kind.removeprefix(STYLE_FRAME): one for kind, one in sent.items() if kind.startswith(STYLE_FRAME)
            },
        )
        regions = {"pixels": layer.pixels, **({"mask": layer.mask} if layer.mask is not None else {})}
        return regions, list(layer.notes)

    def _progress(self, job_id: str, fraction: float, doing: str, preview: Callable[[], Region] | None = None) -> None:
        """Report progress, and stop the job if the broker has asked for it meanwhile."""
        while (asked := self._broker.receive(0.0)) is not None:
            header = codec.decode_header(asked[0])
            if header.get("op") == "cancel" and header.get("id") == job_id:
                if header.get("keep") is not True:
                    raise Cancelled("The job was cancelled.")
                self._is_enough = True
        if self._is_enough and preview is not None:
            # Only what has a picture to show has one to end with.
            raise self._enough
        now = time.monotonic()
        message = {"id": job_id, "fraction": fraction, "doing": doing}
        if preview is not None and now - self._preview_at >= PREVIEW_EVERY:
            self._send({**message, "event": "preview"}, {"pixels": preview()})
            # Not from before: where previews take long, they must not take all the time.
            self._preview_at = self._progress_at = time.monotonic()
        elif now - self._progress_at >= PROGRESS_EVERY:
            self._progress_at = now
            self._send({**message, "event": "progress"})

    def _send(
        self, header: dict[str, Any], regions: Mapping[str, Region] | None = None, shared: SharedFolder | None = None
    ) -> None:
        self._broker.send(codec.encode(header, regions, shared))
        self._broker.flush()

    def _stats(self) -> dict[str, Any]:
        memory = psutil.Process().memory_info()
        stats: dict[str, Any] = {
            "device": str(self._device),
            "models": self._pipeline.loaded(),
            "memory_bytes": memory.rss,
            "peak_memory_bytes": _peak_memory(),
        }
        if self._device.type == "cuda":
            cuda = self._torch.cuda
            stats |= {
                "name": cuda.get_device_name(self._device),
                "gpu_memory_bytes": cuda.memory_reserved(self._device),
                "peak_gpu_memory_bytes": cuda.max_memory_allocated(self._device),
            }
        else:
            threads = self._torch.get_num_threads()
            stats["name"] = f"CPU, {threads} thread{'s' if threads > 1 else ''}"
        return stats


def _failed(error: ImpastoError) -> dict[str, Any]:
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
