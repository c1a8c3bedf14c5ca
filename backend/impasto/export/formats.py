"""The file formats, by their suffixes. What each needs is imported when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from impasto.export.source import Source
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
        extra: of Impasto, that brings what it needs.
    """

    suffix: str
    title: str
    module: str
    extra: str

    def load(self) -> Writer:
        """The module; raises ImpastoError if something that it needs is not installed."""
        try:
            return import_module(f"impasto.export.{self.module}")
        except ImportError as error:
            raise ImpastoError(
                f"{self.title} needs {error.name}, which is not installed.", f"pip install 'impasto[{self.extra}]'"
            ) from error


FORMATS = (Format(".onnx", "ONNX", "onnx", "export"),)


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
