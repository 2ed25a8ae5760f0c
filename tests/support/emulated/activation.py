"""Switch the emulated accelerator on: in this process, or in kernels to be started."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import torch
from torch.utils import backend_registration

from tests.support.emulated import kernels, stand_ins, streams

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
    stand_ins.put_in_place()


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
