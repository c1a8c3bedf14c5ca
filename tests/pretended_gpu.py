"""A GPU that is only pretended: tensors that say they are on it, and are computed with on the CPU.

What a machine without a GPU can try of the path for one: that every tensor is where the next operation needs it, which
number formats are chosen, and what happens when the memory does not suffice. Not its speed, and not its kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

GPU = torch.device("cuda:0")

_aten = torch.ops.aten
#: What tensors of it say to PyTorch's own code, which would ask the driver of a GPU.
_INSIDE = torch.device("meta")
#: Operations that may bring both devices together.
_MIXED = {_aten.to, _aten._to_copy, _aten.copy_, _aten.index, _aten.index_put_}


class OnGpu(Tensor):
    """A tensor on the pretended GPU.

    Attributes:
        held: the same on the CPU.
    """

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> OnGpu:
        made: OnGpu = Tensor._make_wrapper_subclass(
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            layout=held.layout,
            device=_INSIDE,
        )
        made.held = held
        return made

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return GPU

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _run(func, args, kwargs or {})


class PretendedGpu(TorchDispatchMode):
    """Within it, ``cuda:0`` can be used.

    Args:
        before: called with the name and the arguments of each operation there; may raise.
    """

    def __init__(self, before: Callable[[str, tuple[Any, ...]], None] | None = None) -> None:
        super().__init__()
        self.before = before

    def __enter__(self) -> PretendedGpu:
        # So that `torch.tensor` comes by here on its way to the GPU.
        torch._C._set_only_lift_cpu_tensors(True)
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        torch._C._set_only_lift_cpu_tensors(False)
        super().__exit__(*error)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if self.before is not None and any(isinstance(one, OnGpu) for one in tree_flatten((args, kwargs))[0]):
            self.before(func.__name__, args)
        return _run(func, args, kwargs or {})


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    given = tree_flatten((args, kwargs))[0]
    there = [one for one in given if isinstance(one, OnGpu)]
    if func is _aten._has_compatible_shallow_copy_type.default:
        # `Module.to` asks; parameters are to be made anew.
        return not there
    if there and func.overloadpacket not in _MIXED:
        # Single numbers may be anywhere.
        here = [one for one in given if isinstance(one, Tensor) and not isinstance(one, OnGpu) and one.dim() > 0]
        if here:
            shapes = [(type(one).__name__, tuple(one.shape)) for one in given if isinstance(one, Tensor)]
            raise RuntimeError(f"{func}: expected all tensors on the same device, but found {shapes}")
    wanted = next((one for one in given if isinstance(one, torch.device)), None)
    if wanted is not None:
        on_gpu = wanted.type in ("cuda", _INSIDE.type)
    elif func.overloadpacket is _aten.copy_:
        on_gpu = isinstance(args[0], OnGpu)
    elif func is _aten.to.other:
        on_gpu = isinstance(args[1], OnGpu)
    else:
        on_gpu = bool(there)
    plain_args, plain_kwargs = tree_map(_on_cpu, (args, kwargs))
    result = func(*plain_args, **plain_kwargs)
    if wanted is not None and there and not on_gpu and result is plain_args[0]:
        # A copy to the other device is one, even where on the CPU it would be the same tensor.
        result = result.clone()

    def wrapped(one: Any) -> Any:
        if not isinstance(one, Tensor):
            return one
        # What is written to in place is what was given.
        same = next((mine for mine in there if mine.held is one), None)
        return same if same is not None else OnGpu(one) if on_gpu else one

    return tree_map(wrapped, result)


def _on_cpu(one: Any) -> Any:
    if isinstance(one, OnGpu):
        return one.held
    return torch.device("cpu") if isinstance(one, torch.device) else one
