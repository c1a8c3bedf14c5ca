"""A network that AOTInductor has compiled to machine code."""

from __future__ import annotations

from pathlib import Path

from torch._inductor import aoti_compile_and_package, aoti_load_package
from torch._inductor.cpp_builder import get_cpp_compiler
from torch._inductor.exc import InvalidCxxCompiler

from impasto.export.formats import Runner
from impasto.export.program import for_compilers, in_order
from impasto.export.source import Source
from impasto_link.errors import ImpastoError


def write(source: Source, path: Path) -> None:
    """See `impasto.export.formats.Writer`. What it tells of itself is in its metadata.

    Raises:
        ImpastoError: there is no C++ compiler.
    """
    try:
        get_cpp_compiler()
    except InvalidCxxCompiler as error:
        raise ImpastoError(
            "AOTInductor needs a C++ compiler, and there is none.", "Install g++ or clang, or name one in CXX."
        ) from error
    aoti_compile_and_package(
        for_compilers(source), package_path=str(path), inductor_configs={"aot_inductor.metadata": source.told()}
    )


def open_file(path: Path) -> Runner:
    """See `impasto.export.formats.Writer`."""
    return in_order(aoti_load_package(str(path)))
