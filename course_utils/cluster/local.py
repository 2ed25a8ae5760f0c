"""What Dask loads into each worker of a cluster on this machine."""

import os


def dask_setup(_worker: object) -> None:
    """Leave the terminal: its Ctrl-C and its end are for the command to act on.

    Dask calls this when the worker starts, and ends the worker with the command.
    """
    if hasattr(os, "setsid"):
        os.setsid()
