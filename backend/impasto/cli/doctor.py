"""Look whether everything is as it has to be, and say how to mend what is not.

That is the editors, the server, the models and the GPU.

The exit status is 0 if a picture can be painted, 1 if not.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from impasto.cli.running import connect_to_running
from impasto.client import Server
from impasto.engines.registry import engine_problems
from impasto.install import EDITORS
from impasto.install.editor import Editor
from impasto.masking.models import mask_model_problems
from impasto.zoo.library import Library
from impasto_link import __version__, codec
from impasto_link.discovery import disbelieved, log_file
from impasto_link.errors import ImpastoError
from impasto_link.files import explain
from impasto_link.launch import server_command
from impasto_link.state import home_dir, problems, runtime_dir


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        words: how it is.
        mend: what to do about it; empty if it is as it should be.
        grave: whether nothing can be painted like this.
    """

    words: str
    mend: str = ""
    grave: bool = False

    @classmethod
    def of(cls, error: ImpastoError, *, grave: bool = False) -> Finding:
        """What an error says."""
        return cls(error.message, error.hint or "Mend that, then look again: impasto doctor", grave)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    pass


def run(options: argparse.Namespace) -> int:
    grave = False
    editors: list[tuple[str, Callable[[], Iterator[Finding]]]]
    editors = [(editor.title, partial(_editor, editor)) for editor in EDITORS.values()]
    for title, look in (*editors, ("server", _server), ("models", _models), ("GPU", _gpu)):
        for finding in _findings(look):
            mark = "ok" if not finding.mend else "!!" if finding.grave else "--"
            print(f"{mark}  {title:7} {finding.words}")
            if finding.mend:
                print(f"            {finding.mend}")
            grave = grave or finding.grave
    return 1 if grave else 0


def _findings(look: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except ImpastoError as error:
        yield Finding.of(error, grave=True)
    except OSError as error:
        yield Finding.of(explain(error, Path(error.filename or home_dir())))


def _editor(editor: Editor[Any]) -> Iterator[Finding]:
    with suppress(ImpastoError):
        if (shut_off := editor.shut_off()) is not None:
            yield Finding.of(shut_off)
    try:
        found = editor.find()
    except ImpastoError:
        yield Finding(editor.none)
        return
    for one in found:
        if not one.has_plugin:
            yield Finding(f"{one.title}: the plugin is not installed", f"impasto install {editor.name}")
            continue
        yield _installed(editor.name, one.title, one.package)
        for words, mend in editor.faults(one):
            yield Finding(f"{one.title}: {words}", mend)
        if one.sandboxed:
            yield Finding(
                f"{one.title} cannot start the server by itself", "Before you paint, run in a terminal: impasto serve"
            )


def _installed(editor: str, title: str, package: Path) -> Finding:
    """Whether what was installed speaks as this Impasto does."""
    link = package / "vendor" / "impasto_link"
    try:
        same = f"PROTOCOL = {codec.PROTOCOL}\n" in (link / "codec.py").read_text(encoding="utf-8")
        newest = f'__version__ = "{__version__}"' in (link / "__init__.py").read_text(encoding="utf-8")
    except OSError:
        return Finding(f"{title}: parts of the plugin are missing in {package}", f"impasto install {editor}")
    if not (same and newest):
        return Finding(f"{title}: the plugin is of another version", f"impasto install {editor}")
    return Finding(f"{title}: the plugin is in {package}")


def _server() -> Iterator[Finding]:
    in_the_way = [*problems()] or [*disbelieved()]
    for problem in in_the_way:
        yield Finding.of(problem, grave=True)
    if in_the_way:
        return
    try:
        client = connect_to_running()
    except ImpastoError as error:
        yield Finding.of(error, grave=True)
        return
    if client is None:
        yield Finding("does not run; it starts by itself when it is needed")
        yield from _start_by_editors()
    else:
        with Server(client) as server:
            status = server.status()
        devices = ", ".join(f"{one['device']} {one['state']}" for one in status["workers"])
        yield Finding(f"version {status['version']} runs as process {status['pid']}: {devices}")
        if all(one["state"] == "broken" for one in status["workers"]):
            words = f"its worker does not start; its log says why: {log_file()}"
            yield Finding(words, "impasto stop, then try again", grave=True)
        if status["version"] != __version__:
            yield Finding(f"it is of another version than this one, {__version__}", "impasto stop")
    folder = runtime_dir()
    free = shutil.disk_usage(folder).free
    if free < 1 << 30:
        yield Finding(f"only {free >> 20} MiB are free on the disk of {folder}", "Make room: the server writes there.")


def _start_by_editors() -> Iterator[Finding]:
    """Editors do not know where Impasto is installed; what they remember may have been moved."""
    try:
        server_command()
    except ImpastoError as error:
        yield Finding(f"editors cannot start it: {error.message}", "Run once: impasto serve")


def _models() -> Iterator[Finding]:
    library = Library()
    styles = library.styles()
    if styles:
        yield Finding(f"{len(styles)} styles")
    else:
        yield Finding("there is no style at all", "The models are missing: install Impasto anew.", grave=True)
    for problem in (*library.problems(), *engine_problems(), *mask_model_problems()):
        yield Finding(problem, "Take the file away, or train it anew: impasto train")


def _gpu() -> Iterator[Finding]:
    import torch

    from impasto.compute.accelerator import accelerators, backend_of, built_for, device_problem

    found = accelerators()
    for device in found:
        backend, problem = backend_of(device), device_problem(device)
        if problem:
            yield Finding(
                f"{backend.name(device)} cannot be used by PyTorch {torch.__version__}: {problem}",
                "Install a PyTorch made for it, https://pytorch.org/get-started; until then the CPU paints.",
            )
        else:
            free, whole = backend.memory(device)
            yield Finding(f"{backend.name(device)}, {free / 2**30:.1f} of {whole / 2**30:.1f} GiB are free")
    if found:
        return
    if not built_for():
        yield Finding(f"none used: this PyTorch, {torch.__version__}, is made for the CPU")
    elif any(map(shutil.which, ("nvidia-smi", "rocm-smi", "xpu-smi"))):
        yield Finding(
            f"there is one, but PyTorch {torch.__version__} cannot use it",
            f"Install a driver for {built_for()}, or a PyTorch made for your GPU; until then the CPU paints.",
        )
    else:
        yield Finding("none; the CPU paints")
