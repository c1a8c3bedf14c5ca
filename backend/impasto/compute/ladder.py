"""What is done where memory does not suffice: the same work in smaller pieces, then on the CPU."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from impasto.compute.accelerator import available_memory, give_memory_back, is_out_of_memory
from impasto.compute.plan import SMALLEST, Plan
from impasto_link.errors import NotEnoughMemory
from impasto_link.sentences import say

log = logging.getLogger(__name__)

T = TypeVar("T")
Rung = TypeVar("Rung")

CPU = torch.device("cpu")


def climb_down(device: torch.device, rungs: Sequence[Rung], work: Callable[[Rung], T]) -> T:
    """The result of some work, done in the first of several ways for which the memory suffices.

    Args:
        device: whose memory it is.
        rungs: the ways, from the fastest to the most sparing.
        work: does it one way; its result does not depend on which.

    Raises:
        NotEnoughMemory: as `work` raised it on the last rung; so does any other error that says memory is short.
    """
    for rung in rungs[:-1]:
        try:
            return work(rung)
        except Exception as error:
            if not _is_shortage(error):
                raise
            log.warning("the memory of %s does not suffice for %s: %s", device, rung, _first_line(error))
        # Not within the clause: until its end the error holds all that the attempt has made.
        give_memory_back(device)
    return work(rungs[-1])


def with_plans(
    device: torch.device, pixels: int, keeping_all: int, at_least: int, dtype: torch.dtype, work: Callable[[Plan], T]
) -> T:
    """Paint a picture by the fastest plan that the memory allows, and by smaller ones if it does not suffice after all.

    On the CPU there is no second try: an allocation that fails there leaves gaps that nothing fits into, and libraries
    in who knows what state, so the worker starts anew (`impasto.server.worker`).

    Args:
        device: where to compute.
        pixels: of the picture.
        keeping_all, at_least: numbers that live at the same time, per pixel, with and without the maps of full size.
        dtype: of these numbers.
        work: paints by a plan.

    Raises:
        NotEnoughMemory: not even the least fits; the message says how much is needed.
    """
    first = plan_for(device, pixels, keeping_all, at_least, dtype)
    return climb_down(device, (first,) if device.type == "cpu" else (first, SMALLEST), work)


def with_cpu(device: torch.device, work: Callable[[torch.device], T]) -> T:
    """The result of some work on the device, or on the CPU if the memory of the device does not suffice.

    Args:
        device: where to do it first.
        work: does it on a device.
    """
    return climb_down(device, (device,) if device.type == "cpu" else (device, CPU), work)


def plan_for(device: torch.device, pixels: int, keeping_all: int, at_least: int, dtype: torch.dtype) -> Plan:
    """The fastest plan for a picture that the memory allows; arguments and errors as for `with_plans`."""
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
            say(
                "A picture of {pixels} megapixels needs about {needed} GiB of memory, and {available} GiB are free.",
                pixels=f"{pixels / 1e6:.0f}",
                needed=f"{needed / 2**30:.1f}",
                available=f"{available / 2**30:.1f}",
            ),
            "Choose a larger brush or a smaller region, or close other programs.",
        )


def _is_shortage(error: Exception) -> bool:
    return isinstance(error, NotEnoughMemory) or is_out_of_memory(error)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
