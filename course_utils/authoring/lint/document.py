"""A notebook, taken apart for the rules."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils.authoring.normal_form import dumps


@dataclass(frozen=True)
class Document:
    """A notebook's file: its path and what it holds.

    >>> document = sample("# 1 · Sums", code="1 + 1", tags=["setup"])
    >>> document.number, document.headings
    (1, ['# 1 · Sums'])
    >>> document.place(document.tagged("setup")[0])
    "cell 1 ('1 + 1')"
    """

    path: Path
    content: bytes

    @cached_property
    def notebook(self) -> NotebookNode:
        return nbformat.reads(self.content.decode("utf-8"), as_version=4)

    @property
    def number(self) -> int:
        """The lesson's number by its file's name; -1 if it has none."""
        digits = re.match(r"\d\d", self.path.name)
        return int(digits[0]) if digits else -1

    @property
    def cells(self) -> list[NotebookNode]:
        return self.notebook.cells

    @property
    def code(self) -> list[NotebookNode]:
        return [cell for cell in self.cells if cell.cell_type == "code"]

    @property
    def markdown(self) -> list[NotebookNode]:
        return [cell for cell in self.cells if cell.cell_type == "markdown"]

    @property
    def title(self) -> str:
        """The text of the first cell; empty if there is none."""
        return self.cells[0].source if self.cells else ""

    @property
    def headings(self) -> list[str]:
        """Every heading with its signs, such as '## Summary', in order."""
        text = "\n".join(cell.source for cell in self.markdown)
        unfenced = re.sub(r"(?ms)^```.*?^```", "", text)
        return re.findall(r"(?m)^#+ .*$", unfenced)

    def tagged(self, tag: str) -> list[NotebookNode]:
        """Return the code cells with this tag."""
        return [cell for cell in self.code if tag in tags(cell)]

    def place(self, cell: NotebookNode) -> str:
        """Return the number and first line of a cell, which tell a reader where."""
        index = next(i for i, other in enumerate(self.cells) if other is cell)
        return f"cell {index} ('{first_line(cell.source)[:60] or '(empty)'}')"


# A rule returns one message per problem, and raises nothing, whatever the notebook
# holds. Its docstring's first line says what holds for a good lesson.
Rule = Callable[[Document], list[str]]


def sample(
    text: str = "# 1 · A lesson",
    code: str = "",
    tags: Sequence[str] = (),
    output: dict[str, object] | None = None,
) -> Document:
    """Return a small document for examples: a markdown cell and a code cell.

    >>> [cell.cell_type for cell in sample("# 1 · Sums", code="1 + 1").cells]
    ['markdown', 'code']
    """
    metadata = {"tags": list(tags)} if tags else {}
    outputs = [nbformat.from_dict(output)] if output else []
    cells = [
        new_markdown_cell(text, id="text"),
        new_code_cell(code, id="code", metadata=metadata, outputs=outputs),
    ]
    content = dumps(new_notebook(cells=cells)).encode()
    return Document(Path("01_sample.ipynb"), content)


def first_line(text: str) -> str:
    """Return the first line of a text that has more than blanks; else "".

    >>> first_line("  # Title  ")
    '# Title'
    """
    return next(iter(text.strip().splitlines()), "")


def tags(cell: NotebookNode) -> list[str]:
    """Return a cell's tags.

    >>> tags(sample(tags=["setup"]).cells[1])
    ['setup']
    """
    return cell.metadata.get("tags", [])


def hidden(cell: NotebookNode) -> bool:
    """Return whether a cell's source is folded away.

    >>> hidden(sample().cells[1])
    False
    """
    return bool(cell.metadata.get("jupyter", {}).get("source_hidden"))


def calls(cell: NotebookNode, function: str) -> bool:
    """Return whether a line of the cell begins with a call of the function.

    >>> calls(sample(code="playground(draw)").cells[1], "playground")
    True
    """
    return bool(re.search(rf"(?m)^{function}\(", cell.source))
