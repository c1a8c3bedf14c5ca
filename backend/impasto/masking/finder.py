"""Masks of subjects: found once for each picture, then kept."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor

from impasto.compute.accelerator import fast_dtype
from impasto.compute.ladder import with_cpu
from impasto.masking.edges import follow_edges
from impasto.masking.models import OURS, check_mask_model
from impasto.masking.rembg import RembgModels
from impasto.masking.subject import find_mask
from impasto.nets.unet import SubjectNet
from impasto.zoo.library import file_version
from impasto.zoo.shelf import Shelf
from impasto.zoo.subject import load_subject_net, subject_model

#: How much memory the kept masks may take, in bytes.
_KEPT_BYTES = 2**28


class SubjectFinder:
    """Finds subjects on one device; keeps the network, and the masks of the pictures last seen.

    Args:
        device: where to compute; where its memory does not suffice, the CPU does it.
        dtype: the number format to compute in; that in which the device is fastest if not given.
    """

    def __init__(self, device: torch.device, dtype: torch.dtype | None = None) -> None:
        self._device, self._dtype = device, dtype
        self._shelf = Shelf()
        self._others = RembgModels()
        self._kept: OrderedDict[bytes, Tensor] = OrderedDict()

    def loaded(self) -> list[str]:
        """Names of the networks in memory."""
        return [*self._shelf.names(), *self._others.loaded()]

    def unload(self) -> None:
        """Forget the networks and the masks."""
        self._shelf.clear()
        self._others.unload()
        self._kept.clear()

    def find(self, photo: Tensor, model: str, tick: Callable[[], None] = lambda: None) -> Tensor:
        """The mask of the subject of a picture, found at its first call and remembered by the picture's content.

        Args:
            photo: (1, 3, H, W) float32, sRGB in [0, 1], any size from 1 x 1, on the CPU.
            model: one of `impasto.masking.models.mask_models`.
            tick: called between steps; may raise to stop.

        Returns:
            (1, 1, H, W) float32 in [0, 1]; all 0 if there is no subject. Do not change it in place.

        Raises:
            BadRequest: there is no such network.
            ModelProblem: it is not there.
        """
        check_mask_model(model)
        # With our own network's version, so that another one looks at all pictures anew.
        digest = hashlib.blake2b(f"{model} {file_version(subject_model())} {photo.shape}".encode(), digest_size=16)
        # Eight bits a channel are enough to tell pictures apart, and a quarter of the bytes.
        digest.update((photo * 255).round_().to(torch.uint8).contiguous().numpy().data)
        key = digest.digest()
        kept = self._kept.pop(key, None)
        if kept is None:
            tick()
            small = self._others.find(photo, model) if model != OURS else self._find(photo)
            tick()
            kept = (follow_edges(small, photo, tick) * 65535).round_().to(torch.uint16)
        self._kept[key] = kept
        while len(self._kept) > 1 and sum(mask.nbytes for mask in self._kept.values()) > _KEPT_BYTES:
            self._kept.popitem(last=False)
        return kept.float() / 65535

    def _find(self, photo: Tensor) -> Tensor:
        return with_cpu(self._device, lambda device: find_mask(self._net(device), photo).cpu())

    def _net(self, device: torch.device) -> SubjectNet:
        path = subject_model()

        def load() -> SubjectNet:
            dtype = self._dtype or fast_dtype(device)
            return load_subject_net(path).to(device, dtype).to(memory_format=torch.channels_last)

        return self._shelf.take(path.stem, [path], load, device)
