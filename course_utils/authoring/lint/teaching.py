"""Rules for how a lesson teaches, where its title cell states its time in three parts.

Lessons that give one number of minutes alone have not been rewritten to these rules.
"""

import re

from nbformat import NotebookNode

from course_utils.authoring.lint.document import (
    Document,
    Messages,
    count_words,
    folded,
    printed,
)

MIN_WORDS = 40  # to a code cell in sight
CLOCK = r"\b(\d+) minutes: core (\d+)(?:, \*Deeper\* (\d+))?, exercises (\d+)\."
MAX_CORE = 90  # minutes


def _clock(document: Document) -> list[int]:
    """Return the minutes: all, core, Deeper, exercises; [] if not stated in parts."""
    found = re.search(CLOCK, document.title)
    return [int(number or 0) for number in found.groups()] if found else []


def _lesson_cells(document: Document) -> list[NotebookNode]:
    """Return the cells between the title and the exercises."""
    ends = [
        place
        for place, cell in enumerate(document.cells)
        if re.search(r"(?m)^## Exercises$", cell.source)
    ]
    return document.cells[1 : ends[0] if ends else None]


def parts_of_the_time_add_up(document: Document) -> Messages:
    """The three parts of the time add up, within 5 minutes; the core has 90 at most."""
    if not (clock := _clock(document)):
        return
    total, *parts = clock
    if abs(total - sum(parts)) > 5:
        yield f"{total} minutes in all, but the parts make {sum(parts)}"
    if parts[0] > MAX_CORE:
        yield f"the core takes {parts[0]} minutes, over {MAX_CORE}"


def deeper_marked(document: Document) -> Messages:
    """Sections beyond the core are marked '*Deeper*', and the title counts them."""
    if not (clock := _clock(document)):
        return
    marked = [h for h in document.headings if h.startswith("## *Deeper*: ")]
    if bool(clock[2]) != bool(marked):
        yield (
            f"{len(marked)} headings begin with '## *Deeper*: ', and the title cell "
            f"gives them {clock[2]} minutes"
        )


def own_module(document: Document) -> Messages:
    """The lesson writes a module of its own, outside the exercises."""
    if document.number == 0 or not _clock(document):
        return
    source = "\n".join(
        cell.source for cell in _lesson_cells(document) if cell.cell_type == "code"
    )
    if not re.search(r"(?m)^class \w+\(nn\.Module\):$", source):
        yield "no 'class …(nn.Module):' before the exercises"


def in_real_networks(document: Document) -> Messages:
    """A section finds the layer in networks that people use: '## In real networks'."""
    if document.number == 0 or not _clock(document):
        return
    if "## In real networks" not in document.headings:
        yield "no heading '## In real networks'"


def words_to_a_code_cell(document: Document) -> Messages:
    """There are 40 words of text or more to each code cell in sight."""
    if not _clock(document):
        return
    cells = _lesson_cells(document)
    text = " ".join(cell.source for cell in cells if cell.cell_type == "markdown")
    words = count_words(text)
    seen = sum(cell.cell_type == "code" and not folded(cell) for cell in cells)
    if words < MIN_WORDS * seen:
        yield f"{words / seen:.0f} words to a code cell in sight, not {MIN_WORDS}"


def numbers_not_verdicts(document: Document) -> Messages:
    """No cell prints a bare True or False for a result: a number says more."""
    if document.number == 0 or not _clock(document):
        return
    for cell in document.code:
        for output in cell.get("outputs", []):
            if re.search(r"(?m)^(True|False)$", printed(output)):
                yield f"{document.place(cell)} prints a bare True or False"


def one_spelling_of_training(document: Document) -> Messages:
    """An optimizer is called `optimizer`, and a step `train_step(model, x, y, …)`."""
    if not _clock(document):
        return
    for cell in document.code:
        for name in re.findall(r"(?m)^ *(\w+) = (?:torch\.)?optim\.[A-Z]", cell.source):
            if name != "optimizer":
                yield f"{document.place(cell)} calls an optimizer '{name}'"
        for head in re.findall(r"(?m)^def (train_step\(.*)$", cell.source):
            if not head.startswith("train_step(model, x, y, optimizer"):
                yield f"{document.place(cell)}: '{head}' takes other arguments"
