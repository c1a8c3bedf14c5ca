"""What clients ask about the server and its library, and what is answered at once: the fields of ``done``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from impasto.engines.registry import engine_facts, engine_problems
from impasto.masking.models import mask_models
from impasto_link import __version__, codec, proof

if TYPE_CHECKING:
    from impasto.server.broker import Broker


def hello(broker: Broker, client: bytes, header: codec.Header) -> dict[str, Any]:
    """What the server is and can do, and that it knows the token."""
    shared = broker.shared_with(client)
    return {
        **({} if shared is None else {"shared": shared.to_wire()}),
        "proof": proof.answer(broker.info.token, "server", str(header.get("challenge"))),
        "version": __version__,
        "protocol": codec.PROTOCOL,
        "pid": broker.info.pid,
        "operations": sorted(broker.operations),
        "engines": [facts.to_wire() for facts in engine_facts().values()],
        "mask_models": [model.to_wire() for model in mask_models().values()],
        "library": broker.library.state(),
        "workers": [worker.to_wire(client) for worker in broker.workers],
    }


def styles(broker: Broker, client: bytes, header: codec.Header) -> dict[str, Any]:
    """The library."""
    entries = broker.library.to_wire(thumbnails=header.get("thumbnails") is True)
    return {"styles": entries, "problems": [*broker.library.problems(), *engine_problems()]}


def status(broker: Broker, client: bytes, header: codec.Header) -> dict[str, Any]:
    """What the server does."""
    return {
        "version": __version__,
        "pid": broker.info.pid,
        "endpoint": broker.info.endpoint,
        "uptime_s": round(time.monotonic() - broker.started_at, 1),
        "memory_bytes": broker.memory.used,
        "jobs_waiting": len(broker.queue),
        "jobs_running": len(broker.running),
        "workers": [worker.to_wire(client) for worker in broker.workers],
    }


def keep_alive(broker: Broker, client: bytes, header: codec.Header) -> dict[str, Any]:
    """Nothing but that there is a server."""
    return {}


QUESTIONS: dict[str, Callable[[Broker, bytes, codec.Header], dict[str, Any]]] = {
    "hello": hello,
    "styles": styles,
    "status": status,
    "keep-alive": keep_alive,
}
