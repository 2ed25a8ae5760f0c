"""What runs on a worker of the cluster: one call at a time, in a process of its own."""

import pickle
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
# The function of the latest batch, by its name.
_known: dict[str, Callable[..., Any]] = {}


def run_known(
    name: str, content: bytes | None, *args: Any, **kwargs: Any
) -> tuple[bool, Any]:
    """Run a function that the calls of a batch have in common, as `run_alone` does.

    Args:
        name: tells it from all others.
        content: the function, pickled; None where the worker should know it.
        args: what it is called with.
        kwargs: the same.

    Returns:
        Whether it is known here, and what it returned.

    >>> run_known("divmod", None, 7, 2)
    (False, None)
    >>> run_known("divmod", pickle.dumps(divmod), 7, 2)
    (True, (3, 1))
    >>> end_call()
    """
    if content is not None:
        _known.clear()
        _known[name] = pickle.loads(content)
    function = _known.get(name)
    if function is None:
        return False, None
    return True, run_alone(function, *args, **kwargs)


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
