"""Batches that several tests look at, each run once."""

from concurrent.futures import Executor, Future
from pathlib import Path

import pytest

from course_utils.runs.batch import run_batch
from course_utils.runs.lessons import make_grid, read_lesson
from course_utils.runs.model import FaultKind, Limits, Result, Settings, Task
from course_utils.runs.processes import find_orphans

FIXTURES = Path(__file__).parents[1] / "fixtures" / "runs"


class InlineExecutor(Executor):
    """Runs each call at once, in this process."""

    def submit(self, fn, /, *args, **kwargs):
        future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def fixture_task(name: str, **values) -> Task:
    """Return the task of running one fixture notebook."""
    lesson = read_lesson(FIXTURES / f"{name}.ipynb")
    return Task(name, lesson.path, values, lesson.defaults, lesson.fault)


class Batch:
    """The results of a batch by task, with what was left behind."""

    def __init__(self, settings: Settings, results: list[Result]):
        self.folder = settings.folder
        self.settings = settings
        self.results = {result.task.name: result for result in results}
        self.orphans = find_orphans(settings.run)

    def fault(self, name: str) -> tuple[FaultKind, str]:
        fault = self.results[name].fault
        assert fault, f"{name} succeeded"
        return fault.kind, fault.cause

    def text(self, name: str, suffix: str = ".ipynb") -> str:
        return (self.folder / f"{name}{suffix}").read_text(encoding="utf-8")


@pytest.fixture(scope="package")
def batch(tmp_path_factory) -> Batch:
    """Every fault but the slow ones, in one batch of two processes."""
    folder = tmp_path_factory.mktemp("batch")
    settings = Settings(folder, run="faults", limits=Limits(cell=120))
    broken = folder / "broken source.ipynb"
    broken.write_text('{\n "cells": [\n', encoding="utf-8")
    flag = str(folder / "flag")
    tasks = [
        fixture_task("kills_worker_once", flag=flag),
        fixture_task("kills_worker"),
        fixture_task("fine", device="cpu", seed=3),
        fixture_task("raises", seed=1),
        fixture_task("says"),
        fixture_task("dies"),
        fixture_task("killed"),
        fixture_task("exits"),
        fixture_task("leaves_child"),
        *make_grid([read_lesson(broken), read_lesson(folder / "absent.ipynb")])[0],
    ]
    return Batch(settings, run_batch(tasks, settings, jobs=2))


@pytest.fixture(scope="package")
def limited(tmp_path_factory) -> Batch:
    """Notebooks without end under a limit of a second and a half, in this process."""
    folder = tmp_path_factory.mktemp("limited")
    settings = Settings(folder, run="limited", limits=Limits(cell=1.5))
    tasks = [fixture_task("endless"), fixture_task("stubborn"), fixture_task("fine")]
    return Batch(settings, run_batch(tasks, settings, executor=InlineExecutor()))
