"""Marks: as the lesson's own check gives them, for each exercise on its own."""

import importlib
import pkgutil
import shutil
import sys
import time
import warnings

import pytest

from course_utils.exercises import bank
from course_utils.exercises.diagnose import diagnose
from course_utils.exercises.guard import OutOfTime
from course_utils.exercises.registry import find_exercise
from course_utils.grading import judge as judging
from course_utils.grading.channel import Channel, Lost
from course_utils.grading.confinement import Limits
from course_utils.grading.judge import judge
from course_utils.grading.peer import Peer
from course_utils.grading.reading import late_modules
from course_utils.grading.sandbox import Sandbox
from course_utils.grading.sections import read_paper
from course_utils.grading.template import Template
from tests.exercises.test_bank import CAUSES
from tests.grading.lesson import write_lesson
from tests.lessons import LESSONS, read, solutions

MODULES = [f"{bank.__name__}.{m.name}" for m in pkgutil.iter_modules(bank.__path__)]
FUNCTIONS = {
    exercise.name: exercise
    for module in MODULES
    for exercise in importlib.import_module(module).EXERCISES
    if exercise.cases
}
# Of these the answer is a class, a network, or is watched at work.
SPECIAL = (
    "linear.repair linear.budget activations.gain activations.repair dropout.layer "
    "dropout.awake dropout.repair dropout.design normalization.repair "
    "normalization.design transformer.pre_norm transformer.greedy transformer.padding "
    "classifier.batches classifier.repair classifier.evaluate linear.merge "
    "residual.design"
).split()
FIRST = [importlib.import_module(module).EXERCISES[0].name for module in MODULES]
SHORT = {(name, place) for name in (*SPECIAL, *FIRST) for place in (0, 1)}
SHORT |= {("start.largest_batch", 0), ("dropout.awake", 13), ("linear.budget", 7)}
SHORT |= {("transformer.greedy", 4), ("residual.design", 6)}
SHORT |= {("normalization.design", 8)}
EVERY = [
    pytest.param(
        name,
        place,
        marks=[]
        if (name, place) in SHORT
        else pytest.mark.all
        if place < 2
        else pytest.mark.nightly,
    )
    for name, exercise in FUNCTIONS.items()
    for place in range(len(exercise.misconceptions) + 1)
]
confined = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("bwrap"),
    reason="code is confined by bubblewrap, on Linux",
)
LIMITS = Limits(exercise=60, submission=600)


@pytest.fixture(scope="module")
def sandbox():
    modules = [*late_modules(), *MODULES]
    with Sandbox(None, Limits(submission=100_000), modules) as sandbox:
        yield sandbox


# As in a notebook: what makes a layer without outputs gets a warning, no error.
@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
@pytest.mark.parametrize(("name", "place"), EVERY)
def test_verdict_from_another_process_is_the_same(sandbox, name, place):
    exercise = FUNCTIONS[name]
    answers = [exercise.reference, *(m.answer for m in exercise.misconceptions)]
    source = (
        "from course_utils.exercises.registry import find_exercise\n"
        f"found = find_exercise({name!r})\n"
        "answers = [found.reference, *(m.answer for m in found.misconceptions)]\n"
        f"answer = answers[{place}]\n"
    )
    verdict = diagnosed(sandbox, exercise, answers[place], source)
    assert verdict == diagnose(exercise, answers[place])


def diagnosed(sandbox, exercise, answer, source):
    """Return the verdict on an answer that a cell defines in another process."""
    message = {"before": [], "source": source, "file": "<cell>", "name": "answer"}
    with sandbox.fork(60) as channel:
        peer = Peer(channel, {"<cell>": source})
        verdict = diagnose(exercise, judging._define(peer, message, answer), 60)
    assert (channel.fault, channel.late) == ("", False)
    return verdict


@pytest.mark.parametrize(("name", "answer", "words"), CAUSES)
def test_cause_beside_the_numbers_is_told_from_another_process(
    sandbox, name, answer, words
):
    source = f"from tests.exercises.test_bank import {answer.__name__} as answer"
    verdict = diagnosed(sandbox, find_exercise(name), answer, source)
    assert words in verdict.messages[0]
    assert verdict == diagnose(find_exercise(name), answer)


@pytest.mark.parametrize(
    ("then", "fault"),
    [
        ("os.abort()", "its process was ended by SIGABRT"),
        ("os._exit(3)", "its process ended"),
        ("time.sleep(600)", "its process ended"),
    ],
)
def test_how_a_process_ended_is_waited_for(sandbox, then, fault):
    """On a busy machine a socket's end is seen long before the process's."""
    source = "import os, time\nos.closerange(3, 64)\ntime.sleep(0.5)\n" + then
    message = {"before": [], "source": source, "file": "<cell>", "name": "answer"}
    with sandbox.fork(60) as channel, pytest.raises(Lost):
        judging._define(Peer(channel, {}), message, None)
    assert channel.fault == fault
    assert sandbox.alive


@confined
@pytest.mark.parametrize(
    "lesson",
    [
        pytest.param(path, marks=[pytest.mark.all] * (n != 1), id=path.stem)
        for n, path in enumerate(LESSONS)
    ],
)
def test_solutions_of_a_lesson_are_right(lesson):
    answers = {s.exercise: s.answer for s in read_paper(lesson).sections}
    cells = {
        name: f"{code}\n{answers[name]} = {solution}"
        for name, (code, solution) in solutions(read(lesson)).items()
    }
    marks = judge(cells, lesson, limits=LIMITS)
    states = {mark.exercise: mark.verdict.state for mark in marks}
    assert states == dict.fromkeys(answers, "correct")


CELLS = {
    "start.means": ("def answer(x):\n    return x.mean(dim=0)", "correct", ""),
    "start.centre": ("def answer(x):\n    return x - x.mean()", "wrong", ""),
    "start.products": ("def answer(a, b): ...", "not attempted", "is missing"),
    "start.gradient": (
        "import torch\ndef answer(x:",
        "error",
        "SyntaxError: '(' was never closed, in your cell, line 2",
    ),
    "linear.count": ("count = 3", "error", "name 'answer' is not defined"),
    "linear.affine": (
        "def answer(x, weight, bias):\n    return F.linear(x, weight, bias)",
        "wrong",
        "calls `F.linear`, which this exercise does not allow",
    ),
    "linear.heads": (
        "%matplotlib inline\n!ls\ndef answer(x, weight, bias):\n    return x / missing",
        "error",
        "in the line `return x / missing`: NameError",
    ),
    "linear.standardise": (
        "def answer(mean, std):\n    mean += 1\n    return torch.diag(1 / std), -mean",
        "wrong",
        "changes its input `mean` in place",
    ),
    "linear.merge": (
        "def answer(layers):\n    layers.pop()\n    return layers[0]",
        "wrong",
        "changes its input `layers` in place",
    ),
    "linear.backward": (
        "def answer(x, weight, g):\n    torch.set_grad_enabled(False)\n"
        "    return g @ weight, g.T @ x, g.sum(0)",
        "wrong",
        "switches autograd on or off",
    ),
    "flatten.shape": (
        "torch.relu = len\ndef answer(shape, start_dim, end_dim):\n    return shape",
        "wrong",
        "",
    ),
    "flatten.hwc_to_chw": (
        "def answer(x):\n    return moved(x)\ndef moved(x):\n"
        "    return x.permute(2, 0, 1)\ndef helper(x):\n"
        "    return x.reshape(len(x), -1)\nraise ValueError('after the definition')",
        "correct",
        "",
    ),
    "flatten.any_image": (  # the helper is an earlier cell's
        "def answer(x):\n    return helper(x)",
        "wrong",
        "A batch is right",
    ),
    "flatten.linear_size": ("answer = 3", "wrong", "Expected a function or class"),
    "pooling.size": ("def answer(*args):\n    return of_the_page", "wrong", ""),
    "pooling.thin": ("raise KeyboardInterrupt", "error", "KeyboardInterrupt"),
    "pooling.route": ("exit()", "error", "ends Python"),
    "pooling.blur": ("def answer(x):\n    raise SystemExit", "error", "ends Python"),
}


@pytest.fixture(scope="module", params=[pytest.param(False, marks=confined), True])
def marks(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("lesson") / "lesson.ipynb"
    setup = "import torch\nimport torch.nn.functional as F\nof_the_page = 'seen'"
    lesson = write_lesson(path, CELLS, setup)
    cells = {name: cell for name, (cell, *_) in CELLS.items()}
    del cells["start.products"]
    found = judge(cells, lesson, limits=LIMITS, unconfined=request.param)
    return {mark.exercise: mark for mark in found}


@pytest.mark.parametrize("name", CELLS)
def test_mark_is_that_of_the_cell(marks, name):
    _, state, told = CELLS[name]
    verdict = marks[name].verdict
    assert verdict.state == state, verdict
    assert told in " ".join(verdict.messages)
    told_where = {"start.gradient": "SyntaxError in line 2 of the cell"}
    assert marks[name].fault == told_where.get(name)


def test_marks_bring_the_hints_that_the_notebook_shows(marks):
    for name, mark in marks.items():
        needed = mark.verdict.state in ("wrong", "error")
        hints = tuple(find_exercise(name).hints)
        assert mark.verdict.hints == (hints if needed else ())
        assert hints


NARROW = """
def answer(i, o, budget):
    hidden = max(0, min(i, o, (budget - o - 1) // (i + o + 1)))
    return nn.Sequential(nn.Linear(i, hidden), nn.Linear(hidden, o))
"""


def test_filter_of_warnings_changes_no_verdict(tmp_path):
    lesson = write_lesson(tmp_path / "lesson.ipynb", ["linear.budget"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # and a layer without outputs gives one
        (mark,) = judge({"linear.budget": NARROW}, lesson, unconfined=True)
    assert mark.verdict.misconception == "under the budget, or 0"


def test_every_exercise_gets_a_mark_in_order(marks):
    assert list(marks) == list(CELLS)


def test_nothing_submitted_starts_no_process(monkeypatch, tmp_path):
    monkeypatch.setattr(Template, "sandbox", None)
    lesson = write_lesson(tmp_path / "lesson.ipynb", CELLS)
    stub = {"start.means": "def answer(*args): ...\n"}
    states = [m.verdict.state for m in judge(stub, lesson, unconfined=True)]
    assert states == ["not attempted"] * len(CELLS)


def test_a_submission_that_takes_too_long_is_ended(tmp_path):
    lesson = write_lesson(tmp_path / "lesson.ipynb", ["linear.count", "start.means"])
    cells = dict.fromkeys(("linear.count", "start.means"), "while True: pass")
    limits = Limits(exercise=0.5, submission=0.1)
    first, second = judge(cells, lesson, limits=limits, unconfined=True)
    assert first.fault == "out of time"
    assert second.fault == "all exercises together took 0.1 seconds"


SENDS_EXIT = """
def answer(x):
    class Exit(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.mean(dim=0)
        @staticmethod
        def backward(ctx, grad):
            raise SystemExit
    return Exit.apply(x)
"""


def test_exit_on_the_way_back_does_not_end_the_grader(tmp_path):
    lesson = write_lesson(tmp_path / "lesson.ipynb", ["pooling.thin"])
    (mark,) = judge({"pooling.thin": SENDS_EXIT}, lesson, unconfined=True)
    assert mark.verdict.state in ("wrong", "error")


FULL = """
def answer(x):
    kept = []
    while True:
        kept.append(torch.ones(1 << 22))
"""


@pytest.mark.parametrize("unconfined", [pytest.param(False, marks=confined), True])
def test_lack_of_memory_is_told_as_such(tmp_path, unconfined):
    lesson = write_lesson(tmp_path / "lesson.ipynb", ["start.means"])
    limits = Limits(exercise=30, submission=30, memory=1 << 28)
    (mark,) = judge({"start.means": FULL}, lesson, limits=limits, unconfined=unconfined)
    told = "it needs more than 256 MB of memory"
    assert mark.fault == told
    assert mark.verdict.messages == (f"Your code was stopped: {told}.",)


def test_lack_of_memory_is_told_of_what_is_late_as_well(tmp_path, monkeypatch):
    """A machine whose memory is full is slow."""
    lesson = write_lesson(tmp_path / "lesson.ipynb", ["start.means"])
    limits = Limits(exercise=0.5, submission=30, memory=1 << 28)
    receive = Channel.receive

    def late(channel):
        try:
            return receive(channel)
        except OutOfTime:
            monkeypatch.setattr(Sandbox, "_memory", lambda sandbox: 1 << 40)
            time.sleep(1)  # until it is seen
            raise

    monkeypatch.setattr(Channel, "receive", late)
    cells = {"start.means": "while True: pass"}
    (mark,) = judge(cells, lesson, limits=limits, unconfined=True)
    assert mark.fault == "it needs more than 256 MB of memory"


# More work in a later call than in the first one.
GROWS = """
class Growing(nn.Module):
    def __init__(self):
        super().__init__()
        layers = [nn.Conv2d(1, 1, 3, padding=1) for _ in range(20)]
        self.layers, self.head = nn.ModuleList(layers), nn.Linear(784, 10)
    def forward(self, x):
        for _ in range(1 if len(x) < 64 else 100):
            for layer in self.layers:
                x = x + layer(x)
            x = x / x.detach().std()
        return self.head(x.flatten(1))
def answer():
    return Growing()
"""


def test_work_is_counted_in_the_call_that_is_judged(tmp_path):
    lesson = write_lesson(tmp_path / "lesson.ipynb", ["residual.design"])
    (mark,) = judge({"residual.design": GROWS}, lesson, limits=LIMITS, unconfined=True)
    assert mark.verdict.misconception == "too large pictures"
