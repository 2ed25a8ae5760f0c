"""Feedback: a page for each learner, with what was seen and what it is worth."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from course_utils.exercises.model import State
from course_utils.files import replacing
from course_utils.grading.curves import Drawn, draw
from course_utils.grading.gradebook import Scale
from course_utils.grading.learners import moodle_folder
from course_utils.grading.model import Mark, Result
from course_utils.grading.pages import FEEDBACK, write_page
from course_utils.grading.submissions import UNTOUCHED

_MOST_TEXT = 20_000


@dataclass(frozen=True)
class Task:
    """An exercise on a learner's page.

    Attributes:
        number: from 1, in the lesson's order.
        mark: see there.
        verdict: its state, or what a teacher's points make of it.
        points: that the answer got.
        measured: the points before a teacher set others.
        most: that it could get.
        answer: the learner's text, or the start of a very long one.
        cut: whether it is only the start.
        curves: of a lab's task.
    """

    number: int
    mark: Mark
    verdict: State
    points: float
    measured: float
    most: float
    answer: str
    cut: bool
    curves: Sequence[Drawn] = ()

    @property
    def state(self) -> str:
        """What the page shows by colour and sign: a verdict's state, or "partly"."""
        parts = self.mark.scores or self.mark.points is not None
        if parts and self.verdict is State.WRONG and self.points:
            return "partly"
        return self.verdict.value


def write_feedback(results: Sequence[Result], scale: Scale, folder: Path) -> None:
    """Write a page for each submission to feedback/, and remove those of none.

    A page names nobody else: it can be handed to its learner as it is. Where
    submissions came from Moodle, feedback-moodle.zip holds their pages once more, in
    the folders by which Moodle hands them back.

    Raises:
        OSError: a page can't be written.
    """
    place = folder / FEEDBACK
    place.mkdir(exist_ok=True)
    pages = {
        place / f"{result.submission.key}.html": result
        for result in results
        if not result.submission.missing
    }
    for page, result in pages.items():
        tasks = _tasks(result, scale)
        solved = sum(task.state == State.CORRECT.value for task in tasks)
        untouched = UNTOUCHED in result.submission.notes
        values = {"result": result, "tasks": tasks, "solved": solved}
        write_page(page, "feedback.html.j2", untouched=untouched, **values)
    for old in set(place.glob("*.html")) - set(pages):
        with suppress(OSError):  # it is in nobody's way
            old.unlink()
    _write_moodle(pages, folder / "feedback-moodle.zip")


def _write_moodle(pages: Mapping[Path, Result], path: Path) -> None:
    named = {
        f"{own}/feedback-{result.submission.lesson or 'unknown'}.html": page
        for page, result in pages.items()
        if (own := moodle_folder(result.submission.source))
    }
    if not named:
        path.unlink(missing_ok=True)
        return
    with replacing(path) as beside, ZipFile(beside, "w", ZIP_DEFLATED) as archive:
        for name, page in named.items():
            archive.write(page, name)


def _tasks(result: Result, scale: Scale) -> list[Task]:
    tasks = []
    for number, mark in enumerate(result.marks, 1):
        text = result.submission.cells.get(mark.exercise, "").strip("\n")
        points, most = scale.of(mark), scale.most(mark.exercise)
        measured = scale.of(replace(mark, points=None))
        cut = len(text) > _MOST_TEXT
        curves = [drawn for curve in mark.curves if (drawn := draw(curve))]
        start = text[:_MOST_TEXT]
        task = Task(
            number, mark, scale.state(mark), points, measured, most, start, cut, curves
        )
        tasks.append(task)
    return tasks
