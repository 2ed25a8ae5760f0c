"""Rules for the order of a lesson: title, parameters, setup, sections, links."""

import re

from course_utils.authoring.links import NEIGHBOURS
from course_utils.authoring.lint.document import (
    Document,
    Messages,
    first_line,
    folded,
    tags,
)

CLOSING = ["## Summary", "## Exercises", "## Solutions", "## Where to go next"]
MIN_SECTIONS = 3
BADGE = r"\[!\[[^\]]+\]\([^)]+\)\]\(https://colab\.research\.google\.com/github/"


def title_first(document: Document) -> Messages:
    """The first line is '# N · Title', N being the number in the file's name."""
    start = first_line(document.title)
    if not re.fullmatch(rf"# {document.number} · \S.*", start):
        yield f"begins with '{start}', not with '# {document.number} · Title'"


def badge_opens_this_lesson(document: Document) -> Messages:
    """The Colab badge in the title cell opens this very notebook."""
    path = rf"[\w.-]+/[\w.-]+/blob/main/notebooks/{re.escape(document.path.name)}\)"
    if not re.search(BADGE + path, document.title):
        yield "the title cell has no Colab badge that opens this very notebook"


def says_how_long(document: Document) -> Messages:
    """The title cell says how many minutes the lesson takes."""
    if not re.search(r"\b\d+ minutes\b", document.title):
        yield "the title cell does not say how many minutes the lesson takes"


def lists_objectives(document: Document) -> Messages:
    """The title cell lists three to five things that you will be able to do."""
    heading = "**You will be able to**"
    count = len(re.findall(r"(?m)^- ", document.title.partition(heading)[2]))
    if not 3 <= count <= 5:
        yield f"'{heading}' lists {count} things, not 3 to 5"


def parameters_second(document: Document) -> Messages:
    """The second cell sets the parameters, device and seed among them."""
    if [n for n, c in enumerate(document.cells) if "parameters" in tags(c)] != [1]:
        yield "the second cell, and no other, must be tagged 'parameters'"
        return
    lines = re.split(r" *(?:#.*)?\n| *#.*", document.cells[1].source + "\n")
    for line in ('device = "auto"', "seed = 0"):
        if line not in lines:
            yield f"the parameters cell lacks the line '{line}'"


def setup_follows(document: Document) -> Messages:
    """The second code cell, folded, imports what is needed; the third calls setup."""
    if [n for n, cell in enumerate(document.code) if "setup" in tags(cell)] != [1]:
        yield "the second code cell, and no other, must be tagged 'setup'"
        return
    title, _, source = document.code[1].source.partition("\n")
    if title != "# @title Setup" or not folded(document.code[1]):
        yield "the setup cell is not folded under '# @title Setup'"
    if not source.startswith("try:\n    import course_utils\nexcept ModuleNotFound"):
        yield "the setup cell does not begin by trying course_utils"
    if '    %pip install -q "git+https://github.com/' not in source:
        yield "the setup cell does not install course_utils on Colab"
    if ") from None\n" not in source:
        yield "the setup cell does not say what to do where nothing could be fetched"
    after = document.code[2:3]
    call = r"device = setup\(device, seed(, threads=1)?\)"
    if not any(re.fullmatch(call, cell.source) for cell in after):
        yield "the cell after setup is not 'device = setup(device, seed)'"
    elif "Device: cpu. Seed: 0." not in str(after[0].outputs):
        yield "the stored outputs were not made on the CPU with seed 0"


def one_title(document: Document) -> Messages:
    """There is one first-level heading."""
    count = sum(line.startswith("# ") for line in document.headings)
    if count != 1:
        yield f"{count} first-level headings, not 1"


def sections_in_order(document: Document) -> Messages:
    """Three sections or more, then summary, exercises, solutions and what is next."""
    sections = [line for line in document.headings if line.startswith("## ")]
    content, closing = sections[: -len(CLOSING)], sections[-len(CLOSING) :]
    if closing != CLOSING:
        yield f"ends with {closing}, not with {CLOSING}"
        return
    for line in CLOSING:
        if line in content:
            yield f"'{line}' appears twice"
    if len(content) < MIN_SECTIONS:
        yield f"{len(content)} sections before the summary, not 3 or more"


def links_the_reference(document: Document) -> Messages:
    """The last cell links a page of docs.pytorch.org."""
    last = document.cells[-1:]
    text = "".join(cell.source for cell in last if cell.cell_type == "markdown")
    if "](https://docs.pytorch.org/" not in text:
        yield "the last cell links no page of docs.pytorch.org"


def links_what_it_builds_on(document: Document) -> Messages:
    """The title cell links the lessons that this one builds on."""
    start = document.title.partition("**Builds on:**")[2].partition("\n")[0]
    if not start or re.search(r"\d\d", re.sub(r"\[[^]]*\]\([^)]*\)", "", start)):
        yield "'**Builds on:**' in the title cell links no lesson"


def links_its_neighbours(document: Document) -> Messages:
    """The last cell links the lessons before and after."""
    last = document.cells[-1].source if document.cells else ""
    if not re.search(NEIGHBOURS, last):
        yield "the last cell does not link its neighbours: run course links"


def links_lead_to_lessons(document: Document) -> Messages:
    """A link to another lesson leads to a notebook in the same folder."""
    for name in re.findall(r"\]\(([^)#:]+\.ipynb)[#)]", document.text):
        if not (document.path.parent / name).is_file():
            yield f"links {name}, which is not there"
