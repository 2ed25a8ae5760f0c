"""What came of a task: its scores, whatever the learner's code did."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from course_utils.errors import CourseError
from course_utils.exercises.explain import explain
from course_utils.exercises.guard import OutOfTime
from course_utils.exercises.model import State, Verdict
from course_utils.labs.model import Curve, Score, Task, total
from course_utils.labs.returned import Refused, Unfit
from course_utils.labs.work import Work

_NO_DATA = (
    "Your code asked the course for data, and there are none where it is graded: it "
    "gets nothing but its arguments."
)
_NAMES = (
    "A name is misspelt, or is not there where your code is graded. There it has its "
    "arguments, what Setup imports, the page's functions and classes, and what your "
    "own cells define."
)


@dataclass(frozen=True)
class Outcome:
    """What was measured of a task.

    Attributes:
        scores: one for each item of the rubric, in its order.
        curves: to be drawn.
        messages: on what stopped the measurement; empty where nothing did.
        late: whether it was stopped from outside, as by a time limit.
    """

    scores: tuple[Score, ...]
    curves: tuple[Curve, ...] = ()
    messages: tuple[str, ...] = ()
    late: bool = False

    @property
    def verdict(self) -> Verdict:
        """Correct for all points, an error where one ended it, else wrong."""
        if self.messages:
            return Verdict(State.ERROR, self.messages)
        full = total(self.scores) == sum(score.most for score in self.scores)
        return Verdict(State.CORRECT if full else State.WRONG)


def measure(task: Task, work: Work) -> Outcome:
    """Measure a piece of work; scores that came before an error stay.

    Nothing that the learner's code raises gets out, and what it draws at random
    changes no generator here.

    Raises:
        KeyboardInterrupt: somebody stopped it.
        CourseError: the data that the task is measured on are not here.

    >>> from course_utils.labs.model import Item
    >>> item = Item("even", 1, "It returns an even number.")
    >>> def even(work):
    ...     yield item.share(1 - work.answer() % 2, "By its last digit.")
    >>> outcome = measure(Task("mine.even", "Even", (), [item], even), Work(lambda: 4))
    >>> outcome.scores[0].points, outcome.verdict.state.value
    (1, 'correct')
    """
    scores: dict[str, Score] = {}
    curves: list[Curve] = []
    messages: tuple[str, ...] = ()
    why, late = "It was not reached.", False
    steps = task.measure(work)
    # The state of this generator travels to the learner's code, and so tells nothing.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            if task.most_bytes is not None:
                work.require_bytes(task.most_bytes)
            for found in steps:
                if isinstance(found, Curve):
                    curves.append(found)
                else:
                    scores[found.item] = found
        except OutOfTime as error:  # what was lost to a limit says to which
            why = f"It was stopped: {error}." if str(error) else "It took too long."
            late = True
        except KeyboardInterrupt:
            raise
        except Refused as error:
            messages = (f"Your code was not run: {error}",)
        except Unfit as error:
            messages = (f"What your code returned can't be measured: {error}",)
        except BaseException as error:  # a learner's code may raise SystemExit
            # From another process it comes as an error that has the name alone.
            lost = work.graded and type(error).__name__ == CourseError.__name__
            messages = (_NO_DATA,) if lost else _explained(error)
    if messages:
        why = "It was not measured."
    given = (scores.get(item.name) or item.none(why) for item in task.rubric)
    return Outcome(tuple(given), tuple(curves), messages, late)


def _explained(error: BaseException) -> tuple[str, ...]:
    """Explain an error; of a missing name, say which ones there are in grading."""
    messages = explain(error)
    return (messages[0], _NAMES) if type(error) is NameError else messages


def measure_rounds(task: Task, works: Iterable[Work]) -> Outcome:
    """Measure the same answer in round after round, until one is stopped."""
    outcomes: list[Outcome] = []
    for work in works:
        outcomes.append(measure(task, work))
        if outcomes[-1].messages or outcomes[-1].late:
            break
    return Outcome(
        mean_scores(task, [outcome.scores for outcome in outcomes]),
        joined(curve for outcome in outcomes for curve in outcome.curves),
        outcomes[-1].messages,
        outcomes[-1].late,
    )


def mean_scores(task: Task, rounds: Sequence[Sequence[Score]]) -> tuple[Score, ...]:
    """Return the mean of the points; a round that is not there gave none.

    >>> from course_utils.labs.model import Item
    >>> item = Item("fast", 4, "It is fast.")
    >>> task = Task("mine.fast", "Fast", (), [item], lambda work: iter(()), rounds=2)
    >>> mean_scores(task, [[item.full("It was.")]])[0].points
    2.0
    """
    if task.rounds == 1:
        return tuple(rounds[0])
    found = []
    for item, scores in zip(task.rubric, zip(*rounds, strict=True), strict=True):
        points = sum(score.points or 0.0 for score in scores) / task.rounds
        whys = dict.fromkeys(score.why for score in scores)
        found.append(Score(item.name, round(points, 2), item.most, " ".join(whys)))
    return tuple(found)


def joined(curves: Iterable[Curve]) -> tuple[Curve, ...]:
    """Return curves with the same title as one, with the lines of all.

    >>> [one] = joined([Curve("a", "x", {"1": [2.0]}), Curve("a", "x", {"2": [3.0]})])
    >>> one.lines
    {'1': [2.0], '2': [3.0]}
    """
    found: dict[str, Curve] = {}
    for curve in curves:
        lines = found[curve.title].lines if curve.title in found else {}
        found[curve.title] = Curve(curve.title, curve.across, lines | curve.lines)
    return tuple(found.values())


def nothing(task: Task, why: str) -> tuple[Score, ...]:
    """Return the scores of what was not measured.

    >>> nothing(Task("mine.none", "None", (), [], lambda work: iter(())), "Empty.")
    ()
    """
    return tuple(item.none(why) for item in task.rubric)
