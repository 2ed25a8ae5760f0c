"""All submissions of a batch, judged by several processes at once."""

import atexit
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from tqdm import tqdm

from course_utils.errors import CourseError, WorkerLost
from course_utils.exercises.model import State
from course_utils.grading.confinement import Limits
from course_utils.grading.model import Learner, Mark, Result, Submission
from course_utils.grading.sections import Paper
from course_utils.labs.model import total
from course_utils.runs.calls import outcomes
from course_utils.runs.model import one_line
from course_utils.runs.processes import Workers, count_cores, thread_limits

if TYPE_CHECKING:
    from course_utils.grading.template import Template

# What starts, and compares, around the code's own time; a busy machine needs long.
_SPARE_SECONDS = 240
# The template that graded last, by what it was made for.
_last: "dict[tuple[Limits, bool, tuple[str, ...]], Template]" = {}


@dataclass(frozen=True)
class Grading:
    """How the submissions of a batch are judged.

    Attributes:
        lessons: what was read of the released notebooks, by the names that
            submissions have. It travels to other machines.
        limits: what the code of a submission may use.
        unconfined: see `judge`.
        modules: what the confined processes import at their start; see `Template`.
        secret: what the hidden cases of labs are drawn from; it stays in this process.
    """

    lessons: Mapping[str, Paper]
    limits: Limits
    unconfined: bool = False
    modules: tuple[str, ...] = ()
    secret: str = ""


def grade(submission: Submission, grading: Grading) -> Result:
    """Judge one submission in this process.

    What goes wrong is the result's problem, never an error.

    >>> empty = Submission("a", Learner("a"), source="a.ipynb", problem="It is empty.")
    >>> grade(empty, Grading({}, Limits())).problem
    'It is empty.'
    """
    if submission.problem:
        return Result(submission, problem=submission.problem)
    # Before torch is imported; as many processes run as there are cores.
    os.environ |= thread_limits(1) | {"COURSE_DEVICE": "cpu"}
    begin = time.perf_counter()
    marks, problem = [], ""
    try:
        import torch

        from course_utils.grading.judge import judge

        torch.set_num_threads(1)
        lesson = grading.lessons[submission.lesson]
        template = _template(grading.limits, grading.unconfined, grading.modules)
        secret = grading.secret
        marks = judge(submission.cells, lesson, template=template, secret=secret)
    except Exception as error:
        problem = _problem(error)
    return Result(submission, tuple(marks), problem, time.perf_counter() - begin)


def _template(limits: Limits, unconfined: bool, modules: tuple[str, ...]) -> "Template":
    """Return what runs the code of all submissions of a batch that come here.

    A cluster's worker outlives batches, so the one of the batch before is ended.
    """
    from course_utils.grading.template import Template  # it waits for torch

    batch = (limits, unconfined, modules)
    if batch not in _last:
        _close_last()
        _last[batch] = Template(limits, unconfined=unconfined, modules=modules)
    return _last[batch]


@atexit.register
def _close_last() -> None:
    while _last:
        _, template = _last.popitem()
        template.close()


def grade_all(
    submissions: Sequence[Submission],
    grading: Grading,
    *,
    executor: Executor | None = None,
    jobs: int | None = None,
    on_result: Callable[[Result], None] = lambda result: None,
) -> bool:
    """Judge every submission once; tell whether all were, or a signal ended it.

    Nothing that happens to one submission stops the others; one whose process was lost
    is judged a second time. Ctrl-C ends the batch: what is finished was handed to
    `on_result`. See `ended_by_signals`.

    Raises:
        CourseError: the executor has lost its cluster; the same holds then.

    Args:
        submissions: what to judge.
        grading: how.
        executor: any executor of processes; it is not shut down. Without one, a pool
            of `jobs` spawned processes, by default one for every core.
        on_result: called in this thread for each result, as they come.

    >>> empty = Submission("a", Learner("a"), source="a.ipynb", problem="It is empty.")
    >>> show = lambda result: print(result.state)
    >>> grade_all([empty], Grading({}, Limits()), jobs=1, on_result=show)
    not graded
    True
    """
    pool = executor or Workers(min(jobs or count_cores(), max(1, len(submissions))))
    waiting: dict[Future[Result], Submission] = {}
    try:
        for result in _results(submissions, grading, pool, waiting):
            on_result(result)
    except KeyboardInterrupt:
        return False
    finally:
        for future in waiting:
            future.cancel()
        if executor is None:
            pool.shutdown(cancel_futures=True)
    return True


def _results(
    submissions: Sequence[Submission],
    grading: Grading,
    pool: Executor,
    waiting: dict[Future[Result], Submission],
) -> Iterator[Result]:
    """Yield the results as they come; `waiting` holds what was submitted."""
    whole = []
    for submission in submissions:
        if submission.problem:
            yield grade(submission, grading)
        else:
            whole.append(submission)
    judge = partial(grade, grading=grading)  # what a cluster sends once
    longest = 2 * grading.limits.submission + _SPARE_SECONDS

    def submit(submission: Submission) -> Future[Result]:
        return pool.submit(judge, submission)

    for submission, outcome in outcomes(whole, submit, waiting, longest=longest):
        if isinstance(outcome, Exception):
            yield Result(submission, problem=_problem(outcome))
        else:
            yield outcome


def _problem(error: Exception) -> str:
    """Say why a submission has no marks."""
    if isinstance(error, (CourseError, WorkerLost)):
        return str(error)
    return f"Grading failed: {type(error).__name__}: {one_line(str(error))}"


def outcome_of(marks: Sequence[Mark]) -> str:
    """Say in a few words how many exercises are right, or what a lab got.

    >>> from course_utils.exercises.model import Verdict
    >>> outcome_of([Mark("linear.affine", Verdict(State.WRONG), 0.1)])
    '0 of 1 right'
    >>> from course_utils.labs.model import Score
    >>> score = Score("mended", 1.5, 2, "Right in 3 cases of 4.")
    >>> outcome_of([Mark("shop.scale", Verdict(State.WRONG), 0.1, scores=(score,))])
    '1.5 of 2 points'
    """
    scores = [score for mark in marks for score in mark.scores]
    if scores:
        return f"{total(scores):g} of {sum(score.most for score in scores):g} points"
    right = sum(mark.verdict.state == State.CORRECT for mark in marks)
    return f"{right} of {len(marks)} right"


@contextmanager
def show_progress(total: int) -> Iterator[Callable[[Result], None]]:
    """Yield what shows a result on stderr: in a bar on a terminal, else as a line."""
    with tqdm(total=total, unit="submission", desc="Grading", disable=None) as bar:

        def show(result: Result) -> None:
            told = result.problem or outcome_of(result.marks)
            decided = any(mark.points is not None for mark in result.marks)
            told += ", without the points that you set" if decided else ""
            own = result.submission
            line = f"{own.learner.label}, {own.lesson or 'no lesson'}: {told}"
            if bar.disable:
                bar.n += 1
                print(f"[{bar.n}/{total}] {line}", file=sys.stderr, flush=True)
                return
            if result.state == "not graded":
                bar.write(line, file=sys.stderr)
            bar.update()

        yield show
