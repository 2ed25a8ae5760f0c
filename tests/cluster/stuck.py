"""What Dask loads into a worker that never starts."""

import time


def dask_setup(_worker: object) -> None:
    """Keep the worker from its start."""
    time.sleep(600)
