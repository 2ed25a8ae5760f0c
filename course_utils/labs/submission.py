"""The submission of a lab: is it complete, and what does it reach openly?"""

import html
import inspect
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from course_utils.cells import CELLS
from course_utils.display.bundles import (
    HTML,
    PLAIN,
    SUBMISSION,
    SUBMISSION_CLASS,
    Bundle,
    markup,
)
from course_utils.exercises.guard import OutOfTime, run_guarded
from course_utils.exercises.source import is_stub
from course_utils.labs.elsewhere import (
    lost_in_grading,
    not_sure_in_grading,
    taken_along,
)
from course_utils.labs.model import Lab, Score, Task, total
from course_utils.labs.outcome import Outcome, measure_rounds, nothing
from course_utils.labs.registry import find_lab
from course_utils.labs.work import Work

SECONDS = 60.0  # for one task, or what grading gives it where that is more
_HAND_IN = "To hand in, save this notebook and give its file to your teacher."
_NO_POINTS = "It can be graded, and gets no points yet: the table says why."
_NOT_COMPLETE = "It is not complete yet."
_ESTIMATE = (
    "These figures are an estimate, on open cases. Your points come from grading, "
    "which measures the same on other cases, from a seed that nobody knows before."
)


def submission(lab: str, **answers: Any) -> None:
    """Show whether a lab is complete, and what its answers reach on open cases.

    The last call of a lab's notebook, and all that handing in needs. Never raises, but
    for the learner's own interrupt: what is missing or does not fit is said in a
    sentence. In a notebook it shows a table; elsewhere the output data are printed.

    >>> submission("hinges", fit=..., deep=...)  # doctest: +ELLIPSIS
    {...'text/plain': 'Lab hinges: 0 of 20 points, measured openly...}

    Args:
        lab: the name of the lab, such as "hinges".
        answers: the answer to each task by the task's name; `...` if not attempted.
    """
    from IPython.display import display  # kept out of `import course_utils`

    display(submission_bundle(lab, answers), raw=True)


def submission_bundle(lab: str, answers: dict[str, Any]) -> Bundle:
    """Return the output data of a submission: HTML, plain text and JSON.

    >>> submission_bundle("hinge", {})["text/plain"]
    "There is no lab 'hinge'. Did you mean 'hinges'?"
    """
    try:
        found = find_lab(lab)
    except LookupError as error:
        return _bundle(str(lab), str(error), [], [str(error)])
    wanted = {task.name.partition(".")[2]: task for task in found.tasks}
    notes = [
        f"`{name}` is none of this lab's tasks: they are {', '.join(wanted)}."
        for name in answers
        if name not in wanted
    ]
    parts: list[_Part] = []
    for name, task in wanted.items():
        if name not in answers:
            missing = f"`{name}` is missing: add `{name}=…` to the call."
            scores = nothing(task, "Not handed in.")
            parts.append(_Part(task, scores, troubles=[missing]))
        else:
            parts.append(_measured(task, name, answers[name]))
    return _shown(found, parts, notes)


@dataclass(frozen=True)
class _Part:
    """A task with its scores.

    Attributes:
        task: from the bank.
        scores: for each item of its rubric.
        troubles: sentences on what does not fit.
        notes: sentences on what fits, and is good to know.
        named: whether it is what grading finds by its name.
    """

    task: Task
    scores: tuple[Score, ...]
    troubles: Sequence[str] = ()
    notes: Sequence[str] = ()
    named: bool = True


def _measured(task: Task, name: str, answer: Any) -> _Part:
    if trouble := _trouble(task, name, answer):
        return _Part(task, nothing(task, "Not measured."), troubles=[trouble])
    cell = source = _cell_of(answer)
    if lost := lost_in_grading(answer, cell):
        return _Part(task, nothing(task, "Not measured."), troubles=lost)
    notes = []
    lab = task.name.partition(".")[0]
    if task.most_bytes is not None and (used := taken_along(answer, cell, lab)):
        source = "\n".join([*dict.fromkeys(used.values()), cell])
        more = len(source.encode()) - len(cell.encode())
        names = ", ".join(f"`{other}`" for other in used)
        notes = [
            f"`{name}` uses {names} of other cells: grading takes along what defines "
            f"them, {more:,} bytes that count as its own."
        ]
    seconds = max(SECONDS, task.seconds)
    works = (Work(answer, source=source, round=n) for n in range(task.rounds))
    try:
        outcome = run_guarded(lambda: _as_in_grading(task, works), seconds)
    except OutOfTime:
        outcome = Outcome(nothing(task, "It took too long."), late=True)
    late = [f"`{name}` was stopped after {seconds:g} seconds."] if outcome.late else []
    troubles = [*late, *outcome.messages, *not_sure_in_grading(source)]
    if not _is_named(name, answer):
        notes.append(f"Only `{name}` is graded, and this is another function.")
    return _Part(task, outcome.scores, troubles, notes, _is_named(name, answer))


def _as_in_grading(task: Task, works: Iterable[Work]) -> Outcome:
    """Measure with one thread; the guard around it puts their number back."""
    torch.set_num_threads(1)
    return measure_rounds(task, works)


def _is_named(name: str, answer: Any) -> bool:
    """Tell whether the notebook has an answer under its own name, as grading asks."""
    scope = getattr(answer, "__globals__", {name: answer})
    return scope.get(name) is answer


def _cell_of(answer: Any) -> str:
    """Return the text of the cell that defines a function; of a file, its own lines."""
    with suppress(OSError, TypeError):
        if Path(inspect.getfile(answer)).exists():
            return inspect.getsource(answer)
        return "".join(inspect.findsource(answer)[0])
    return ""


def _trouble(task: Task, name: str, answer: Any) -> str:
    """Say why an answer can't be measured; "" if it can."""
    if answer is ... or is_stub(answer):
        return "Not attempted yet: replace the `...` and run both cells again."
    if CELLS.is_outdated(name, answer):
        return (
            f"The last run of the cell that defines `{name}` ended in an error: mend "
            "that cell and run it, or this would measure an older version."
        )
    if isinstance(answer, nn.Module):
        return f"This is a network. Hand in the function: `{name}={name}`."
    wanted = f"`{name}` must be a function of ({', '.join(task.takes)})"
    if not callable(answer):
        return f"{wanted}, and is {type(answer).__name__}."
    try:
        inspect.signature(answer).bind(*task.takes)
    except TypeError:
        found = inspect.signature(answer)
        return f"{wanted}; yours takes {found}."
    except ValueError:  # built in, without a signature that can be read
        return ""
    return ""


def _shown(
    lab: Lab,
    parts: list[_Part],
    notes: list[str],
) -> Bundle:
    scores = [score for part in parts for score in part.scores]
    openly = sum(s.most for s in scores if s.points is not None)
    head = f"Lab {lab.name}: {total(scores):g} of {openly:g} points"
    if openly == lab.most:
        head += ", measured openly."
    else:
        head += f" that can be measured openly, of {lab.most:g} in all."
    complete = not notes and not any(part.troubles for part in parts)
    if not complete:
        notes = [*notes, _NOT_COMPLETE]
    elif all(part.named for part in parts):
        notes = [_HAND_IN if total(scores) or not openly else _NO_POINTS]
    notes = [*notes, _ESTIMATE]
    sections = []
    for number, part in enumerate(parts, 1):
        title = f"{number} {part.task.title} ({part.task.name.partition('.')[2]})"
        sections.append((title, [*part.troubles, *part.notes], part.scores))
    return _bundle(lab.name, head, sections, notes)


def _bundle(
    lab: str,
    head: str,
    sections: list[tuple[str, list[str], tuple[Score, ...]]],
    notes: list[str],
) -> Bundle:
    lines = [head]
    rows = []
    for title, troubles, scores in sections:
        lines.append(title)
        lines += [f"  ! {trouble}" for trouble in troubles]
        said = "".join(f"<div>{markup(trouble)}</div>" for trouble in troubles)
        rows.append(
            f'<tr><th colspan="3" style="text-align:left">{markup(title)}{said}</th>'
            "</tr>"
        )
        for score in _in_one(scores):
            points = _points(score)
            lines.append(f"  {score.item}: {points}. {score.why}")
            cells = (html.escape(score.item), html.escape(points), markup(score.why))
            rows.append(_row(cells))
    lines += [note for note in notes if note != head]
    page = (
        f'<div class="{SUBMISSION_CLASS}" role="status" style="max-width:60em">'
        f"<b>{html.escape(head)}</b>"
        + (f"<table>{''.join(rows)}</table>" if rows else "")
        + "".join(f"<div>{markup(note)}</div>" for note in notes if note != head)
        + "</div>"
    )
    found = [score for _, _, scores in sections for score in scores]
    openly = {"lab": lab, "points": total(found)}
    return {HTML: page, PLAIN: "\n".join(lines), SUBMISSION: openly}


def _in_one(scores: Sequence[Score]) -> Sequence[Score]:
    """Return one score in place of several for which the same was not measured."""
    whys = {score.why for score in scores}
    if len(scores) < 2 or len(whys) > 1 or any(s.points != 0 for s in scores):
        return scores
    return [Score("all items", 0.0, sum(s.most for s in scores), whys.pop())]


def _row(cells: Iterable[str]) -> str:
    style = "text-align:left;vertical-align:top"
    return "<tr>" + "".join(f'<td style="{style}">{c}</td>' for c in cells) + "</tr>"


def _points(score: Score) -> str:
    if score.points is None:
        return f"up to {score.most:g}, when graded"
    return f"{score.points:g} of {score.most:g}"
