"""200 submissions of a lesson: every exercise is judged as its author meant it."""

import os
import shutil
import sys

import pytest
from click.testing import CliRunner

from course_utils.cli import main
from course_utils.grading.records import read_results
from tests.grading import generated

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or not shutil.which("bwrap"),
    reason="code is confined by bubblewrap, on Linux",
)


def judged(made, tmp_path):
    """Grade submissions by the command; return what is not as meant."""
    folder = generated.hand_in(made, tmp_path / "moodle")
    lesson = str(generated.LESSON)
    arguments = ["grade", str(folder), "--lesson", lesson, "--out", str(tmp_path / "g")]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code in (0, 1), done.output
    results = {
        result.submission.learner.name: result
        for result in read_results(tmp_path / "g" / "latest")
    }
    assert len(results) == len(made)
    return [
        (one.name, *fault) for one in made for fault in unlike(results[one.name], one)
    ]


def unlike(result, made):
    """Yield what is not as a submission's author meant it."""
    assert made.problem in result.problem
    assert bool(made.problem) == bool(result.problem)
    marks = {mark.exercise: mark.verdict for mark in result.marks}
    assert set(marks) == set(made.meant)
    for exercise, meant in made.meant.items():
        verdict = marks[exercise]
        state = verdict.state.value
        found = {state, verdict.misconception}
        if state != "correct":
            found.add("refused")
        if meant not in found or (meant == "refused") > (state != "correct"):
            yield exercise, meant, state, verdict.misconception, verdict.messages


@pytest.mark.timeout(600)
def test_three_submissions_from_folder_to_gradebook(tmp_path):
    first, *_ = generated.right()
    mixed = generated.Made(
        "mixed",
        generated.packed(
            generated.fill(
                generated.RIGHT
                | {
                    "linear.affine": generated.mistake("linear.affine", 3),
                    "linear.count": "def count(widths, bias): ...",
                    "linear.heads": "raise SystemExit",
                }
            )
        ),
        generated.all_right(affine="no bias", count="not attempted", heads="error"),
    )
    (*_, cut) = generated.broken()
    assert judged([first, mixed, cut], tmp_path) == []
    table = (tmp_path / "g/latest/grades.csv").read_text("utf-8-sig").splitlines()
    rows = {row.split(",")[1]: row for row in table[1:]}
    assert ",1,1,1,1,1,1,1,1,1,9,9,graded," in rows["right"]
    assert ",0,1,0,1,1,1,0,1,1,6,9,graded," in rows["mixed"]
    assert ",,,,,,,,,,,9,not graded," in rows["cut"]


@pytest.mark.all
@pytest.mark.timeout(7200)
def test_generated_submissions_are_judged_as_meant(tmp_path):
    """All 200 take minutes: GRADED_SUBMISSIONS=all; else those of each kind, some."""
    made = generated.two_hundred()
    assert len(made) == 200
    if os.environ.get("GRADED_SUBMISSIONS") != "all":
        rare = {one.name for one in (*generated.broken(), *generated.hostile())}
        usual = [one for one in made if one.name not in rare]
        made = [one for one in made if one.name in rare] + usual[::8]
    assert judged(made, tmp_path) == []
