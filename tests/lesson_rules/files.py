"""Rules for the file: its name, size and normal form."""

import re

from course_utils.authoring.refresh import dumps, normalise
from tests.lesson_rules.lesson import Lesson
from tests.lessons import read

MAX_FILE = 1_500_000  # bytes


def named_by_number(lesson: Lesson) -> list[str]:
    if re.fullmatch(r"\d\d_[a-z0-9]+(_[a-z0-9]+)*\.ipynb", lesson.path.name):
        return []
    return [f"{lesson.path.name}: name it NN_snake_case.ipynb"]


def small_enough(lesson: Lesson) -> list[str]:
    size = lesson.path.stat().st_size
    return [f"{size:,} bytes, over {MAX_FILE:,}"] if size > MAX_FILE else []


def normalised(lesson: Lesson) -> list[str]:
    text = dumps(normalise(read(lesson.path)))
    if lesson.path.read_bytes() == text.encode():
        return []
    return ["not normalised: run `course refresh --normalise`"]


def without_widget_state(lesson: Lesson) -> list[str]:
    if "widgets" in lesson.notebook.metadata:
        return ["stores widget state: run `course refresh --normalise`"]
    return []


def counted_from_one(lesson: Lesson) -> list[str]:
    counts = [cell.execution_count for cell in lesson.code]
    if counts == list(range(1, len(counts) + 1)):
        return []
    return [f"execution counts {counts}: run `course refresh`"]


RULES = [
    named_by_number,
    small_enough,
    normalised,
    without_widget_state,
    counted_from_one,
]
