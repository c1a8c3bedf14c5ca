"""onnxruntime-web, which runs networks in browsers: taken from npm once, or from where the user has it."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

import platformdirs

from impasto_link.errors import ImpastoError
from impasto_link.files import explain

#: The page is written for this version, and tried with it.
VERSION = "1.30.0"
PACKAGE = f"onnxruntime-web@{VERSION}"
#: SHA-512 of the package as npm has it.
_INTEGRITY = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
#: What the page needs of it: for the processor, and for graphics cards.
FILES = (
    "ort.wasm.min.mjs",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
    "ort.webgpu.min.mjs",
    "ort-wasm-simd-threaded.asyncify.mjs",
    "ort-wasm-simd-threaded.asyncify.wasm",
)
_BY_HAND = f"Fetch it where there is a network, with npm pack {PACKAGE}, and name the file: --runtime FILE.tgz"


def read_runtime(given: Path | None = None) -> Mapping[str, bytes]:
    """The files of onnxruntime-web that the page needs, by name.

    Args:
        given: a package as ``npm pack`` fetches it, or a folder with what is in one, such as
            ``node_modules/onnxruntime-web``. Without it the package comes from npm, and is kept in the user's cache.

    Raises:
        ImpastoError: it is not there, is another version, or is damaged; or npm is needed and fails.
    """
    if given is None:
        return _packed(_fetched())
    if given.is_dir():
        return _unpacked(given)
    if not given.is_file():
        raise ImpastoError(f"There is no {given}.", _BY_HAND)
    return _packed(given)


def _fetched() -> Path:
    kept = platformdirs.user_cache_path("impasto", appauthor=False) / f"onnxruntime-web-{VERSION}.tgz"
    if kept.is_file() and _is_whole(kept):
        return kept
    npm = shutil.which("npm")
    if npm is None:
        raise ImpastoError(
            f"The page needs {PACKAGE}, which comes from npm, and there is no npm here.",
            f"Install Node.js. Or: {_BY_HAND}",
        )
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            done = subprocess.run([npm, "pack", "--silent", PACKAGE], cwd=folder, capture_output=True, text=True)
            come = next(Path(folder).glob("*.tgz"), None)
            if done.returncode or come is None:
                last = done.stderr.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
                raise ImpastoError(f"npm could not fetch {PACKAGE}: {last[0]}", f"Look at the network. Or: {_BY_HAND}")
            if not _is_whole(come):
                raise ImpastoError(
                    f"What npm fetched as {PACKAGE} is not what it has to be.",
                    "Look where npm takes its packages from.",
                )
            come.replace(kept)
    except OSError as error:
        raise explain(error, Path(error.filename or kept), _BY_HAND) from error
    return kept


def _is_whole(package: Path) -> bool:
    with package.open("rb") as file:
        return hashlib.file_digest(file, "sha512").digest() == base64.b64decode(_INTEGRITY)


def _packed(package: Path) -> Mapping[str, bytes]:
    if not _is_whole(package):
        raise ImpastoError(f"{package} is not the package {PACKAGE}, or it is damaged.", _BY_HAND)
    try:
        with tarfile.open(package) as archive:
            return {name: _member(archive, f"package/dist/{name}") for name in FILES}
    except OSError as error:
        raise explain(error, package) from error


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def _unpacked(folder: Path) -> Mapping[str, bytes]:
    try:
        version = json.loads((folder / "package.json").read_bytes())["version"]
        if version == VERSION:
            return {name: (folder / "dist" / name).read_bytes() for name in FILES}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ImpastoError(f"{folder} does not hold onnxruntime-web: {error}.", _BY_HAND) from error
    raise ImpastoError(f"{folder} holds onnxruntime-web {version}; the page needs {VERSION}.", _BY_HAND)
