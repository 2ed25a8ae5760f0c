"""The call at the end of a lab: it never raises, and says what is missing."""

import linecache
import time
from dataclasses import replace

import pytest
import torch

from course_utils.cells import CELLS
from course_utils.display.bundles import HTML, PLAIN, SUBMISSION
from course_utils.labs import submission as module
from course_utils.labs.elsewhere import lost_in_grading
from course_utils.labs.registry import find_lab
from course_utils.labs.submission import submission, submission_bundle
from tests.labs.solutions_hinges import BASELINE, CEILING


def defined(text, name):
    scope = {"torch": torch}
    exec(text, scope)
    return scope[name]


FIT = defined(CEILING["hinges.fit"], "fit")
DEEP = defined(BASELINE["hinges.deep"], "deep")


def said(**answers):
    return submission_bundle("hinges", answers)[PLAIN]


def test_open_points_are_shown_with_their_reasons():
    bundle = submission_bundle("hinges", {"fit": FIT, "deep": DEEP})
    text = bundle[PLAIN]
    assert text.startswith("Lab hinges: 10 of 20 points")
    assert "6 of 6 functions are within 0.01." in text
    assert "not complete" not in text and "To hand in" in text
    assert bundle[SUBMISSION] == {"lab": "hinges", "points": 10.0}
    assert "<table>" in bundle[HTML]


def test_what_is_missing_is_said():
    text = said(fit=FIT)
    assert "`deep` is missing: add `deep=…` to the call." in text
    assert "It is not complete yet." in text
    assert "`other` is none of this lab's tasks: they are fit, deep." in said(other=1)


def stub(x, y, tolerance): ...


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (..., "Not attempted yet"),
        (stub, "Not attempted yet"),
        (3, "`fit` must be a function of (x, y, tolerance), and is int."),
        (lambda x: x, "of (x, y, tolerance); yours takes (x)."),
        (lambda x, y, tolerance: 1 / 0, "ZeroDivisionError"),
        (lambda *a: 4.0, "(weight, bias, height, shift)"),
        (lambda *a: exit(), "ends Python"),
    ],
)
def test_what_does_not_fit_is_said_and_never_raised(answer, words):
    assert words in said(fit=answer, deep=...)


def test_endless_loop_is_stopped(monkeypatch):
    lab = find_lab("hinges")
    hasty = replace(lab, tasks=[replace(task, seconds=0.3) for task in lab.tasks])
    monkeypatch.setattr(module, "SECONDS", 0.2)
    monkeypatch.setattr(module, "find_lab", lambda name: hasty)

    def fit(x, y, tolerance):
        while True:
            time.sleep(0.01)

    assert "`fit` was stopped after 0.3 seconds." in said(fit=fit, deep=...)


def test_unknown_lab_is_a_sentence(capsys):
    submission("hingse", fit=FIT)
    assert "Did you mean 'hinges'?" in capsys.readouterr().out


def test_answer_of_a_cell_that_failed_is_not_measured(monkeypatch):
    monkeypatch.setattr(CELLS, "is_outdated", lambda name, value: value is FIT)
    assert "would measure an older version" in said(fit=FIT, deep=...)


def test_markup_of_a_learner_stays_text():
    def fit(x, y, tolerance):
        raise ValueError("<script>alert(1)</script>")

    bundle = submission_bundle("hinges", {"fit": fit, "deep": ...})
    assert "<script>" not in bundle[HTML] and "&lt;script&gt;" in bundle[HTML]


def test_measuring_draws_nothing_from_the_learners_generator():
    torch.manual_seed(5)
    said(fit=FIT, deep=DEEP)
    after = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(after, torch.rand(3))


# --- names of other cells -------------------------------------------------------------

CELLS_BEFORE = [
    "from course_utils import load_sketches\nimport torch\nfrom math import *",
    "garments = load_sketches()",
    "images = garments.train.images[:10] / 255",
    "WIDTH = 3\nKERNEL = torch.ones(WIDTH)",
    "def helper(x):\n    return x * KERNEL.sum()",
    "def spoilt(x):\n    return x + images.sum()",
    "net = torch.nn.Linear(2, 2)",
]
DATA = "comes from `load_sketches`, which finds no data where it is graded."


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("helper(x)", []),
        ("helper(torch.ones(WIDTH)) + len(x)", []),
        ("images.sum()", [f"`images` {DATA}"]),
        ("spoilt(x)", [f"`images` {DATA}"]),
        ("net(x)", ["`net` is a network of another cell: grading makes it anew"]),
        ("sqrt(2)", ["`sqrt` has its value from no line that names it"]),
        ("load_sketches()", ["`load_sketches` finds no data where it is graded."]),
        (
            "load()\n    from course_utils import load_text as load",
            ["`load_text` finds no data where it is graded."],
        ),
        ("print(missing)", []),
    ],
)
def test_what_grading_does_not_find_is_told(body, told):
    scope = {"__name__": "__main__", "In": [*CELLS_BEFORE, "submission('x', f=f)"]}
    text = f"OWN = 1\ndef f(x):\n    return OWN, {body}"
    for cell in [*CELLS_BEFORE, text]:
        exec(cell, scope)
    found = lost_in_grading(scope["f"], text)
    assert len(found) == len(told), found
    for words in told:
        assert any(line.startswith(words) for line in found), found


def test_bytes_are_those_of_the_whole_cell():
    text = f'NUMBERS = "{"1" * 4000}"\ndef train(images, labels):\n    return images\n'
    file, scope = "/nowhere/cell.py", {}
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    exec(compile(text, file, "exec"), scope)
    told = submission_bundle("shifts", {"train": scope["train"]})[PLAIN]
    del linecache.cache[file]
    assert "bytes, over 4,000" in told, told
