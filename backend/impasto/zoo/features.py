"""Which network measures pictures for a refinement: VGG-19 where it is, else the compact encoder, with a word."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from impasto.nets.encoder import HEADS, CompactEncoder
from impasto.nets.vgg import VGG19Features
from impasto.progress import Look
from impasto.zoo.download import Download
from impasto.zoo.encoder import FILE_NAME, load_compact_encoder
from impasto.zoo.library import Library, user_models
from impasto.zoo.shelf import Shelf
from impasto.zoo.vgg import load_vgg19
from impasto_link.errors import ModelProblem, quoted
from impasto_link.sentences import say

#: A VGG-19 of the user's own, in one of these files of the model folder, comes before torchvision's.
OWN_VGG = ("vgg19.safetensors", "vgg19.pth")
#: As torchvision has it, which takes seconds to ask: it brings torch's compiler along.
TORCHVISION_URL = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
_TORCHVISION_BYTES = 574_673_361


class _Look(torch.autograd.Function):
    """Nothing but a place on the way back where somebody may look around."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, look: Look) -> Tensor:
        ctx.look = look
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        ctx.look()
        return slope, None


class Features:
    """A network that measures, on its device.

    Attributes:
        names: the layers that it gives.
        dtype: what it is given pictures in.
    """

    def __init__(self, net: VGG19Features | CompactEncoder, device: torch.device, dtype: torch.dtype) -> None:
        # float16 is too narrow for the sums that VGG-19's features come to.
        self.dtype = torch.float32 if dtype == torch.float16 else dtype
        net = net.to(device, self.dtype).to(memory_format=torch.channels_last)
        self._run = net if isinstance(net, VGG19Features) else net.vgg_features
        self.names: Collection[str] = net.names if isinstance(net, VGG19Features) else HEADS.keys()
        self._look_around: Look | None = None
        for part in net.modules():
            if isinstance(part, nn.Conv2d):
                part.register_forward_hook(self._look)

    def __call__(self, x: Tensor, wanted: Collection[str], look: Look | None = None) -> Mapping[str, Tensor]:
        """Features of (1, 3, H, W) in [0, 1] by layer name.

        On a CPU one way there and back can take many seconds, so ``look`` is called after every convolution.
        """
        before, self._look_around = self._look_around, look
        try:
            return self._run(x.contiguous(memory_format=torch.channels_last), wanted)
        finally:
            self._look_around = before

    def _look(self, layer: nn.Module, given: object, result: Tensor) -> Tensor | None:
        if self._look_around is None:
            return None
        self._look_around()
        # A GPU's way back has a thread of its own, and takes no time worth a look.
        return _Look.apply(result, self._look_around) if result.requires_grad and result.device.type == "cpu" else None


class FeatureSource:
    """Finds the network that measures, and keeps it.

    Args:
        library: where the compact encoder is.
        device: where to compute.
        dtype: in which numbers.
    """

    def __init__(self, library: Library, device: torch.device, dtype: torch.dtype) -> None:
        self._library, self._device, self._dtype = library, device, dtype
        self._shelf = Shelf()

    def loaded(self) -> list[str]:
        """Names of the networks in memory."""
        return self._shelf.names()

    def unload(self) -> None:
        """Forget them."""
        self._shelf.clear()

    def get(self, choice: str) -> tuple[Features, str]:
        """The network for a word of `impasto_link.options.RefineOptions`, and what a person should be told, or nothing.

        With "auto" and no VGG-19 at hand its download is begun, and meanwhile the compact encoder serves: a job never
        waits for the network.

        Raises:
            ModelProblem: VGG-19 was asked for and is not there yet, or what is there is damaged.
        """
        if choice == "compact":
            return self._compact(), ""
        path = find_vgg()
        if path is not None:
            return self._keep("vgg19", path, _load_vgg), ""
        state = _forbidden() or _begin_download()
        if choice == "vgg19":
            raise ModelProblem(say("{state}.", state=state), "Try again later, or refine with the compact encoder.")
        note = say("{state}; Impasto's compact encoder refines in its place, less finely.", state=state)
        return self._compact(), note

    def _compact(self) -> Features:
        return self._keep("encoder", self._library.model(FILE_NAME), load_compact_encoder)

    def _keep(self, name: str, path: Path, load: Callable[[Path], VGG19Features | CompactEncoder]) -> Features:
        """The network of a file; loaded again when the file was replaced."""
        return self._shelf.take(name, [path], lambda: Features(load(path), self._device, self._dtype))


def _load_vgg(path: Path) -> VGG19Features:
    try:
        return load_vgg19(path)
    except (OSError, ValueError, RuntimeError) as error:
        raise ModelProblem(
            say("The VGG-19 in {path} cannot be used: {error}.", path=path, error=error),
            "Remove the file; it is downloaded again.",
        ) from error


def find_vgg() -> Path | None:
    """The file of VGG-19: that of ``IMPASTO_VGG19``, one in the user's model folder, or torchvision's own."""
    named = os.environ.get("IMPASTO_VGG19")
    candidates = [Path(named)] if named else [user_models() / name for name in OWN_VGG]
    return next((path for path in [*candidates, torchvision_download().target] if path.is_file()), None)


def fetch_vgg() -> None:
    """Download VGG-19 if it is not there and may be downloaded, and wait for it.

    Raises:
        ModelProblem: the download failed.
    """
    if find_vgg() is None and not _forbidden():
        torchvision_download().start()
        torchvision_download().wait()


def _begin_download() -> str:
    """Download VGG-19 in the background; how far it is, or what went wrong."""
    download = torchvision_download()
    if download.start():
        done, whole = f"{download.fraction():.0%}", f"{_TORCHVISION_BYTES / 1e6:.0f}"
        return say("VGG-19 is being downloaded ({done} of {whole} MB)", done=done, whole=whole)
    return say("VGG-19 could not be downloaded ({reason})", reason=download.error)


def _forbidden() -> str:
    """Why VGG-19 may not be downloaded, or nothing."""
    if named := os.environ.get("IMPASTO_VGG19"):
        # Who names a file does not want half a gigabyte to be fetched because of a slip.
        return say("IMPASTO_VGG19 names {file}, and there is no such file", file=quoted(named))
    if os.environ.get("IMPASTO_OFFLINE"):
        return say("VGG-19 is not there, and IMPASTO_OFFLINE forbids to download it")
    return ""


_download: Download | None = None


def torchvision_download() -> Download:
    """torchvision's VGG-19, to where torchvision itself looks for it."""
    global _download
    if _download is None:
        target = Path(torch.hub.get_dir()) / "checkpoints" / TORCHVISION_URL.rpartition("/")[2]
        # The file's name carries the beginning of its hash.
        _download = Download(TORCHVISION_URL, target, target.stem.rpartition("-")[2], _TORCHVISION_BYTES)
    return _download
