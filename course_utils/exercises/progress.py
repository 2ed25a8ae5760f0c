"""How many exercises of a lesson were solved since the kernel started."""

import html

from course_utils.display.bundles import HTML, PLAIN, PROGRESS_CLASS
from course_utils.errors import CourseError
from course_utils.exercises.registry import numbered_exercises

# The exercises whose check said 'correct', in this process.
_solved: set[str] = set()


def note_solved(name: str) -> None:
    """Count an exercise as solved until the process ends.

    >>> note_solved("linear.affine")
    """
    _solved.add(name)


def progress(lesson: str) -> None:
    """Show how many of a lesson's exercises were solved in this session, and the rest.

    An exercise is solved once its check has said 'correct'. Restarting the kernel
    begins a new session.

    >>> progress("linear")  # doctest: +ELLIPSIS
    {...'text/plain': 'Solved in this session: ... of 9. Still open: 1 count, ...

    Args:
        lesson: the part before the dot in its exercises' names: "linear".

    Raises:
        CourseError: no lesson of the course has exercises of this name.
    """
    from IPython.display import display  # kept out of `import course_utils`

    display(_count(lesson), raw=True)


def _count(lesson: str) -> dict[str, str]:
    numbers = numbered_exercises(lesson)
    if not numbers:
        raise CourseError(
            f"No lesson has exercises named '{lesson}.…': "
            'give the part before the dot, as in progress("linear").'
        )
    still_open = {n: name for name, n in numbers.items() if name not in _solved}
    done = len(numbers) - len(still_open)
    first = f"Solved in this session: {done} of {len(numbers)}."
    texts = {n: f"{n} {name.partition('.')[2]}" for n, name in still_open.items()}
    # The lessons head each exercise with its number alone, so that this finds it.
    # Underlined: hosts colour a link too little to stand out from words beside it.
    links = [
        f'<a href="#Exercise-{n}" style="text-decoration: underline">'
        f"{html.escape(text)}</a>"
        for n, text in texts.items()
    ]
    rest = ("Still open: {}." if texts else "That is all of them.").format
    return {
        # At the left edge of JupyterLab's prose.
        HTML: f'<div class="{PROGRESS_CLASS}" style="margin-left:6px"><b>{first}</b> '
        f"{rest(', '.join(links))}</div>",
        PLAIN: f"{first} {rest(', '.join(texts.values()))}",
    }
