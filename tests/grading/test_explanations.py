"""Explanations of the repair shop: which to read, and which are alike."""

from course_utils.exercises.model import State, Verdict
from course_utils.grading.alike import compare
from course_utils.grading.explanations import docstring, unread
from course_utils.grading.gradebook import Gradebook
from course_utils.grading.model import Learner, Mark, Result, Submission
from course_utils.grading.overview import write_overview
from course_utils.labs.model import FOR_TEACHER, Score
from tests.grading.test_pages import Page

TASK = "shop.scale"
CODE = """def scale(train, test):
    {}
    mean, std = train.mean(dim=0), train.std(dim=0)
    return (train - mean) / std, (test - mean) / std
"""
WHY = f"{FOR_TEACHER}it lacks an expected word."
FIRST = "Somebody took the numbers of the wrong table for the second one."
COPIED = "somebody took the numbers of the wrong table, for the other one"
OTHER = "The second table must be scaled by what was found in the first."


def result(name, sentence, why=WHY):
    scores = Score("mended", 2, 2, "So."), Score("explained", 0, 1, why)
    mark = Mark(TASK, Verdict(State.WRONG), 0.1, scores=scores)
    cells = {TASK: CODE.format(repr(sentence))}
    own = Submission(name, Learner(name), "repair_shop", f"{name}.ipynb", cells)
    return Result(own, (mark,), seconds=1.0)


def test_sentences_that_a_person_must_read_stand_in_one_table(tmp_path):
    results = [result("ada", FIRST), result("bo", OTHER, "It has 2 words.")]
    (one,) = unread(results)
    assert (one.result, one.text, one.why) == (
        results[0],
        FIRST,
        "It lacks an expected word.",
    )
    book = Gradebook(results, {"repair_shop": [TASK]})
    text = write_overview(book, tmp_path).read_text(encoding="utf-8")
    rows = text.split(f'<tr data-unread="{TASK}">')[1:]
    assert len(rows) == 1 and FIRST in Page(rows[0].partition("</tr>")[0]).words
    assert 'href="#unread"' in text


def test_explanations_are_compared_and_not_the_code():
    found = compare([result("ada", FIRST), result("bo", OTHER), result("cy", COPIED)])
    (pair,) = found.pairs
    assert [one.submission.key for one in pair.results] == ["ada", "cy"]
    assert found.sentences and 0.5 <= pair.shares[TASK] < 1


def test_docstring_of_what_is_no_python_is_empty():
    assert docstring("def scale(:", "scale") == ""
    assert docstring("def scale(x): return x", "scale") == ""
    two = "def scale(x):\n    'One.'\ndef other(x):\n    'Two.'"
    assert docstring(two, "scale") == "One."
