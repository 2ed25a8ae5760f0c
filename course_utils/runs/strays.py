"""Processes a run left behind: found by a mark in their environment, and ended."""

import os

import psutil

_VARIABLE = "COURSE_BATCH_RUN"


def run_mark(run: str, task: str) -> dict[str, str]:
    """Return the variable that a task's kernel and all its children inherit."""
    return {_VARIABLE: f"{run}/{task}"}


def find_strays(run: str, task: str = "") -> list[psutil.Process]:
    """Return the living processes of a run, or of one of its tasks."""
    wanted = f"{run}/{task}"
    found = []
    for process in psutil.process_iter():
        try:
            mark = process.environ().get(_VARIABLE, "")
        except (psutil.Error, OSError):
            continue
        whole = mark == wanted if task else mark.startswith(wanted)
        if whole and process.pid != os.getpid():
            found.append(process)
    return found


def end_strays(run: str, task: str = "") -> int:
    """Kill the processes of a run, or of one of its tasks; return how many."""
    strays = find_strays(run, task)
    for process in strays:
        try:
            process.kill()
        except psutil.Error:
            continue
    psutil.wait_procs(strays, timeout=5)
    return len(strays)
