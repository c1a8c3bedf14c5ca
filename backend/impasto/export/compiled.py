"""A network that AOTInductor has compiled to machine code."""

from __future__ import annotations

from pathlib import Path

import torch
from torch._inductor import aoti_compile_and_package, aoti_load_package
from torch._inductor.cpp_builder import get_cpp_compiler
from torch._inductor.exc import InvalidCxxCompiler
from torch.export import Dim

from impasto.export.formats import Runner
from impasto.export.program import in_order, sample
from impasto.export.source import Source
from impasto.nets.portable import LONGEST, sizes_up_to
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
    image = {side: Dim.AUTO(min=source.smallest, max=LONGEST) for side in (2, 3)}
    inputs = source.inputs(torch.empty(0))
    # What Inductor 2.15 makes of a convolution whose size is a symbol of its own reads the result in another order than
    # it is written in.
    with sizes_up_to(None):
        program = torch.export.export(
            source.net, sample(source), dynamic_shapes={name: image if name == "image" else {} for name in inputs}
        )
    aoti_compile_and_package(program, package_path=str(path), inductor_configs={"aot_inductor.metadata": source.told()})


def open_file(path: Path) -> Runner:
    """See `impasto.export.formats.Writer`."""
    return in_order(aoti_load_package(str(path)))
