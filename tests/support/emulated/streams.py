"""Random numbers of the emulated accelerator: another stream than the CPU's."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch

# A GPU draws other numbers than the CPU from the same seed; so does this.
SALT = 0x5EED_C0DE

# Addresses of the accelerator's generators: a kernel is given the bare C++ object.
_addresses: set[int] = set()


class Generator(torch.Generator):
    """`torch.Generator`, which can be the emulated accelerator's too."""

    def __new__(cls, device: torch.device | str = "cpu") -> "Generator":
        self = super().__new__(cls)
        if torch.device(device).type == "cuda":
            _addresses.add(self._cdata)
        else:
            _addresses.discard(self._cdata)
        return self.manual_seed(torch._C.Generator.initial_seed(self))

    @property
    def device(self) -> torch.device:
        return torch.device("cuda", 0) if self._salt() else super().device

    def manual_seed(self, seed: int) -> "Generator":
        super().manual_seed(seed ^ self._salt())
        return self

    def initial_seed(self) -> int:
        return super().initial_seed() ^ self._salt()

    def _salt(self) -> int:
        return SALT if self._cdata in _addresses else 0


@cache
def default_generator() -> Generator:
    """Return the accelerator's own generator."""
    return Generator("cuda")


@contextmanager
def drawing_from(generator: torch.Generator) -> Iterator[None]:
    """Let the CPU's default generator give the accelerator's numbers for a while.

    Raises:
        RuntimeError: the generator is the CPU's.
    """
    if generator._cdata not in _addresses:
        raise RuntimeError(
            "Expected a 'cuda' device type for generator but found 'cpu'"
        )
    before = torch.default_generator.get_state()
    torch.default_generator.set_state(generator.get_state())
    try:
        yield
    finally:
        generator.set_state(torch.default_generator.get_state())
        torch.default_generator.set_state(before)
