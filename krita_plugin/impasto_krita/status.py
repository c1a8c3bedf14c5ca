"""The line at the bottom of the docker: how the server is, and what to do when it is not well."""

from __future__ import annotations

from html import escape
from typing import Any

from impasto_krita.connection import Connection
from impasto_krita.texts import tr


def describe(connection: Connection) -> str:
    """The line, with a link where something can be done."""
    if connection.state == "starting":
        return tr("The server is starting, {seconds} s …", seconds=round(connection.waited))
    if connection.state == "greeting":
        return tr("Connecting to the server …")
    if connection.state == "ready":
        words = _describe_workers(connection.hello.get("workers", []))
        return escape(tr("On another machine. {words}", words=words) if connection.invitation else words)
    if connection.problem is not None:
        problem = f"{tr(connection.problem.message)} {tr(connection.problem.hint)}".strip()
        return f'⚠ {escape(problem)} <a href="#">{tr("Try again")}</a>'
    return f'{tr("The server does not run.")} <a href="#">{tr("Start it")}</a>'


def _describe_workers(workers: list[dict[str, Any]]) -> str:
    """What paints, for the status line."""
    if any(worker.get("state") == "starting" for worker in workers):
        return tr("The server is loading PyTorch …")
    working = [str(worker.get("name", worker.get("device"))) for worker in workers if worker.get("state") != "broken"]
    if not working:
        return tr("The server cannot paint: its worker does not start. Its log says why: impasto status")
    return tr("Ready: {devices}", devices=", ".join(working))
