"""Rules for cells: how long, how many in a row, which tags, how many words."""

import re
from statistics import median

from nbformat import NotebookNode

from tests.lesson_rules.lesson import Lesson, calls, hidden, tags

TAGS = {
    "parameters",
    "setup",
    "ask",
    "exercise",
    "solution",
    "nbval-ignore-output",
}
MEDIAN_LINES, MOST_LINES, MAX_LINES = 4, 12, 25
MAX_IN_A_ROW = 3


def lines(cell: NotebookNode) -> int:
    return sum(1 for line in cell.source.splitlines() if line.strip())


def short_cells(lesson: Lesson) -> list[str]:
    problems = [
        f"{lesson.place(cell)} has {lines(cell)} lines, over {MAX_LINES}"
        for cell in lesson.code
        if lines(cell) > MAX_LINES
    ]
    # A folded cell (a question, a solution) is not read in passing.
    seen = [lines(cell) for cell in lesson.code if not hidden(cell)]
    if median(seen) > MEDIAN_LINES:
        problems.append(f"half the cells have over {median(seen):g} lines, not 4")
    within = sum(count <= MOST_LINES for count in seen) / len(seen)
    if within < 0.9:
        problems.append(f"{within:.1%} of the cells keep within 12 lines, not 90 %")
    return problems


def no_empty_cells(lesson: Lesson) -> list[str]:
    empty = [cell for cell in lesson.cells if not cell.source.strip()]
    return [f"{lesson.place(cell)} is empty" for cell in empty]


def words_between_code(lesson: Lesson) -> list[str]:
    row, after_stub, problems = 0, False, []
    for cell in lesson.cells:
        if cell.cell_type == "markdown":
            row = 0
        elif not tags(cell) and not after_stub:
            row += 1
            if row == MAX_IN_A_ROW + 1:
                where = lesson.place(cell)
                problems.append(f"{where} is the fourth code cell without a word")
        after_stub = "exercise" in tags(cell)
    return problems


def enough_words(lesson: Lesson) -> list[str]:
    text = "\n".join(cell.source for cell in lesson.markdown)
    text = re.sub(r"(?s)\$\$.*?\$\$|\$[^$\n]+\$|\]\([^)]*\)", " ", text)
    count = len(re.findall(r"[^\W\d_][\w'’-]*", text))
    low = 500 if lesson.number == 0 else 1_200
    high = 3_500 if lesson.number >= 10 else 3_000
    if low <= count <= high:
        return []
    return [f"{count:,} words of text, not {low:,} to {high:,}"]


def known_tags(lesson: Lesson) -> list[str]:
    problems = []
    for cell in lesson.cells:
        if unknown := set(tags(cell)) - TAGS:
            problems.append(f"{lesson.place(cell)} has unknown tags {unknown}")
        if re.search(r"#\s*(NBVAL|PYTEST_VALIDATE)_", cell.source):
            problems.append(
                f"{lesson.place(cell)} steers nbval by a comment, not a tag"
            )
    return problems


def playground_there(lesson: Lesson) -> list[str]:
    if any(calls(cell, "playground") for cell in lesson.code):
        return []
    return ["no playground"]


def predictions_there(lesson: Lesson) -> list[str]:
    count = sum(calls(cell, "ask") for cell in lesson.code)
    wanted = 1 if lesson.number == 0 else 3
    return [f"{count} predictions, not {wanted} or more"] if count < wanted else []


def pictures_in_text_described(lesson: Lesson) -> list[str]:
    return [
        f"{lesson.place(cell)} holds a picture without a description"
        for cell in lesson.markdown
        if re.search(r"!\[\s*\]\(|<img(?![^>]*\balt=.[^'\"])", cell.source)
    ]


RULES = [
    short_cells,
    no_empty_cells,
    words_between_code,
    enough_words,
    known_tags,
    playground_there,
    predictions_there,
    pictures_in_text_described,
]
