"""The check of a learner's answer: diagnose it, then show the verdict."""

import html
import re
import sys
from contextlib import nullcontext, redirect_stderr
from dataclasses import replace
from typing import Any

from course_utils.cells import CELLS
from course_utils.display.bundles import CHECK, CHECK_CLASS, markup
from course_utils.errors import CourseError
from course_utils.exercises.diagnose import diagnose
from course_utils.exercises.model import SAID, Exercise, State, Verdict
from course_utils.exercises.progress import note_solved
from course_utils.exercises.registry import find_exercise, numbered_exercises

# How many hints of an exercise were shown, in this process.
_hints_shown: dict[str, int] = {}


def check(name: str, answer: Any, hint: bool = False, strict: bool = False) -> None:
    """Compare an answer with the exercise's reference and show the verdict.

    Never raises unless it is strict, but for the learner's own interrupt. Shows 'not
    attempted yet', 'correct', 'wrong' with the hint that fits the mistake, or the
    answer's own error explained. In a notebook that is a box; elsewhere the output data
    are printed. What the last run of a failed cell was to replace is not checked: it is
    older than what the learner sees.

    >>> check("start.means", lambda x: x.mean(dim=0))  # doctest: +ELLIPSIS
    {...'text/plain': '✓ Exercise 2 of 8 (start.means): correct.'...}

    Args:
        name: the exercise, such as "linear.affine".
        answer: the function, class or value to check; `...` if not attempted.
        hint: show a step towards the solution too: each call the next, up to the last.
        strict: raise after the verdict unless it is 'correct', as graders of cells
            want it. They take anything on stderr for a failure, so warnings of a
            correct answer go to stdout.

    Raises:
        CourseError: it is strict, and the answer is not correct.
    """
    from IPython.display import display  # kept out of `import course_utils`

    with redirect_stderr(sys.stdout) if strict else nullcontext():
        verdict = _verdict(name, answer, hint)
    display(verdict_bundle(name, verdict), raw=True)
    if strict and verdict.state is not State.CORRECT:
        raise CourseError(f"{name}: {SAID[verdict.state][1]}")


def _verdict(name: str, answer: Any, hint: bool) -> Verdict:
    try:
        exercise = find_exercise(name)
    except LookupError as error:
        return Verdict(State.ERROR, (str(error),))
    variable = _variable(name)
    if CELLS.is_outdated(variable, answer):
        message = (
            f"The last run of the cell that defines `{variable}` ended in an error: "
            "this would check an older version. Mend that cell and run it, then check "
            "again."
        )
        return Verdict(State.ERROR, (message,))
    try:
        verdict = diagnose(exercise, answer)
    except Exception as error:  # a check never breaks the page
        message = f"The check itself failed: {type(error).__name__}: {error}"
        return Verdict(State.ERROR, (message,))
    if verdict.state is State.CORRECT:
        note_solved(name)
    verdict = with_hints(verdict, exercise)
    if hint and verdict.state is not State.CORRECT:
        message = _next_hint(exercise)
        verdict = replace(verdict, messages=(*verdict.messages, message))
    return verdict


def with_hints(verdict: Verdict, exercise: Exercise) -> Verdict:
    """Return the verdict with the exercise's hints where the answer needs them.

    >>> verdict = Verdict(State.CORRECT)
    >>> with_hints(verdict, find_exercise("linear.affine")) == verdict
    True
    """
    if verdict.state not in (State.WRONG, State.ERROR):
        return verdict
    return replace(verdict, hints=tuple(exercise.hints))


def _variable(name: str) -> str:
    """Return what the running cell calls the answer; "" where it has no name."""
    call = rf"""\bcheck\(\s*["']{re.escape(name)}["']\s*,\s*(\w+)\s*[,)]"""
    match = re.search(call, CELLS.source)
    return match[1] if match else ""


def _next_hint(exercise: Exercise) -> str:
    count = len(exercise.hints)
    if not count:
        return "This exercise has no hints."
    step = min(_hints_shown.get(exercise.name, 0) + 1, count)
    _hints_shown[exercise.name] = step
    return f"Hint {step} of {count}: {exercise.hints[step - 1]}"


_COLOURS = {
    State.CORRECT: "#009E73",
    State.WRONG: "#D55E00",
    State.ERROR: "#D55E00",
    State.NOT_ATTEMPTED: "#0072B2",
}


def verdict_bundle(name: str, verdict: Verdict) -> dict[str, object]:
    """Return the output data of a verdict: HTML, plain text and JSON for grading.

    >>> print(verdict_bundle("linear.affine", Verdict(State.CORRECT))["text/plain"])
    ✓ Exercise 3 of 9 (linear.affine): correct.
    """
    mark, summary = SAID[verdict.state]
    colour = _COLOURS[verdict.state]
    heading, small = _headings(str(name))
    messages = "".join(f"<div>{markup(text)}</div>" for text in verdict.messages)
    case = html.escape(verdict.case)
    pre = "font-size:.9em;margin:.4em 0 0 0;white-space:pre-wrap"
    page = (
        f'<div class="{CHECK_CLASS}" data-state="{verdict.state.value}" role="status" '
        f'style="border-left:4px solid {colour};padding:.3em .8em;max-width:46em">'
        f"<b>{mark} {html.escape(heading)}: {summary}</b>"
        + (f" <small>{small}</small>" if small else "")
        + messages
        + (f'<pre style="{pre}">{case}</pre>' if case else "")
        + "".join(_folded(step, hint) for step, hint in enumerate(verdict.hints, 1))
        + "</div>"
    )
    small = f" ({small})" if small else ""
    lines = [f"{mark} {heading}{small}: {summary}", *verdict.messages]
    lines += [verdict.case] if verdict.case else []
    lines += [f'For a hint: check("{name}", …, hint=True)'] if verdict.hints else []
    return {
        "text/html": page,
        "text/plain": "\n".join(lines),
        CHECK: {
            "name": str(name),
            "state": verdict.state.value,
            "misconception": verdict.misconception,
        },
    }


def _headings(name: str) -> tuple[str, str]:
    """Return what a verdict calls an exercise, and the name small beside it, if any."""
    numbers = numbered_exercises(name.partition(".")[0])
    if name not in numbers:  # a teacher's own, or none at all
        return name, ""
    return f"Exercise {numbers[name]} of {len(numbers)}", name


def _folded(step: int, hint: str) -> str:
    # Opens without a kernel and without a widget, by mouse and by keyboard.
    return f"<details><summary>Hint {step}</summary>{markup(hint)}</details>"
