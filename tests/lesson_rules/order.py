"""Rules for what stands where: title, parameters, setup, sections."""

import re

from tests.lesson_rules.lesson import Lesson, tags

CLOSING = ["## Summary", "## Exercises", "## Solutions", "## Where to go next"]
MIN_SECTIONS = 3
OBJECTIVES = range(3, 6)


def title_first(lesson: Lesson) -> list[str]:
    first = lesson.cells[0].source.splitlines()[0]
    if re.fullmatch(rf"# {lesson.number} · \S.*", first):
        return []
    return [f"begins with '{first}', not with '# {lesson.number} · Title'"]


def badge_that_leads_here(lesson: Lesson) -> list[str]:
    badge = r"\[!\[[^\]]+\]\([^)]+\)\]\(https://colab\.research\.google\.com/github/"
    place = rf"[\w.-]+/[\w.-]+/blob/main/notebooks/{re.escape(lesson.path.name)}\)"
    if re.search(badge + place, lesson.cells[0].source):
        return []
    return ["the title cell has no Colab badge that opens this very notebook"]


def says_how_long(lesson: Lesson) -> list[str]:
    if re.search(r"\b\d+ minutes\b", lesson.cells[0].source):
        return []
    return ["the title cell does not say how many minutes the lesson takes"]


def says_what_you_will_be_able_to(lesson: Lesson) -> list[str]:
    _, found, rest = lesson.cells[0].source.partition("**You will be able to**")
    aims = re.findall(r"(?m)^- ", rest)
    if found and len(aims) in OBJECTIVES:
        return []
    return [f"'**You will be able to**' lists {len(aims)} things, not 3 to 5"]


def parameters_second(lesson: Lesson) -> list[str]:
    if len(lesson.tagged("parameters")) != 1 or "parameters" not in tags(
        lesson.cells[1]
    ):
        return ["the second cell, and no other, is to be tagged 'parameters'"]
    problems = []
    for line in ['device = "auto"', "seed = 0"]:
        if line not in re.split(r" *(?:#.*)?\n| *#.*", lesson.cells[1].source + "\n"):
            problems.append(f"the parameters cell lacks the line '{line}'")
    return problems


def setup_next(lesson: Lesson) -> list[str]:
    cells = lesson.tagged("setup")
    if len(cells) != 1 or cells[0] is not lesson.code[1]:
        return ["the second code cell, and no other, is to be tagged 'setup'"]
    source, problems = cells[0].source, []
    if not source.startswith("try:\n    import course_utils\nexcept ModuleNotFound"):
        problems.append("the setup cell does not begin by trying course_utils")
    if '    %pip install -q "git+https://github.com/' not in source:
        problems.append("the setup cell does not install course_utils on Colab")
    if not re.search(r"\ndevice = setup\(device, seed(, threads=1)?\)$", source):
        problems.append("the setup cell ends without 'device = setup(device, seed)'")
    if "Device: cpu. Seed: 0." not in str(cells[0].outputs):
        problems.append("the stored outputs were not made on the CPU with seed 0")
    return problems


def one_title(lesson: Lesson) -> list[str]:
    titles = [line for line in lesson.headings if line.startswith("# ")]
    return [f"{len(titles)} first-level headings, not 1"] if len(titles) != 1 else []


def sections_in_order(lesson: Lesson) -> list[str]:
    sections = [line for line in lesson.headings if line.startswith("## ")]
    if sections[-len(CLOSING) :] != CLOSING:
        return [f"ends with {sections[-len(CLOSING) :]}, not with {CLOSING}"]
    content = sections[: -len(CLOSING)]
    problems = [f"'{s}' stands twice" for s in set(content) & set(CLOSING)]
    if len(content) < MIN_SECTIONS:
        problems.append(f"{len(content)} sections before the summary, not 3 or more")
    return problems


def leads_on(lesson: Lesson) -> list[str]:
    last = lesson.cells[-1]
    if last.cell_type == "markdown" and "](https://docs.pytorch.org/" in last.source:
        return []
    return ["the last cell links no page of docs.pytorch.org"]


RULES = [
    title_first,
    badge_that_leads_here,
    says_how_long,
    says_what_you_will_be_able_to,
    parameters_second,
    setup_next,
    one_title,
    sections_in_order,
    leads_on,
]
