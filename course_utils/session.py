"""What a lesson starts from: device, seed, threads, exact float32, figure style."""

import random
import sys
import warnings

import numpy as np
import torch

from course_utils import diary
from course_utils.cells import CELLS
from course_utils.device import select_device
from course_utils.errors import CourseError

# Global on purpose: one kernel runs one lesson, and torch's seed, threads and
# precision, which `setup` sets too, belong to the process as well.
_current = torch.device("cpu")


def setup(
    device: str = "auto", seed: int = 0, threads: int | None = None
) -> torch.device:
    """Prepare the process for a lesson, and print the device and the seed.

    1. Choose the device; `current_device` returns it from now on.
    2. Seed the generators of Python, numpy and torch.
    3. Compute in exact float32 on a GPU too, by cuDNN's deterministic algorithms.
    4. Give matplotlib the course's figure style.
    5. Set how many threads torch computes with, if asked.
    6. In a notebook, follow its cells, so that no check praises what a failed cell
       was to replace. Where a person runs it, print too what the learner's diary
       holds of this lesson.

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

    >>> device = setup("cpu", seed=1)
    Device: cpu. Seed: 1.
    >>> torch.zeros(2, device=device)
    tensor([0., 0.])
    """
    from course_utils.display.plots import course_style  # matplotlib: a second

    global _current
    _current = select_device(device)
    seed_everything(seed)
    _use_exact_float32()
    course_style()
    if threads is not None:
        if not _is_whole(threads, 1):
            raise CourseError(
                f"threads={threads!r} can't be used: give a whole number, 1 or more, "
                "or None for torch's own choice."
            )
        torch.set_num_threads(threads)
    _follow_cells()
    print(f"Device: {_current}. Seed: {seed}.")
    if so_far := diary.summary(diary.lesson_here()):
        print(so_far)
    return _current


def seed_everything(seed: int) -> None:
    """Seed the generators of Python, numpy and torch (CPU and GPU).

    Raises:
        CourseError: `seed` is not a whole number from 0 to 2**32 - 1.

    >>> seed_everything(7)
    >>> first = torch.rand(3)
    >>> seed_everything(7)
    >>> torch.equal(torch.rand(3), first)
    True
    """
    if not _is_whole(seed, 0) or seed >= 2**32:
        raise CourseError(
            f"seed={seed!r} can't be used: give a whole number from 0 to {2**32 - 1}."
        )
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries that use numpy's global generator
    torch.manual_seed(seed)


def current_device() -> torch.device:
    """Return the device the last `setup` chose; "cpu" before any.

    >>> device = setup("cpu")
    Device: cpu. Seed: 0.
    >>> current_device()
    device(type='cpu')
    """
    return _current


def _is_whole(value: object, low: int) -> bool:
    """Return whether `value` is an int of at least `low`; True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= low


def _follow_cells() -> None:
    # Where IPython was not even imported, no cell runs.
    if ipython := sys.modules.get("IPython"):
        if shell := ipython.get_ipython():
            CELLS.follow(shell)


def _use_exact_float32() -> None:
    # cuDNN rounds convolutions to TF32 by default (about 3 digits), and would give
    # other numbers than the page shows.
    with warnings.catch_warnings():
        # torch 2.9.0 recommends the newer `fp32_precision`. But where that was set,
        # `torch.backends.cudnn.flags` raises an error (seen in 2.9.0 to 2.15).
        warnings.simplefilter("ignore", UserWarning)
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True
