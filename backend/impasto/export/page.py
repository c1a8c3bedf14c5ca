"""The page that paints in a browser: one folder for any web server, with networks, styles and what runs them.

Its look and half of its scripts are those of the web face's page, which are taken from there.
"""

from __future__ import annotations

import base64
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import torch
from torch import Tensor, nn

from impasto.export.check import sample
from impasto.export.ort_web import read_runtime
from impasto.export.run import export
from impasto.export.source import Source
from impasto.nets.portable import PortableStyleBank
from impasto.nets.style_bank import StyleBankNet
from impasto.zoo.bank import StyleCodes, load_body, load_codes
from impasto.zoo.library import Library, Style
from impasto.zoo.student import find_student, load_student_codes
from impasto_link import __version__
from impasto_link.errors import BadRequest, quoted
from impasto_link.files import explain
from impasto_link.options import STYLIZE

#: What the page may do: nothing but with what lies in its folder.
POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "worker-src 'self'",
        "connect-src 'self'",
        "img-src 'self' blob:",
        "style-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
#: By which a folder is known as such a page.
_FACTS = "page.json"
#: What the web face's page and this one share.
_SHARED = (
    "gallery.js",
    "icon.svg",
    "mixture.js",
    "options.js",
    "paintings.js",
    "photos.js",
    "progress.js",
    "stage.js",
    "style.css",
)
#: Bytes that onnxruntime-web takes for each number that has to be there at once, measured in Chromium (docs/page.md).
_BYTES_PER_NUMBER = 5.2
#: The trial that each browser has to pass has this height and width; odd, so that the edges are tried, too.
_TRIAL = 61, 75


class Offered(NamedTuple):
    """A network that the page offers.

    Attributes:
        name: of its files.
        title, tip: as the page calls it, and what it is good for.
        net: the network.
        codes: of the styles that it paints, by name.
    """

    name: str
    title: str
    tip: str
    net: StyleBankNet
    codes: Mapping[str, StyleCodes]


class Written(NamedTuple):
    """What was written.

    Attributes:
        folder: the page.
        sizes: the bytes of each file, by its path in the folder.
        styles: how many styles there are.
    """

    folder: Path
    sizes: Mapping[str, int]
    styles: int


def offered_networks(library: Library, name: str | None = None) -> list[Offered]:
    """The network of a bank, and the smaller one that paints like it, if there is one.

    Args:
        library: where they are.
        name: of the bank; without it the one that comes with Impasto.

    Raises:
        ModelProblem, BadRequest: there is no such bank, or its network is not there.
    """
    banks = [bank for bank in library.banks() if not bank.is_kept_picture]
    bank = next((bank for bank in banks if bank.name == name or (name is None and bank.has_body)), None)
    if bank is None:
        there = ", ".join(bank.name for bank in banks)
        raise BadRequest(f"There is no bank {quoted(name or '')} for the page.", f"There are: {there}.")
    home = library.body_of(bank.body)
    if home is None:
        raise BadRequest(bank.homeless())
    codes = {
        style.name: load_codes(style.bank.weights)[style.name]
        for style in library.styles()
        if style.bank.body == bank.body
    }
    best = Offered(home.name, "Best", "The network that Impasto itself paints with", load_body(home.weights), codes)
    student = find_student(library.folders, bank.body)
    if student is None:
        return [best]
    small = {name: one for name, one in load_student_codes(student.path).items() if name in codes}
    tip = "A smaller network, which paints nearly alike in a fraction of the time"
    return [best, Offered(student.path.stem, "Quick", tip, load_body(student.path), small)]


def write_page(
    folder: Path,
    offered: Sequence[Offered],
    library: Library,
    *,
    replace: bool = False,
    runtime: Path | None = None,
    tell: Callable[[str], None] = lambda said: None,
) -> Written:
    """Write the page, whole or not at all.

    Args:
        folder: is made. If it is there it has to be empty, or a page, which then is replaced if ``replace`` says so.
        offered: the networks; the first one is the usual.
        library: has the styles of which they have codes.
        replace: whether a page that is there may go.
        runtime: where onnxruntime-web is; see `impasto.export.ort_web.read_runtime`.
        tell: told how well a network paints once it was written.

    Raises:
        ImpastoError: something of it is not there, or the folder cannot be written.
    """
    check_folder(folder, replace)
    binaries = read_runtime(runtime)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Beside it, for to move a folder within a disk takes no room.
        with tempfile.TemporaryDirectory(prefix=".impasto-", dir=folder.parent) as partial:
            whole = Path(partial) / "page"
            whole.mkdir()
            page = _Page(whole, offered, library, binaries, tell)
            page.fill()
            sizes = {path.relative_to(whole).as_posix(): path.stat().st_size for path in _files(whole)}
            if folder.exists():
                folder.rename(Path(partial) / "before")
            whole.rename(folder)
    except OSError as error:
        raise explain(error, Path(error.filename or folder), "Name another folder.") from error
    return Written(folder, sizes, len(page.styles))


def check_folder(folder: Path, replace: bool) -> None:
    """Raise ImpastoError if no page may be written there."""
    if not folder.is_dir():
        if folder.exists():
            raise BadRequest(f"{folder} is a file; the page is a folder.", "Name another.")
        return
    try:
        is_empty = next(folder.iterdir(), None) is None
    except OSError as error:
        raise explain(error, folder, "Name another folder.") from error
    if is_empty:
        return
    if not (folder / _FACTS).is_file():
        raise BadRequest(f"{folder} is not empty, and no page of Impasto.", "Name a new folder, or an empty one.")
    if not replace:
        raise BadRequest(f"{folder} is there already.", "Name another, or give --existing replace.")


class _Page:
    def __init__(
        self,
        folder: Path,
        offered: Sequence[Offered],
        library: Library,
        binaries: Mapping[str, bytes],
        tell: Callable[[str], None],
    ) -> None:
        self._folder, self._offered, self._binaries, self._tell = folder, offered, binaries, tell
        known = {name for one in offered for name in one.codes}
        self.styles = [style for style in library.styles() if style.name in known]
        if not self.styles:
            raise BadRequest("There are no styles for the page.", "All that there are: impasto styles")

    def fill(self) -> None:
        """Write all files."""
        self._write_scripts()
        runtime = self._folder / "runtime"
        runtime.mkdir(exist_ok=True)
        for name, content in self._binaries.items():
            (runtime / name).write_bytes(content)
        facts = {
            "version": __version__,
            "options": [*self._options()],
            "styles": [self._style(style) for style in self.styles],
            "networks": [self._network(one) for one in self._offered],
            "runtime": {name: len(content) for name, content in self._binaries.items()},
        }
        self._write_json(_FACTS, facts)
        # Last, for it names the others.
        self._write_list()

    def _write_scripts(self) -> None:
        package = files("impasto")
        sources = [*(package / "export" / "page").iterdir(), *(package / "web" / "page" / name for name in _SHARED)]
        for source in sources:
            content = source.read_text(encoding="utf-8").replace("@POLICY@", POLICY)
            (self._folder / source.name).write_text(content, encoding="utf-8", newline="\n")

    def _options(self) -> Iterator[dict[str, Any]]:
        """The rows of the page, as its scripts know them from the web face."""
        strength = STYLIZE["strength"]
        names = ("name", "kind", "title", "tip", "unit", "default")
        yield {name: getattr(strength, name) for name in names} | {"least": strength.low, "most": strength.high}
        if len(self._offered) > 1:
            choices = [{"value": one.name, "title": one.title, "tip": one.tip} for one in self._offered]
            yield {
                "name": "network",
                "kind": "choice",
                "title": "Quality",
                "tip": "Which network paints",
                "default": choices[0]["value"],
                "choices": choices,
            }
        yield {
            "name": "compute",
            "kind": "choice",
            "title": "Compute",
            "tip": "What computes the painting",
            "default": "auto",
            "choices": [
                {
                    "value": "auto",
                    "title": "As is best",
                    "tip": "The graphics card if there is one, else the processor",
                },
                {"value": "gpu", "title": "Graphics card", "tip": "By WebGPU"},
                {"value": "cpu", "title": "Processor", "tip": "By WebAssembly"},
            ],
        }

    def _style(self, style: Style) -> dict[str, Any]:
        entry = style.to_wire()
        thumbnail = style.thumbnail()
        if thumbnail is not None:
            path = self._folder / "styles" / f"{style.name}.jpg"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(thumbnail)
            entry["thumbnail"] = f"styles/{quote(path.name)}"
        return entry

    def _network(self, offered: Offered) -> dict[str, Any]:
        name, net = offered.name, offered.net
        codes = {
            style: torch.stack([one.at(1.0, strength) for strength in one.grid.strengths])
            for style, one in offered.codes.items()
        }
        entries = {
            style: {"strengths": offered.codes[style].grid.strengths, "codes": _numbers(of_style)}
            for style, of_style in codes.items()
        }
        self._write_json(f"{name}.codes.json", {"length": net.code_length, "styles": entries})
        first, at_full = next(iter(codes)), next(iter(codes.values()))[-1:]
        source = Source(name, PortableStyleBank(net).eval(), "painting", net.min_size, {"name": name}, {first: at_full})
        file = self._folder / f"{name}.onnx"
        export(source, file, replace=False, tell=lambda found: self._tell(f"{offered.title}: {found}"))
        return {
            "name": name,
            "file": f"{quote(name)}.onnx",
            "bytes": file.stat().st_size,
            "codes": f"{quote(name)}.codes.json",
            "least": net.min_size,
            "bytes_per_pixel": _BYTES_PER_NUMBER * _numbers_per_pixel(net),
            "reference": {"style": first, **_trial(source)},
        }

    def _write_json(self, name: str, content: Any) -> None:
        (self._folder / name).write_text(
            json.dumps(content, separators=(",", ":")) + "\n", encoding="utf-8", newline="\n"
        )

    def _write_list(self) -> None:
        """What the service worker keeps, under a version that changes with any of it."""
        digest = hashlib.sha256()
        names = []
        for path in _files(self._folder):
            names.append(quote(path.relative_to(self._folder).as_posix()))
            digest.update(names[-1].encode() + path.read_bytes())
        lines = {"VERSION": digest.hexdigest()[:16], "FILES": names, "POLICY": POLICY}
        text = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in lines.items())
        (self._folder / "files.js").write_text(text, encoding="utf-8", newline="\n")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _trial(source: Source) -> dict[str, Any]:
    """A small photo, and its painting, by which a browser sees whether it computes rightly."""
    photo = sample(*_TRIAL).mul(255).round().to(torch.uint8)
    painting = source.reference(photo / 255).mul(255).round().to(torch.uint8)
    return {"height": _TRIAL[0], "width": _TRIAL[1], "photo": _numbers(photo), "painting": _numbers(painting)}


def _numbers_per_pixel(net: StyleBankNet) -> int:
    """At the widest place: before the last upsampled convolution, its input padded, and its output."""
    conv = net.up[-1].get_submodule("conv")
    assert isinstance(conv, nn.Conv2d)
    return 2 * conv.in_channels + conv.out_channels


def _numbers(values: Tensor) -> str:
    return base64.b64encode(values.contiguous().numpy().tobytes()).decode()
