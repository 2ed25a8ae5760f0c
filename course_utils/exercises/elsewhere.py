"""An answer that runs in another process, as that of a submission does."""

from dataclasses import dataclass
from typing import Any

from course_utils.exercises.model import Answer, Case


class Elsewhere:
    """A function or class of a learner's that never runs in this process.

    Called, it asks the other process and returns plain data. A subclass says how.

    >>> Elsewhere(len)(3)
    Traceback (most recent call last):
    NotImplementedError

    Attributes:
        text: a function or class made from the answer's source, to be read and never
            to be run: it tells the parameters, and what the code names.
        left: messages on global settings that the answer changed over there, since
            the list was last emptied.
        replaced: messages on functions of torch that its cell replaced over there.
    """

    def __init__(self, text: Any) -> None:
        self.text = text
        self.left: list[str] = []
        self.replaced: list[str] = []

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Call the answer in its process."""
        raise NotImplementedError

    def applied(self, application: Answer, args: Case) -> "Applied":
        """Let one of `exercises.applications` watch the answer at work, there."""
        raise NotImplementedError


@dataclass(frozen=True)
class Applied:
    """What became of an application elsewhere.

    Attributes:
        value: what it made of the answer.
        returned: what the answer returned last; `NOTHING` if it never did.
        running: whether the answer's own code ran last, or failed.
        error: what was raised in place of a value.
    """

    value: Any = None
    returned: Any = None
    running: bool = False
    error: BaseException | None = None


NOTHING = object()  # no call has ended yet


def runs_beside(application: Answer) -> bool:
    """Tell whether an application must run in the process of the answer.

    >>> runs_beside(lambda answer, x: answer(x))
    False
    """
    return application.__module__.startswith("course_utils.exercises.applications.")


def text_of(answer: Any) -> Any:
    """Return what can be read of an answer: itself, or its text if it is elsewhere.

    >>> text_of(Elsewhere(len)) is text_of(len) is len
    True
    """
    return answer.text if isinstance(answer, Elsewhere) else answer
