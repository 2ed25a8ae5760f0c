"""What Dask loads into each worker of a cluster on this machine."""

import os
import signal

from course_utils.cluster.worker import end_call


def dask_setup(_worker: object) -> None:
    """Leave the terminal: its Ctrl-C and its end are for the command to act on.

    Dask calls this when the worker starts, and ends the worker with the command. All
    signals are held back until then, and those of the terminal for ever.
    """
    if hasattr(os, "setsid"):
        os.setsid()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})


def dask_teardown(_worker: object) -> None:
    """End the process for calls, which the worker's own end would wait for.

    Dask calls this when the worker ends.
    """
    end_call()
