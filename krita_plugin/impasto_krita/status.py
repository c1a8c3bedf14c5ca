"""The line at the bottom of the docker: how the server is, and what to do when it is not well."""

from __future__ import annotations

from html import escape
from typing import Any

from impasto_krita.texts import tr, tr_said
from impasto_link.session import Session


def describe(session: Session) -> str:
    """The line, with a link where something can be done."""
    if session.state == "starting":
        return tr("The server is starting, {seconds} s …", seconds=round(session.waited))
    if session.late and session.process:
        return escape(
            tr(
                "The server, process {process}, has not answered for {seconds} s; still waiting. "
                "To end it, in a terminal: impasto stop --force",
                process=session.process,
                seconds=round(session.late),
            )
        )
    if session.state == "greeting":
        return tr("Connecting to the server …")
    if session.state == "ready":
        words = _describe_workers(session.hello.get("workers", []))
        return escape(tr("On another machine. {words}", words=words) if session.invitation else words)
    if session.problem is not None:
        problem = f"{tr_said(session.problem.message)} {tr_said(session.problem.hint)}".strip()
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
