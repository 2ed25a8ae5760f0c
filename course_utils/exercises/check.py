"""The check of a learner's answer: diagnose it, then show the verdict."""

import html
from dataclasses import replace
from typing import Any

from course_utils.display.bundles import CHECK, CHECK_CLASS, markup
from course_utils.exercises.diagnose import diagnose
from course_utils.exercises.model import Exercise, State, Verdict
from course_utils.exercises.registry import find_exercise

# How many hints of an exercise were shown, in this process.
_hints_shown: dict[str, int] = {}


def check(name: str, answer: Any, hint: bool = False) -> None:
    """Compare an answer with the exercise's reference and show the verdict.

    Never raises, but for the learner's own interrupt. Shows 'not attempted yet',
    'correct', 'wrong' with the hint that fits the mistake, or the answer's own error
    explained. In a notebook that is a box; elsewhere the output data are printed.

    >>> check("start.means", lambda x: x.mean(dim=0))  # doctest: +ELLIPSIS
    {...'text/plain': '✓ start.means: correct.'...}

    Args:
        name: the exercise, such as "linear.affine".
        answer: the function, class or value to check; `...` if not attempted.
        hint: show a step towards the solution too: each call the next, up to the last.
    """
    from IPython.display import display  # kept out of `import course_utils`

    display(verdict_bundle(name, _verdict(name, answer, hint)), raw=True)


def _verdict(name: str, answer: Any, hint: bool) -> Verdict:
    try:
        exercise = find_exercise(name)
    except LookupError as error:
        return Verdict(State.ERROR, (str(error),))
    try:
        verdict = diagnose(exercise, answer)
    except Exception as error:  # a check never breaks the page
        message = f"The check itself failed: {type(error).__name__}: {error}"
        return Verdict(State.ERROR, (message,))
    if verdict.state in (State.WRONG, State.ERROR):
        verdict = replace(verdict, hints=tuple(exercise.hints))
    if hint and verdict.state is not State.CORRECT:
        message = _next_hint(exercise)
        verdict = replace(verdict, messages=(*verdict.messages, message))
    return verdict


def _next_hint(exercise: Exercise) -> str:
    count = len(exercise.hints)
    if not count:
        return "This exercise has no hints."
    step = min(_hints_shown.get(exercise.name, 0) + 1, count)
    _hints_shown[exercise.name] = step
    return f"Hint {step} of {count}: {exercise.hints[step - 1]}"


_MARKS = {
    State.CORRECT: ("✓", "correct.", "#009E73"),
    State.WRONG: ("✗", "not yet.", "#D55E00"),
    State.ERROR: ("✗", "stopped by an error.", "#D55E00"),
    State.NOT_ATTEMPTED: ("○", "not attempted yet.", "#0072B2"),
}


def verdict_bundle(name: str, verdict: Verdict) -> dict[str, object]:
    """Return the output data of a verdict: HTML, plain text and JSON for grading.

    >>> print(verdict_bundle("linear.affine", Verdict(State.CORRECT))["text/plain"])
    ✓ linear.affine: correct.
    """
    mark, summary, colour = _MARKS[verdict.state]
    messages = "".join(f"<div>{markup(text)}</div>" for text in verdict.messages)
    case = html.escape(verdict.case)
    pre = "font-size:.9em;margin:.4em 0 0 0;white-space:pre-wrap"
    page = (
        f'<div class="{CHECK_CLASS}" data-state="{verdict.state.value}" role="status" '
        f'style="border-left:4px solid {colour};padding:.3em .8em;max-width:46em">'
        f"<b>{mark} {html.escape(str(name))}: {summary}</b>{messages}"
        + (f'<pre style="{pre}">{case}</pre>' if case else "")
        + "".join(_folded(step, hint) for step, hint in enumerate(verdict.hints, 1))
        + "</div>"
    )
    lines = [f"{mark} {name}: {summary}", *verdict.messages]
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


def _folded(step: int, hint: str) -> str:
    # Opens without a kernel and without a widget, by mouse and by keyboard.
    return f"<details><summary>Hint {step}</summary>{markup(hint)}</details>"
