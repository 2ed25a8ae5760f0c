"""The call at the end of a lab: it never raises, and says what is missing."""

import linecache
import time
from dataclasses import replace

import pytest
import torch

from course_utils.cells import CELLS
from course_utils.data.sketches import load_sketches
from course_utils.display.bundles import HTML, PLAIN, SUBMISSION
from course_utils.grading.answers import Cell, find_answers
from course_utils.grading.sections import read_paper
from course_utils.labs import submission as module
from course_utils.labs.bank import shifts
from course_utils.labs.elsewhere import lost_in_grading, page_names, taken_along
from course_utils.labs.registry import find_lab
from course_utils.labs.submission import submission, submission_bundle
from tests.labs.solutions_hinges import BASELINE, CEILING
from tests.lessons import ROOT


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
    assert text.startswith("Lab hinges: 10 of 20 points, measured openly.")
    assert "6 of 6 functions are within 0.01." in text
    assert "not complete" not in text and "To hand in" in text
    assert bundle[SUBMISSION] == {"lab": "hinges", "points": 10.0}
    assert "<table>" in bundle[HTML]


def test_what_is_missing_is_said():
    text = said(fit=FIT)
    assert "`deep` is missing: add `deep=…` to the call." in text
    assert "It is not complete yet." in text and "To hand in" not in text
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


@pytest.fixture
def sketches(monkeypatch):
    """Draw from the sketches, which are on every machine."""
    monkeypatch.setattr(shifts, "load_fashion_mnist", lambda source: load_sketches())


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
DATA = "comes from data that this notebook loads, and grading does not have: a"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("helper(x)", []),
        ("helper(torch.ones(WIDTH)) + len(x)", []),
        ("images.sum()", [f"`images` {DATA}"]),
        ("spoilt(x)", [f"`images` {DATA}"]),
        ("net(x)", ["`net` is a network of another cell: grading makes it anew"]),
        ("sqrt(2)", ["`sqrt` has its value from no line that names it"]),
        (
            "load_sketches()",
            ["`load_sketches` finds no data where it is graded: a function"],
        ),
        (
            "load()\n    from course_utils import load_text as load",
            ["`load_text` finds no data where it is graded: a function"],
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


def test_line_beside_the_answer_is_named_and_not_its_names():
    scope = {"__name__": "__main__", "In": CELLS_BEFORE}
    text = "def helper(x):\n    return x\n\ndef f(x):\n    return helper(x)\n"
    line = "print(f(images).mean())"
    for cell in [*CELLS_BEFORE, text + line]:
        exec(cell, scope)
    (told,) = lost_in_grading(scope["f"], text + line)
    assert told.startswith(f"`{line}` is in the cell of `f`, and grading runs all")
    assert "put it in a cell of its own. `images` comes from" in told
    assert lost_in_grading(scope["f"], text + "print(f(3))") == []
    scope["In"] = [*CELLS_BEFORE, using := "def f(x):\n    return images\nprint(f(3))"]
    (told,) = lost_in_grading(scope["f"], using)
    assert told.startswith("`images` comes from")


def told_of(text, monkeypatch, before=()):
    """Return what is said of a cell of lab C, after those that were run before."""
    file, scope = "/nowhere/cell.py", {"__name__": "__main__", "In": [*before, text]}
    for cell in before:
        exec(cell, scope)
    cached = (len(text), None, text.splitlines(True), file)
    monkeypatch.setitem(linecache.cache, file, cached)
    exec(compile(text, file, "exec"), scope)
    return submission_bundle("shifts", {"train": scope["train"]})[PLAIN]


def test_bytes_are_those_of_the_whole_cell(monkeypatch):
    text = f'NUMBERS = "{"1" * 4000}"\ndef train(images, labels):\n    return images\n'
    told = told_of(text, monkeypatch)
    assert "! Your code was not run: the cell has " in told, told
    assert "bytes, over 4,000" in told, told


PAGE = "from torch import nn\nimport torch"
HELPERS = "import math\nWIDTH = 4\n\ndef  first():\n  return nn.Conv2d(1, WIDTH, 3)\n"
USING = """def train(images, labels):
    size = math.prod((WIDTH, 26, 26))
    return nn.Sequential(first(), nn.Flatten(), nn.Linear(size, 10))
"""


def test_bytes_of_other_cells_are_counted_as_in_grading(monkeypatch, sketches):
    older = USING.replace("26", "5")
    told = told_of(USING, monkeypatch, [PAGE, "WIDTH = 3", HELPERS, older])
    cells = [Cell("page", frozenset(), PAGE), Cell("own", frozenset(), HELPERS)]
    cells.append(Cell("shifts-train", frozenset({"exercise"}), USING))
    paper = read_paper(ROOT / "notebooks" / "labs" / "shifts.ipynb")
    graded = len(find_answers(cells, paper)[0]["shifts.train"].encode())
    assert graded > len(USING) and f", {graded} of 4,000 bytes" in told, told
    more = graded - len(USING)
    assert "`train` uses `WIDTH`, `first`, `math` of other cells" in told, told
    assert f"{more} bytes that count as its own" in told
    assert "not complete" not in told and "It can be graded, and gets no" in told


# As in the data cells of labs: the last line that names the images loads nothing.
CUT = ["images = images[:6]\nheld_out = images[6:]", "images = images[:3]"]


def test_data_of_the_page_are_known_however_often_they_are_named_anew(monkeypatch):
    text = "def train(images, labels):\n    ran.append(held_out)\n    return helper(1)"
    before = [*CELLS_BEFORE, *CUT, "ran = []"]
    told = told_of(text, monkeypatch, before)
    assert f"! `held_out` {DATA} function may use its arguments alone." in told
    assert "all items: 0 of 20. Not measured." in told and "To hand in" not in told
    assert "not complete" in told and "`helper`" not in told
    # What an older cell took from data counts no more.
    told = told_of(text, monkeypatch, [*before, "held_out = 3"])
    assert DATA not in told


def test_functions_find_what_was_defined_after_them():
    cells = ["def helper():\n    return SIZE", "SIZE = 1", "SIZE = 23"]
    scope = {"__name__": "__main__", "In": cells}
    text = "def f():\n    return helper()"
    for cell in [*cells, text]:
        exec(cell, scope)
    assert taken_along(scope["f"], text, "shifts")["SIZE"] == "SIZE = 23"


def test_names_that_are_missing_are_told_as_grading_sees_them(monkeypatch, sketches):
    text = "def train(images, labels):\n    return held_out"
    told = told_of(text, monkeypatch)
    assert "A name is misspelt, or is not there where your code is graded." in told
    assert "all items: 0 of 20. It was not measured." in told


def test_network_in_place_of_the_recipe_is_told():
    told = submission_bundle("shifts", {"train": torch.nn.Sequential()})[PLAIN]
    assert "This is a network. Hand in the function: `train=train`." in told


def test_function_of_another_name_is_not_what_is_handed_in():
    exec("def baseline(x, y, tolerance):\n    return fit(x, y, tolerance)", scope := {})
    scope["fit"] = FIT
    text = said(fit=scope["baseline"], deep=DEEP)
    assert "! Only `fit` is graded, and this is another function." in text
    assert "To hand in" not in text and "not complete" not in text


def test_what_can_be_graded_and_gets_no_points_is_told_of_the_answer_alone(sketches):
    text = "def {}(images, labels):\n    return nn.Sequential(nn.Flatten(), "
    text += "nn.Linear(784, 10))"
    scope = {"nn": torch.nn}
    for name, words in (("train", True), ("baseline", False)):
        exec(text.format(name), scope)
        told = submission_bundle("shifts", {"train": scope[name]})[PLAIN]
        assert "Lab shifts: 0 of 20" in told and "To hand in" not in told
        assert ("It can be graded" in told) == words


def test_open_points_are_measured_with_one_thread_as_in_grading(monkeypatch):
    seen = []
    lab = find_lab("hinges")
    task = replace(lab.tasks[0], measure=lambda work: iter(work.call()))
    monkeypatch.setattr(module, "find_lab", lambda name: replace(lab, tasks=[task]))
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        said(fit=lambda *_: seen.append(torch.get_num_threads()) or [])
        assert seen == [1] and torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("name", ["C", "c", "Lab C"])
def test_letter_of_a_lab_is_answered_with_its_name(name):
    told = submission_bundle(name, {})[PLAIN]
    assert told == f"There is no lab {name!r}: lab C is 'shifts' here."


@pytest.mark.parametrize("lab", ["few_labels", "shifts", "bits", "budget"])
def test_what_the_page_defines_is_counted_nowhere(lab):
    paper = read_paper(ROOT / "notebooks" / "labs" / f"{lab}.ipynb")
    defined = {name for statement in paper.page for name in statement.defines}
    assert page_names(lab) == defined > {"torch", "submission"}
    assert find_lab(lab).tasks[0].most_bytes


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("import numpy, math", False),
        ("from torch.nn import functional", False),
        ("import matplotlib.pyplot as plt", True),
        ("from matplotlib import pyplot", True),
    ],
)
def test_package_that_grading_may_not_have_is_told(monkeypatch, sketches, line, told):
    text = USING.replace("    size", f"    {line}\n    size", 1)
    found = told_of(text, monkeypatch, [PAGE, HELPERS])
    words = "! `matplotlib` may be missing where it is graded"
    assert (words in found) == told, found
