"""What runs on a worker of the cluster: one call at a time, in a process of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from multiprocessing import current_process
from typing import Any

from pebble import ProcessExpired

from course_utils.runs.processes import Workers

_one = threading.Lock()
_workers: Workers | None = None


def run_alone(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Return what a function returns in the worker's own process for calls.

    That process has a main thread for them and settings of torch that are theirs; what
    kills it does not kill the worker. However many threads a worker has, one call runs.

    Raises:
        BrokenExecutor: the process died.

    >>> run_alone(divmod, 7, 2)
    (3, 1)
    >>> end_call()
    """
    global _workers
    with _one:
        if _workers is None:
            # Dask marks a worker's process as one that must not start others, so that
            # none outlives it; these end with it by themselves.
            current_process()._config["daemon"] = False  # type: ignore[attr-defined]
            _workers = Workers(1)
        try:
            return _workers.submit(function, *args, **kwargs).result()
        except (BrokenExecutor, ProcessExpired) as error:
            raise BrokenExecutor(f"its process ended: {error}") from None


def end_call() -> None:
    """End the call that runs, and its process."""
    global _workers
    workers, _workers = _workers, None
    if workers:
        with suppress(RuntimeError):  # it ended at the same time
            workers.shutdown(cancel_futures=True)
