"""Every format but ONNX: files that paint as Impasto does, or nothing at all, and a sentence.

Those that take long to write are in ``proof_formats.py``.
"""

from __future__ import annotations

import errno
import importlib.abc
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import openvino
import pytest
import torch
from torch import Tensor

from impasto.export import formats, onnx, program, torchscript
from impasto.export.check import psnr, sample
from impasto.export.formats import FORMATS, format_of
from impasto.export.run import export
from impasto.export.source import Source
from impasto.nets.portable import PortableStyleBank
from impasto.nets.style_bank import StyleBankNet
from impasto_link.errors import BadRequest, ImpastoError


@pytest.fixture(scope="session")
def source(net: StyleBankNet, codes: dict[str, Tensor]) -> Source:
    return Source("small", PortableStyleBank(net), "painting", 8, {"name": "small"}, codes, [{"name": "waves"}])


@pytest.fixture
def quick(source: Source, monkeypatch: pytest.MonkeyPatch) -> Source:
    """What is written in the twinkling of an eye as .pt, whose file is text."""

    def write(source: Source, path: Path) -> None:
        path.write_text("a network")

    def open_file(path: Path) -> formats.Runner:
        assert path.read_text() == "a network"
        return lambda inputs: source.reference(torch.from_numpy(inputs["image"])).numpy()

    monkeypatch.setattr(torchscript, "write", write)
    monkeypatch.setattr(torchscript, "open_file", open_file)
    return source


def paints_alike(run: formats.Runner, source: Source, height: int, width: int) -> bool:
    inputs = {name: value.numpy() for name, value in source.inputs(sample(height, width)).items()}
    made = torch.from_numpy(run(inputs))
    return psnr(made, source.reference(sample(height, width))) > 85


@pytest.mark.parametrize("suffix", [".xml", ".pt"])
def test_a_file_paints_as_impasto_does(
    suffix: str, source: Source, bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # That is written already.
    monkeypatch.setattr(onnx, "write", lambda source, path: shutil.copy(bank, path))
    told: list[object] = []
    path = export(source, tmp_path / f"small{suffix}", replace=False, tell=told.append)
    assert len(told) == 3
    wanted = format_of(path)
    assert sorted(tmp_path.iterdir()) == sorted(wanted.files(path))
    assert paints_alike(wanted.load().open_file(path), source, 9, 130)


def test_no_compiler(tmp_path: Path, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", ("no-compiler-of-this-name",))
    with pytest.raises(ImpastoError, match=r"needs a C\+\+ compiler"):
        export(source, tmp_path / "small.aoti.pt2", replace=False)
    assert not any(tmp_path.iterdir())


def test_files_say_what_they_are(source: Source, bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "write", lambda source, path: shutil.copy(bank, path))
    path = tmp_path / "small.xml"
    format_of(path).load().write(source, path)
    read = openvino.Core().read_model(path)
    assert json.loads(read.get_rt_info(["impasto", "card"]).astype(str)) == {"name": "small"}
    program_file = tmp_path / "small.pt2"
    saved = {"impasto.card": ""}
    program.write(source, program_file)
    torch.export.load(program_file, extra_files=saved)
    assert json.loads(saved["impasto.card"]) == {"name": "small"}


@pytest.mark.parametrize("name", ["small.gguf", "small", "pt"])
def test_no_such_format(name: str, quick: Source, tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="no format") as caught:
        export(quick, tmp_path / name, replace=False)
    assert all(form.suffix in caught.value.hint for form in FORMATS)


class Absent(importlib.abc.MetaPathFinder):
    """Some packages are not installed."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname.split(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return None


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("onnx", "openvino", "executorch", "tensorrt")
    for module in list(sys.modules):
        if module.split(".")[0] in names or module.removeprefix("impasto.export.") in names:
            monkeypatch.delitem(sys.modules, module)
    monkeypatch.setattr(sys, "meta_path", [Absent(*names), *sys.meta_path])


@pytest.mark.usefixtures("absent")
@pytest.mark.parametrize("suffix", [".onnx", ".xml", ".pte", ".engine"])
def test_a_package_is_missing(suffix: str, source: Source, tmp_path: Path) -> None:
    with pytest.raises(ImpastoError, match="which is not installed") as caught:
        export(source, tmp_path / f"small{suffix}", replace=False)
    extra = format_of(Path(f"a{suffix}")).extra
    assert caught.value.hint == f"pip install --upgrade 'impasto[{extra}]'"
    assert not any(tmp_path.iterdir())


def test_a_package_is_too_old(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "version", lambda package: "2024.10.0" if package == "openvino" else "9999")
    with pytest.raises(ImpastoError, match=r"openvino 20\d\d\.\d or newer, and 2024\.10\.0 is installed"):
        export(source, tmp_path / "small.xml", replace=False)


def test_nothing_is_there_where_the_disk_was_full(
    quick: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(source: Source, path: Path) -> None:
        path.write_text("half of a netw")
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(torchscript, "write", write)
    with pytest.raises(OSError, match="No space"):
        export(quick, tmp_path / "small.pt", replace=False)
    assert not any(tmp_path.iterdir())


def test_a_file_that_paints_otherwise_is_refused(
    quick: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def at_odd_sizes_wrong(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
        painting = quick.reference(torch.from_numpy(inputs["image"])).numpy()
        return painting if painting.shape[3] % 4 == 0 else np.full_like(painting, np.nan)

    monkeypatch.setattr(torchscript, "open_file", lambda path: at_odd_sizes_wrong)
    with pytest.raises(ImpastoError, match="219 x 301"):
        export(quick, tmp_path / "small.pt", replace=False)
    assert not any(tmp_path.iterdir())


def test_what_the_exporter_stumbles_over_is_said(
    quick: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(source: Source, path: Path) -> None:
        raise RuntimeError("this operator\nis not known")

    monkeypatch.setattr(torchscript, "write", write)
    with pytest.raises(ImpastoError, match="small could not be made a file of TorchScript: this operator Try"):
        export(quick, tmp_path / "small.pt", replace=False)


@pytest.mark.parametrize("taken", ["small.xml", "small.bin"])
def test_what_is_there_stays(taken: str, source: Source, tmp_path: Path) -> None:
    (tmp_path / taken).write_text("a year's work")
    with pytest.raises(BadRequest, match="is there already"):
        export(source, tmp_path / "small.xml", replace=False)
    assert (tmp_path / taken).read_text() == "a year's work"


def test_what_is_there_is_replaced_if_so_told(quick: Source, tmp_path: Path) -> None:
    (tmp_path / "small.pt").write_text("an older network")
    export(quick, tmp_path / "small.pt", replace=True)
    assert (tmp_path / "small.pt").read_text() == "a network"


def test_a_folder_is_no_file(quick: Source, tmp_path: Path) -> None:
    (tmp_path / "small.pt").mkdir()
    with pytest.raises(BadRequest, match="is a folder"):
        export(quick, tmp_path / "small.pt", replace=True)
    with pytest.raises(BadRequest, match="no folder"):
        export(quick, tmp_path / "nowhere" / "small.pt", replace=True)


@pytest.mark.skipif(find_spec("tensorrt") is None, reason="the extra tensorrt is not installed")
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card")
def test_tensorrt_needs_a_card(source: Source, tmp_path: Path) -> None:
    with pytest.raises(ImpastoError, match="no NVIDIA card"):
        export(source, tmp_path / "small.engine", replace=False)
