"""The error messages that the lessons treat, and where each is explained."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby

from nbformat import NotebookNode

from course_utils.display.bundles import PLAIN
from course_utils.site.catalogue import Entry

# As `expect_error` prints it: the kind, then the message, wrapped with an indent.
_SAID = re.compile(r"(?m)^(\w+(?:Error|Exception|Warning)): (.+(?:\n[ \t]+\S.*)*)")
# No part of a name such as mat1 or BatchNorm2d; both sides of 2x3.
_NUMBER = re.compile(r"(?<!\w)-?\d+(?:\.\d+)?(?:x\d+)*(?!\w)")
_HEADING = re.compile(r"(?m)^#{1,4} (.+)$")


@dataclass(frozen=True)
class Treated:
    """An error message that a lesson shows.

    Attributes:
        kind: such as 'RuntimeError'.
        message: in one line.
        cell: the id of the cell that shows it.
        heading: under which it stands.
        words: the paragraph that explains it; '' where none does.
    """

    kind: str
    message: str
    cell: str
    heading: str
    words: str


def treated(cells: Sequence[NotebookNode]) -> list[Treated]:
    """Return the errors that a lesson's cells expect, each message once.

    >>> from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
    >>> said = new_output("stream", text="RuntimeError: mat1 and mat2\\n  don't fit\\n")
    >>> source = "with expect_error(RuntimeError):\\n    a @ b"
    >>> cells = [new_markdown_cell("## Shapes"), new_code_cell(source, outputs=[said])]
    >>> (error,) = treated([*cells, new_markdown_cell("The columns count.")])
    >>> error.message, error.heading, error.words
    ("mat1 and mat2 don't fit", 'Shapes', 'The columns count.')
    """
    found: dict[tuple[str, str], Treated] = {}
    heading = ""
    for place, cell in enumerate(cells):
        if cell.cell_type == "markdown":
            heading = (_HEADING.findall(cell.source) or [heading])[-1]
        elif shows_error(cell):
            near = _words(cells[:place], cells[place + 1 :])
            for n, (kind, message) in enumerate(_SAID.findall(_printed(cell))):
                line = " ".join(message.split())
                words = _named(cell, n, cells) or near
                error = Treated(kind, line, cell.id, heading, words)
                found.setdefault((kind, line), error)
    return list(found.values())


def _named(cell: NotebookNode, n: int, cells: Sequence[NotebookNode]) -> str:
    """Return the paragraph that a cell names as the explanation of its error; or ''.

    Its metadata hold the beginning of that paragraph as `explained`, one for each of
    its errors or one for all.
    """
    if not (begins := cell.metadata.get("explained", [])):
        return ""
    begin = begins[min(n, len(begins) - 1)]
    texts = [text for each in cells for text in _text(each).split("\n\n")]
    found = [text for text in texts if text.startswith(begin)]
    if not found:
        raise ValueError(f"{cell.id}: no paragraph begins with {begin!r}.")
    return found[0]


def _words(before: Sequence[NotebookNode], after: Sequence[NotebookNode]) -> str:
    """Return the paragraph that explains an error: after it, or before it in a list.

    Where the next paragraph begins with a name in bold, it is about the next mistake.
    """
    text = _text(after[0]) if after else ""
    first = text.split("\n\n")[0]
    if first and not first.startswith(("#", "**")):
        return first
    text = next((_text(cell) for cell in reversed(before) if _text(cell)), "")
    last = text.split("\n\n")[-1]
    return last if last.startswith("**") else ""


def _text(cell: NotebookNode) -> str:
    return cell.source if cell.cell_type == "markdown" else ""


def shows_error(cell: NotebookNode) -> bool:
    """Whether a cell expects an error and prints it."""
    return cell.cell_type == "code" and "expect_error(" in cell.source


def errors_page(lessons: Iterable[tuple[Entry, Sequence[Treated]]]) -> str:
    """Return the index of error messages in Markdown, by kind and message.

    Messages that differ in numbers alone stand under one heading.

    >>> print(errors_page([]))  # doctest: +ELLIPSIS
    # Error messages
    ...
    """
    rows = [(error, entry) for entry, errors in lessons for error in errors]
    rows.sort(key=lambda row: (_heading(row[0]).lower(), row[1].number))
    parts = [
        "# Error messages",
        "The messages of torch and of Python that the lessons treat, with the first "
        "words on each; '…' stands for a number. The rest is in the lesson.",
    ]
    for heading, alike in groupby(rows, key=lambda row: _heading(row[0])):
        fence = "``" if "`" in heading else "`"
        parts.append(f"## {fence}{heading}{fence}")
        for error, entry in alike:
            place = f"{entry.document}.html#{error.cell}"
            where = escape(f"{entry.title}: {_plain(error.heading)}")
            parts.append(f'<p class="site-soft"><a href="{place}">{where}</a></p>')
            # The lesson goes on with code there; this page does not.
            parts += [re.sub(r":\Z", ".", error.words)] if error.words else []
    return "\n\n".join(parts) + "\n"


def _heading(error: Treated) -> str:
    """Return kind and message, with '…' for each number: they differ from run to run.

    >>> _heading(Treated("IndexError", "index 3 is out of bounds", "", "", ""))
    'IndexError: index … is out of bounds'
    """
    return f"{error.kind}: {re.sub(_NUMBER, '…', error.message)}"


def _printed(cell: NotebookNode) -> str:
    texts = [
        output.get("text", "") or output.get("data", {}).get(PLAIN, "")
        for output in cell.outputs
    ]
    return "\n".join(map(str, texts))


def _plain(heading: str) -> str:
    """Return a heading without the marks of Markdown."""
    return re.sub(r"[`*_$]", "", heading)
