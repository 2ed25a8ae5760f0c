"""What can go wrong with a run, each in one sentence."""

import errno
import re
import signal
from dataclasses import dataclass

# Escape codes that colour a terminal; an error's message may hold them.
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST = 300


@dataclass(frozen=True)
class Fault:
    """Why a run did not succeed: its kind (one word or two) and the cause."""

    kind: str
    cause: str


def disk_fault(error: OSError, folder: object) -> Fault:
    """Name what kept a file from being written to `folder`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Fault(
            "disk full",
            f"No space is left for {folder}: free some, "
            "or choose another folder with --out.",
        )
    reason = error.strerror or type(error).__name__
    return Fault("not written", f"A file can't be written to {folder}: {reason}.")


def raised_fault(ename: str, evalue: str, count: int | None) -> Fault:
    """Name the error that a cell raised; a CourseError's own sentence stands alone."""
    message = one_line(evalue)
    if ename == "CourseError":
        return Fault("raised", message)
    where = f"Cell [{count}] raised {ename}"
    return Fault("raised", f"{where}: {message}" if message else f"{where}.")


def timeout_fault(seconds: float, count: int | None) -> Fault:
    """Name a cell that had to be stopped after `seconds`."""
    return Fault(
        "timed out",
        f"Cell [{count}] ran longer than {seconds:g} s and was stopped; "
        "--cell-timeout sets the limit.",
    )


def dead_kernel_fault(code: int | None, count: int | None) -> Fault:
    """Name a kernel that ended by itself, from its exit code (-9: killed)."""
    how = "it ended"
    if code is not None and code < 0:
        how = f"it was killed by {_signal_name(-code)}"
        if -code == getattr(signal, "SIGKILL", None):
            how += ", which is often a lack of memory"
    elif code is not None:
        how = f"its process ended with exit code {code}"
    return Fault("dead kernel", f"The kernel died in cell [{count}]: {how}.")


def no_kernel_fault(log: str) -> Fault:
    """Name a kernel that never answered, with the last line that it wrote."""
    last = next((line for line in reversed(log.splitlines()) if line.strip()), "")
    reason = one_line(last) or "it gave no answer"
    return Fault("no kernel", f"The kernel did not start: {reason.rstrip('.')}.")


def lost_worker_fault() -> Fault:
    return Fault(
        "worker lost",
        "The process that ran this lesson was killed, twice; "
        "this is often a lack of memory: fewer --jobs need less.",
    )


def interrupted_fault(begun: bool) -> Fault:
    when = "while it ran" if begun else "before it began"
    return Fault("interrupted", f"The batch was interrupted {when}.")


def other_fault(error: BaseException) -> Fault:
    """Name an error that nothing here foresaw."""
    message = one_line(str(error))
    name = type(error).__name__
    return Fault("failed", f"{name}: {message}" if message else f"{name}.")


def one_line(text: str) -> str:
    """Return the first line that says something, without colours, not too long."""
    lines = (line.strip() for line in _COLOURS.sub("", text).splitlines())
    line = next((line for line in lines if line), "")
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
