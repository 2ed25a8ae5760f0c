"""Switch the emulated accelerator on: in this process, or in kernels to be started."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import torch
from torch.utils import backend_registration

from tests.support.emulated import kernels, streams
from tests.support.emulated.memory import is_emulated, on_accelerator

STARTUP = """
from tests.support.emulated import activate, playgrounds
activate()
playgrounds.record()
del activate, playgrounds
"""
TRY_NAME = """
import torch
torch._C._rename_privateuse1_backend("CUDA")
tensor = torch._C._acc.create_empty_tensor([1], torch.float32)
raise SystemExit(tensor.device != torch.device("cuda", 0))
"""
_kept: list[object] = []  # torch forgets what Python lets go of


@cache
def missing() -> str | None:
    """Return why there can be no emulated accelerator here, or None if there can.

    It is tried in another process, which takes seconds, for it stays where it is.
    """
    try_it = [sys.executable, "-c", TRY_NAME]
    if not subprocess.run(try_it, capture_output=True).returncode:
        return None
    return (
        f"torch {torch.__version__} has no Python backend that goes by the name of "
        "cuda, so the lessons were not run on an emulated accelerator"
    )


def activate() -> None:
    """Give this process an emulated accelerator named "cuda", until it ends."""
    if _kept:
        return
    # torch refuses the name "cuda" and accepts this one, which it then writes and
    # reads in small letters: from here on, torch.device("cuda") is the emulation.
    torch._C._rename_privateuse1_backend("CUDA")
    hook = backend_registration._DummyPrivateUse1Hook()
    guard = backend_registration._DummyDeviceGuard()
    torch._C._acc.register_python_privateuseone_hook(hook)
    torch._C._acc.register_python_privateuseone_device_guard(guard)
    _kept.extend([hook, guard, *kernels.register()])
    torch.Generator = streams.Generator
    streams.default_generator().manual_seed(torch.initial_seed())
    _answer_as_cuda()
    _move_tensors()
    _move_storages()


def environment(folder: Path) -> dict[str, str]:
    """Return variables under which every IPython kernel has the emulation.

    There `playgrounds` remembers what is shown, too.

    Args:
        folder: an empty folder, for IPython's profile with the start-up file.
    """
    startup = folder / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "emulation.py").write_text(STARTUP, encoding="utf-8")
    return {"IPYTHONDIR": os.fspath(folder), "COURSE_DEVICE": "cuda"}


def _answer_as_cuda() -> None:
    """Replace what `torch.cuda` would ask a driver."""
    cuda, default = torch.cuda, streams.default_generator()
    for name in ("is_available", "is_initialized"):
        setattr(cuda, name, lambda: True)
    for name in ("init", "_lazy_init", "empty_cache"):
        setattr(cuda, name, lambda: None)
    cuda.set_device = lambda device: None
    cuda.synchronize = lambda device=None: None
    cuda.device_count = lambda: 1
    cuda.current_device = lambda: 0
    cuda.get_device_name = lambda device=None: "emulated accelerator"
    cuda.manual_seed = cuda.manual_seed_all = default.manual_seed
    cuda.initial_seed = default.initial_seed
    cuda.get_rng_state = lambda device="cuda": default.get_state()
    cuda.set_rng_state = lambda state, device="cuda": default.set_state(state)
    # cuDNN's own layout of an RNN's weights is nothing to emulate.
    torch.backends.cudnn.is_acceptable = lambda tensor: False


def _move_tensors() -> None:
    """Replace methods of tensors that name CUDA in C++."""
    torch.Tensor.cuda = lambda self, device=None, non_blocking=False: self.to("cuda")
    torch.Tensor.is_cuda = property(is_emulated)
    torch.Tensor.pin_memory = lambda self, device=None: self.clone()
    plain = torch.Tensor.data

    def set_data(self: torch.Tensor, data: torch.Tensor) -> None:
        """Keep a parameter the same object when its data moves, as on a GPU."""
        if self.device == data.device:
            plain.__set__(self, data)
            return
        grad, moved = self.grad, data.detach().requires_grad_(self.requires_grad)
        torch._C._swap_tensor_impl(self, moved)
        self.grad = None if grad is None else grad.to(data.device)

    def same_kind(input: torch.Tensor, from_: torch.Tensor) -> bool:
        return True  # torch compares these names with its own

    torch.Tensor.data = property(plain.__get__, set_data)
    torch._has_compatible_shallow_copy_type = same_kind


def _move_storages() -> None:
    """Copy storages, as `deepcopy` and `torch.load` do, without an allocator."""

    def to_accelerator(storage: torch.UntypedStorage) -> torch.UntypedStorage:
        data = torch.empty(0, dtype=torch.uint8).set_(storage)
        return on_accelerator(data).untyped_storage()

    def clone(self: torch.UntypedStorage) -> torch.UntypedStorage:
        copied = self.cpu() if self.device.type == "cuda" else self
        return to_accelerator(copied) if copied is not self else plain_clone(self)

    def restore(storage, location: str) -> torch.UntypedStorage | None:
        return to_accelerator(storage) if location.startswith("cuda") else None

    plain_clone = torch.UntypedStorage.clone
    torch.UntypedStorage.clone = clone
    torch.serialization.register_package(5, lambda storage: None, restore)
