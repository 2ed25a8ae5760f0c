"""A lesson, taken apart for the rules."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nbformat import NotebookNode

from tests.lessons import read


@dataclass(frozen=True)
class Lesson:
    """A notebook and where it stands."""

    path: Path

    @cached_property
    def notebook(self) -> NotebookNode:
        return read(self.path)

    @property
    def number(self) -> int:
        """The lesson's number by its file's name; -1 if it has none."""
        return int(self.path.name[:2]) if self.path.name[:2].isdigit() else -1

    @property
    def cells(self) -> list[NotebookNode]:
        return self.notebook.cells

    @property
    def code(self) -> list[NotebookNode]:
        return [cell for cell in self.cells if cell.cell_type == "code"]

    @property
    def markdown(self) -> list[NotebookNode]:
        return [cell for cell in self.cells if cell.cell_type == "markdown"]

    def tagged(self, tag: str) -> list[NotebookNode]:
        return [cell for cell in self.code if tag in tags(cell)]

    @property
    def headings(self) -> list[str]:
        """Every heading with its signs, such as '## Summary', in order."""
        text = "\n".join(cell.source for cell in self.markdown)
        unfenced = re.sub(r"(?ms)^```.*?^```", "", text)
        return re.findall(r"(?m)^#+ .*$", unfenced)

    def place(self, cell: NotebookNode) -> str:
        """Return the words that tell a reader which cell is meant."""
        index = next(i for i, other in enumerate(self.cells) if other is cell)
        first = (cell.source.strip().splitlines() or ["(empty)"])[0]
        return f"cell {index} ('{first[:60]}')"


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def hidden(cell: NotebookNode) -> bool:
    return bool(cell.metadata.get("jupyter", {}).get("source_hidden"))


def calls(cell: NotebookNode, function: str) -> bool:
    """Whether a line of the cell begins with a call of the function."""
    return bool(re.search(rf"(?m)^{function}\(", cell.source))
