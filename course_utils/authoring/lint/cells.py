"""Rules for cells: how long, how many in a row, which tags, how many words."""

import re
from statistics import median

from nbformat import NotebookNode

from course_utils.authoring.lint.document import (
    Document,
    Messages,
    count_words,
    folded,
    hidden,
    tags,
)

TAGS = {"parameters", "setup", "ask", "drawing", "exercise", "solution"}
TAGS |= {"nbval-ignore-output"}
MEDIAN_LINES, MOST_LINES, MAX_LINES = 4, 12, 25
MAX_IN_A_ROW = 3
MAX_DRAWING = 3  # lines


def _lines(cell: NotebookNode) -> int:
    return sum(1 for line in cell.source.splitlines() if line.strip())


def _count_calls(document: Document, function: str) -> int:
    """Return the number of code cells with a line that begins with this call."""
    call = re.compile(rf"(?m)^{function}\(")
    return sum(bool(call.search(cell.source)) for cell in document.code)


def short_cells(document: Document) -> Messages:
    """Code cells have four lines or less as a rule, 25 at most but for the setup."""
    for cell in document.code:
        if _lines(cell) > MAX_LINES and "setup" not in tags(cell):
            yield f"{document.place(cell)} has {_lines(cell)} lines, over {MAX_LINES}"
    # A folded cell (a question, a solution) is not read in passing.
    counts = [_lines(cell) for cell in document.code if not hidden(cell)]
    if not counts:
        return
    if median(counts) > MEDIAN_LINES:
        yield f"half the cells have over {median(counts):g} lines, not 4"
    within = sum(count <= MOST_LINES for count in counts) / len(counts)
    if within < 0.9:
        yield f"{within:.1%} of the cells keep within 12 lines, not 90 %"


def no_empty_cells(document: Document) -> Messages:
    """No cell is empty."""
    for cell in document.cells:
        if not cell.source.strip():
            yield f"{document.place(cell)} is empty"


def text_between_code(document: Document) -> Messages:
    """No more than three code cells follow each other without text."""
    row, after_stub = 0, False
    for cell in document.cells:
        if cell.cell_type == "markdown":
            row = 0
        elif not tags(cell) and not after_stub:
            row += 1
            if row == MAX_IN_A_ROW + 1:
                yield f"{document.place(cell)} is the fourth code cell without text"
        after_stub = "exercise" in tags(cell)


def word_count(document: Document) -> Messages:
    """A lesson has 1,200 to 5,000 words of text; 00 fewer."""
    no_words = r"(?s)\$\$.*?\$\$|\$[^$\n]+\$|\]\([^)]*\)"  # formulas and addresses
    text = re.sub(no_words, " ", document.text)
    count = count_words(text)
    low = 500 if document.number == 0 else 1_200
    if not low <= count <= 5_000:
        yield f"{count:,} words of text, not {low:,} to 5,000"


def known_tags(document: Document) -> Messages:
    """Cells carry the course's tags only, and steer nbval by no comment."""
    for cell in document.cells:
        where = document.place(cell)
        if unknown := sorted(set(tags(cell)) - TAGS):
            yield f"{where} has unknown tags: {', '.join(unknown)}"
        if re.search(r"#\s*(NBVAL|PYTEST_VALIDATE)_", cell.source):
            yield f"{where} steers nbval by a comment, not a tag"


def drawings_folded(document: Document) -> Messages:
    """Cells that draw are tagged and folded, under a title that says what they draw."""
    title = r"# @title (Drawing|Playground): \S"
    for cell in document.code:
        titled = re.match(title, cell.source)
        if "drawing" in tags(cell) and not (folded(cell) and titled):
            yield (
                f"{document.place(cell)} is not folded (source_hidden, cellView "
                "'form') under '# @title Drawing: …' or '# @title Playground: …'"
            )
        elif titled and "drawing" not in tags(cell):
            yield f"{document.place(cell)} is not tagged 'drawing'"


def little_drawing_in_sight(document: Document) -> Messages:
    """A cell that is not folded has three lines of drawing at most."""
    line = re.compile(r"(?m)^.*\b(?:ax|axes|fig|plt)\b.*$|^ *(?:show|playground)\(.*$")
    for cell in document.code:
        count = 0 if hidden(cell) else len(line.findall(cell.source))
        if count > MAX_DRAWING:
            yield (
                f"{document.place(cell)} has {count} lines of drawing: "
                "move them to a folded cell tagged 'drawing'"
            )


def has_playground(document: Document) -> Messages:
    """There is a playground."""
    if not _count_calls(document, "playground"):
        yield "no playground"


def has_predictions(document: Document) -> Messages:
    """There are three predictions or more; one in lesson 00."""
    count = _count_calls(document, "ask")
    least = 1 if document.number == 0 else 3
    if count < least:
        yield f"{count} predictions, not {least} or more"


def images_in_text_described(document: Document) -> Messages:
    """An image in the text has a description."""
    for cell in document.markdown:
        if re.search(r"!\[\s*\]\(|<img(?![^>]*\balt=.[^'\"])", cell.source):
            yield f"{document.place(cell)} holds a picture without a description"
