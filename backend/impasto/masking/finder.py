"""Masks of subjects: found once for each picture, then kept."""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor

from impasto.engines.devices import fast_dtype
from impasto.masking.edges import follow_edges
from impasto.masking.others import RembgModels
from impasto.masking.subject import find_mask
from impasto.nets.unet import SubjectNet
from impasto.zoo.library import file_version
from impasto.zoo.subject import load_subject_net, subject_model

log = logging.getLogger(__name__)

#: How much memory the kept masks may take, in bytes.
_KEPT_BYTES = 2**28


class SubjectFinder:
    """Finds subjects on one device; keeps the network, and the masks of the pictures last seen.

    Args:
        device: where to compute; once its memory has not sufficed, the CPU does it.
        dtype: the number format to compute in.
    """

    def __init__(self, device: torch.device, dtype: torch.dtype) -> None:
        self.device = device
        self.dtype = dtype
        self._net: tuple[object, SubjectNet] | None = None
        self._others = RembgModels()
        self._kept: OrderedDict[bytes, Tensor] = OrderedDict()

    def loaded(self) -> list[str]:
        """Names of the networks in memory."""
        return [*([subject_model().stem] if self._net else []), *self._others.loaded()]

    def unload(self) -> None:
        """Forget the networks and the masks."""
        self._net = None
        self._others.unload()
        self._kept.clear()

    def find(self, photo: Tensor, model: str, tick: Callable[[], None] = lambda: None) -> Tensor:
        """The mask of the subject of a picture, found at its first call and remembered by the picture's content.

        Args:
            photo: (1, 3, H, W) float32, sRGB in [0, 1], any size from 1 x 1, on the CPU.
            model: one of `impasto_link.options.MASK_MODELS`.
            tick: called between steps; may raise to stop.

        Returns:
            (1, 1, H, W) float32 in [0, 1]; all 0 if there is no subject. Do not change it in place.

        Raises:
            ModelProblem: the network is not there.
        """
        # With our own network's version, so that another one looks at all pictures anew.
        digest = hashlib.blake2b(f"{model} {file_version(subject_model())} {photo.shape}".encode(), digest_size=16)
        # Eight bits a channel are enough to tell pictures apart, and a quarter of the bytes.
        digest.update((photo * 255).round_().to(torch.uint8).contiguous().numpy().data)
        key = digest.digest()
        kept = self._kept.pop(key, None)
        if kept is None:
            tick()
            small = self._others.find(photo, model) if model != "impasto" else self._find(photo)
            tick()
            kept = (follow_edges(small, photo, tick) * 65535).round_().to(torch.uint16)
        self._kept[key] = kept
        while len(self._kept) > 1 and sum(mask.nbytes for mask in self._kept.values()) > _KEPT_BYTES:
            self._kept.popitem(last=False)
        return kept.float() / 65535

    def _find(self, photo: Tensor) -> Tensor:
        try:
            return find_mask(self._load(), photo).cpu()
        except torch.OutOfMemoryError as error:
            if self.device.type == "cpu":
                raise
            log.warning("the memory of %s does not suffice, the CPU finds the subject: %s", self.device, error)
        self._net = None
        torch.cuda.empty_cache()
        self.device, self.dtype = torch.device("cpu"), fast_dtype(torch.device("cpu"))
        return find_mask(self._load(), photo)

    def _load(self) -> SubjectNet:
        path = subject_model()
        version = file_version(path)
        if self._net is None or self._net[0] != version:
            net = load_subject_net(path).to(self.device, self.dtype).to(memory_format=torch.channels_last)
            self._net = (version, net)
            log.info("loaded %s (%s)", path.stem, self.device)
        return self._net[1]
