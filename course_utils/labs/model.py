"""What a lab consists of: tasks, their rubrics, and the points that were given."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

# So begins why no points were given, where a person has to read.
FOR_TEACHER = "For your teacher to read: "


@dataclass(frozen=True)
class Score:
    """The points for one item of a rubric, and why.

    >>> Score("in time", 1.0, 2.0, "Half of it was.").points
    1.0

    Attributes:
        item: the name of the item.
        points: given; None where only grading can measure it.
        most: that could be given.
        why: in a sentence.
    """

    item: str
    points: float | None
    most: float
    why: str


@dataclass(frozen=True)
class Item:
    """A line of a rubric: what points are given for.

    >>> Item("mended", 2.0, "It does what the text says.").full("All tests pass.")
    Score(item='mended', points=2.0, most=2.0, why='All tests pass.')

    Attributes:
        name: what it is called, unique in its task.
        most: points.
        text: what must hold for all of them.
    """

    name: str
    most: float
    text: str

    def share(self, share: float, why: str) -> Score:
        """Give a share of the points, from 0 to 1."""
        return Score(
            self.name, round(self.most * min(max(share, 0), 1), 2), self.most, why
        )

    def between(
        self, value: float, nothing: float, everything: float, why: str
    ) -> Score:
        """Give points in a straight line from what is worth none to what is worth all.

        >>> Item("right", 4, "Accuracy.").between(0.85, 0.8, 0.9, "So it is.").points
        2.0
        """
        return self.share((value - nothing) / (everything - nothing), why)

    def full(self, why: str) -> Score:
        """Give all points."""
        return self.share(1, why)

    def none(self, why: str) -> Score:
        """Give no points."""
        return self.share(0, why)

    def later(self, why: str) -> Score:
        """Say what only grading can measure."""
        return Score(self.name, None, self.most, why)


@dataclass(frozen=True)
class Curve:
    """Numbers of one measurement, to be drawn on the learner's page.

    Attributes:
        title: says what is seen.
        across: what the numbers are counted by, with its unit.
        lines: the numbers by the name of the line.
    """

    title: str
    across: str
    lines: dict[str, Sequence[float]]


@dataclass(frozen=True)
class Task:
    """A task of a lab, its rubric, and how a piece of work is measured.

    Attributes:
        name: "lab.task", such as "hinges.fit".
        title: as on the page of the lab.
        takes: the parameters of the learner's function.
        rubric: what points are given for.
        measure: yields scores and curves for a `work.Work`, one after another: what
            was yielded before an error of the learner's code stays. It trusts nothing
            that the code returns, and draws random numbers from the work's own
            generators alone. What the call itself raises is no learner's error.
        seconds: for all that it asks of the learner's code.
        cpu: seconds of processor time for the same, where work counts and not time:
            then the code may start no other process. None for any.
        rounds: how often it is measured, each time with other cases, within its part
            of the seconds, and in grading by a process that knows nothing of earlier
            rounds. Points are the mean.
        most_bytes: of the answer's cell, with what it uses of the learner's other
            cells; None for any.
    """

    name: str
    title: str
    takes: Sequence[str]
    rubric: Sequence[Item]
    measure: Callable[[Any], Iterator[Score | Curve]]
    seconds: float = 10.0
    cpu: int | None = None
    rounds: int = 1
    most_bytes: int | None = None

    @property
    def most(self) -> float:
        """The points for everything."""
        return sum(item.most for item in self.rubric)


@dataclass(frozen=True)
class Lab:
    """A lab: tasks that are handed in together.

    >>> Lab("empty", ()).most
    0

    Attributes:
        name: of its module in the bank.
        tasks: in their order.
    """

    name: str
    tasks: Sequence[Task]

    @property
    def most(self) -> float:
        """The points for everything."""
        return sum(task.most for task in self.tasks)


def total(scores: Iterable[Score]) -> float:
    """Return the sum of the points that are given.

    >>> total([Score("a", 1.5, 2, "So."), Score("b", None, 3, "When graded.")])
    1.5
    """
    return round(sum(score.points or 0.0 for score in scores), 2)
