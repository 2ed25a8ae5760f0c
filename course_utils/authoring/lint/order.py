"""Rules for the order of a lesson: title, parameters, setup, sections."""

import re

from course_utils.authoring.lint.document import (
    Document,
    first_line,
    sample,
    tags,
)

CLOSING = ["## Summary", "## Exercises", "## Solutions", "## Where to go next"]
MIN_SECTIONS = 3
OBJECTIVES = range(3, 6)


def title_first(document: Document) -> list[str]:
    """The first line is '# N · Title', N being the number in the file's name.

    >>> title_first(sample("# 2 · Sums"))
    ["begins with '# 2 · Sums', not with '# 1 · Title'"]
    """
    start = first_line(document.title)
    if re.fullmatch(rf"# {document.number} · \S.*", start):
        return []
    return [f"begins with '{start}', not with '# {document.number} · Title'"]


def badge_opens_this_lesson(document: Document) -> list[str]:
    """The Colab badge in the title cell opens this very notebook.

    >>> badge_opens_this_lesson(sample())
    ['the title cell has no Colab badge that opens this very notebook']
    """
    badge = r"\[!\[[^\]]+\]\([^)]+\)\]\(https://colab\.research\.google\.com/github/"
    name = re.escape(document.path.name)
    if re.search(
        rf"{badge}[\w.-]+/[\w.-]+/blob/main/notebooks/{name}\)", document.title
    ):
        return []
    return ["the title cell has no Colab badge that opens this very notebook"]


def says_how_long(document: Document) -> list[str]:
    """The title cell says how many minutes the lesson takes.

    >>> says_how_long(sample("# 1 · Sums\\n\\n**Time:** about 30 minutes."))
    []
    """
    if re.search(r"\b\d+ minutes\b", document.title):
        return []
    return ["the title cell does not say how many minutes the lesson takes"]


def lists_objectives(document: Document) -> list[str]:
    """The title cell lists three to five things that you will be able to do.

    >>> lists_objectives(sample("**You will be able to**\\n\\n- add\\n- count"))
    ["'**You will be able to**' lists 2 things, not 3 to 5"]
    """
    _, heading, rest = document.title.partition("**You will be able to**")
    objectives = re.findall(r"(?m)^- ", rest)
    if heading and len(objectives) in OBJECTIVES:
        return []
    return [f"'**You will be able to**' lists {len(objectives)} things, not 3 to 5"]


def parameters_second(document: Document) -> list[str]:
    """The second cell sets the parameters, device and seed among them.

    >>> parameters_second(sample(code='device = "auto"', tags=["parameters"]))
    ["the parameters cell lacks the line 'seed = 0'"]
    """
    if [n for n, c in enumerate(document.cells) if "parameters" in tags(c)] != [1]:
        return ["the second cell, and no other, must be tagged 'parameters'"]
    lines = re.split(r" *(?:#.*)?\n| *#.*", document.cells[1].source + "\n")
    return [
        f"the parameters cell lacks the line '{line}'"
        for line in ['device = "auto"', "seed = 0"]
        if line not in lines
    ]


def setup_follows(document: Document) -> list[str]:
    """The second code cell installs the course on Colab and calls setup.

    >>> setup_follows(sample())
    ["the second code cell, and no other, must be tagged 'setup'"]
    """
    if [n for n, cell in enumerate(document.code) if "setup" in tags(cell)] != [1]:
        return ["the second code cell, and no other, must be tagged 'setup'"]
    source, problems = document.code[1].source, []
    if not source.startswith("try:\n    import course_utils\nexcept ModuleNotFound"):
        problems.append("the setup cell does not begin by trying course_utils")
    if '    %pip install -q "git+https://github.com/' not in source:
        problems.append("the setup cell does not install course_utils on Colab")
    if not re.search(r"\ndevice = setup\(device, seed(, threads=1)?\)$", source):
        problems.append("the setup cell ends without 'device = setup(device, seed)'")
    if "Device: cpu. Seed: 0." not in str(document.code[1].outputs):
        problems.append("the stored outputs were not made on the CPU with seed 0")
    return problems


def one_title(document: Document) -> list[str]:
    """There is one first-level heading.

    >>> one_title(sample("# 1 · Sums\\n\\n# 2 · Products"))
    ['2 first-level headings, not 1']
    """
    titles = [line for line in document.headings if line.startswith("# ")]
    return [f"{len(titles)} first-level headings, not 1"] if len(titles) != 1 else []


def sections_in_order(document: Document) -> list[str]:
    """Three sections or more, then summary, exercises, solutions and what is next.

    >>> closing = "## Summary\\n## Exercises\\n## Solutions\\n## Where to go next"
    >>> sections_in_order(sample("## Sums\\n" + closing))
    ['1 sections before the summary, not 3 or more']
    """
    sections = [line for line in document.headings if line.startswith("## ")]
    if sections[-len(CLOSING) :] != CLOSING:
        return [f"ends with {sections[-len(CLOSING) :]}, not with {CLOSING}"]
    content = sections[: -len(CLOSING)]
    twice = [line for line in CLOSING if line in content]
    problems = [f"'{line}' appears twice" for line in twice]
    if len(content) < MIN_SECTIONS:
        problems.append(f"{len(content)} sections before the summary, not 3 or more")
    return problems


def links_the_reference(document: Document) -> list[str]:
    """The last cell links a page of docs.pytorch.org.

    >>> links_the_reference(sample())
    ['the last cell links no page of docs.pytorch.org']
    """
    last = document.cells[-1:]
    text = "".join(cell.source for cell in last if cell.cell_type == "markdown")
    if "](https://docs.pytorch.org/" in text:
        return []
    return ["the last cell links no page of docs.pytorch.org"]


RULES = [
    title_first,
    badge_opens_this_lesson,
    says_how_long,
    lists_objectives,
    parameters_second,
    setup_follows,
    one_title,
    sections_in_order,
    links_the_reference,
]
