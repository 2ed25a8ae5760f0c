"""Rules for labs: what a learner must know beforehand, and a call that hands all in."""

import re

from course_utils.authoring.lint.document import Document, Messages, first_line
from course_utils.labs.handed_in import handed_in
from course_utils.labs.registry import find_lab

SECTIONS = ["## The question", "## How points are given", "## Hand in"]
SAID = ("Data", "Rules", "Baseline", "Target", "Ceiling")


def lab_title(document: Document) -> Messages:
    """The first line is '# Lab A · Title', or another name before the point."""
    start = first_line(document.title)
    if not re.fullmatch(r"# \S[^·]* · \S.*", start):
        yield f"begins with '{start}', not with '# Lab A · Title'"


def lab_sections(document: Document) -> Messages:
    """There are the question, how points are given, and the hand-in, in this order."""
    found = [line for line in document.headings if line in SECTIONS]
    if found != SECTIONS:
        yield f"has the headings {found}, not {SECTIONS}"


def lab_says_what_is_asked(document: Document) -> Messages:
    """Data, rules, baseline, target and ceiling are said in bold words."""
    for word in SAID:
        if not re.search(rf"\*\*{word}[.:]\*\*", document.text):
            yield f"does not say '**{word}.**' or '**{word}:**'"


def hands_all_tasks_in(document: Document) -> Messages:
    """The last code cell submits each task of the lab, and each has its stub."""
    source = document.code[-1].source if document.code else ""
    lab, names = handed_in(source) or ("", {})
    try:
        wanted = [task.name.partition(".")[2] for task in find_lab(lab).tasks]
    except LookupError:
        yield "the last code cell is not 'submission(\"lab\", task=task, …)'"
        return
    if list(names) != wanted:
        yield f"submits {', '.join(names)}, and the tasks are {', '.join(wanted)}"
    stubs = "\n".join(cell.source for cell in document.tagged("exercise"))
    for name in names.values():
        if not re.search(rf"(?m)^(?:def|class) {re.escape(name)}\b", stubs):
            yield f"no cell tagged 'exercise' defines {name}"
