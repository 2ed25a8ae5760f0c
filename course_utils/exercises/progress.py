"""Which exercises were solved, in this session and before; the lessons in a table."""

import html
from collections.abc import Sequence
from typing import NamedTuple

from course_utils import diary
from course_utils.diary import Entry
from course_utils.display.bundles import HTML, PLAIN, PROGRESS_CLASS
from course_utils.errors import CourseError
from course_utils.exercises.registry import numbered_exercises
from course_utils.lessons import out_of, predictions

# The exercises whose check said 'correct', in this process.
_solved: set[str] = set()

_HEADS = ("lesson", "solved", "predictions reached", "last on")
_NOTE = (
    "A prediction is reached when its cell is run; which answer you open stays in the "
    "page."
)


class Standing(NamedTuple):
    """How far a learner is in one lesson.

    >>> Standing("01", "linear", 3, 9, 5, 12, "2026-11-29").cells()
    ('01 linear', '3 of 9', '5 of 12', '2026-11-29')

    Attributes:
        number: of the lesson, such as "01".
        lesson: the part before the dot in its exercises' names.
        solved: how many of its exercises were solved.
        exercises: how many it has.
        reached: at how many predictions the learner was.
        asked: how many it has; 0 if that isn't known.
        last: the last day that left an entry; "" if none did.
    """

    number: str
    lesson: str
    solved: int
    exercises: int
    reached: int
    asked: int
    last: str

    def cells(self) -> tuple[str, ...]:
        """Return what stands in the table's row."""
        done = f"{self.solved} of {self.exercises}"
        name = f"{self.number} {self.lesson}".strip()
        return name, done, out_of(self.reached, self.asked), self.last or "–"


def note_solved(name: str) -> None:
    """Count an exercise as solved; write it down too, where a person runs the cell.

    >>> note_solved("linear.affine")
    """
    _solved.add(name)
    lesson = name.partition(".")[0]
    if lesson in diary.LESSONS and name in numbered_exercises(lesson):
        diary.note(diary.number(lesson), diary.SOLVED, name)


def progress(lesson: str | None = None) -> None:
    """Show how many of a lesson's exercises were solved, and the rest; or all lessons.

    An exercise is solved once its check has said 'correct'. In a notebook that a person
    runs, that is written to a file on this machine, and counts in later sessions too;
    `course progress` says where it is. In a batch, only this session counts.

    Without a lesson's name it shows a table of all: exercises solved, predictions
    reached, the last day. An answer to a prediction is opened in the page, without the
    kernel: so it is known which predictions were run, not how they were answered.

    >>> progress("linear")  # doctest: +ELLIPSIS
    {...'text/plain': 'Solved in this session: ... of 9. Still open: 1 count, ...
    >>> progress()  # doctest: +ELLIPSIS
    {...'text/plain': 'lesson ...

    Args:
        lesson: the part before the dot in its exercises' names: "linear".

    Raises:
        CourseError: no lesson of the course has exercises of this name.
    """
    from IPython.display import display  # kept out of `import course_utils`

    bundle = _table() if lesson is None else _count(lesson)
    display(bundle, raw=True)


def standings(entries: Sequence[Entry]) -> list[Standing]:
    """Return how far a learner is in each lesson, from a diary and this session.

    >>> entries = [Entry("01", "solved", "linear.affine", "2026-11-29")]
    >>> standings(entries)[1].last
    '2026-11-29'
    """
    rows = []
    for lesson in diary.LESSONS:
        number, exercises = diary.number(lesson), numbered_exercises(lesson)
        own = [entry for entry in entries if entry.lesson == number]
        reached = {entry.name for entry in own if entry.kind == diary.REACHED}
        solved = _solved | {entry.name for entry in own if entry.kind == diary.SOLVED}
        last = max((entry.when for entry in own), default="")
        counts = len(solved & exercises.keys()), len(exercises)
        asked = predictions(number)
        rows.append(Standing(number, lesson, *counts, len(reached), asked, last))
    return rows


def table_text(rows: Sequence[Standing]) -> str:
    """Return the table of all lessons as lines of text.

    >>> rows = [Standing("01", "linear", 3, 9, 5, 12, "2026-11-29")]
    >>> print(table_text(rows))  # doctest: +ELLIPSIS
    lesson     solved  predictions reached  last on
    01 linear  3 of 9  5 of 12              2026-11-29
    all        3 of 9  5 of 12              2026-11-29
    A prediction is reached when ...
    """
    lines = [_HEADS, *(row.cells() for row in rows), _sum(rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    texts = [
        "  ".join(
            text.ljust(width) for text, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([*texts, _NOTE])


def _sum(rows: Sequence[Standing]) -> tuple[str, ...]:
    solved, exercises = sum(r.solved for r in rows), sum(r.exercises for r in rows)
    reached, asked = sum(r.reached for r in rows), sum(r.asked for r in rows)
    last = max(r.last for r in rows)
    return Standing("all", "", solved, exercises, reached, asked, last).cells()


def _table() -> dict[str, str]:
    rows = standings(diary.recall())
    edge = 'style="text-align:left;padding:.2em .8em"'
    head = "".join(f'<th scope="col" {edge}>{text}</th>' for text in _HEADS)
    body = "".join(
        f'<tr><th scope="row" {edge}>{first}</th>'
        + "".join(f"<td {edge}>{text}</td>" for text in rest)
        + "</tr>"
        for first, *rest in [*(row.cells() for row in rows), _sum(rows)]
    )
    return {
        HTML: f'<div class="{PROGRESS_CLASS}" style="margin-left:6px"><table>'
        f'<caption style="caption-side:bottom;text-align:left">{_NOTE}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>",
        PLAIN: table_text(rows),
    }


def _count(lesson: str) -> dict[str, str]:
    numbers = numbered_exercises(lesson)
    if not numbers:
        raise CourseError(
            f"No lesson has exercises named '{lesson}.…': "
            'give the part before the dot, as in progress("linear").'
        )
    elsewhere = {e.name for e in diary.recall() if e.kind == diary.SOLVED} - _solved
    still_open = {
        n: name for name, n in numbers.items() if name not in _solved | elsewhere
    }
    done = len(numbers) - len(still_open)
    first = f"Solved in this session: {done} of {len(numbers)}."
    if others := len(elsewhere & numbers.keys()):
        first = f"Solved: {done} of {len(numbers)} ({others} in another session)."
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
