"""The pictures of a plan on a Ray cluster, by Ray Data.

Places go to the workers, and what became of the pictures comes back: no pixels go through Ray, each worker reads and
writes for itself. The process that has the plan alone writes the manifest, a line for each picture as soon as it is
done, because what lies at an address cannot be appended to by many.
"""

from __future__ import annotations

import logging
import math
import os
import pickle
import secrets
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from impasto.batch.nodes import check_nodes, check_shared
from impasto.batch.plan import Item, Plan
from impasto.batch.reading import Picture
from impasto.batch.run import TRIES, Watcher
from impasto_link import __version__
from impasto_link.errors import BadRequest, ImpastoError

if TYPE_CHECKING:
    from impasto.batch.painter import Painted, Task

#: Ray tells nobody that it is used, and says nothing by itself; a worker that has no GPU sees none.
_RAY = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_DATA_DISABLE_PROGRESS_BARS": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "1",
}
#: A cluster that we start listens on loopback only, as Ray does where this is its default, on macOS and Windows. The
#: address 127.0.0.1 it would replace by one that others reach (2.60). And a worker may take its time on a busy machine.
_OURS = {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_worker_register_timeout_seconds": "600",
}
#: See `impasto.server.workers`.
_WORKER = {"OMP_WAIT_POLICY": "PASSIVE", "ONEDNN_PRIMITIVE_CACHE_CAPACITY": "64"}
log = logging.getLogger(__name__)

#: Bytes for what goes through a Ray that we start: places and lines, and once what all workers need.
_STORE = 1 << 28
#: Where there are very many pictures, so many go to a worker in one piece that each gets this many pieces: a process
#: hands out some dozens of pieces a second.
_PIECES, _MOST_IN_PIECE = 64, 16


@dataclass(frozen=True)
class Crew:
    """Who is to work.

    Attributes:
        address: of a Ray cluster; None starts one on this machine, which ends with the run.
        workers: how many; None for as many as there is room for.
        cpus: cores of each.
        gpus: GPUs of each, may be a part of one; None for one where there are any.
    """

    address: str | None = None
    workers: int | None = None
    cpus: float = 1.0
    gpus: float | None = None

    def __post_init__(self) -> None:
        if not (self.workers is None or self.workers >= 1) or not self.cpus > 0 or not (self.gpus or 0) >= 0:
            raise BadRequest("There has to be at least one worker, with a core or a part of one.")


class ClusterRun:
    """Does the pictures of a plan on a cluster.

    Args:
        plan: what is to be done.
        crew: who does it.
        watcher: hears of it.

    Attributes:
        done: how many pictures are.
        failed: for each picture that could not be done a sentence that names it.
    """

    def __init__(self, plan: Plan, crew: Crew, watcher: Watcher) -> None:
        self.done = 0
        self.failed: list[str] = []
        self._plan = plan
        self._crew = crew
        self._watcher = watcher

    def go(self) -> None:
        """Do all pictures. Neither a picture that fails nor a worker that is lost keeps the others from being done.

        Raises:
            ImpastoError: there is no cluster, it is not fit for this, or nothing more can be done.
        """
        items = self._plan.items
        if not items:
            return
        check_shared(self._plan)
        from impasto.batch.painter import Task

        task = Task.of(self._plan)
        missing = dict(enumerate(items))
        ray = _ray(self._crew)
        with self._plan.manifest or nullcontext():
            with _connected(ray, self._crew), _in_words(ray):
                check_nodes(ray, self._plan)
                workers, gpus = self._room(ray)
                self._watcher.at(0, "", f"{workers} workers start")
                began = time.monotonic()
                for number, painted in _paint(ray, items, task, workers, self._crew.cpus, gpus):
                    item = missing.pop(number)
                    self._take(item, painted)
                    rate = (len(items) - len(missing)) / (time.monotonic() - began)
                    self._watcher.at(self.done + len(self.failed), item.source.name, f"{rate:.2f} pictures/s")
            for item in missing.values():
                self._take(item, _lost(item, task))

    def _room(self, ray: Any) -> tuple[int, float]:
        """How many workers there are to be, and how many GPUs are for each."""
        crew, there = self._crew, ray.cluster_resources()
        gpus = float("GPU" in there) if crew.gpus is None else crew.gpus
        room = int(there.get("CPU", 0) // crew.cpus)
        if gpus:
            room = min(room, int(there.get("GPU", 0) // gpus))
        if not room:
            has = f"{there.get('CPU', 0):g} cores and {there.get('GPU', 0):g} GPUs"
            raise BadRequest(f"The cluster has {has}: no room for a worker.", "Give smaller --cpus and --gpus.")
        wanted = room if crew.workers is None else crew.workers
        if wanted > room:
            self._watcher.say(f"There is room for {room} of {wanted} workers; the others begin when there is more.")
        return min(wanted, len(self._plan.items)), gpus

    def _take(self, item: Item, painted: Painted) -> None:
        """Write down what became of a picture."""
        if self._plan.manifest is not None and painted.entry is not None:
            self._plan.manifest.add(painted.entry)
        for note in painted.notes:
            self._watcher.say(f"{item.source.name}: {note}")
        if painted.error is None:
            self.done += 1
            return
        if painted.last or len(self._plan.items) == 1:
            raise ImpastoError(painted.error)
        source = str(item.source)
        self.failed.append(painted.error if source in painted.error else f"{source}: {painted.error}")


# -- Ray itself --------------------------------------------------------------------------------------------------------


def _ray(crew: Crew) -> Any:
    """The module; what it does by itself is decided by the environment in which it is imported."""
    wanted = dict(_RAY)
    if crew.address is None:
        # The workers inherit it. Without a token for this run Ray would write one into the home folder.
        wanted |= {**_OURS, "RAY_AUTH_TOKEN": secrets.token_hex(32), **_environment(crew)}
    for name, value in wanted.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError:
        raise ImpastoError(
            "Clusters need Ray, which is not installed.", 'Install it with: pip install "impasto[ray]"'
        ) from None
    for handler in logging.getLogger("ray.data").handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setLevel(logging.CRITICAL)
    return ray


@contextmanager
def _connected(ray: Any, crew: Crew) -> Iterator[None]:
    """With a cluster, in silence."""
    wanted: dict[str, Any] = {"address": crew.address or "local", "log_to_driver": False, "logging_level": "CRITICAL"}
    if crew.address is not None:
        wanted["runtime_env"] = {"env_vars": _environment(crew)}
    else:
        wanted |= {"include_dashboard": False, "object_store_memory": _STORE}
        if crew.workers is not None:
            # It is said how many, even if there are not as many cores.
            wanted["num_cpus"] = max(math.ceil(crew.workers * crew.cpus), os.cpu_count() or 1)
    with ExitStack() as stack:
        # What its daemons have to tell Ray prints.
        stack.enter_context(redirect_stdout(stack.enter_context(open(os.devnull, "w"))))
        stack.enter_context(warnings.catch_warnings(action="ignore"))
        stack.callback(ray.shutdown)
        _start(ray, crew, wanted)
        yield


def _start(ray: Any, crew: Crew, wanted: dict[str, Any]) -> None:
    # On a busy machine Ray's daemons may not stand in the 15 seconds that they give each other.
    for left in reversed(range(TRIES if crew.address is None else 1)):
        try:
            with _errors_aside(), _signals_kept():
                ray.init(**wanted)
        except Exception as error:  # of many kinds, none of them documented
            ray.shutdown()
            if not left:
                where = f"The Ray cluster {crew.address} cannot be reached" if crew.address else "Ray cannot be started"
                raise ImpastoError(f"{where}: {_last_line(error)}") from error
        else:
            return


@contextmanager
def _signals_kept() -> Iterator[None]:
    """SIGTERM stays what it was: Ray would end the process by it, and who runs a plan has something to say first."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


@contextmanager
def _errors_aside() -> Iterator[None]:
    """The standard error of the process goes nowhere: some of Ray is not written in Python."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _environment(crew: Crew) -> dict[str, str]:
    """That of a worker."""
    return {**_WORKER, "VIPS_CONCURRENCY": str(_threads(crew.cpus))}


def _threads(cpus: float) -> int:
    """How many threads a worker has."""
    return max(1, int(cpus))


def _last_line(error: BaseException) -> str:
    """What went wrong, without the way that it came."""
    return (str(error).strip().splitlines() or [type(error).__name__])[-1]


@contextmanager
def _in_words(ray: Any) -> Iterator[None]:
    try:
        yield
    except (ray.exceptions.RayError, ray.data.exceptions.SystemException) as error:
        log.info("Ray", exc_info=error)
        raise ImpastoError(f"The cluster gave up: {_last_line(error)}") from error


# -- In Ray ------------------------------------------------------------------------------------------------------------


class Tries:
    """Knows how often pictures were begun: an actor that no worker takes along when it dies.

    Ray starts a dead worker anew and gives it the same piece again, for ever.

    Args:
        pictures: how many there are.
        workers: how many workers.
    """

    def __init__(self, pictures: int, workers: int) -> None:
        self._begun = bytearray(pictures)
        self._most_starts = TRIES * workers
        self._starts = 0

    def start(self) -> bool:
        """A worker starts; whether there is any use in it, or only workers that end before they begin a picture."""
        self._starts += 1
        return self._starts <= self._most_starts

    def begin(self, number: int) -> int:
        """A picture is begun; how often it was so far."""
        self._starts = 0
        self._begun[number] = min(self._begun[number] + 1, TRIES + 1)
        return self._begun[number]


class Worker:
    """A painter, as Ray Data calls it.

    Args:
        task: what is done with each picture.
        tries: the actor `Tries`.
        threads: how many PyTorch may use.
        version: of the Impasto that sent the task.
    """

    def __init__(self, task: Task, tries: Any, threads: int, version: str) -> None:
        import ray

        if version != __version__:
            raise BadRequest(f"A node has Impasto {__version__}, and the command is of {version}.")
        if not ray.get(tries.start.remote()):
            raise ImpastoError("Workers are lost again and again before they begin with a picture.")
        import torch

        from impasto.batch.painter import Painter

        torch.set_num_threads(threads)
        self._task = task
        self._tries = tries
        self._painter = Painter(task)

    def __call__(self, piece: Mapping[str, Sequence[Any]]) -> Iterator[dict[str, list[Any]]]:
        """Do the pictures of a piece, and tell of each when it is done."""
        import ray

        for number, item in zip(map(int, piece["number"]), map(pickle.loads, piece["item"]), strict=True):
            tries = ray.get(self._tries.begin.remote(number))
            painted = _lost(item, self._task) if tries > TRIES else self._painter.paint(item, again=tries > 1)
            yield {"number": [number], "painted": [pickle.dumps(painted)]}


def _lost(item: Item, task: Task) -> Painted:
    """What there is to say of a picture of which nobody came back."""
    from impasto.batch.painter import Painted

    error = ImpastoError(f"{TRIES} workers were lost over this picture.", "It may need more memory than they had.")
    return Painted(Picture(item).entry(task.folder, task.settings, 0.0, error), error=str(error))


def _paint(
    ray: Any, items: Sequence[Item], task: Task, workers: int, cpus: float, gpus: float
) -> Iterator[tuple[int, Painted]]:
    """The numbers of the pictures, and what became of them, as they are done."""
    from ray import data
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    tries = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1, scheduling_strategy=here)(Tries)
    context = data.DataContext.get_current()
    context.enable_progress_bars = False
    context.target_max_block_size = 1  # each line goes on its way at once
    context.max_errored_blocks = -1
    piece = max(1, min(_MOST_IN_PIECE, len(items) // (_PIECES * workers)))
    rows = [{"number": number, "item": pickle.dumps(item.absolute())} for number, item in enumerate(items)]
    done = data.from_items(rows, override_num_blocks=math.ceil(len(rows) / piece)).map_batches(
        Worker,
        fn_constructor_args=[task, tries.remote(len(items), workers), _threads(cpus), __version__],
        batch_size=piece,
        # The next piece lies ready at a worker before it is done with one.
        compute=data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=2),
        num_cpus=cpus,
        num_gpus=gpus,
    )
    # Rows by `iter_rows` would come one late each, because it looks ahead.
    for batch in done.iter_batches(batch_size=None, prefetch_batches=0):
        yield from zip(map(int, batch["number"]), map(pickle.loads, batch["painted"]), strict=True)
