"""How the emulated accelerator computes: with the CPU's kernels, on its own memory."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
from torch.utils._pytree import tree_map

from tests.support.emulated.memory import is_emulated, on_accelerator, on_cpu
from tests.support.emulated.streams import default_generator, drawing_from

aten = torch.ops.aten
set_ = aten.set_.source_Tensor
CPU_KERNELS = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)
# CUDA takes indices and lengths from the CPU too.
TAKES_CPU_TENSORS = {"aten::index", "aten::index_put", "aten::index_put_"}
TAKES_CPU_TENSORS |= {"aten::_index_put_impl_", "aten::_unsafe_index"}
# Views are made from a tensor's sizes alone, on any device.
VIEWS = ["as_strided", "view", "view.dtype", "_reshape_alias", "unfold"]
VIEWS += [
    "view_as_real",
    "view_as_complex",
    "set_.source_Storage",
    "set_.source_Tensor",
]
VIEWS += ["set_.source_Storage_storage_offset"]


def compute(op: Callable, *args: Any, **kwargs: Any) -> Any:
    """Compute an operation of torch on the accelerator's tensors with a CPU kernel."""
    originals: dict[int, torch.Tensor] = {}
    cpu_tensors: list[torch.Tensor] = []

    def enter(value: Any) -> Any:
        if isinstance(value, torch.device):
            if value.index:
                raise RuntimeError("CUDA error: invalid device ordinal")
            return torch.device("cpu")
        if not isinstance(value, torch.Tensor):
            return value
        if not is_emulated(value):
            cpu_tensors.append(value)
            return value
        # An empty output may be resized, which shared memory can't be.
        fresh = not value.numel()
        inside = value.new_empty(value.shape, device="cpu") if fresh else on_cpu(value)
        originals[id(inside)] = value
        return inside

    def leave(value: Any) -> Any:
        if not isinstance(value, torch.Tensor):
            return value
        # An operation in place returns the tensor it was given.
        original = originals.get(id(value))
        if original is None:
            return on_accelerator(value)
        if original.shape != value.shape and not original.numel():
            set_.redispatch(CPU_KERNELS, original, on_accelerator(value))
        return original

    generator = kwargs.get("generator") or default_generator()
    if "generator" in kwargs:
        kwargs["generator"] = None
    args, kwargs = tree_map(enter, (args, kwargs))
    refuse_cpu_tensors(op, cpu_tensors)
    draws = torch.Tag.nondeterministic_seeded in op.tags
    with drawing_from(generator) if draws else nullcontext():
        return tree_map(leave, op(*args, **kwargs))


def refuse_cpu_tensors(op: Callable, tensors: list[torch.Tensor]) -> None:
    """Refuse CPU tensors beside the accelerator's, but for single numbers, as CUDA."""
    if op._schema.name in TAKES_CPU_TENSORS:
        return
    if any(tensor.dim() for tensor in tensors):
        raise RuntimeError(
            "Expected all tensors to be on the same device, but found at least two "
            f"devices, cuda:0 and cpu! (in {op._schema.name})"
        )


def view(op: Callable) -> Callable:
    """Return a kernel that makes a view of the accelerator's memory."""
    return lambda *args, **kwargs: op.redispatch(CPU_KERNELS, *args, **kwargs)


def copy_(target: torch.Tensor, source: torch.Tensor, non_blocking: bool = False):
    """Copy between the devices, or within one."""
    ends = [on_cpu(end) if is_emulated(end) else end for end in (target, source)]
    ends[0].copy_(ends[1])
    return target


def convolution(x, weight, bias, *options):
    return compute(aten.convolution.default, x, weight, bias, *options)


def convolution_backward(grad, x, weight, *options_and_mask):
    *options, mask = options_and_mask
    backward = aten.convolution_backward.default
    return compute(backward, grad, x, weight, [weight.shape[0]], *options, mask)


def lstm_cell(from_input, from_state, cell, bias_input=None, bias_state=None):
    """Compute a step of an LSTM, which CUDA has in one kernel and the CPU has not."""
    gates = from_input + from_state
    if bias_input is not None:
        gates = gates + bias_input + bias_state
    forget_in, forget, new, out = gates.chunk(4, 1)
    cell = forget.sigmoid() * cell + forget_in.sigmoid() * new.tanh()
    return out.sigmoid() * cell.tanh(), cell, gates


def gru_cell(from_input, from_state, state, bias_input=None, bias_state=None):
    """Compute a step of a GRU, which CUDA has in one kernel and the CPU has not."""
    if bias_input is not None:
        from_input, from_state = from_input + bias_input, from_state + bias_state
    reset_x, update_x, new_x = from_input.chunk(3, 1)
    reset_h, update_h, new_h = from_state.chunk(3, 1)
    update = (update_x + update_h).sigmoid()
    new = (new_x + (reset_x + reset_h).sigmoid() * new_h).tanh()
    return new + update * (state - new), new


def register() -> list[torch.library.Library]:
    """Register the kernels; they live as long as what is returned."""
    rest, own = (
        torch.library.Library("_", "IMPL"),
        torch.library.Library("aten", "IMPL"),
    )
    rest.fallback(compute, "PrivateUse1")
    for name in VIEWS:
        packet, _, overload = name.partition(".")
        op = getattr(getattr(aten, packet), overload or "default")
        own.impl(name, view(op), "PrivateUse1")
    own.impl("copy_", copy_, "PrivateUse1")
    own.impl("convolution_overrideable", convolution, "PrivateUse1")
    own.impl("convolution_backward_overrideable", convolution_backward, "PrivateUse1")
    for name, cell in [("lstm", lstm_cell), ("gru", gru_cell)]:
        # Made of other operations, which know their own derivatives.
        for key in ("PrivateUse1", "AutogradPrivateUse1"):
            own.impl(f"_thnn_fused_{name}_cell", cell, key)
    return [rest, own]
