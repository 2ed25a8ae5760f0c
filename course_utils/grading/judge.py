"""The verdicts on a submission: its code runs confined, they are reached here."""

import time
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from course_utils.exercises.check import with_hints
from course_utils.exercises.diagnose import diagnose, too_slow
from course_utils.exercises.elsewhere import Applied, Elsewhere
from course_utils.exercises.explain import explain
from course_utils.exercises.guard import OutOfTime
from course_utils.exercises.model import Answer, Case, State, Verdict
from course_utils.exercises.registry import find_exercise
from course_utils.exercises.statements import NOT_PYTHON, as_python, needed, statements
from course_utils.grading.confinement import Limits
from course_utils.grading.explanations import docstring
from course_utils.grading.failures import know_text
from course_utils.grading.model import Mark
from course_utils.grading.peer import Function, Peer
from course_utils.grading.reading import late_modules, read_answer
from course_utils.grading.sections import Paper, Section, read_paper
from course_utils.grading.template import Template
from course_utils.labs.model import Curve, Score, Task
from course_utils.labs.outcome import Outcome, joined, mean_scores, measure, nothing
from course_utils.labs.registry import find_task
from course_utils.labs.work import Work

_NOT_ATTEMPTED = Verdict(
    State.NOT_ATTEMPTED, ("The cell of this exercise is missing, or as it was.",)
)


def judge(
    cells: Mapping[str, str],
    lesson: Path | Paper,
    *,
    limits: Limits | None = None,
    unconfined: bool = False,
    template: Template | None = None,
    secret: str = "",
) -> list[Mark]:
    """Judge one submission: all exercises of a lesson, or all tasks of a lab.

    The code runs in a confined process and returns plain data; references, comparison
    and verdicts stay in this one. Each exercise runs in a fork of its own: what it
    breaks, it breaks for itself alone.

    Of one process, only one thread may judge at a time: settings of torch are its
    whole process's.

    Args:
        cells: the learner's text by the name of the exercise. One that has none is
            not attempted.
        lesson: the released notebook, or what was read of it; of it come the setup
            and all that the answers use of the page.
        limits: what the code may use.
        unconfined: run it without confinement, with all that this process may do.
        template: where to run it, within its own limits and confinement: for one
            submission after another. Without it, a process is started and ended.
        secret: what the hidden cases of a lab are drawn from. It never leaves this
            process.

    Raises:
        CourseError: the lesson can't be read, or nothing confines the code here.

    >>> judge({}, Path("01_none.ipynb"))
    Traceback (most recent call last):
    course_utils.errors.CourseError: there is no lesson 01_none.ipynb in .: ...
    """
    paper = lesson if isinstance(lesson, Paper) else read_paper(lesson)
    attempted = {
        section.exercise: as_python(cells[section.exercise])
        for section in paper.sections
        if cells.get(section.exercise, section.stub).strip() != section.stub.strip()
    }
    if template is None:
        modules = late_modules("\n".join(attempted.values()))
        with Template(limits, unconfined=unconfined, modules=modules) as own:
            return _marks(paper, attempted, own, secret)
    return _marks(paper, attempted, template, secret)


def _marks(
    paper: Paper, cells: Mapping[str, str], template: Template, secret: str
) -> list[Mark]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no filter set here may change a verdict
        desk = _Desk(paper, cells, template, secret)
        try:
            return [desk.mark(section) for section in paper.sections]
        finally:
            template.end_submission()


class _Desk:
    """Judges the exercises of one submission, one after another."""

    def __init__(
        self, paper: Paper, cells: Mapping[str, str], template: Template, secret: str
    ) -> None:
        self._key, self._secret = paper.key, f"graded {secret}"
        self._cells, self._template = cells, template
        self._sections = paper.sections
        self._limits = template.limits
        self._left = template.limits.submission
        # What the page defines, and earlier answers that a later one may use.
        self._known = list(paper.page)

    def mark(self, section: Section) -> Mark:
        """Judge one exercise."""
        name, title, task = section.exercise, section.title, find_task(section.exercise)
        source = self._cells.get(name)
        if source is None:
            scores = nothing(task, "Not attempted.") if task else ()
            return Mark(name, _NOT_ATTEMPTED, 0.0, title=title, scores=scores)
        if self._left <= 0:
            fault = f"all exercises together took {self._limits.submission:g} seconds"
            scores = nothing(task, "No time was left.") if task else ()
            return Mark(name, _ended(fault), 0.0, fault, title, scores)
        left = self._left
        if task:
            found, fault = self._judge_rounds(section, source, task)
        else:
            found, fault = self._judge(section, source, None)
        seconds = left - self._left
        verdict, scores, curves = found.verdict, found.scores, found.curves
        if not task:
            verdict = with_hints(verdict, find_exercise(name))
        return Mark(name, verdict, seconds, fault or None, title, scores, curves)

    def _judge_rounds(
        self, section: Section, source: str, task: Task
    ) -> tuple["_Found", str]:
        """Judge a task in round after round, each in a fork, until one is stopped."""
        rounds: list[_Found] = []
        fault = ""
        for number in range(task.rounds):
            found, fault = self._judge(section, source, task, number)
            unmeasured = nothing(task, "Your code did not get as far as this.")
            rounds.append(replace(found, scores=found.scores or unmeasured))
            if fault or found.verdict.state is State.ERROR:
                break
        scores = mean_scores(task, [found.scores for found in rounds])
        curves = joined(curve for found in rounds for curve in found.curves)
        verdict = rounds[-1].verdict
        if verdict.state is not State.ERROR and not fault:
            verdict = Outcome(scores).verdict
        return _Found(verdict, scores, curves), fault

    def _judge(
        self, section: Section, source: str, task: Task | None, number: int = 0
    ) -> tuple["_Found", str]:
        least = task.seconds / task.rounds if task else 0.0
        seconds = min(self._left, max(self._limits.exercise, least))
        file = f"<{section.exercise}>"
        know_text(file, source)
        try:
            own = statements(source)
            before = [known.source for known in needed(self._known, own)]
            text = read_answer(before, source, section.answer, file)
        except NOT_PYTHON as error:
            told, fault = _no_python(error)
            return _Found(Verdict(State.ERROR, told)), fault
        sandbox = self._template.sandbox(sketches=task is None)
        start = time.monotonic()
        with sandbox.fork(seconds) as channel:
            peer = Peer(channel, {file: source}, calls=self._limits.calls)
            message = {"before": before, "source": source, "file": file}
            message["cpu"] = task.cpu if task else None
            try:
                answer = _define(peer, {**message, "name": section.answer}, text)
                if task:
                    found = self._measure(section, source, answer, task, number)
                else:
                    exercise = find_exercise(section.exercise)
                    # A little longer than the channel's time, so that this one tells.
                    found = _Found(diagnose(exercise, answer, seconds + 1))
            except OutOfTime:
                found = _Found(too_slow(seconds))
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # an answer may send SystemExit
                found = _Found(Verdict(State.ERROR, explain(error)))
        self._left -= time.monotonic() - start
        if channel.fault:  # first: what fills the memory is slow as well
            return replace(found, verdict=_ended(channel.fault)), channel.fault
        if channel.late:
            return replace(found, verdict=too_slow(seconds)), "out of time"
        if not task or number == task.rounds - 1:
            self._known += own
        return found, ""

    def _measure(
        self, section: Section, source: str, answer: Any, task: Task, number: int
    ) -> "_Found":
        key = self._key.get(section.exercise, {})
        others = [
            docstring(self._cells[other.exercise], other.answer)
            for other in self._sections
            if other != section and other.exercise in self._cells
        ]
        stub = as_python(section.stub)
        work = Work(answer, self._secret, source, stub, key, number, others)
        outcome = measure(task, work)
        return _Found(outcome.verdict, outcome.scores, outcome.curves)


@dataclass(frozen=True)
class _Found:
    """What a mark says of an answer; scores and curves only of a lab's task."""

    verdict: Verdict
    scores: tuple[Score, ...] = ()
    curves: tuple[Curve, ...] = ()


def _no_python(error: BaseException) -> tuple[tuple[str, ...], str]:
    """Say what is no Python, and where: to the learner, and in a few words."""
    told = explain(error)
    if not isinstance(error, SyntaxError) or not error.lineno:
        return told, f"no Python: {type(error).__name__}"
    name, line = type(error).__name__, error.lineno
    said = f"Your code stopped: {name}: {error.msg}, in your cell, line {line}"
    return (said, *told[1:]), f"{name} in line {line} of the cell"


def _ended(fault: str) -> Verdict:
    return Verdict(State.ERROR, (f"Your code was stopped: {fault}.",))


def _define(peer: Peer, message: dict[str, Any], text: Any) -> Any:
    """Let the cell define its answer; return it, or what stands for it here."""
    reply = peer.ask("define", **message)
    peer.raise_failure(reply)
    value = peer.value(reply, (), [])
    if isinstance(value, Function):
        answer = _Remote(peer, value, text)
        answer.replaced = list(peer.left)
        peer.left.clear()
        return answer
    return value


class _Remote(Elsewhere):
    """The answer of a submission."""

    def __init__(self, peer: Peer, function: Function, text: Any) -> None:
        super().__init__(text)
        self._peer, self._function = peer, function
        self.left = peer.left

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._function(*args, **options)

    def applied(self, application: Answer, args: Case) -> Applied:
        module, name = application.__module__, application.__name__
        return self._peer.apply(module, name, args)
