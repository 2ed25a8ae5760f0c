"""The record of a batch: what is written outlives a kill."""

import json

import pytest

from course_utils.errors import CourseError
from course_utils.exercises.model import State, Verdict
from course_utils.grading.model import Learner, Mark, Result, Submission
from course_utils.grading.records import (
    Record,
    is_graded,
    read_results,
    read_settings,
    write_results,
    write_settings,
)


def result(key, **more):
    submission = Submission(
        key,
        Learner("s1", "Zoë\u2028", "z@x.org", {"Section": "A"}),
        "01_lines",
        "subs/x.ipynb",
        {"a.one": "def f():\n    return '\u2028\x00😀'"},
        "ab12",
        "2025-02-02T15:58:23+00:00",
        True,
        ("One note.",),
    )
    verdict = Verdict(State.WRONG, ("No.", "Yes."), "sign", "x = 1", ("Hint.",), (1, 4))
    return Result(submission, (Mark("a.one", verdict, 0.25, "out of time"),), **more)


def test_result_comes_back_from_its_line():
    line = result("a", seconds=2.5).to_json()
    assert line.isascii() and "\n" not in line
    again = Result.from_json(line)
    assert again == result("a", seconds=2.5)
    assert again.marks[0].verdict.steps == (1, 4)
    assert isinstance(again.marks[0].verdict.state, State)


@pytest.mark.parametrize("line", ["", "{", "[]", "3", "{}", '{"submission": {}}'])
def test_line_that_is_no_result_is_an_error(line):
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        Result.from_json(line)


@pytest.mark.parametrize(
    ("source", "problem", "state"),
    [("x", "", "graded"), ("x", "Broken.", "not graded"), ("", "None.", "missing")],
)
def test_state(source, problem, state):
    submission = Submission("a", Learner("s1"), source=source)
    assert Result(submission, problem=problem).state == state


def test_record_grows_and_the_later_of_two_counts(tmp_path):
    with Record(tmp_path) as record:
        record.add(result("a"))
        record.add(result("b"))
    with Record(tmp_path) as record:
        record.add(result("a", problem="Lost."))
    found = read_results(tmp_path)
    assert [(r.submission.key, r.problem) for r in found] == [("b", ""), ("a", "Lost.")]


@pytest.mark.parametrize("cut", [1, 30, -1])
def test_line_that_was_cut_off_is_left_out(tmp_path, cut):
    whole = result("a").to_json() + "\n"
    path = tmp_path / "results.jsonl"
    path.write_text(whole + result("b").to_json()[:cut])
    assert [r.submission.key for r in read_results(tmp_path)] == ["a"]
    with Record(tmp_path) as record:
        record.add(result("c"))
    assert [r.submission.key for r in read_results(tmp_path)] == ["a", "c"]


def test_results_are_written_in_the_order_given(tmp_path):
    write_results(tmp_path, [result("b"), result("a")])
    assert [r.submission.key for r in read_results(tmp_path)] == ["b", "a"]


def test_settings_come_back(tmp_path):
    settings = {"paths": ["/x/\udcff"], "partial": 0.5}
    write_settings(tmp_path, settings)
    assert read_settings(tmp_path) == settings


@pytest.mark.parametrize("text", [None, "{"])
def test_folder_without_settings_is_none_of_grading(tmp_path, text):
    if text:
        (tmp_path / "batch.json").write_text(text)
    with pytest.raises(CourseError, match="is no folder of `course grade`"):
        read_settings(tmp_path)
    assert not is_graded(tmp_path)
    assert not list(tmp_path.glob("*.jsonl"))


def test_line_of_another_version_is_left_out(tmp_path):
    data = json.loads(result("a").to_json()) | {"colour": "red"}
    (tmp_path / "results.jsonl").write_text(json.dumps(data) + "\n")
    assert read_results(tmp_path) == []
