"""Devices: which there are, their number formats and their memory. All that depends on the kind of a device is here.

A kind of device is one class, `Backend`, and an entry in `BACKENDS`; the rest of the house knows `torch.device` and the
functions below. Where `torch.accelerator` has a word for all kinds, it is used.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from impasto.compute.memory import free_memory, trim_heap

log = logging.getLogger(__name__)

#: How PyTorch says that memory is short where it has no type for it: on the CPU, of Apple's GPUs, of libraries beneath.
_OUT_OF_MEMORY = ("DefaultCPUAllocator", "out of memory", "bad_alloc", "STATUS_ALLOC_FAILED")

_FORMATS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Backend:
    """One kind of device; this one is what `torch.accelerator` knows of any.

    Attributes:
        type: PyTorch's word for it.
    """

    type = ""

    def count(self) -> int:
        """How many there are."""
        found = torch.accelerator.current_accelerator(check_available=True)
        return torch.accelerator.device_count() if found is not None and found.type == self.type else 0

    def name(self, device: torch.device) -> str:
        """What its maker calls it."""
        return str(device)

    def memory(self, device: torch.device) -> tuple[int, int]:
        """Bytes that are free for anybody, and all that there are."""
        free, whole = torch.accelerator.get_memory_info(device)
        return int(free), int(whole)

    def kept(self, device: torch.device) -> int:
        """Bytes that the allocator of this process holds, and no tensor has."""
        return int(torch.accelerator.memory_reserved(device) - torch.accelerator.memory_allocated(device))

    def give_back(self, device: torch.device) -> None:
        """Give back what no tensor has."""
        torch.accelerator.empty_cache()

    def fast_dtype(self, device: torch.device) -> torch.dtype:
        """The number format in which it is fastest."""
        return torch.float16

    def has_float64(self, device: torch.device) -> bool:
        """Whether it computes in 64 bits at all."""
        return True

    def stats(self, device: torch.device) -> dict[str, int]:
        """Bytes of its memory that this process holds, and the most that tensors of it ever had."""
        return {
            "gpu_memory_bytes": int(torch.accelerator.memory_reserved(device)),
            "peak_gpu_memory_bytes": int(torch.accelerator.max_memory_allocated(device)),
        }

    def mark(self, device: torch.device) -> Callable[[], object]:
        """What waits, when it is called, for all that the device has been told to do by now."""
        done = torch.accelerator.current_stream(device).record_event()
        return done.synchronize


class Cpu(Backend):
    """The processor, with the memory of the computer."""

    type = "cpu"

    def count(self) -> int:
        """One, however many cores it has."""
        return 1

    def name(self, device: torch.device) -> str:
        """With how many threads it computes."""
        threads = torch.get_num_threads()
        return f"CPU, {threads} thread{'s' if threads > 1 else ''}"

    def memory(self, device: torch.device) -> tuple[int, int]:
        """What this process may still have."""
        free = free_memory()
        return free, free

    def kept(self, device: torch.device) -> int:
        """It is not known what the C library holds."""
        return 0

    def give_back(self, device: torch.device) -> None:
        """`trim_heap` does it."""

    def fast_dtype(self, device: torch.device) -> torch.dtype:
        """bfloat16 where it has instructions for it: without, it is 2 to 20 times slower than float32."""
        has = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        # oneDNN knows what ONEDNN_MAX_CPU_ISA forbids it, but says yes to AVX-512 that can only emulate bfloat16, too.
        has = has and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
        return torch.bfloat16 if has else torch.float32

    def stats(self, device: torch.device) -> dict[str, int]:
        """Nothing that is not known of the process."""
        return {}

    def mark(self, device: torch.device) -> Callable[[], object]:
        """It has done what it was told."""
        return lambda: None


class Cuda(Backend):
    """NVIDIA's GPUs, and AMD's, which PyTorch calls by the same name where it was built for ROCm."""

    type = "cuda"

    def name(self, device: torch.device) -> str:
        """The product's name."""
        return str(torch.cuda.get_device_name(device))

    def fast_dtype(self, device: torch.device) -> torch.dtype:
        """bfloat16, or float16 on GPUs that would only emulate it."""
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16


class Mps(Backend):
    """The GPU of Apple's processors; it shares the computer's memory and has no numbers of 64 bits."""

    type = "mps"

    def name(self, device: torch.device) -> str:
        """There is one, and it has no name of its own."""
        return "Apple GPU"

    def memory(self, device: torch.device) -> tuple[int, int]:
        """What macOS recommends at most, less what the driver holds; never more than the computer has free."""
        most = int(torch.mps.recommended_max_memory())
        return max(0, min(most - int(torch.mps.driver_allocated_memory()), free_memory())), most

    def kept(self, device: torch.device) -> int:
        """What the driver holds beyond tensors."""
        return max(0, int(torch.mps.driver_allocated_memory() - torch.mps.current_allocated_memory()))

    def has_float64(self, device: torch.device) -> bool:
        """None of them does."""
        return False

    def give_back(self, device: torch.device) -> None:
        """As of any; by its own word, which is older."""
        torch.mps.empty_cache()

    def stats(self, device: torch.device) -> dict[str, int]:
        """It counts no peaks."""
        return {"gpu_memory_bytes": int(torch.mps.driver_allocated_memory())}

    def mark(self, device: torch.device) -> Callable[[], object]:
        """By its own events."""
        done = torch.mps.Event()
        done.record()
        return done.synchronize


class Xpu(Backend):
    """Intel's GPUs."""

    type = "xpu"

    def name(self, device: torch.device) -> str:
        """The product's name."""
        return str(torch.xpu.get_device_name(device))

    def fast_dtype(self, device: torch.device) -> torch.dtype:
        """bfloat16, or float16 where it has no instructions for it."""
        return torch.bfloat16 if torch.xpu.is_bf16_supported(including_emulation=False) else torch.float16

    def has_float64(self, device: torch.device) -> bool:
        """Those of laptops often do not."""
        return bool(torch.xpu.get_device_properties(device).has_fp64)


#: By PyTorch's word for the type of the device. Those that `torch.accelerator` could find come in the order of choice.
BACKENDS: dict[str, Backend] = {one.type: one for one in (Cuda(), Xpu(), Mps(), Cpu())}


def backend_of(device: torch.device) -> Backend:
    """What is known of the kind of a device; of one that is not in `BACKENDS`, what PyTorch knows of any."""
    return BACKENDS.get(device.type, _UNKNOWN)


_UNKNOWN = Backend()


def pick_device(name: str) -> torch.device:
    """The device of a name.

    Args:
        name: "auto", the first accelerator if it can be used, else the CPU; or "cpu", "cuda", "rocm", "mps" or "xpu",
            where there may be several with a number (``cuda:1``).
    """
    if name == "auto":
        return _first_that_works()
    kind, _, index = name.partition(":")
    kind = "cuda" if kind == "rocm" else kind
    return torch.device(kind) if kind == "cpu" else torch.device(kind, int(index or 0))


def built_for() -> str:
    """The GPUs that this PyTorch was built for, by what they are programmed in, such as "CUDA 13.2"; empty if none."""
    made = {"CUDA": torch.version.cuda, "ROCm": torch.version.hip, "XPU": torch.version.xpu}
    return next((f"{kind} {version}" for kind, version in made.items() if version), "")


def accelerators() -> list[torch.device]:
    """Everything that PyTorch finds beside the CPU, whether it can compute or not."""
    others = [backend for backend in BACKENDS.values() if backend.type != "cpu"]
    return [torch.device(backend.type, number) for backend in others for number in range(backend.count())]


def _first_that_works() -> torch.device:
    for device in accelerators():
        problem = device_problem(device)
        if not problem:
            return device
        log.warning("%s cannot be used, so the CPU paints: %s", device, problem)
    return torch.device("cpu")


def device_problem(device: torch.device) -> str:
    """Why a device that is there cannot compute, in PyTorch's words; empty if it can.

    A PyTorch that is newer than the GPU, or the other way round, sees it and has no code for it; that shows only when
    something is computed.
    """
    try:
        F.conv2d(torch.ones(1, 8, 8, 8, device=device), torch.ones(8, 8, 3, 3, device=device)).cpu()
    except (RuntimeError, AssertionError) as error:
        return str(error).partition("\n")[0]
    return ""


def available_memory(device: torch.device) -> int:
    """Bytes that a computation on the device can still have."""
    backend = backend_of(device)
    return backend.memory(device)[0] + backend.kept(device)


def give_memory_back(device: torch.device) -> None:
    """Give back what no tensor has, which the allocators keep for the next ones."""
    backend_of(device).give_back(device)
    trim_heap()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of Python, PyTorch or one of its libraries says that memory could not be had."""
    if isinstance(error, (MemoryError, torch.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _OUT_OF_MEMORY)


def fast_dtype(device: torch.device) -> torch.dtype:
    """The number format in which the device computes fastest.

    ``IMPASTO_DTYPE`` overrides it: float32, bfloat16 or float16.
    """
    asked = os.environ.get("IMPASTO_DTYPE", "")
    if asked in _FORMATS:
        return _FORMATS[asked]
    if asked:
        log.warning("IMPASTO_DTYPE is none of %s, and does not count: %r", ", ".join(_FORMATS), asked)
    return backend_of(device).fast_dtype(device)


def has_float64(device: torch.device) -> bool:
    """Whether the device computes in 64 bits."""
    return backend_of(device).has_float64(device)


def device_stats(device: torch.device) -> dict[str, Any]:
    """What ``impasto status`` says of a device: its name, and bytes of its own memory if it has any."""
    backend = backend_of(device)
    return {"name": backend.name(device), **backend.stats(device)}


class HeldBack:
    """Keeps a device from being told too much ahead of what it does.

    A GPU is only told what to do. It is to have the next strips at hand, but not so many that progress and cancellation
    are ahead of what it does by more than these.

    Args:
        device: the device.
        ahead: how much it may be given before it has done what was given first.
    """

    def __init__(self, device: torch.device, ahead: int) -> None:
        self._device, self._ahead = device, ahead
        self._given: list[Callable[[], object]] = []

    def given(self) -> None:
        """The device was told more; wait, if that is too much by now."""
        self._given.append(backend_of(self._device).mark(self._device))
        if len(self._given) > self._ahead:
            self._given.pop(0)()
