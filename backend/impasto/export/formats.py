"""The file formats, by their suffixes. What each needs is imported when it is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from impasto.export.source import Source
from impasto.nets.portable import LONGEST
from impasto_link.errors import BadRequest, ImpastoError, quoted

#: Runs a file: inputs by name, (1, ...) float32 each, to the output.
Runner = Callable[[Mapping[str, np.ndarray]], np.ndarray]


class Writer(Protocol):
    """What the module of a format has."""

    def write(self, source: Source, path: Path) -> None:
        """Write a network; files beside ``path`` begin with its stem."""
        ...

    def open_file(self, path: Path) -> Runner:
        """Load a file into its own runtime, on the CPU."""
        ...


class Format(NamedTuple):
    """A format.

    Attributes:
        suffix: by which it is chosen.
        title: what people call it.
        module: of this package, that writes and runs it.
        extra: of Impasto, that brings what it needs; none if that is PyTorch.
        beside: the suffix of a second file, next to the first.
        longest: the longest side of a picture that it takes, in pixels.
        int8: whether networks in 8 bits can be written in it.
        note: what whoever chooses it should know.
    """

    suffix: str
    title: str
    module: str
    extra: str = ""
    beside: str = ""
    longest: int = LONGEST
    int8: bool = False
    note: str = ""

    def load(self) -> Writer:
        """The module; raises ImpastoError if something that it needs is not installed, or too old."""
        remedy = f"pip install --upgrade 'impasto[{self.extra}]'"
        for package, least in _needs(self.extra):
            try:
                found = version(package)
            except PackageNotFoundError:
                continue
            if _numbers(found) < _numbers(least):
                raise ImpastoError(f"{self.title} needs {package} {least} or newer, and {found} is installed.", remedy)
        try:
            return import_module(f"impasto.export.{self.module}")
        except ImportError as error:
            raise ImpastoError(f"{self.title} needs {error.name}, which is not installed.", remedy) from error

    def files(self, path: Path) -> list[Path]:
        """All files of one network; the last is the one that is named."""
        return [path.with_suffix(self.beside), path] if self.beside else [path]


FORMATS = (
    Format(".onnx", "ONNX", "onnx", "export", int8=True),
    Format(".xml", "OpenVINO IR", "openvino", "export", beside=".bin", int8=True),
    Format(".pt2", "torch.export", "program"),
    Format(".aoti.pt2", "AOTInductor", "compiled", note="It is for this kind of machine and this version of PyTorch."),
    Format(
        ".pt", "TorchScript", "torchscript", note="PyTorch has given TorchScript up; .pt2 is what it has in its place."
    ),
    Format(
        ".pte",
        "ExecuTorch",
        "executorch",
        "executorch",
        longest=1024,
        note="It takes pictures of up to 1024 pixels a side: their memory is laid out beforehand.",
    ),
    Format(".engine", "TensorRT", "tensorrt", "tensorrt", note="It is for this card and this version of TensorRT."),
)


def format_of(path: Path) -> Format:
    """The format that a file's name asks for.

    Raises:
        BadRequest: none has this suffix.
    """
    for one in sorted(FORMATS, key=lambda one: -len(one.suffix)):
        if path.name.lower().endswith(one.suffix):
            return one
    known = ", ".join(f"{one.suffix} ({one.title})" for one in FORMATS)
    raise BadRequest(f"There is no format for the name {quoted(path.name)}.", f"Choose a suffix: {known}.")


def _needs(extra: str) -> list[tuple[str, str]]:
    """The packages of an extra, each with the oldest version that will do."""
    wanted = re.compile(rf"""([\w-]+)>=([\d.]+).*extra == ["']{extra}["']""")
    return [(found[1], found[2]) for line in requires("impasto") or () if (found := wanted.match(line))]


def _numbers(text: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", text)]
