"""How the server is, in words for a person, and what can be done when it is not well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from impasto_editor.texts import tr, tr_error, tr_said
from impasto_link.client import Event
from impasto_link.session import Session


@dataclass(frozen=True)
class Status:
    """How the server is.

    Attributes:
        words: a sentence.
        waiting: whether it will change by itself soon.
        trouble: whether something is wrong.
        remedy: what a button says that connects again; empty if there is nothing to be done.
    """

    words: str
    waiting: bool = False
    trouble: bool = False
    remedy: str = ""


def status(session: Session) -> Status:
    """How the server of a session is."""
    if session.state == "starting":
        return Status(tr("The server is starting, {seconds} s …", seconds=round(session.waited)), waiting=True)
    if session.late and session.process:
        words = tr(
            "The server, process {process}, has not answered for {seconds} s; still waiting. "
            "To end it, in a terminal: impasto stop --force",
            process=session.process,
            seconds=round(session.late),
        )
        return Status(words, waiting=True)
    if session.state == "greeting":
        return Status(tr("Connecting to the server …"), waiting=True)
    if session.state == "ready":
        return _ready(session)
    if session.problem is not None:
        return Status(tr_error(session.problem), trouble=True, remedy=tr("Try again"))
    return Status(tr("The server does not run."), remedy=tr("Start it"))


def _ready(session: Session) -> Status:
    found = _of_workers(session.hello.get("workers", ()))
    if session.invitation:
        return Status(tr("On another machine. {words}", words=found.words), found.waiting)
    return found


def _of_workers(workers: Sequence[Mapping[str, Any]]) -> Status:
    """What paints."""
    if any(worker.get("state") == "starting" for worker in workers):
        return Status(tr("The server is loading PyTorch …"), waiting=True)
    working = [str(worker.get("name", worker.get("device"))) for worker in workers if worker.get("state") != "broken"]
    if not working:
        return Status(tr("The server cannot paint: its worker does not start. Its log says why: impasto status"))
    return Status(tr("Ready: {devices}", devices=", ".join(working)))


def doing(event: Event) -> tuple[float, str] | None:
    """How far a job is, 0 to 1, and what is being done, in words; None if the event does not say."""
    if event.kind == "accepted":
        return 0.0, tr("waiting, {count} before it", count=event.place) if event.place else tr("waiting")
    if event.kind in ("progress", "preview"):
        return event.fraction, tr_said(event.doing)
    return None
