"""The device to compute on: which one, its number format, its free memory, and how to cut a picture for it."""

from __future__ import annotations

import ctypes
import logging
import os
import sys

import torch
import torch.nn.functional as F
from torch import Tensor

from impasto.engines.memory import free_memory
from impasto.execution.strips import BLOCK_PIXELS, Plan
from impasto_link.errors import NotEnoughMemory

log = logging.getLogger(__name__)

_FORMATS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
#: What is tried last.
SMALLEST = Plan(strip_pixels=BLOCK_PIXELS, keep_all=False)


def pick_device(name: str) -> torch.device:
    """The device for "auto", "cpu", "cuda" or "cuda:N"; "auto" is the first GPU if it can be used, else the CPU."""
    if name == "auto":
        gpu = torch.device("cuda:0")
        if not torch.cuda.is_available():
            return torch.device("cpu")
        problem = gpu_problem(gpu)
        if not problem:
            return gpu
        log.warning("the GPU cannot be used, so the CPU paints: %s", problem)
        return torch.device("cpu")
    return torch.device("cuda:0" if name == "cuda" else name)


def gpu_problem(gpu: torch.device) -> str:
    """Why a GPU that is there cannot compute, in PyTorch's words; empty if it can.

    A PyTorch that is newer than the GPU, or the other way round, sees it and has no code for it; that shows only when
    something is computed.
    """
    try:
        F.conv2d(torch.ones(1, 8, 8, 8, device=gpu), torch.ones(8, 8, 3, 3, device=gpu)).cpu()
    except (RuntimeError, AssertionError) as error:
        return str(error).partition("\n")[0]
    return ""


def available_memory(device: torch.device) -> int:
    """Bytes that a computation on the device can still have."""
    if device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    return free_memory()


def give_memory_back(device: torch.device) -> None:
    """Give back what no tensor has, which the allocators keep for the next ones."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    if sys.platform == "linux":
        # glibc's was told to keep everything: see `impasto.server.workers`. musl has no such function.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python, PyTorch or one of its libraries says that memory could not be had."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    # On the CPU PyTorch says it as a plain RuntimeError ("DefaultCPUAllocator: can't allocate memory").
    return isinstance(error, RuntimeError) and "alloc" in str(error)


def fast_dtype(device: torch.device) -> torch.dtype:
    """The number format in which the device computes fastest: bfloat16 where it has instructions for it.

    ``IMPASTO_DTYPE`` overrides it: float32, bfloat16 or float16.
    """
    asked = os.environ.get("IMPASTO_DTYPE", "")
    if asked in _FORMATS:
        return _FORMATS[asked]
    if asked:
        log.warning("IMPASTO_DTYPE is none of %s, and does not count: %r", ", ".join(_FORMATS), asked)
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    return torch.bfloat16 if _cpu_has_bfloat16() else torch.float32


def _cpu_has_bfloat16() -> bool:
    """Whether the CPU has instructions for bfloat16, and oneDNN may use them: without, it is 2 to 20 times slower."""
    has = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    # oneDNN knows what ONEDNN_MAX_CPU_ISA forbids it, but says yes to AVX-512 that can only emulate bfloat16, too.
    return has and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def plan_for(device: torch.device, pixels: int, keeping_all: int, at_least: int, dtype: torch.dtype) -> Plan:
    """The fastest plan for a picture that the memory allows.

    Args:
        device: where to compute.
        pixels: of the picture.
        keeping_all, at_least: numbers that live at the same time, per pixel, with and without the maps of full size.
        dtype: of these numbers.

    Raises:
        NotEnoughMemory: not even the least fits; the message says how much is needed.
    """
    wanted = 2 * pixels * keeping_all * dtype.itemsize
    available = available_memory(device)
    if wanted >= available:
        # What earlier pictures have left with the allocators is free, too.
        give_memory_back(device)
        available = available_memory(device)
    if wanted < available:
        return Plan()
    check_memory(available, pixels, pixels * at_least * dtype.itemsize)
    return Plan(keep_all=False)


def check_memory(available: int, pixels: int, needed: int) -> None:
    """Raise NotEnoughMemory if a picture of so many pixels needs more bytes than are available."""
    if needed > available:
        raise NotEnoughMemory(
            f"A picture of {pixels / 1e6:.0f} megapixels needs about {needed / 2**30:.1f} GiB of memory, "
            f"and {available / 2**30:.1f} GiB are free.",
            "Choose a larger brush or a smaller region, or close other programs.",
        )


def pad_to(smallest: int, photo: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Picture and weights, continued by their edge to ``smallest`` pixels: reflection needs something to reflect."""
    height, width = photo.shape[-2:]
    missing = (0, max(0, smallest - width), 0, max(0, smallest - height))
    if not any(missing):
        return photo, weights
    photo = F.pad(photo, missing, mode="replicate")
    return photo, None if weights is None else F.pad(weights, missing, mode="replicate")
