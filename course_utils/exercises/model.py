"""An exercise, the mistakes learners make in it, and the verdict on an answer."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any


@dataclass(frozen=True)
class Misconception:
    """A wrong answer that learners really give, and the sentence that helps.

    `answer` is a function that makes the mistake, or the wrong value.
    """

    name: str
    answer: Any
    hint: str


@dataclass(frozen=True)
class Exercise:
    """A reference answer, the cases it is compared on, and the misconceptions.

    Attributes:
        name: "lesson.exercise", such as "linear.affine".
        reference: the right function, or the right value if `cases` is None.
        misconceptions: tried in this order when an answer is wrong.
        cases: returns tuples of arguments on the current device; every call gives
            the same ones. None where the answer is a value.
        apply: what is done with an answer and a case; calling it, by default.
    """

    name: str
    reference: Any
    misconceptions: Sequence[Misconception]
    cases: Callable[[], Iterable[tuple]] | None = None
    apply: Callable[..., Any] = lambda answer, *args: answer(*args)


class State(str, Enum):
    """How far an answer has come; the value is what a page and a report show."""

    NOT_ATTEMPTED = "not attempted"
    CORRECT = "correct"
    WRONG = "wrong"
    ERROR = "error"


@dataclass(frozen=True)
class Verdict:
    """What a check found: a state, the sentences that say it, the mistake's name."""

    state: State
    sentences: tuple[str, ...] = ()
    misconception: str | None = None
    case: str = ""  # the smallest failing case, as preformatted text
