"""Paint pictures, or find their subjects, on many machines: a Ray cluster, or all cores of this one.

Takes what ``impasto stylize`` and ``impasto mask`` take and makes the same files. Needs the extra impasto[ray].
"""

from __future__ import annotations

import argparse
import os

from impasto.batch.cluster import ClusterRun, Crew
from impasto.cli import mask, stylize
from impasto.cli.plans import plan_for, run_plan

KINDS = {"stylize": stylize, "mask": mask}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    kinds = parser.add_subparsers(dest="kind", metavar="KIND", required=True)
    for name, module in KINDS.items():
        summary = (module.__doc__ or "").partition("\n")[0]
        kind = kinds.add_parser(name, help=summary, description=module.__doc__)
        module.add_arguments(kind)
        _add_crew(kind.add_argument_group("who works"))


def _add_crew(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--address",
        default=os.environ.get("RAY_ADDRESS"),
        metavar="HOST:PORT",
        help="a Ray cluster, or auto for the one of this node (default: RAY_ADDRESS, else one is started here)",
    )
    group.add_argument(
        "--workers", type=int, metavar="N", help="how many, each with networks of its own (default: all that fit)"
    )
    group.add_argument("--cpus", type=float, default=1.0, metavar="N", help="cores for each worker (default: 1)")
    group.add_argument(
        "--gpus",
        type=float,
        metavar="N",
        help="GPUs for each worker, such as 0.25 (default: 1, or 0 where there are none)",
    )


def run(options: argparse.Namespace) -> int:
    crew = Crew(options.address, options.workers, options.cpus, options.gpus)
    plan = plan_for(options, KINDS[options.kind].wanted_of(options))
    return run_plan(plan, options, lambda watcher: ClusterRun(plan, crew, watcher))
