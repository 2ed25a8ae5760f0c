"""What tests start from, what one worker runs, how nbval compares a lesson's outputs.

One stored set of outputs serves the CPU, CUDA and every supported torch, so what
rightly differs between them is made alike on both sides before they are compared.
The rest of that list, which needs no code, is tests/nbval_sanitize.cfg.
"""

import os
import re
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from jupyter_client.provisioning import KernelProvisionerFactory
from xdist.scheduler import LoadScopeScheduling

from course_utils.runs.warm import WarmProvisioner, runs_on_cpu

# Broken on purpose, or cutting off the network; the tests that use them run them.
collect_ignore_glob = ["tests/fixtures/*.ipynb", "tests/offline/*"]

# For the kernels too: one thread each, the CPU unless told, and this checkout.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("COURSE_DEVICE", "cpu")
# No test reads or writes what the developer has solved.
os.environ["COURSE_PROGRESS"] = os.devnull
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")])
)

DIGITS = 4  # significant ones that are compared
# A number with a fraction; no part of a version, a name or a slice.
FLOAT = r"(?<![\w.])\d+\.\d+(?:[eE][+-]?\d+)?(?!\w|\.\d)"
MINUS_ZERO = r"(?<![\w.)\]])-(0\.0*)(?![\d.eE])"
# torch pads columns by a place where any number in them is negative.
PADDING = r"(\[|, |\n) +(?=[-\d\[])"


def round_float(match: re.Match) -> str:
    """Return the matched number with at most `DIGITS` significant digits."""
    text = match.group()
    mantissa = re.split("[eE]", text)[0].replace(".", "").lstrip("0")
    if len(mantissa) <= DIGITS:
        return text
    return f"{float(text):#.{DIGITS}g}"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return one worker more than cores, for a worker often waits for a kernel."""
    return min(4, max(2, os.cpu_count() or 2)) + 1


class ByLesson(LoadScopeScheduling):
    """Keep on one worker what shares something slow.

    A folder with a conftest.py shares its fixtures, such as a batch that was run. A
    file is together too; but one whose tests run for each lesson is so by lesson, and
    of the experiments, which take a minute, each is on its own.
    Two browsers take half of the lessons each: one alone would take longest of all.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, test = nodeid.partition("::")
        lesson = re.search(r"\[((\d\d)_\w+)", test)
        if file.startswith("tests/browser/"):
            return f"{file} {int(lesson[2]) % 2 if lesson else 0}"
        if folder := re.match(r"tests/(?:cluster|runs)/", file):
            return folder[0]
        if file == "tests/test_experiments.py":
            return nodeid
        return f"{file} {lesson[1]}" if lesson else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Schedule by lesson: its cells share a kernel, and its tests one run of it."""
    if config.getvalue("dist") == "loadscope":
        return ByLesson(config, log)
    return None


def pytest_collection_modifyitems(items) -> None:
    """Begin with what takes longest, so that no worker is left with it at the end."""
    longest = ["tests/browser/", "notebooks/1", "tests/test_emulated_lessons"]
    longest += ["tests/test_papermill", "notebooks/", "tests/test_experiments.py"]
    longest += ["tests/exercises/test_", "tests/grading/test_judge"]
    longest += ["tests/cluster/", "tests/runs/"]

    def rank(item) -> int:
        starts = map(item.nodeid.startswith, longest)
        return next((i for i, found in enumerate(starts) if found), len(longest))

    items.sort(key=rank)


def warm_start(setup: Callable[[], None]) -> Callable[[], None]:
    """Return a notebook's setup whose kernel is forked with torch imported already."""
    factory = KernelProvisionerFactory.instance()
    place = f"{WarmProvisioner.__module__}:{WarmProvisioner.__name__}"
    factory.provisioners["warm"] = EntryPoint("warm", place, factory.GROUP_NAME)

    def warm_setup() -> None:
        usual = factory.default_provisioner_name
        factory.default_provisioner_name = "warm"
        try:
            setup()
        finally:  # other tests of this process start theirs the usual way
            factory.default_provisioner_name = usual

    return warm_setup


def pytest_collectstart(collector) -> None:
    """Give nbval's collector of a notebook the rules of this course."""
    if not hasattr(collector, "sanitize_patterns"):
        return
    # A cell of lesson 10 trains for minutes on one busy core.
    collector.add_marker(pytest.mark.timeout(1200))
    # Progress bars and warnings differ from run to run and go to stderr. Measured
    # values differ too: their text says whether they lie in their range.
    collector.skip_compare += ("stderr", "application/vnd.course.measured+json")
    if runs_on_cpu("auto", os.environ):
        collector.setup = warm_start(collector.setup)
    collector.sanitize_patterns[FLOAT] = round_float
    collector.sanitize_patterns[MINUS_ZERO] = r"\1"
    collector.sanitize_patterns[PADDING] = r"\1"
