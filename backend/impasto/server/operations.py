"""What the server can be asked for: a table that broker and worker share. Without PyTorch and numpy.

There are three kinds. What is asked at once the broker answers itself. A job waits for a worker, which does it with its
pipeline, and its client hears of it until it ends. A stream is of jobs that come without an end, such as previews while
a slider moves: of those of a client that wait only the newest counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from impasto.engines.registry import engine_facts, engine_problems, settled
from impasto.masking.models import check_mask_model, mask_model_problems, mask_models
from impasto_link import __version__, codec, proof
from impasto_link.coats import STYLE_FRAME
from impasto_link.frames import Frame
from impasto_link.options import MaskOptions, StylizeOptions
from impasto_link.pixels import Region
from impasto_link.sentences import several_to_wire

if TYPE_CHECKING:
    from impasto.pipeline import Pipeline
    from impasto.progress import Teller
    from impasto.server.broker import Broker


@dataclass(frozen=True)
class Question:
    """What the broker answers at once.

    Attributes:
        name: the operation.
        answer: the fields of the answer; None if there is none. Raises ImpastoError to refuse.
    """

    name: str
    answer: Callable[[Broker, bytes, codec.Header], dict[str, Any] | None]


class Outcome(NamedTuple):
    """What comes of a job: pictures by kind, and what a person should be told."""

    regions: dict[str, Region]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobOperation:
    """What a worker does, once for each request.

    Attributes:
        name: the operation.
        read: reads the options out of a request; raises BadRequest if they cannot be met.
        work: does it, in the worker: the pipeline, the options, the pictures that were sent, which frame of a sequence
            they are, who is told how far it is.
        needs: kinds of frames without which it is refused.
    """

    name: str
    read: Callable[[codec.Header], StylizeOptions | MaskOptions]
    work: Callable[[Pipeline, Any, Mapping[str, Region], Frame | None, Teller], Outcome]
    needs: tuple[str, ...] = ("pixels",)


class StreamOperation(JobOperation):
    """What a worker does of the newest request of a client: it takes the place of one that waits."""


# --- at once


def _hello(broker: Broker, client: bytes, header: codec.Header) -> dict[str, Any]:
    """What the server is and can do, and that it knows the token."""
    shared = broker.shared if broker.front.is_local(client) else None
    return {
        **({} if shared is None else {"shared": shared.to_wire()}),
        "proof": proof.answer(broker.info.token, "server", str(header.get("challenge"))),
        "version": __version__,
        "protocol": codec.PROTOCOL,
        "pid": broker.info.pid,
        "operations": sorted(OPERATIONS),
        "engines": [facts.to_wire() for facts in engine_facts().values()],
        "mask_models": [model.to_wire() for model in mask_models().values()],
        "library": broker.library.state(),
        "workers": [worker.to_wire(client) for worker in broker.crew.workers],
    }


def _styles(broker: Broker, client: bytes, header: codec.Header) -> dict[str, Any]:
    """The library."""
    entries = broker.library.to_wire(thumbnails=header.get("thumbnails") is True)
    return {
        "styles": entries,
        **several_to_wire(problems=[*broker.library.problems(), *engine_problems(), *mask_model_problems()]),
    }


def _status(broker: Broker, client: bytes, header: codec.Header) -> dict[str, Any]:
    """What the server does."""
    return {
        "version": __version__,
        "pid": broker.info.pid,
        "endpoint": broker.info.endpoint,
        "uptime_s": round(time.monotonic() - broker.started_at, 1),
        "memory_bytes": broker.memory.used,
        "jobs_waiting": len(broker.desk.queue),
        "jobs_running": len(broker.crew.running),
        "kept_bytes": broker.desk.kept.nbytes,
        "workers": [worker.to_wire(client) for worker in broker.crew.workers],
    }


def _keep_alive(broker: Broker, client: bytes, header: codec.Header) -> dict[str, Any]:
    """Nothing but that there is a server."""
    return {}


def _shutdown(broker: Broker, client: bytes, header: codec.Header) -> dict[str, Any]:
    broker.stop()
    return {}


def _cancel(broker: Broker, client: bytes, header: codec.Header) -> None:
    broker.desk.cancel(header["id"], keep=header.get("keep") is True)


def _fetch(broker: Broker, client: bytes, header: codec.Header) -> None:
    broker.desk.fetch(client, header)


def _received(broker: Broker, client: bytes, header: codec.Header) -> None:
    broker.desk.kept.drop(str(header.get("job")))


# --- jobs


def _read_stylize(header: codec.Header) -> StylizeOptions:
    options = settled(StylizeOptions.from_wire(header))
    check_mask_model(options.mask_model)
    return options


def _read_mask(header: codec.Header) -> MaskOptions:
    options = MaskOptions.from_wire(header)
    check_mask_model(options.mask_model)
    return options


def _do_stylize(
    pipeline: Pipeline, options: StylizeOptions, sent: Mapping[str, Region], frame: Frame | None, tell: Teller
) -> Outcome:
    layer = pipeline.stylize(
        sent["pixels"],
        options,
        tell,
        subject_mask=sent.get("mask"),
        selection=sent.get("selection"),
        pictures={kind.removeprefix(STYLE_FRAME): one for kind, one in sent.items() if kind.startswith(STYLE_FRAME)},
        frame=frame,
    )
    shown = {} if layer.mask is None else {"mask": layer.mask}
    return Outcome({"pixels": layer.pixels, **shown}, layer.notes)


def _do_mask(
    pipeline: Pipeline, options: MaskOptions, sent: Mapping[str, Region], frame: Frame | None, tell: Teller
) -> Outcome:
    found = pipeline.mask(sent["pixels"], options, tell, selection=sent.get("selection"))
    assert found.mask is not None
    return Outcome({"mask": found.mask, **({"pixels": found.pixels} if options.cutout else {})})


#: All of them by name.
OPERATIONS: dict[str, Question | JobOperation] = {
    one.name: one
    for one in (
        Question("hello", _hello),
        Question("styles", _styles),
        Question("status", _status),
        Question("keep-alive", _keep_alive),
        Question("cancel", _cancel),
        Question("fetch", _fetch),
        Question("received", _received),
        Question("shutdown", _shutdown),
        JobOperation("stylize", _read_stylize, _do_stylize),
        StreamOperation("preview", _read_stylize, _do_stylize),
        JobOperation("mask", _read_mask, _do_mask),
    )
}
