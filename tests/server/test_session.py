"""The session of an editor against the real server: whoever looks after it is never kept waiting."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from impasto_link import codec
from impasto_link.client import Event
from impasto_link.errors import Cancelled, ServerEnded, ServerGone, WrongVersion
from impasto_link.launch import remember_command
from impasto_link.session import Session
from support import RunningServer, wait_until


@pytest.fixture(params=["zmtp", "pyzmq"])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    one = Session(request.param)
    yield one
    one.close()


def look_until(session: Session, condition: Callable[[], bool]) -> None:
    def look() -> bool:
        session.receive(0.02)
        session.look_after()
        return condition()

    if not condition():
        wait_until(look)


def test_it_greets_asks_and_notices_the_end(own_server: Callable[..., RunningServer], session: Session) -> None:
    server = own_server(worker=False)
    session.open()
    look_until(session, lambda: session.state == "ready")
    assert session.hello["version"]
    call = session.submit("styles")
    look_until(session, lambda: call.finished)
    assert call.result is not None
    assert any(style["name"] == "udnie" for style in call.result.fields["styles"])
    look_until(session, lambda: not session.is_busy)

    # A child of this process that nobody waits for, as the server is that an editor has started.
    server.process.kill()
    events: list[Event] = []
    open_call = session.submit("styles", on_event=events.append)
    with pytest.raises(ServerEnded, match="ended in the middle"):
        look_until(session, lambda: False)
    assert session.state == "offline"
    assert session.problem is None, "a server may end"
    assert open_call.error is not None
    assert [event.kind for event in events] == ["failed"]
    assert not open_call.events, "who is told of each has no need of a list that grows"
    with pytest.raises(ServerGone):
        session.submit("styles")


def test_what_is_under_way_ends_when_it_is_closed(own_server: Callable[..., RunningServer], session: Session) -> None:
    own_server(worker=False)
    session.open()
    look_until(session, lambda: session.state == "ready")
    events: list[Event] = []
    call = session.submit("styles", on_event=events.append)
    session.close(Cancelled("Another server was chosen."))
    assert isinstance(call.error, Cancelled)
    assert [event.fields["message"] for event in events] == ["Another server was chosen."]
    assert session.state == "offline"
    assert not session.is_busy


def test_it_knows_when_the_worker_is_there(own_server: Callable[..., RunningServer]) -> None:
    own_server()
    changes = 0

    def count() -> None:
        nonlocal changes
        changes += 1

    session = Session("zmtp", count)
    session.open()
    try:
        look_until(session, lambda: session.state == "ready")
        assert changes >= 2, "of greeting and of being ready one has heard"
        look_until(session, lambda: [one["state"] for one in session.hello["workers"]] == ["idle"])
    finally:
        session.close()
    assert session.state == "offline"


def test_it_starts_the_server(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))
    remember_command([sys.executable, "-m", "impasto"])
    session.open(start=False)
    assert session.state == "offline", "only if it is wanted"
    session.open()
    assert session.state == "starting"
    look_until(session, lambda: session.state == "ready")
    call = session.submit("shutdown")
    look_until(session, lambda: call.finished)


@pytest.mark.skipif(sys.platform == "win32", reason="signals that stop a process")
def test_a_server_that_stands_still_is_waited_for_as_long_as_it_lives(
    own_server: Callable[..., RunningServer], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that swaps does the same to it. The words say so, and it is given up when it ends."""
    monkeypatch.setattr("impasto_link.session.TELL_AFTER", 0.1)
    monkeypatch.setattr("impasto_link.session.SILENCE", 0.2)
    process = own_server(worker=False).process
    process.send_signal(signal.SIGSTOP)
    session.open()  # which waits for nothing, or it would wait here for ever
    look_until(session, lambda: session.late > 0.3)
    assert session.state == "greeting"
    assert session.process == process.pid
    process.send_signal(signal.SIGCONT)
    look_until(session, lambda: session.state == "ready")
    process.send_signal(signal.SIGSTOP)
    call = session.submit("styles")
    look_until(session, lambda: session.late > 0.3)
    process.send_signal(signal.SIGCONT)
    look_until(session, lambda: call.finished)
    assert call.result is not None
    process.send_signal(signal.SIGSTOP)
    session.submit("styles")
    process.kill()
    process.wait()
    with pytest.raises(ServerEnded):
        look_until(session, lambda: False)


@pytest.mark.skipif(sys.platform == "win32", reason="signals that stop a process")
def test_what_was_asked_of_a_server_that_never_answered_ends_with_it(
    own_server: Callable[..., RunningServer], session: Session
) -> None:
    process = own_server(worker=False).process
    process.send_signal(signal.SIGSTOP)
    session.open()
    call = session.submit("styles")
    remember_command([sys.executable, "-c", "raise SystemExit(1)"])
    process.kill()
    process.wait()
    wait_until(lambda: (session.look_after(), session.state == "starting")[1])  # type: ignore[func-returns-value]
    assert isinstance(call.error, ServerEnded)


def test_a_server_that_cannot_start_is_said(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMPASTO_RUNTIME_DIR", str(tmp_path))
    remember_command([sys.executable, "-c", "raise SystemExit(1)"])
    session.open()
    with pytest.raises(ServerGone, match="could not be started"):
        look_until(session, lambda: False)
    assert session.problem is not None
    remember_command([str(tmp_path / "nothing")])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServerGone, match="not installed"):
        session.open()
    assert session.problem is not None
    assert session.state == "offline"


def test_another_version_is_said(
    running_server: RunningServer, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert running_server.info
    monkeypatch.setattr(codec, "PROTOCOL", 99)
    session.open()
    with pytest.raises(WrongVersion, match="different versions"):
        look_until(session, lambda: session.state == "ready")
