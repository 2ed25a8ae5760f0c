"""A notebook, taken apart for the rules."""

import ast
import html
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.display.bundles import FOLD_CLASS

# A rule yields one message per problem, and raises nothing, whatever the notebook
# holds. Its docstring's first line says what holds for a good lesson.
Messages = Iterator[str]


class Document:
    """A notebook's file and its parts.

    Attributes:
        number: the lesson's, by its file's name; -1 if it has none.
        is_lab: whether it lies in a folder labs/.
        title: the text of the first cell.
        text: all Markdown.
        headings: every heading with its signs, such as '## Summary', in order.
    """

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        self.content = content
        self.notebook = nbformat.reads(content.decode("utf-8"), as_version=4)
        self.cells: list[NotebookNode] = self.notebook.cells
        self.code = [cell for cell in self.cells if cell.cell_type == "code"]
        self.markdown = [cell for cell in self.cells if cell.cell_type == "markdown"]
        self.number = int(path.name[:2]) if re.match(r"\d\d", path.name) else -1
        self.is_lab = path.absolute().parent.name == "labs"
        self.title: str = self.cells[0].source if self.cells else ""
        self.text = "\n".join(cell.source for cell in self.markdown)
        unfenced = re.sub(r"(?ms)^```.*?^```", "", self.text)
        self.headings: list[str] = re.findall(r"(?m)^#+ .*$", unfenced)

    def tagged(self, tag: str) -> list[NotebookNode]:
        """Return the code cells with this tag."""
        return [cell for cell in self.code if tag in tags(cell)]

    def index(self, cell: NotebookNode) -> int:
        """Return the number of a cell, from 0."""
        return next(i for i, other in enumerate(self.cells) if other is cell)

    def stubs(self) -> list[tuple[NotebookNode, NotebookNode]]:
        """Return each exercise's stub cell with the cell after it, its check."""
        pairs = zip(self.cells, self.cells[1:], strict=False)
        return [(stub, after) for stub, after in pairs if "exercise" in tags(stub)]

    def solutions(self) -> list[tuple[NotebookNode, str, list[str]]]:
        """Return each solution's cell, its exercise by the title, what it defines."""
        title, defined = "# @title Solution: ", r"(?m)^(?:(?:def|class) (\w+)|(\w+) = )"
        return [
            (cell, start.removeprefix(title), [a or b for a, b in names])
            for cell in self.tagged("solution")
            if (start := first_line(cell.source)).startswith(title)
            for names in [re.findall(defined, cell.source)]
        ]

    def place(self, cell: NotebookNode) -> str:
        """Return the number and first line of a cell, which tell a reader where."""
        return (
            f"cell {self.index(cell)} ('{first_line(cell.source)[:60] or '(empty)'}')"
        )


def checks(*cells: NotebookNode) -> list[tuple[str, str]]:
    """Return (exercise, answer's name) for each check("…", answer) in the cells."""
    pairs = []
    for cell in cells:
        code = re.sub(r"(?m)^\s*[%!].*$", "", cell.source)  # IPython's own commands
        try:
            statements = ast.parse(code).body
        except SyntaxError:
            continue
        for statement in statements:
            match statement:
                case ast.Expr(
                    ast.Call(ast.Name("check"), [ast.Constant(str(name)), answer])
                ):
                    pairs.append((name, ast.unparse(answer)))
    return pairs


def count_words(text: str) -> int:
    """Return the number of words.

    >>> count_words("It doesn't have 4.")
    3
    """
    return len(re.findall(r"[^\W\d_][\w'’-]*", text))


def folded_page(output: NotebookNode) -> str:
    """Return the HTML of an output that is folded, else ""."""
    page = output.get("data", {}).get("text/html", "")
    return page if FOLD_CLASS in page else ""


def printed(output: NotebookNode) -> str:
    """Return what an output prints, folded or not."""
    text = output.get("text", "")
    if output.output_type == "execute_result":
        text += output.data.get("text/plain", "")
    blocks = re.findall(r"(?s)<pre[^>]*>(.*?)</pre>", folded_page(output))
    return text + html.unescape("\n".join(blocks))


def first_line(text: str) -> str:
    """Return the first line that is not blank; "" if there is none."""
    return next(iter(text.strip().splitlines()), "")


def tags(cell: NotebookNode) -> list[str]:
    """Return a cell's tags."""
    return cell.metadata.get("tags", [])


def folded(cell: NotebookNode) -> bool:
    """Return whether a cell is folded in JupyterLab and in Colab, under a title."""
    form = cell.metadata.get("cellView") == "form"
    return hidden(cell) and form and first_line(cell.source).startswith("# @title ")


def hidden(cell: NotebookNode) -> bool:
    """Return whether a cell's source is folded away."""
    return bool(cell.metadata.get("jupyter", {}).get("source_hidden"))
