"""Exercises, the mistakes learners make in them, and the verdict on an answer."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

Case = tuple[Any, ...]  # the arguments of one call
Answer = Callable[..., Any]  # a function to compare with another


@dataclass(frozen=True)
class Misconception:
    """A wrong answer that learners really give, and the hint that helps.

    >>> absolute = Misconception("abs", lambda x: x.abs(), "This is |x|.")
    >>> absolute.name
    'abs'

    Attributes:
        name: identifies the mistake within its exercise.
        answer: a function that makes the mistake, or the wrong value.
        hint: what is seen, then what causes it; never the whole solution.
    """

    name: str
    answer: Any
    hint: str


@dataclass(frozen=True)
class Exercise:
    """A reference answer, the cases it is compared on, and the misconceptions.

    >>> squared = Misconception("squared", lambda x: x * x, "You square x.")
    >>> double = Exercise(
    ...     "mine.double", lambda x: 2 * x, [squared], lambda: [(3,), (5,)]
    ... )
    >>> [double.apply(double.reference, *case) for case in double.cases()]
    [6, 10]

    Attributes:
        name: "lesson.exercise", such as "linear.affine".
        reference: the right function, or the right value if `cases` is None.
        misconceptions: tried in this order when an answer is wrong.
        cases: returns tuples of arguments on the current device; every call gives
            the same ones. None if the answer is a value.
        apply: what is done with an answer and a case; calling it, by default. It
            may trust the answer: where it stumbles over what the answer returned,
            `diagnose` says what kind of result is expected. An error that it raises
            itself is a message for the learner.
        hints: steps that help before the solution does; the last one short of it.
        parts: for a result of several items, what each is: "the gradient of `x`".
        result: what is compared, after "your": "layer's output" where the answer is
            the layer's weights.
        arguments: what the text calls the arguments of a case, where `apply` takes
            others than the answer; the reference's own names by default.
        forbidden: functions that the text rules out, as "F.conv2d" or "softmax".
        differentiable: gradients of the result are compared too.
        switches: returns the answer that makes all of the named misconceptions, or
            None where they don't go together; tried where no single one fits.
    """

    name: str
    reference: Any
    misconceptions: Sequence[Misconception]
    cases: Callable[[], Iterable[Case]] | None = None
    apply: Answer = lambda answer, *args: answer(*args)
    hints: Sequence[str] = ()
    parts: Sequence[str] = ()
    result: str = "result"
    arguments: Sequence[str] = ()
    forbidden: Sequence[str] = ()
    differentiable: bool = False
    switches: Callable[[frozenset[str]], Answer | None] | None = None


class State(str, Enum):
    """How far an answer has come; the value is what a page and a report show."""

    NOT_ATTEMPTED = "not attempted"
    CORRECT = "correct"
    WRONG = "wrong"
    ERROR = "error"


# The sign and the words with which a verdict begins.
SAID = {
    State.CORRECT: ("✓", "correct."),
    State.WRONG: ("✗", "not yet."),
    State.ERROR: ("✗", "stopped by an error."),
    State.NOT_ATTEMPTED: ("○", "not attempted yet."),
}


@dataclass(frozen=True)
class Verdict:
    """What a check found.

    >>> Verdict(State.WRONG, ("This is |x|.",), "abs").state.value
    'wrong'

    Attributes:
        state: how far the answer has come.
        messages: what is shown to the learner, one paragraph each.
        misconception: the name of the mistake, if it is a known one.
        case: the failing case that tells most, as preformatted text.
        hints: steps towards the solution, folded under the verdict.
        steps: how many are right, and how many there are: the result for each case,
            and for each its gradients, where these count. None of them is right
            where the answer uses what the text rules out. None where nothing was
            tried. No part of what the verdict says.
    """

    state: State
    messages: tuple[str, ...] = ()
    misconception: str | None = None
    case: str = ""
    hints: tuple[str, ...] = ()
    steps: tuple[int, int] | None = field(default=None, compare=False)
