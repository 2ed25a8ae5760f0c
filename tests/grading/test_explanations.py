"""Explanations of the repair shop: which to read, and which are alike."""

from dataclasses import replace

from course_utils.exercises.model import State, Verdict
from course_utils.grading.alike import compare
from course_utils.grading.explanations import accepted, docstring, unread
from course_utils.grading.gradebook import Gradebook
from course_utils.grading.model import Learner, Mark, Result, Submission
from course_utils.grading.overview import write_overview
from course_utils.labs.bank.shop import names
from course_utils.labs.model import FOR_TEACHER, Score
from tests.grading.test_pages import Page
from tools.shop.cases import SCRIPTS

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


def taken(name, sentence):
    found = result(name, sentence, "It names what was wrong.")
    (mark,) = found.marks
    full = replace(mark.scores[1], points=1)
    return replace(found, marks=(replace(mark, scores=(mark.scores[0], full)),))


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


def test_accepted_sentences_stand_folded_task_by_task(tmp_path):
    results = [result("ada", FIRST), taken("bo", OTHER), taken("cy", COPIED)]
    found = accepted(results)
    assert [one.text for one in found[TASK]] == [OTHER, COPIED]
    book = Gradebook(results, {"repair_shop": [TASK]})
    text = write_overview(book, tmp_path).read_text(encoding="utf-8")
    part = text.partition(f'<details data-accepted="{TASK}">')[2]
    words = Page(part.partition("</details>")[0]).words
    assert "2 accepted" in words and OTHER in words and FIRST not in words


def test_words_count_where_a_word_begins_with_them():
    assert names("it needs padding", ["pad"]) and not names("a notepad", ["pad"])
    assert names("the two signs", ["sign"]) and not names("by design", ["sign"])
    assert names("no_grad was missing", ["grad"]) and names("k.t is taken", [".t"])
    assert names("twice 2/width", ["2"]) and not names("all 20 of 12", ["2"])


def test_each_cause_has_the_words_of_its_fault():
    for script in SCRIPTS:
        for fault in script.faults:
            cause = fault.cause.lower()
            assert all(names(cause, group) for group in fault.words), fault.cause


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
