"""Whether the nodes of a cluster can do a plan: that they have this Impasto, and see what it names."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from impasto.batch.places import LocalPlace
from impasto.batch.plan import Plan
from impasto_link import __version__
from impasto_link.errors import BadRequest

#: So many paths are looked for on each node.
_MOST_PATHS = 100


class Report(NamedTuple):
    """What a node says of itself.

    Attributes:
        name: its address.
        version: of its Impasto; None if it has none.
        missing: paths that are not there.
    """

    name: str
    version: str | None
    missing: tuple[str, ...]


def check_shared(plan: Plan) -> None:
    """See that other processes can see what a plan names; raises BadRequest if not."""
    for item in plan.items:
        for place in (item.source, item.target):
            if str(place).startswith("memory://"):
                raise BadRequest(f"{place} is seen by this process only.", "Name a folder, or an address of a store.")


def check_nodes(ray: Any, plan: Plan) -> None:
    """See that all nodes of the cluster can do a plan.

    Raises:
        BadRequest: one cannot, and what to do about it.
    """
    here = ray.get_runtime_context().get_node_id()
    others = [node["NodeID"] for node in ray.nodes() if node["Alive"] and node["NodeID"] != here]
    if others:
        with _paths(plan) as paths:
            for report in _ask(ray, others, paths):
                check_report(report)


def check_report(report: Report) -> None:
    """See that a node can do a plan; raises BadRequest if not."""
    if report.version is None:
        raise BadRequest(
            f"Impasto is not installed on the node {report.name}.", f"Install impasto[ray]=={__version__} on all nodes."
        )
    if report.version != __version__:
        raise BadRequest(
            f"The node {report.name} has Impasto {report.version}, and this is {__version__}.",
            "Install the same version on all nodes.",
        )
    if report.missing:
        raise BadRequest(
            f"The node {report.name} does not see {report.missing[0]}.",
            "Give a folder that all nodes share under the same path, or addresses such as s3://bucket/folder.",
        )


def _ask(ray: Any, nodes: Iterable[str], paths: tuple[str, ...]) -> Iterator[Report]:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    def look() -> tuple[str, str | None, tuple[str, ...]]:
        # A function in a function is sent as it is: a node may not have the module.
        import os

        import ray

        missing = tuple(path for path in paths if not os.path.lexists(path))
        try:
            from impasto_link import __version__
        except ImportError:
            return ray.util.get_node_ip_address(), None, missing
        return ray.util.get_node_ip_address(), __version__, missing

    asked = [
        ray.remote(num_cpus=0)(look).options(scheduling_strategy=NodeAffinitySchedulingStrategy(node, soft=False))
        for node in nodes
    ]
    for report in ray.get([one.remote() for one in asked]):
        yield Report(*report)


@contextmanager
def _paths(plan: Plan) -> Iterator[tuple[str, ...]]:
    """Local paths that all nodes have to see: a picture of each folder, and a file that is in the folder of the results
    only now, so that another folder of the same name does not pass for it."""
    samples = {item.source.folder: item.source for item in plan.items}
    local = [str(place) for place in samples.values() if isinstance(place, LocalPlace)][:_MOST_PATHS]
    folder = plan.items[0].target.folder
    if not isinstance(folder, LocalPlace):
        yield tuple(local)
        return
    with tempfile.NamedTemporaryFile(dir=folder.path, prefix=".impasto-") as marker:
        yield (marker.name, *local)
