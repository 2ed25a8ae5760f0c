"""The environment a kernel gets, and which processes are found again by it."""

import subprocess
import sys

import pytest

from course_utils.runs.kernel import kernel_environment
from course_utils.runs.strays import end_strays, find_strays, run_mark


@pytest.mark.parametrize(
    ("named", "seen"), [(True, None), (False, "cuda")], ids=["named", "not named"]
)
def test_course_device_never_replaces_a_named_device(monkeypatch, named, seen):
    monkeypatch.setenv("COURSE_DEVICE", "cuda")
    assert kernel_environment(named, None, {}).get("COURSE_DEVICE") == seen


@pytest.mark.parametrize(
    ("own", "threads", "seen"),
    [(None, 2, "2"), ("1", 2, "1"), ("8", 2, "2"), ("all", 2, "2"), ("8", None, "8")],
)
def test_threads_are_limited_and_never_raised(monkeypatch, own, threads, seen):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if own:
        monkeypatch.setenv("OMP_NUM_THREADS", own)
    assert kernel_environment(False, threads, {})["OMP_NUM_THREADS"] == seen


def test_only_the_marked_processes_are_ended():
    sleep = [sys.executable, "-c", "import time; time.sleep(60)"]
    children = {}
    try:
        for task in ("one", "one--2"):
            env = kernel_environment(False, None, run_mark("strays", task))
            children[task] = subprocess.Popen(sleep, env=env)
        assert len(find_strays("strays")) == 2
        assert end_strays("strays", "one") == 1
        assert find_strays("strays", "one") == []
        assert len(find_strays("strays", "one--2")) == 1
        assert end_strays("other") == 0
        assert end_strays("strays") == 1
    finally:
        for child in children.values():
            child.kill()
            child.wait()
