"""What tests wait for: other processes, and how far these have come."""

import time

import psutil


def eventually(true, seconds=60):
    """Wait until something is true, and return it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := true():
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to this")


def has_ended(process: int) -> bool:
    """Tell whether a process runs no more, be it that its parent hasn't asked for it.

    `psutil.pid_exists` is true of such a zombie.
    """
    try:
        return psutil.Process(process).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
