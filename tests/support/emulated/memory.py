"""Memory of the emulated accelerator: the CPU's, under another device's name.

A tensor crosses over by DLPack without a copy: the capsule that torch writes is read
back with another device in it. Both tensors share the memory and keep it alive.
"""

import ctypes

import torch

CPU, ACCELERATOR = 1, 12  # DLPack's kDLCPU and kDLExtDev, which is PrivateUse1

_same_memory = torch.Tensor.data.__get__  # a second tensor, made without a kernel
_pointer = ctypes.pythonapi.PyCapsule_GetPointer
_pointer.restype = ctypes.c_void_p
_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


class _Head(ctypes.Structure):
    """The first fields of DLPack's DLTensor."""

    _fields_ = (("data", ctypes.c_void_p), ("device_type", ctypes.c_int32))


# What a nested tensor (of rows that differ in length) is made of, read by the CPU's
# kernels: the rows' memory, their sizes, strides and places.
_NESTED = torch._C.DispatchKeySet(torch._C.DispatchKey.NestedTensorCPU)
_DENSE = torch._C.DispatchKeySet(torch._C.DispatchKey.CPU)
_PARTS = [
    torch.ops.aten.values.default,
    torch.ops.aten._nested_tensor_size.default,
    torch.ops.aten._nested_tensor_strides.default,
    torch.ops.aten._nested_tensor_storage_offsets.default,
]
_assemble = torch.ops.aten._nested_view_from_buffer.default


def is_emulated(tensor: torch.Tensor) -> bool:
    """Return whether a tensor lies on the emulated accelerator."""
    return tensor.device.type == "cuda"


def on_cpu(tensor: torch.Tensor) -> torch.Tensor:
    """Return a CPU tensor on the same memory."""
    return _on_device(tensor, CPU)


def on_accelerator(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor of the emulated accelerator on the same memory."""
    return _on_device(tensor, ACCELERATOR)


def _on_device(tensor: torch.Tensor, device_type: int) -> torch.Tensor:
    if tensor.is_nested:
        memory, *places = (part.redispatch(_NESTED, tensor) for part in _PARTS)
        return _assemble.redispatch(_DENSE, _on_device(memory, device_type), *places)
    # Of the tensor itself DLPack would keep the object and not the memory, which the
    # object gives up when it is resized or set to other data.
    capsule = torch._C._to_dlpack(_same_memory(tensor))
    _Head.from_address(_pointer(capsule, b"dltensor")).device_type = device_type
    return torch._C._from_dlpack(capsule)
