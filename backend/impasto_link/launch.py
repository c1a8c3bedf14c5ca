"""Connecting to the server of this user, and starting it if it does not run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from impasto_link.client import Client
from impasto_link.discovery import log_file, read_server_info
from impasto_link.errors import ServerGone
from impasto_link.files import explain, write_private
from impasto_link.invitation import Invitation
from impasto_link.patience import Patience, Telling
from impasto_link.sentences import say
from impasto_link.state import ready_folder, runtime_dir
from impasto_link.transport import Transport, open_transport

#: What editors set for themselves and what would break a Python that is not theirs.
_FOREIGN = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", "LD_PRELOAD")
_FOREIGN_PREFIXES = ("QT_", "DYLD_", "GI_", "GTK_", "GEGL_", "BABL_")
#: The server runs in another folder than the program that starts it.
_PATHS = ("IMPASTO_RUNTIME_DIR", "IMPASTO_MODELS", "IMPASTO_VGG19")


def connect_running(timeout: float | None = None, transport: str = "", *, any_version: bool = False) -> Client | None:
    """A client of the server that runs, or None if none answers.

    With the path of an invitation in ``IMPASTO_SERVER`` it is the server on the other machine. With ``any_version`` it
    may speak another version of the protocol, and be asked for its status and to end.

    Args:
        timeout: how long to wait for its answer, in seconds; None for as long as it lives.
        transport: see `impasto_link.transport.open_transport`.

    Raises:
        WrongVersion: a server runs, but of another protocol version.
    """
    if names_remote():
        return connect_remote(Path(os.environ["IMPASTO_SERVER"]), timeout=timeout, any_version=any_version)
    client = open_running(transport)
    return None if client is None else _greet(client, timeout, any_version)


def names_remote() -> bool:
    """Whether ``IMPASTO_SERVER`` names an invitation, so that the server is another machine's."""
    return bool(os.environ.get("IMPASTO_SERVER"))


def open_running(transport: str = "") -> Client | None:
    """A client of the server that the runtime file names, or None if it names none. Waits for nothing.

    For event loops: nobody has said hello yet, and whether the server is really there shows when it answers.
    """
    info = read_server_info()
    return None if info is None else Client(open_transport(info.endpoint, info.token, prefer=transport), Patience(info))


def connect_remote(path: Path, *, timeout: float | None = None, any_version: bool = False) -> Client:
    """A client of a server on another machine.

    Args:
        path: the invitation that the server wrote.
        timeout: how long to wait for its answer, in seconds; None for as long as `impasto_link.patience` has it.
        any_version: as for `connect_running`.

    Raises:
        ServerGone: the file is no invitation, the server does not answer, or this Python has no pyzmq.
        Refused: the server does not know the key.
    """
    client = _greet(open_remote(path), timeout, any_version)
    if client is None:
        endpoint = Invitation.read(path).endpoint
        raise ServerGone(
            say("The server at {endpoint} does not answer.", endpoint=endpoint), "Is it running, and the port open?"
        )
    return client


def open_remote(path: Path) -> Client:
    """A client of the server that an invitation names. Waits for nothing, as `open_running`.

    Raises:
        ServerGone: the file is no invitation, or this Python has no pyzmq.
    """
    invitation = Invitation.read(path)
    try:
        from impasto_link.zmq_transport import ZmqLine
    except ImportError as error:
        folder, (major, minor) = Path(__file__).parents[1], sys.version_info[:2]
        raise ServerGone(
            "A server on another machine needs pyzmq in this Python.",
            f'pip install --python-version {major}.{minor} --only-binary :all: --target "{folder}" pyzmq',
        ) from error
    return Client(Transport(lambda: ZmqLine(invitation.endpoint, "", invitation)))


def _greet(client: Client, timeout: float | None, any_version: bool) -> Client | None:
    """The client if the server answers it, else None."""
    try:
        client.ask("hello", timeout=timeout)
        if client.problem is not None and not any_version:
            raise client.problem
    except ServerGone:
        client.close()
        return None
    except BaseException:
        client.close()
        raise
    return client


def connect_or_start(
    command: Sequence[str] | None = None,
    *,
    timeout: float | None = None,
    on_wait: Callable[[float], None] = lambda _: None,
    transport: str = "",
) -> Client:
    """A client of the server of this user, which is started if it does not run.

    Args:
        command: how to start it; by default as it was started the last time, or ``impasto`` on the PATH.
        timeout: how long to wait at most, in seconds; None for as long as it starts, or lives.
        on_wait: called about ten times a second with the seconds waited so far while it starts.
        transport: see `impasto_link.transport.open_transport`.

    Raises:
        ServerGone: it could not be started, or does not answer in time; the message says why.
    """
    began, telling = time.monotonic(), Telling()
    process: subprocess.Popen[bytes] | None = None
    while True:
        left = None if timeout is None else max(began + timeout - time.monotonic(), 0.0)
        client = connect_running(left, transport)
        if client is not None:
            return client
        if left == 0.0:
            raise _too_late()
        if process is None:
            if read_server_info() is None:
                process = start_server(command)
        elif process.poll() is not None and read_server_info() is None:
            # Also if it ended well: then another one ran, which has ended meanwhile.
            raise ServerGone(
                "The server could not be started.", say("The end of {log_file} says why.", log_file=log_file())
            )
        waited = time.monotonic() - began
        telling.tell(waited, f"The server is starting; its log is {log_file()}. Still waiting")
        on_wait(waited)
        time.sleep(0.1)


def _too_late() -> ServerGone:
    running = read_server_info()
    if running is None:
        return ServerGone(
            "The server has not started in time.", say("The end of {log_file} may say why.", log_file=log_file())
        )
    return ServerGone(
        say("The server runs as process {pid}, but does not answer.", pid=running.pid),
        "Wait, or end it with: impasto stop --force",
    )


def start_server(command: Sequence[str] | None = None, arguments: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """Start the server in the background, independent of this process. If one runs already, the new one just ends.

    Args:
        command: how; by default `server_command`.
        arguments: options of `impasto serve`.

    Raises:
        ServerGone: there is no way to start it from here, or it is not known how.
    """
    if Path("/.flatpak-info").exists():
        raise ServerGone("A program inside a Flatpak cannot start the server.", "Start it in a terminal: impasto serve")
    words = [*(command or server_command()), "serve", *arguments]
    folder = ready_folder()
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
    try:
        with open(log_file(), "ab") as log:
            return subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=clean_environment(),
                cwd=folder,
                start_new_session=True,
                creationflags=flags,
            )
    except OSError as error:
        raise ServerGone(
            say("The server could not be started with {words}: {strerror}.", words=words[0], strerror=error.strerror),
            "Is Impasto still installed where it was?",
        ) from error


def clean_environment() -> dict[str, str]:
    """The environment without what an editor set for itself; its paths are the same from any folder."""
    kept = {
        key: value for key, value in os.environ.items() if key not in _FOREIGN and not key.startswith(_FOREIGN_PREFIXES)
    }
    return kept | {key: str(Path(kept[key]).resolve()) for key in _PATHS if kept.get(key)}


def _command_file() -> Path:
    return runtime_dir() / "command.json"


def remember_command(command: Sequence[str]) -> None:
    """Keep how the server is started, for editors, which do not know where it is installed.

    Raises:
        ImpastoError: it cannot be written.
    """
    ready_folder()
    file = _command_file()
    try:
        write_private(file, {"command": list(command)})
    except OSError as error:
        raise explain(error, file) from error


def server_command() -> list[str]:
    """How the server is started on this machine.

    Raises:
        ServerGone: it was never started here and no ``impasto`` is on the PATH.
    """
    try:
        command = json.loads(_command_file().read_text(encoding="utf-8"))["command"]
        if shutil.which(command[0]):
            return [str(word) for word in command]
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        pass
    found = shutil.which("impasto")
    if found is None:
        raise ServerGone("Impasto is not installed on this machine, or was never started.", "Run once: impasto serve")
    return [found]
