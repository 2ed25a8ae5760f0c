"""Calls that tests send to a cluster."""

import os
import signal
import time
from pathlib import Path


def where(marker: Path) -> tuple[int, int]:
    """Return this process and its parent, after telling a file of the start."""
    begin(marker)
    return os.getpid(), os.getppid()


def begin(marker: Path) -> None:
    with marker.open("a") as file:
        file.write(f"{os.getppid()} {os.getpid()}\n")


def wait_for(path: Path, marker: Path) -> str:
    """Tell a file of the start and wait until another is there."""
    begin(marker)
    while not path.exists():
        time.sleep(0.05)
    return "done"


def die(marker: Path) -> None:
    """End this process."""
    begin(marker)
    os.kill(os.getpid(), signal.SIGKILL)


def fail() -> None:
    raise OSError("no room")


def joined(first: str, second: str) -> str:
    return first + second


def be_late(marker: Path) -> None:
    begin(marker)
    raise TimeoutError("its own")
