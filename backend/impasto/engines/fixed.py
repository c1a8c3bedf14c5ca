"""The engine ``fixed``: trained feed-forward networks, one per bank."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import psutil
import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.execution.strips import BLOCK_PIXELS, Plan, Tick
from impasto.execution.style_bank import FoldedStyleBank
from impasto.zoo.bank import load_body, load_codes, mix_codes
from impasto.zoo.library import Library
from impasto_link.errors import BadRequest, ModelProblem, NotEnoughMemory
from impasto_link.options import StyleChoice

log = logging.getLogger(__name__)


class FixedEngine:
    """Paints with the banks of a library on one device; keeps the networks it has used.

    Args:
        library: where the styles come from.
        device: where to compute.
    """

    def __init__(self, library: Library, device: torch.device) -> None:
        self.library = library
        self.device = device
        self.dtype = fast_dtype(device)
        self._bodies: dict[Path, tuple[int, FoldedStyleBank]] = {}

    def loaded(self) -> list[str]:
        """Names of the banks whose networks are in memory."""
        return [path.stem for path in self._bodies]

    def unload(self) -> None:
        """Forget the networks; they are loaded again when they are needed."""
        self._bodies.clear()

    def paint(
        self,
        photo: Tensor,
        styles: Sequence[StyleChoice],
        tick: Tick,
        weights: Tensor | None = None,
        origin: tuple[int, int] = (0, 0),
    ) -> Tensor:
        """Paint a picture.

        Args:
            photo: (1, 3, H, W) float32, sRGB in [0, 1], any size from 1 x 1.
            styles: what to paint like; mixed by weight if several.
            tick: told of the progress between strips.
            weights: how much each pixel counts in the statistics, (1, 1, H, W) in [0, 1]; all alike if not given.
            origin: row and column of the first pixel in a larger picture, whose grain it then has.

        Returns:
            The painted picture, of the same shape and range, float32.

        Raises:
            UnknownStyle, ModelProblem: a style or its weights are not there.
            BadRequest: the styles belong to different networks and cannot be mixed.
            NotEnoughMemory: the picture does not fit.
        """
        net, code = self._prepare(styles)
        height, width = photo.shape[-2:]
        # Reflection needs something to reflect; a picture of a few pixels is continued by its edge first.
        missing = (0, max(0, net.min_size - width), 0, max(0, net.min_size - height))
        if any(missing):
            photo = F.pad(photo, missing, mode="replicate")
            weights = None if weights is None else F.pad(weights, missing, mode="replicate")
        plan = self._plan(height * width)
        try:
            painted = net.paint(photo, code, plan, tick, weights, origin)
        except torch.OutOfMemoryError:
            if plan == SMALLEST:
                raise
            log.warning("the memory of %s does not suffice for %s, going on in smaller strips", self.device, plan)
            torch.cuda.empty_cache()
            painted = net.paint(photo, code, SMALLEST, tick, weights, origin)
        return painted[..., :height, :width]

    def _plan(self, pixels: int) -> Plan:
        """The fastest plan for a picture of that size that the memory allows."""
        available = available_memory(self.device)
        size = self.dtype.itemsize
        if pixels * _NUMBERS_KEEPING_ALL * size < available // 2:
            return Plan()
        needed = pixels * _NUMBERS_AT_LEAST * size
        if needed > available:
            raise NotEnoughMemory(
                f"A picture of {pixels / 1e6:.0f} megapixels needs about {needed / 2**30:.1f} GiB of memory, "
                f"and {available / 2**30:.1f} GiB are free.",
                "Choose a larger brush or a smaller region, or close other programs.",
            )
        return Plan(keep_all=False)

    def _prepare(self, styles: Sequence[StyleChoice]) -> tuple[FoldedStyleBank, Tensor]:
        found = [(self.library.style(choice.name), choice.weight) for choice in styles if choice.weight > 0]
        bodies = {style.bank.body for style, _ in found}
        if len(bodies) > 1:
            banks = " and ".join(sorted({style.bank.name for style, _ in found}))
            raise BadRequest(f"Styles of the banks {banks} cannot be mixed.", "Mix styles of one bank.")
        bank = found[0][0].bank
        home = self.library.body_of(bank)
        if home is None:
            raise ModelProblem(f"The bank {bank.name!r} belongs to a network ({bank.body}) that is not installed.")
        codes = []
        for style, _ in found:
            stored = load_codes(style.bank.weights)
            if style.name not in stored:
                raise ModelProblem(f"The file {style.bank.weights} does not hold the style {style.name!r} of its card.")
            codes.append(stored[style.name])
        net = self._body(home.weights)
        code = mix_codes(codes, [weight for _, weight in found])
        if code.shape[1] != net.code_length:
            raise ModelProblem(f"The styles of the bank {bank.name!r} do not fit its network.")
        return net, code

    def _body(self, path: Path) -> FoldedStyleBank:
        changed = path.stat().st_mtime_ns
        kept = self._bodies.get(path)
        if kept is None or kept[0] != changed:
            net = FoldedStyleBank(load_body(path), self.device, self.dtype)
            self._bodies[path] = kept = (changed, net)
            log.info("loaded the bank %s (%s, %s)", path.stem, self.device, str(self.dtype).removeprefix("torch."))
        return kept[1]


#: Numbers of the computing dtype that live at the same time, per pixel, at the widest place of the network, with and
#: without its maps of full size: measured at 4096 x 4096 (docs/speed.md).
_NUMBERS_KEEPING_ALL, _NUMBERS_AT_LEAST = 66, 26

#: What is tried last.
SMALLEST = Plan(strip_pixels=BLOCK_PIXELS, keep_all=False)


def available_memory(device: torch.device) -> int:
    """Bytes that a computation on the device can still have."""
    if device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    return int(psutil.virtual_memory().available)


def fast_dtype(device: torch.device) -> torch.dtype:
    """The number format in which the device computes fastest: bfloat16 where it has instructions for it."""
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    has_bf16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if has_bf16 else torch.float32
