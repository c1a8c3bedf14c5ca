"""What proofs in real editors share: a server, an X display without screen, the user's hands, and folders of their own.

A proof is a script that the editor executes. It asks for things by lines of JSON in a log, and finds answers in files.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from impasto_link.client import Client
from impasto_link.launch import connect_running
from impasto_link.pixels import PixelFormat, Region

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[1]
LIMIT = 300.0

STARTER = """#!/bin/sh
# What the plugin takes for the server's program: the chroot has no PyTorch, so the server is started outside of it.
echo "$@" > "$(dirname "$0")/wanted"
mv "$(dirname "$0")/wanted" "$(dirname "$0")/start-server"
# As the server itself, it does not end well before there is one.
while [ -e "$(dirname "$0")/start-server" ]; do sleep 0.1; done
"""


class Stage:
    """The folders and programs of one run of an editor.

    Attributes:
        editor: its name, for a person.
        without_server: the plugin's own start of the server is a proof, so the others find one running.
        config: the folder of its settings, in its own home folder.
    """

    editor = ""
    without_server: frozenset[str] = frozenset()

    def __init__(self, root: Path, output: Path) -> None:
        self.root = root
        self.output = output
        self.folder = output / "stage"
        self.home = output / "home"
        self.config = self.home / ".config"
        self.runtime = self.home / ".local" / "state" / "impasto"
        for folder in (self.folder, self.home / "run", self.runtime):
            folder.mkdir(parents=True, exist_ok=True)
        (self.home / "run").chmod(0o700)
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith(("XDG_", "IMPASTO_", "QT_"))},
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.config),
            "XDG_DATA_HOME": str(self.home / ".local" / "share"),
            "XDG_CACHE_HOME": str(self.home / ".cache"),
            "XDG_RUNTIME_DIR": str(self.home / "run"),
            "IMPASTO_RUNTIME_DIR": str(self.runtime),
            # A refinement does with what is there; its proof does not fetch half a gigabyte.
            "IMPASTO_OFFLINE": "1",
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        os.environ["IMPASTO_RUNTIME_DIR"] = str(self.runtime)
        self.server: subprocess.Popen[bytes] | None = None
        #: More environment variables of the server.
        self.more: dict[str, str] = {}

    def prepare(self) -> None:
        """Install the plugin as a user does; draw the pictures."""
        self.impasto("install", self.editor.lower())
        starter = self.folder / "impasto"
        starter.write_text(STARTER)
        starter.chmod(0o755)
        self.know_starter()
        draw_pictures(self.folder)

    def command(self, proof: Path, look: str) -> list[str]:
        """What is run in the chroot for a proof."""
        raise NotImplementedError

    def looks(self, proof: Path) -> Sequence[str]:
        """Themes and languages in which a proof is run, one after the other; the names are up to the editor."""
        return ("",)

    def know_starter(self) -> None:
        """Have the plugin start the server through us."""
        (self.runtime / "command.json").write_text(json.dumps({"command": [str(self.folder / "impasto")]}))

    def impasto(self, *arguments: str) -> None:
        subprocess.run([sys.executable, "-m", "impasto", *arguments], env=self.environment, check=True)

    def start_server(self, *arguments: str) -> None:
        self._serve("server.log", self.more, *arguments)
        # `impasto serve` notes down how it was started, but in the chroot that is not there.
        self.connect().close()
        self.know_starter()

    def _serve(self, log_name: str, environment: Mapping[str, str], *arguments: str) -> None:
        command = [sys.executable, "-m", "impasto", "serve", *arguments]
        with (self.output / log_name).open("ab") as log:
            self.server = subprocess.Popen(command, env={**self.environment, **environment}, stdout=log, stderr=log)

    def stop_server(self, number: signal.Signals = signal.SIGTERM) -> None:
        if self.server is not None:
            self.server.send_signal(number)
            self.server.wait(20)
            self.server = None

    def serve_elsewhere(self, invitation: Path) -> None:
        """Have no server of this user, but one that stands for another machine's: only the invitation leads to it."""
        self.stop_server()
        with socket.create_server(("127.0.0.1", 0)) as free:
            address = f"127.0.0.1:{free.getsockname()[1]}"
        elsewhere = {"IMPASTO_RUNTIME_DIR": str(self.folder / "elsewhere")}
        self._serve("server-elsewhere.log", elsewhere, "--remote", address, "--invitation", str(invitation))

    def connect(self) -> Client:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            client = connect_running()
            if client is not None:
                return client
            time.sleep(0.1)
        raise RuntimeError("the server does not come up")

    def run(self, proof: Path, look: str) -> bool:
        """Run one proof; whether it passed."""
        for leftover in [*self.folder.glob("answer-*"), *map(self.folder.joinpath, ("log", "start-server", "started"))]:
            leftover.unlink(missing_ok=True)
        (self.folder / "log").touch()
        if proof.stem in self.without_server:
            self.stop_server()
        elif self.server is None or self.server.poll() is not None:
            self.start_server()
        wanted = settings_of(proof)
        with (
            display(int(wanted.get("QT_SCALE_FACTOR", 1))) as number,
            (self.output / f"{proof.stem}.{self.editor.lower()}.log").open("wb") as editor_log,
        ):
            environment = {
                **self.environment,
                **wanted,
                "DISPLAY": number,
                "PROOF": str(proof),
                "PROOF_FOLDER": str(self.folder),
                "SHARED": f"{self.output}:{REPOSITORY}",
                "QT_LOGGING_RULES": "*.debug=false",
            }
            command = [str(HERE / "inside.sh"), str(self.root), *self.command(proof, look)]
            editor = subprocess.Popen(command, env=environment, stdout=editor_log, stderr=editor_log)
            try:
                verdict = self._attend(editor, Hands(self, number), proof.stem)
            finally:
                editor.kill()
                editor.wait()
        if editor.returncode != 0:
            print(f"    {self.editor} ended with the status {editor.returncode}")
        return verdict == "passed" and editor.returncode == 0

    def _attend(self, editor: subprocess.Popen[bytes], hands: Hands, name: str) -> str:
        """Do what the script asks for until the editor has ended; returns the last thing it said."""
        verdict = ""
        deadline = time.monotonic() + LIMIT
        with (self.folder / "log").open(encoding="utf-8") as lines:
            while True:
                ended = editor.poll() is not None
                for line in lines:
                    entry = json.loads(line)
                    if "ask" in entry:
                        partial = self.folder / "answer.partial"
                        try:
                            answer = hands.do(entry)
                        except Exception as failure:
                            # This attempt is lost, the others are not.
                            print(f"    could not {entry['ask']}: {failure!r}", flush=True)
                            return ""
                        partial.write_text(json.dumps(answer))
                        partial.rename(self.folder / f"answer-{entry['number']}")
                    else:
                        verdict = entry.get("say", "")
                        print(f"    {entry.get('say') or entry['failed']}", flush=True)
                if ended:
                    return verdict
                self._look_for_start()
                if time.monotonic() > deadline:
                    print(f"    not over after {LIMIT:.0f} s")
                    hands.shot({"name": f"{name}-timeout"})
                    return ""
                time.sleep(0.02)

    def _look_for_start(self) -> None:
        wanted = self.folder / "start-server"
        if wanted.exists():
            self.start_server(*wanted.read_text().split()[1:])
            (self.folder / "started").touch()
            wanted.unlink()


class Hands:
    """What a script in the editor can ask for."""

    def __init__(self, stage: Stage, display_name: str) -> None:
        self._stage = stage
        self._environment = {**os.environ, "DISPLAY": display_name}

    def do(self, entry: dict[str, Any]) -> Any:
        return getattr(self, entry["ask"].replace("-", "_"))(entry)

    def _xdotool(self, *words: object) -> None:
        subprocess.run(["xdotool", *map(str, words)], env=self._environment, check=True)

    def click(self, entry: dict[str, Any]) -> None:
        self._xdotool("mousemove", entry["x"], entry["y"], "sleep", "0.05", "click", entry["button"])

    def hover(self, entry: dict[str, Any]) -> None:
        self._xdotool("mousemove", entry["x"], entry["y"])

    def drag(self, entry: dict[str, Any]) -> None:
        self._xdotool("mousemove", *entry["start"], "mousedown", 1)
        for place in entry["way"]:
            self._xdotool("mousemove", *place, "sleep", "0.03")
        self._xdotool("mouseup", 1)

    def key(self, entry: dict[str, Any]) -> None:
        self._xdotool("key", *entry["keys"].split())

    def later(self, entry: dict[str, Any]) -> None:
        """Do something else in so many seconds, while the script waits for its editor."""
        threading.Timer(entry["seconds"], self.do, [entry["entry"]]).start()

    def type(self, entry: dict[str, Any]) -> None:
        # Letters that no key has get one while they are typed, and the editor has to hear of that.
        self._xdotool("type", "--delay", "30" if entry["words"].isascii() else "150", entry["words"])

    def window(self, entry: dict[str, Any]) -> list[int] | None:
        """Give a window the keyboard; its place and size, or None if there is none of that title."""
        found = self._windows(entry["title"])
        if not found:
            return None
        try:
            if entry.get("activate", True):
                self._xdotool("windowactivate", "--sync", found[-1])
            lines = self._asked("getwindowgeometry", "--shell", found[-1]).splitlines()
        except (RuntimeError, subprocess.CalledProcessError):
            return None  # closed meanwhile: a dialog, in whose place a window of the same title comes
        said = dict(line.split("=") for line in lines)
        return [int(said[key]) for key in ("X", "Y", "WIDTH", "HEIGHT")]

    def titles(self, entry: dict[str, Any]) -> list[str]:
        """The titles of all windows that can be seen."""
        return self._asked("search", "--onlyvisible", "--name", ".", "getwindowname", "%@").splitlines()

    def _windows(self, title: str) -> list[str]:
        """The windows of a title that can be seen, the uppermost last."""
        return self._asked("search", "--onlyvisible", "--name", title).split()

    def _asked(self, *words: object) -> str:
        """What xdotool says; asked again when a window, any window, is closed while it goes through all of them."""
        for _ in range(20):
            said = subprocess.run(
                ["xdotool", *map(str, words)], env=self._environment, capture_output=True, check=False, text=True
            )
            if "BadWindow" not in said.stderr:
                return said.stdout
            time.sleep(0.05)
        raise RuntimeError(f"xdotool {shlex.join(map(str, words))}: {said.stderr}")

    def impasto(self, entry: dict[str, Any]) -> None:
        self._stage.impasto(*entry["arguments"])

    def restart_server(self, entry: dict[str, Any]) -> None:
        """The server anew, with other environment variables."""
        self._stage.stop_server()
        self._stage.more = entry["environment"]
        self._stage.start_server()

    def serve_elsewhere(self, entry: dict[str, Any]) -> None:
        self._stage.serve_elsewhere(Path(entry["invitation"]))

    def pip(self, entry: dict[str, Any]) -> None:
        """Do as a hint says that begins with "pip install"; uv understands it, too."""
        words = shlex.split(entry["command"])
        uv = shutil.which("uv") or str(REPOSITORY / ".uv" / "bin" / "uv")
        subprocess.run([uv, *words, "--quiet"], check=True)

    def shot(self, entry: dict[str, Any]) -> None:
        folder = self._stage.output / "screenshots"
        folder.mkdir(exist_ok=True)
        whole = "root"
        if entry.get("window"):
            found = self._windows(entry["window"])
            if not found:
                raise RuntimeError(f"there is no window {entry['window']!r}")
            whole = found[-1]
        crop = []
        if entry.get("area"):
            x, y, width, height = entry["area"]
            crop = ["-crop", f"{width}x{height}+{x}+{y}", "+repage"]
        subprocess.run(
            ["import", "-window", whole, *crop, folder / f"{entry['name']}.png"], env=self._environment, check=True
        )

    def kill_server(self, entry: dict[str, Any]) -> None:
        self._stage.stop_server(signal.SIGKILL)

    def server_jobs(self, entry: dict[str, Any]) -> Any:
        """How many jobs the server has; none if it does not run."""
        client = connect_running()
        if client is None:
            return 0
        with contextlib.closing(client):
            status = client.ask("status").fields
        return status["jobs_running"] + status["jobs_waiting"]

    def request(self, entry: dict[str, Any]) -> dict[str, Any]:
        """The same request without the plugin."""
        regions = {
            role: Region(PixelFormat.from_wire(one["format"]), Path(one["path"]).read_bytes())
            for role, one in entry["regions"].items()
        }
        with contextlib.closing(self._stage.connect()) as client:
            result = client.wait(client.submit(entry["op"], entry["options"], regions))
        answer = {}
        for role, region in result.regions.items():
            path = self._stage.folder / f"got-{role}"
            path.write_bytes(region.data)
            answer[role] = {"format": region.format.to_wire(), "path": str(path)}
        return answer


@contextlib.contextmanager
def display(scale: int = 1) -> Iterator[str]:
    """An X display without screen, on a free number, with a window manager so that windows get the keyboard.

    Args:
        scale: how many pixels an editor is going to use for one, in each direction.
    """
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{1500 * scale}x{1000 * scale}x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as pipe:
        name = f":{pipe.readline().strip()}"
    manager = subprocess.Popen(
        ["openbox"], env={**os.environ, "DISPLAY": name}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield name
    finally:
        for process in (manager, server):
            process.terminate()
            process.wait(10)


def settings_of(proof: Path) -> dict[str, str]:
    """Environment variables that a proof asks for in its lines "# NAME=VALUE"."""
    lines = proof.read_text(encoding="utf-8").splitlines()
    return dict(line[2:].split("=", 1) for line in lines if line.startswith("# ") and line[2:].split("=")[0].isupper())


def draw_pictures(folder: Path) -> None:
    """The photo in the sizes that the proofs open."""
    from PIL import Image
    from skimage import data

    photo = Image.fromarray(data.astronaut())
    for name, size in (("small", (512, 512)), ("large", (1024, 1024)), ("4k", (3840, 2160))):
        path = folder / f"{name}.png"
        if not path.exists():
            photo.resize(size, Image.Resampling.LANCZOS).convert("RGBA").save(path)


def main(stage_class: type[Stage], proofs_folder: Path, what: str | None) -> int:
    """Run the proofs that the command line names; returns the exit status."""
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("proofs", nargs="*", help="names of proofs (default: all)")
    parser.add_argument("--root", type=Path, required=True, help="the chroot with the editor, or /")
    parser.add_argument("--output", type=Path, required=True, help="where everything goes that is made")
    options = parser.parse_args()
    proofs = sorted(proofs_folder.glob("*.py"))
    if options.proofs:
        proofs = [proof for proof in proofs if proof.stem in options.proofs]
        assert len(proofs) == len(options.proofs), "there is no proof of that name"
    # So that whoever ends this also ends the server and the editor.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    stage = stage_class(options.root, options.output.resolve())
    stage.prepare()
    failed = []
    try:
        for proof in proofs:
            for look in stage.looks(proof):
                print(f"{proof.stem} ({look})" if look else proof.stem, flush=True)
                # Mouse and windows of a busy machine: what fails once is looked at again, and both are to be read.
                for attempt in ("first", "second"):
                    started = time.monotonic()
                    passed = stage.run(proof, look)
                    verdict = f"{'passed' if passed else 'FAILED'} in {time.monotonic() - started:.0f} s"
                    print(f"  {verdict}, {attempt} attempt", flush=True)
                    if passed:
                        break
                else:
                    failed.append(proof.stem)
    finally:
        stage.stop_server()
    print(
        f"{len(proofs) - len(failed)} of {len(proofs)} proofs passed" + (f", not {', '.join(failed)}" if failed else "")
    )
    return 1 if failed else 0
