"""What a lesson starts from: device, seed, threads, exact float32, figure style."""

import random

import numpy as np
import torch

from course_utils.device import select_device
from course_utils.display.plots import course_style
from course_utils.errors import CourseError

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
