"""How the emulated accelerator computes: on its own memory, with the CPU's kernels."""

from collections.abc import Callable
from contextlib import nullcontext
from functools import cache
from typing import Any

import torch
from torch._ops import OpOverload

from tests.support.emulated.memory import is_emulated, on_accelerator, on_cpu
from tests.support.emulated.streams import default_generator, drawing_from

CPU_KERNELS = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)
# CUDA takes indices from the CPU too.
TAKES_CPU_TENSORS = {
    "aten::index",
    "aten::index_put",
    "aten::index_put_",
    "aten::_index_put_impl_",
    "aten::_unsafe_index",
}


def compute(op: OpOverload, *args: Any, **kwargs: Any) -> Any:
    """Compute an operation of torch on the accelerator's tensors with a CPU kernel."""
    originals: dict[int, torch.Tensor] = {}
    cpu_tensors: list[torch.Tensor] = []

    def enter(value: Any) -> Any:
        if isinstance(value, torch.device):
            return cpu_for(value)
        if not isinstance(value, torch.Tensor):
            return value
        if not is_emulated(value):
            cpu_tensors.append(value)
            return value
        return remember(on_cpu(value), value)

    def enter_output(value: Any) -> Any:
        if not is_emulated(value):
            cpu_tensors.append(value)
        # A kernel may resize an output, and shared memory can't be resized.
        return remember(torch.empty(0, dtype=value.dtype), value)

    def remember(inside: torch.Tensor, original: torch.Tensor) -> torch.Tensor:
        originals[id(inside)] = original
        return inside

    def leave(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        # What was computed in place, or into an output, comes back as itself.
        original = originals.get(id(value))
        return on_accelerator(value) if original is None else filled(original, value)

    outputs = {name: kwargs.pop(name) for name in output_names(op) if name in kwargs}
    generator = kwargs.get("generator") or default_generator()
    if "generator" in kwargs:
        kwargs["generator"] = None
    args = each(enter, numbers_as_tensors(op, args))
    kwargs = {name: each(enter, value) for name, value in kwargs.items()}
    kwargs |= {name: each(enter_output, value) for name, value in outputs.items()}
    refuse_cpu_tensors(op, cpu_tensors)
    draws = torch.Tag.nondeterministic_seeded in op.tags
    with drawing_from(generator) if draws else nullcontext():
        return each(leave, op(*args, **kwargs))


def each(change: Callable[[Any], Any], value: Any) -> Any:
    """Change a value, or each one in lists and tuples."""
    if isinstance(value, (list, tuple)):
        return type(value)([each(change, item) for item in value])
    return change(value)


def numbers_as_tensors(op: OpOverload, args: tuple[Any, ...]) -> list[Any]:
    """Make tensors of numbers that torch unwrapped on the way and doesn't take back."""
    changed = list(args)
    for place in tensor_places(op):
        if place < len(args) and isinstance(args[place], (int, float)):
            dtype = torch.float64 if isinstance(args[place], float) else None
            changed[place] = torch.tensor(args[place], dtype=dtype)
    return changed


@cache
def tensor_places(op: OpOverload) -> list[int]:
    """Return the places of arguments that must be tensors, and no numbers."""
    if torch._C._should_allow_numbers_as_tensors(op._schema.name.split("::")[1]):
        return []
    kinds = [str(argument.type) for argument in op._schema.arguments]
    return [i for i, kind in enumerate(kinds) if kind == "Tensor"]


@cache
def output_names(op: OpOverload) -> list[str]:
    return [argument.name for argument in op._schema.arguments if argument.is_out]


def cpu_for(device: torch.device) -> torch.device:
    if device.index:
        raise RuntimeError("CUDA error: invalid device ordinal")
    return torch.device("cpu")


def filled(original: torch.Tensor, value: torch.Tensor) -> torch.Tensor:
    """Return the accelerator's tensor, holding what was computed for it."""
    if original.shape != value.shape:
        moved = on_accelerator(value)
        torch.ops.aten.set_.source_Tensor.redispatch(CPU_KERNELS, original, moved)
    elif original.data_ptr() != value.data_ptr():
        on_cpu(original).copy_(value)
    return original


def refuse_cpu_tensors(op: OpOverload, tensors: list[torch.Tensor]) -> None:
    """Refuse CPU tensors beside the accelerator's, but for single numbers, as CUDA."""
    if op._schema.name in TAKES_CPU_TENSORS:
        return
    if any(tensor.dim() for tensor in tensors):
        raise RuntimeError(
            "Expected all tensors to be on the same device, but found at least two "
            f"devices, cuda:0 and cpu! (in {op._schema.name})"
        )
