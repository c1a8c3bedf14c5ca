"""Masks of subjects: found once for each picture, then kept."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor

from impasto.masking.base import MaskModel
from impasto.masking.edges import follow_edges
from impasto.masking.models import make_mask_model
from impasto.zoo.library import Library

#: How much memory the kept masks may take, in bytes.
_KEPT_BYTES = 2**28


class SubjectFinder:
    """Finds subjects on one device; keeps the networks, and the masks of the pictures last seen.

    Args:
        library: where our own network is.
        device: where to compute; where its memory does not suffice, the CPU does it.
    """

    def __init__(self, library: Library, device: torch.device) -> None:
        self._library, self._device = library, device
        self._models: dict[str, MaskModel] = {}
        self._kept: OrderedDict[bytes, Tensor] = OrderedDict()

    def loaded(self) -> list[str]:
        """Names of the networks in memory."""
        return [name for model in self._models.values() for name in model.loaded()]

    def unload(self) -> None:
        """Forget the networks and the masks."""
        for model in self._models.values():
            model.unload()
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
        network = self._model(model)
        # With the network's version, so that another one looks at all pictures anew.
        digest = hashlib.blake2b(f"{model} {network.version} {photo.shape}".encode(), digest_size=16)
        # Eight bits a channel are enough to tell pictures apart, and a quarter of the bytes.
        digest.update((photo * 255).round_().to(torch.uint8).contiguous().numpy().data)
        key = digest.digest()
        kept = self._kept.pop(key, None)
        if kept is None:
            tick()
            small = network.find(photo)
            tick()
            kept = (follow_edges(small, photo, tick) * 65535).round_().to(torch.uint16)
        self._kept[key] = kept
        while len(self._kept) > 1 and sum(mask.nbytes for mask in self._kept.values()) > _KEPT_BYTES:
            self._kept.popitem(last=False)
        return kept.float() / 65535

    def _model(self, name: str) -> MaskModel:
        if name not in self._models:
            self._models[name] = make_mask_model(name, self._library, self._device)
        return self._models[name]
