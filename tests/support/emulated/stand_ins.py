"""Stand-ins for what torch asks of CUDA by name, outside its dispatcher."""

import torch

from tests.support.emulated.memory import is_emulated, on_accelerator
from tests.support.emulated.streams import default_generator


def put_in_place() -> None:
    """Replace them in this process, for good."""
    _answer_as_cuda()
    _move_tensors()
    _move_storages()


def _answer_as_cuda() -> None:
    """Replace what `torch.cuda` would ask a driver."""
    cuda, default = torch.cuda, default_generator()
    for name in ("is_available", "is_initialized"):
        setattr(cuda, name, lambda: True)
    for name in ("init", "_lazy_init", "empty_cache"):
        setattr(cuda, name, lambda: None)
    cuda.set_device = lambda device: None
    cuda.synchronize = lambda device=None: None
    torch.accelerator.synchronize = lambda device=None: None
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
