"""Rules for cells: how long, how many in a row, which tags, how many words."""

import re
from statistics import median

from nbformat import NotebookNode

from course_utils.authoring.lint.document import (
    Document,
    calls,
    hidden,
    sample,
    tags,
)

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


def _lines(cell: NotebookNode) -> int:
    return sum(1 for line in cell.source.splitlines() if line.strip())


def short_cells(document: Document) -> list[str]:
    """Code cells have four lines or less as a rule, 25 at most.

    >>> short_cells(sample(code="print(1)\\n" * 26))[0]
    "cell 1 ('print(1)') has 26 lines, over 25"
    """
    problems = [
        f"{document.place(cell)} has {_lines(cell)} lines, over {MAX_LINES}"
        for cell in document.code
        if _lines(cell) > MAX_LINES
    ]
    # A folded cell (a question, a solution) is not read in passing.
    counts = [_lines(cell) for cell in document.code if not hidden(cell)]
    if not counts:
        return problems
    if median(counts) > MEDIAN_LINES:
        problems.append(f"half the cells have over {median(counts):g} lines, not 4")
    within = sum(count <= MOST_LINES for count in counts) / len(counts)
    if within < 0.9:
        problems.append(f"{within:.1%} of the cells keep within 12 lines, not 90 %")
    return problems


def no_empty_cells(document: Document) -> list[str]:
    """No cell is empty.

    >>> no_empty_cells(sample(code=""))
    ["cell 1 ('(empty)') is empty"]
    """
    empty = [cell for cell in document.cells if not cell.source.strip()]
    return [f"{document.place(cell)} is empty" for cell in empty]


def text_between_code(document: Document) -> list[str]:
    """No more than three code cells follow each other without text.

    >>> text_between_code(sample(code="1 + 1"))
    []
    """
    row, after_stub, problems = 0, False, []
    for cell in document.cells:
        if cell.cell_type == "markdown":
            row = 0
        elif not tags(cell) and not after_stub:
            row += 1
            if row == MAX_IN_A_ROW + 1:
                problems.append(
                    f"{document.place(cell)} is the fourth code cell without text"
                )
        after_stub = "exercise" in tags(cell)
    return problems


def word_count(document: Document) -> list[str]:
    """A lesson has 1,200 to 3,000 words of text; 00 fewer, those from 10 on more.

    >>> word_count(sample("# 1 · Sums\\n\\nOne and one is two."))
    ['6 words of text, not 1,200 to 3,000']
    """
    text = "\n".join(cell.source for cell in document.markdown)
    text = re.sub(r"(?s)\$\$.*?\$\$|\$[^$\n]+\$|\]\([^)]*\)", " ", text)
    count = len(re.findall(r"[^\W\d_][\w'’-]*", text))
    low = 500 if document.number == 0 else 1_200
    high = 3_500 if document.number >= 10 else 3_000
    if low <= count <= high:
        return []
    return [f"{count:,} words of text, not {low:,} to {high:,}"]


def known_tags(document: Document) -> list[str]:
    """Cells carry the course's tags only, and steer nbval by no comment.

    >>> known_tags(sample(code="1 / 0", tags=["raises-exception"]))
    ["cell 1 ('1 / 0') has unknown tags: raises-exception"]
    """
    problems = []
    for cell in document.cells:
        if unknown := sorted(set(tags(cell)) - TAGS):
            where = document.place(cell)
            problems.append(f"{where} has unknown tags: {', '.join(unknown)}")
        if re.search(r"#\s*(NBVAL|PYTEST_VALIDATE)_", cell.source):
            problems.append(
                f"{document.place(cell)} steers nbval by a comment, not a tag"
            )
    return problems


def has_playground(document: Document) -> list[str]:
    """There is a playground.

    >>> has_playground(sample(code="print(1)"))
    ['no playground']
    """
    if any(calls(cell, "playground") for cell in document.code):
        return []
    return ["no playground"]


def has_predictions(document: Document) -> list[str]:
    """There are three predictions or more; one in lesson 00.

    >>> has_predictions(sample(code='ask("What is 1 + 1?", ["2", "11"], answer=0)'))
    ['1 predictions, not 3 or more']
    """
    count = sum(calls(cell, "ask") for cell in document.code)
    least = 1 if document.number == 0 else 3
    return [f"{count} predictions, not {least} or more"] if count < least else []


def images_in_text_described(document: Document) -> list[str]:
    """An image in the text has a description.

    >>> images_in_text_described(sample("![](net.png)"))
    ["cell 0 ('![](net.png)') holds a picture without a description"]
    """
    return [
        f"{document.place(cell)} holds a picture without a description"
        for cell in document.markdown
        if re.search(r"!\[\s*\]\(|<img(?![^>]*\balt=.[^'\"])", cell.source)
    ]


RULES = [
    short_cells,
    no_empty_cells,
    text_between_code,
    word_count,
    known_tags,
    has_playground,
    has_predictions,
    images_in_text_described,
]
