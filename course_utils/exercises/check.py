"""The check of a learner's answer: diagnose it, then show the verdict."""

import html
from typing import Any

from course_utils.display.bundles import CHECK, CHECK_CLASS, markup
from course_utils.exercises.diagnose import diagnose
from course_utils.exercises.model import State, Verdict
from course_utils.exercises.registry import find_exercise


def check(name: str, answer: Any) -> None:
    """Compare an answer with the exercise's reference and say what was found.

    Never raises. Shows 'not attempted yet', 'correct', 'wrong' with the sentence
    that fits the mistake, or the answer's own error explained.

    Args:
        name: the exercise, such as "linear.affine".
        answer: the function, class or value to check; `...` if not attempted.
    """
    from IPython.display import display  # kept out of `import course_utils`

    try:
        verdict = diagnose(find_exercise(name), answer)
    except LookupError as error:
        verdict = Verdict(State.ERROR, (str(error.args[0]),))
    except Exception as error:  # a check never breaks the page
        said = f"The check itself failed: {type(error).__name__}: {error}"
        verdict = Verdict(State.ERROR, (said,))
    display(verdict_bundle(name, verdict), raw=True)


_MARKS = {
    State.CORRECT: ("✓", "correct.", "#009E73"),
    State.WRONG: ("✗", "not yet.", "#D55E00"),
    State.ERROR: ("✗", "stopped by an error.", "#D55E00"),
    State.NOT_ATTEMPTED: ("○", "not attempted yet.", "#0072B2"),
}


def verdict_bundle(name: str, verdict: Verdict) -> dict:
    """Return the output data of a verdict: HTML, plain text and JSON for grading."""
    mark, words, colour = _MARKS[verdict.state]
    said = "".join(f"<div>{markup(s)}</div>" for s in verdict.sentences)
    case = html.escape(verdict.case)
    pre = "font-size:.9em;margin:.4em 0 0 0;white-space:pre-wrap"
    page = (
        f'<div class="{CHECK_CLASS}" data-state="{verdict.state.value}" role="status" '
        f'style="border-left:4px solid {colour};padding:.3em .8em;max-width:46em">'
        f"<b>{mark} {html.escape(str(name))}: {words}</b>{said}"
        + (f'<pre style="{pre}">{case}</pre>' if case else "")
        + "</div>"
    )
    lines = [f"{mark} {name}: {words}", *verdict.sentences]
    return {
        "text/html": page,
        "text/plain": "\n".join(lines + ([verdict.case] if verdict.case else [])),
        CHECK: {
            "name": str(name),
            "state": verdict.state.value,
            "misconception": verdict.misconception,
        },
    }
