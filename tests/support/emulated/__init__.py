"""An emulated accelerator: torch's "cuda:0" on a machine without a GPU.

It is an emulation, and only tests use it. Its memory is the CPU's and the CPU's
kernels compute on it, but to torch it is another device (PrivateUse1, served by
Python) that goes by the name of "cuda". What it shows is whether code keeps track of
devices: it refuses to mix them, refuses to become numpy, prints as `cuda:0` and draws
from another random stream than the CPU.

What it cannot show: how CUDA rounds, that CUDA has a kernel for an operation or a
type, what fits into a GPU's memory, speed, and anything asynchronous. Only a run on a
GPU (`make test-cuda`) shows these. Not emulated: mixed precision (autocast), streams
and events, and that the CPU refuses a CUDA generator.

    import torch
    from tests.support.emulated import activate

    activate()  # in this process, for good
    torch.ones(2, device="cuda") + torch.ones(2)  # RuntimeError, as on a GPU

`environment` does the same for every IPython kernel started under it.
"""

from tests.support.emulated.activation import activate, environment, missing

__all__ = ["activate", "environment", "missing"]
