"""What the docker does while the server starts, ends or cannot be had; without Krita, Qt and a server."""

from __future__ import annotations

import sys
import types
from typing import Any
from unittest.mock import MagicMock

import pytest

from impasto_link.errors import ServerEnded, ServerGone


class Timer:
    """A QTimer that nothing ever wakes."""

    singleShot = staticmethod(lambda pause, do: None)  # noqa: N815 - Qt's name

    def __init__(self, parent: object) -> None:
        self.timeout = MagicMock()
        self._active = False

    def setInterval(self, pause: int) -> None:  # noqa: N802
        pass

    def start(self) -> None:
        self._active = True

    def stop(self) -> None:
        self._active = False

    def isActive(self) -> bool:  # noqa: N802
        return self._active


class Session:
    """A session whose server ends at some time."""

    problem = client = None
    is_busy = False

    def __init__(self, changed: Any) -> None:
        self.state = "ready"
        self.runs = True
        self.opened: list[bool] = []

    def receive(self) -> None:
        pass

    def look_after(self) -> None:
        if not self.runs:
            self.state = "offline"
            raise ServerEnded("The server ended.")

    def open(self, *, start: bool) -> None:
        self.opened.append(start)
        self.state = "starting"


@pytest.fixture
def connection(without_qt: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    qt: Any = sys.modules["impasto_krita.qt"]
    qt.QTimer = Timer
    qt.QObject = type("QObject", (), {"__init__": lambda self, parent: None})
    from impasto_krita import connection as module

    monkeypatch.setattr(module, "Session", Session)
    return module.Connection(MagicMock())


@pytest.fixture
def docker(without_qt: None, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The class of the docker, and in place of one of its objects something that takes everything."""
    krita: Any = types.ModuleType("krita")
    krita.__getattr__ = lambda name: MagicMock()
    krita.DockWidget = object
    monkeypatch.setitem(sys.modules, "krita", krita)
    from impasto_krita.docker import StyleTransferDocker

    one = MagicMock()
    one.painter.busy = False
    one._waiting = None
    one._stop_waiting = lambda: StyleTransferDocker._stop_waiting(one)
    return StyleTransferDocker, one


def test_the_end_of_a_server_is_noticed_though_nobody_has_looked(connection: Any) -> None:
    """The docker is hidden, the server ends after an hour, and then the user presses the shortcut for painting."""
    connection.rest()
    connection.open(start=True)
    assert not connection.session.opened, "it is there"
    connection.rest()
    connection.session.runs = False
    connection.open(start=True)
    assert connection.session.opened == [True]


def test_who_is_looked_after_is_not_looked_at_again(connection: Any) -> None:
    """It would be from within the session, when what has come with an answer makes the docker paint."""
    connection.wake()
    connection.session.look_after = MagicMock()
    connection.open(start=True)
    connection.session.look_after.assert_not_called()


@pytest.mark.parametrize("problem", [None, ServerGone("Impasto is not installed on this machine.")])
def test_a_painting_waits_only_for_a_server_that_can_come(docker: Any, problem: ServerGone | None) -> None:
    kind, one = docker
    one.connection.session.state = "offline" if problem else "starting"
    one.connection.session.problem = problem
    kind._begin(one, "draft")
    said = [call.args[0] for call in one.panel.show_message.call_args_list]
    if problem is None:
        assert one._waiting == "draft"
        assert said[-1] == "The painting begins as soon as the server is ready."
        kind.cancel(one)
    assert one._waiting is None, "or it would be painted whenever a server is found"
    assert [call.args[0] for call in one.panel.show_message.call_args_list][-1] == "", "nothing begins any more"
