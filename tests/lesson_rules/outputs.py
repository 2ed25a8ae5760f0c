"""Rules for stored outputs: pictures everybody can read, and nothing of a machine."""

import base64
import html
import re

from nbformat import NotebookNode

from tests.lesson_rules.lesson import Lesson, tags

MAX_PICTURE = 60 * 1024  # bytes
MAX_WIDTH = 100  # characters
MACHINE = r"/(home|root|tmp|Users)/|[A-Z]:\\+Users|site-packages|dist-packages"
EMPTY_WORDS = r"(?i)(an? |the )?(plot|figure|graph|image|picture|chart) (of|showing)\b"
IGNORE = "nbval-ignore-output"


def pictures(cell: NotebookNode) -> list[tuple[int, NotebookNode]]:
    """Return (place among the cell's outputs, output) for every PNG."""
    return [
        (place, output)
        for place, output in enumerate(cell.get("outputs", []))
        if "image/png" in output.get("data", {})
    ]


def no_errors(lesson: Lesson) -> list[str]:
    return [
        f"{lesson.place(cell)} stores an error"
        for cell in lesson.code
        for output in cell.outputs
        if output.output_type == "error" or "course-error" in str(output)
    ]


def no_warnings(lesson: Lesson) -> list[str]:
    return [
        f"{lesson.place(cell)} stores a warning"
        for cell in lesson.code
        for output in cell.outputs
        if output.get("name") == "stderr" and "Warning" in output.text
    ]


def few_ignored(lesson: Lesson) -> list[str]:
    shown = [cell for cell in lesson.code if cell.outputs]
    share = sum(IGNORE in tags(cell) for cell in shown) / max(1, len(shown))
    most = 0.35 if lesson.number >= 10 else 0.10
    if share <= most:
        return []
    return [f"{share:.0%} of the outputs are ignored by nbval, over {most:.0%}"]


def pictures_described(lesson: Lesson) -> list[str]:
    problems = []
    for cell in lesson.code:
        for _, output in pictures(cell):
            said = output.data.get("text/plain", "").strip()
            alts = [output.metadata, output.metadata.get("image/png", {})]
            if not said or said.startswith("<Figure"):
                problems.append(f"{lesson.place(cell)}: a picture has no description")
            elif any(alt.get("alt", "").strip() != said for alt in alts):
                problems.append(f"{lesson.place(cell)}: alt metadata say another thing")
            elif re.match(EMPTY_WORDS, said):
                problems.append(f"{lesson.place(cell)}: '{said[:30]}…' says nothing")
    return problems


def pictures_captioned(lesson: Lesson) -> list[str]:
    problems = []
    for cell in lesson.code:
        for place, output in pictures(cell):
            said = output.data.get("text/plain", "").strip()
            below = cell.outputs[place + 1 : place + 2]
            page = "".join(o.get("data", {}).get("text/html", "") for o in below)
            if "course-caption" not in page or said not in html.unescape(page):
                where = lesson.place(cell)
                problems.append(f"{where}: a description is not visible below")
    return problems


def pictures_small(lesson: Lesson) -> list[str]:
    problems = []
    for cell in lesson.code:
        for _, output in pictures(cell):
            size = len(base64.b64decode(output.data["image/png"]))
            if size > MAX_PICTURE:
                problems.append(f"{lesson.place(cell)}: a picture of {size:,} bytes")
    return problems


def lines_fit_the_page(lesson: Lesson) -> list[str]:
    problems = []
    for cell in lesson.code:
        for output in cell.outputs:
            text = output.get("text", "")
            if output.output_type == "execute_result":
                text += output.data.get("text/plain", "")
            widest = max(map(len, text.splitlines()), default=0)
            if widest > MAX_WIDTH:
                problems.append(f"{lesson.place(cell)} prints {widest} characters wide")
    return problems


def nothing_of_a_machine(lesson: Lesson) -> list[str]:
    problems = []
    for cell in lesson.code:
        for output in cell.outputs:
            data = {k: v for k, v in output.get("data", {}).items() if k != "image/png"}
            text = output.get("text", "") + str(data)
            if found := re.search(MACHINE, text):
                where = lesson.place(cell)
                problems.append(f"{where} shows a path: '{found.group()}'")
    return problems


RULES = [
    no_errors,
    no_warnings,
    few_ignored,
    pictures_described,
    pictures_captioned,
    pictures_small,
    lines_fit_the_page,
    nothing_of_a_machine,
]
