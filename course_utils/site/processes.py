"""The processes in which lessons are recorded: each a copy of one that is ready."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from multiprocessing import get_context
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

# What most lessons import, once for all: torchvision alone takes some seconds.
_IMPORTS = ["course_utils.site.recording", "IPython", "torchvision"]


@contextmanager
def environment() -> Iterator[None]:
    """Have new processes compute on one core of the CPU, and draw without a window."""
    ours = {"MPLBACKEND": "agg", "OMP_NUM_THREADS": "1", "COURSE_DEVICE": "cpu"}
    before = dict(os.environ)
    os.environ.update(ours)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@cache
def processes() -> "ForkServerContext | SpawnContext":
    """Return what makes processes; on Linux forked from one with all imports made.

    That one begins here, and goes on by itself: this module imports little, so that
    the caller's imports are made beside its own.
    """
    if sys.platform != "linux":
        return get_context("spawn")
    from multiprocessing.forkserver import ensure_running

    context = get_context("forkserver")
    context.set_forkserver_preload(_IMPORTS)
    with environment():
        ensure_running()
    return context
