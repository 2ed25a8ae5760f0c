"""Kernels of the emulated accelerator; whatever is not here is left to `computing`."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

from tests.support.emulated.computing import CPU_KERNELS, compute
from tests.support.emulated.memory import is_emulated, on_cpu

aten = torch.ops.aten
# Made from a tensor's sizes and memory alone: the CPU's kernels do it on any device.
VIEWS = [
    "as_strided",
    "view",
    "view.dtype",
    "_reshape_alias",
    "unfold",
    "view_as_real",
    "view_as_complex",
    "set_.source_Tensor",
    "set_.source_Storage",
    "set_.source_Storage_storage_offset",
]


def operation(name: str) -> OpOverload:
    """Return an operation of torch by its name: "add.Tensor", "view"."""
    packet, _, overload = name.partition(".")
    return getattr(getattr(aten, packet), overload or "default")


def view(op: OpOverload) -> Callable[..., Tensor]:
    """Return a kernel that makes a view of the accelerator's memory."""
    return lambda *args, **kwargs: op.redispatch(CPU_KERNELS, *args, **kwargs)


def copy_(target: Tensor, source: Tensor, non_blocking: bool = False) -> Tensor:
    """Copy between the devices, or within one."""
    ends = [on_cpu(end) if is_emulated(end) else end for end in (target, source)]
    ends[0].copy_(ends[1])
    return target


def convolution(*args: Any) -> Tensor:
    """Convolve; torch has a name of its own for backends that are not its own."""
    return compute(aten.convolution.default, *args)


def convolution_backward(
    grad: Tensor, x: Tensor, weight: Tensor, *options: Any
) -> tuple[Tensor, ...]:
    backward = aten.convolution_backward.default
    return compute(backward, grad, x, weight, [grad.shape[1]], *options)


def lstm_cell(
    from_input: Tensor,
    from_state: Tensor,
    cell: Tensor,
    bias_input: Tensor | None = None,
    bias_state: Tensor | None = None,
) -> tuple[Tensor, Tensor, Tensor]:
    """Compute a step of an LSTM, which CUDA has in one kernel and the CPU has not."""
    gates = from_input + from_state
    if bias_input is not None:
        gates = gates + bias_input + bias_state
    let_in, forget, new, out = gates.chunk(4, 1)
    cell = forget.sigmoid() * cell + let_in.sigmoid() * new.tanh()
    return out.sigmoid() * cell.tanh(), cell, gates


def gru_cell(
    from_input: Tensor,
    from_state: Tensor,
    state: Tensor,
    bias_input: Tensor | None = None,
    bias_state: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
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
    rest = torch.library.Library("_", "IMPL")
    own = torch.library.Library("aten", "IMPL")
    for key in ("PrivateUse1", "NestedTensorPrivateUse1"):
        rest.fallback(compute, key)
    for name in VIEWS:
        own.impl(name, view(operation(name)), "PrivateUse1")
    own.impl("copy_", copy_, "PrivateUse1")
    own.impl("convolution_overrideable", convolution, "PrivateUse1")
    own.impl("convolution_backward_overrideable", convolution_backward, "PrivateUse1")
    for name, cell in [("lstm", lstm_cell), ("gru", gru_cell)]:
        # Made of other operations, which know their own derivatives.
        for key in ("PrivateUse1", "AutogradPrivateUse1"):
            own.impl(f"_thnn_fused_{name}_cell", cell, key)
    return [rest, own]
