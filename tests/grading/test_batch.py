"""A batch: what happens to one submission never stops the others."""

import shutil
from concurrent.futures import BrokenExecutor, Future, ThreadPoolExecutor

import pytest

from course_utils.exercises.model import State, Verdict
from course_utils.grading import batch
from course_utils.grading.batch import Grading, grade, grade_all
from course_utils.grading.confinement import Limits
from course_utils.grading.model import Learner, Mark, Result, Submission
from course_utils.grading.sections import Paper

GRADING = Grading({}, Limits())


def submission(key, **more):
    return Submission(key, Learner(key), "01_lines", f"{key}.ipynb", **more)


def judged(given, grading):
    if given.key == "fails":
        raise OSError("no room\nat all")
    return Result(given, (Mark("a.one", Verdict(State.CORRECT), 0.1),))


@pytest.fixture
def threads(monkeypatch):
    monkeypatch.setattr(batch, "grade", judged)
    with ThreadPoolExecutor(2) as pool:
        yield pool


def run(submissions, pool, grading=GRADING):
    results = []
    finished = grade_all(submissions, grading, executor=pool, on_result=results.append)
    return finished, {r.submission.key: r.problem for r in results}


def test_every_submission_has_one_result(threads):
    given = [submission(key) for key in ("a", "b", "fails", "c")]
    problems = {"a": "", "b": "", "c": "", "fails": "Grading failed: OSError: no room"}
    assert run(given, threads) == (True, problems)


def test_progress_names_the_learner_and_the_lesson(capsys):
    with batch.show_progress(1) as show:
        show(judged(submission("ada"), GRADING))
    assert "[1/1] ada, 01_lines: 1 of 1 right" in capsys.readouterr().err


def test_what_can_not_be_graded_takes_no_process():
    given = submission("a", problem="The file is empty.")
    assert run([given], _Pool([])) == (True, {"a": "The file is empty."})


class _Pool:
    """An executor that answers each call with the next of these."""

    def __init__(self, answers):
        self.answers = list(answers)

    def submit(self, function, given):
        future, answer = Future(), self.answers.pop(0)
        if answer == "hangs":
            future.set_running_or_notify_cancel()
        elif answer == "lost":
            future.set_exception(BrokenExecutor("killed"))
        else:
            future.set_result(Result(given))
        return future


def test_submission_whose_process_is_killed_is_judged_again():
    assert run([submission("a")], _Pool(["lost", "ok"])) == (True, {"a": ""})


def test_submission_whose_process_is_killed_twice_is_given_up():
    pool = _Pool(["lost", "ok", "lost"])
    _, problems = run([submission("a"), submission("b")], pool)
    assert "killed, twice" in problems["a"] and problems["b"] == ""


def test_submission_that_never_ends_is_given_up(monkeypatch):
    monkeypatch.setattr(batch, "_SPARE_SECONDS", -1000)
    _, problems = run([submission("a")], _Pool(["hangs"]))
    assert "far longer than its limits allow" in problems["a"]


def test_interrupt_keeps_what_is_finished(threads):
    results = []

    def keep(result):
        results.append(result)
        raise KeyboardInterrupt

    given = [submission(key) for key in "abc"]
    assert not grade_all(given, GRADING, executor=threads, on_result=keep)
    assert len(results) == 1


def test_machine_that_confines_nothing_is_the_submissions_problem(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    paper = Paper((), (), frozenset(), frozenset())
    grading = Grading({"01_lines": paper}, Limits(exercise=9))
    result = grade(submission("a", cells={"a.one": "x"}), grading)
    assert "confines it with bubblewrap" in result.problem and not result.marks
    assert result.seconds > 0


def test_unforeseen_error_is_the_submissions_problem():
    result = grade(submission("a"), GRADING)
    assert result.problem == "Grading failed: KeyError: '01_lines'"


@pytest.fixture
def templates(monkeypatch):
    """Return the templates made so far, and those that are not ended."""
    made, alive = [], []

    class Template:
        def __init__(self, limits, **more):
            made.append(limits)
            alive.append(limits)

        def close(self):
            alive.remove(made[-1])

    monkeypatch.setattr("course_utils.grading.template.Template", Template)
    monkeypatch.setattr("course_utils.grading.judge.judge", lambda *_, **__: [])
    monkeypatch.setattr(batch, "_last", {})
    return made, alive


def test_one_process_keeps_one_template_the_last(templates):
    made, alive = templates
    paper = Paper((), (), frozenset(), frozenset())
    for exercise in (1, 1, 2, 3, 3, 1):
        limits = Limits(exercise=exercise)
        result = grade(submission("a"), Grading({"01_lines": paper}, limits))
        assert result.problem == "" and alive == [limits]
    assert [limits.exercise for limits in made] == [1, 2, 3, 1]
