"""An exercise, the mistakes learners make in it, and the check that names them."""

import html
import importlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from course_utils.quiz import markup


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


@dataclass(frozen=True)
class Verdict:
    """What a check found: a state, the sentences that say it, the mistake's name."""

    state: str  # "not attempted", "correct", "wrong" or "error"
    sentences: tuple[str, ...] = ()
    misconception: str | None = None
    case: str = ""  # the smallest failing case, as preformatted text


def check(name: str, answer: Any) -> None:
    """Compare an answer with the exercise's reference and say what was found.

    Never raises. Shows 'not attempted yet', 'correct', 'wrong' with the sentence
    that fits the mistake, or the answer's own error explained.

    Args:
        name: the exercise, such as "linear.affine".
        answer: the function, class or value to check; `...` if not attempted.
    """
    from IPython.display import display  # kept out of `import course_utils`

    from course_utils.examining import examine

    try:
        verdict = examine(find_exercise(name), answer)
    except LookupError as error:
        verdict = Verdict("error", (str(error.args[0]),))
    except Exception as error:  # a check never breaks the page
        said = f"The check itself failed: {type(error).__name__}: {error}"
        verdict = Verdict("error", (said,))
    display(verdict_bundle(name, verdict), raw=True)


def find_exercise(name: str) -> Exercise:
    """Return the exercise with this name.

    Raises:
        LookupError: there is none; the message names the nearest one.
    """
    lesson = str(name).partition(".")[0]
    if not lesson.isidentifier():
        raise LookupError(f"{name!r} is no exercise: names read like linear.affine.")
    try:
        module = importlib.import_module(f"course_utils.exercises.{lesson}")
    except ModuleNotFoundError:
        raise LookupError(f"No lesson has exercises named '{lesson}.…'.") from None
    exercises = {exercise.name: exercise for exercise in module.EXERCISES}
    if name in exercises:
        return exercises[name]
    near = get_close_matches(name, exercises, n=1, cutoff=0)
    raise LookupError(f"There is no exercise '{name}'. Did you mean '{near[0]}'?")


_MARKS = {
    "correct": ("✓", "correct.", "#009E73"),
    "wrong": ("✗", "not yet.", "#D55E00"),
    "error": ("✗", "stopped by an error.", "#D55E00"),
    "not attempted": ("○", "not attempted yet.", "#0072B2"),
}


def verdict_bundle(name: str, verdict: Verdict) -> dict:
    """Return the output data of a verdict: HTML, plain text and JSON for grading."""
    mark, words, colour = _MARKS[verdict.state]
    said = "".join(f"<div>{markup(s)}</div>" for s in verdict.sentences)
    case = html.escape(verdict.case)
    pre = "font-size:.9em;margin:.4em 0 0 0;white-space:pre-wrap"
    page = (
        f'<div class="course-check" data-state="{verdict.state}" role="status" '
        f'style="border-left:4px solid {colour};padding:.3em .8em;max-width:46em">'
        f"<b>{mark} {html.escape(str(name))}: {words}</b>{said}"
        + (f'<pre style="{pre}">{case}</pre>' if case else "")
        + "</div>"
    )
    lines = [f"{mark} {name}: {words}", *verdict.sentences]
    return {
        "text/html": page,
        "text/plain": "\n".join(lines + ([verdict.case] if verdict.case else [])),
        "application/vnd.course.check+json": {
            "name": str(name),
            "state": verdict.state,
            "misconception": verdict.misconception,
        },
    }
