"""The device a lesson computes on, and the seed it starts from."""

import os
import random

import numpy as np
import torch

from course_utils.errors import CourseError
from course_utils.plotting import course_style

_current = torch.device("cpu")


def setup(
    device: str = "auto", seed: int = 0, threads: int | None = None
) -> torch.device:
    """Choose the device, seed every generator and apply the course's figure style.

    Prints one line that names the device and the seed.

    Args:
        device: "auto", "cpu", "cuda", "cuda:1", "mps"; see `select_device`.
        seed: a whole number, 0 or more.
        threads: how many threads torch computes with on the CPU; None leaves its own
            choice. For small nets one is quicker: training in lesson 04 took three
            to seven times as long with two, measured on two cores.

    Returns:
        The chosen `torch.device`.

    Raises:
        CourseError: the device is unknown or not there, or the seed or the number of
            threads is unusable.
    """
    global _current
    _current = select_device(device)
    seed_everything(seed)
    _use_full_float32()
    course_style()
    if threads is not None:
        _use_threads(threads)
    print(f"Device: {_current}. Seed: {seed}.")
    return _current


def select_device(name: str = "auto") -> torch.device:
    """Turn a name into a `torch.device` that works on this machine.

    "auto" is the environment variable COURSE_DEVICE where that is set, else "cuda"
    where there is a GPU that torch can use, else "cpu". Apple's "mps" is used only
    when named: it has no float64, which some lessons need.

    Raises:
        CourseError: no such device, in a sentence that says what to do.
    """
    source = "device"
    if name == "auto":
        source = "COURSE_DEVICE"
        name = os.environ.get("COURSE_DEVICE") or "auto"
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except (RuntimeError, TypeError):
        raise CourseError(
            f"{source}={name!r} is no device torch knows: "
            'use "auto", "cpu", "cuda" or "mps".'
        ) from None
    _require(device, source)
    return device


def _require(device: torch.device, source: str) -> None:
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if count == 0:
            raise CourseError(
                f'{source}="{device}" was asked for, but torch sees no CUDA GPU here: '
                'use "auto" or "cpu", or install a CUDA build of torch and a driver.'
            )
        if (device.index or 0) >= count:
            raise CourseError(
                f'{source}="{device}" was asked for, but this machine has {count} '
                f'GPU{"s" if count > 1 else ""}: use "cuda:0" to "cuda:{count - 1}".'
            )
    elif device.type == "mps" and not torch.backends.mps.is_available():
        raise CourseError(
            f'{source}="mps" was asked for, but torch sees no Apple GPU here: '
            'use "auto" or "cpu".'
        )
    elif device.type not in ("cpu", "cuda", "mps"):
        raise CourseError(
            f'{source}="{device}" is not a device the lessons run on: '
            'use "auto", "cpu", "cuda" or "mps".'
        )


def seed_everything(seed: int) -> None:
    """Seed the generators of Python, numpy and torch (CPU and GPU).

    Raises:
        CourseError: `seed` is not a whole number from 0 to 2**32 - 1.
    """
    if not _is_whole(seed, 0) or seed >= 2**32:
        raise CourseError(
            f"seed={seed!r} can't be used: give a whole number from 0 to {2**32 - 1}."
        )
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries that use numpy's global generator
    torch.manual_seed(seed)


def current_device() -> torch.device:
    """Return the device the last `setup` chose; "cpu" before any."""
    return _current


def _is_whole(value: object, low: int) -> bool:
    """Return whether it is an int of at least `low`; True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= low


def _use_threads(threads: int) -> None:
    if not _is_whole(threads, 1):
        raise CourseError(
            f"threads={threads!r} can't be used: give a whole number, 1 or more, "
            "or None for torch's own choice."
        )
    torch.set_num_threads(threads)


def _use_full_float32() -> None:
    # cuDNN rounds convolutions to TF32 by default (about 3 digits), and would give
    # other numbers than the page shows.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
