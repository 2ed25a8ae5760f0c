"""A small lesson of two versions, and what learners do to their copy of it."""

import copy
import random
import string
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

EXERCISE = {"tags": ["exercise"]}


def code(id: str, source: str, *tags: str, **parts) -> NotebookNode:
    """Return a cell of code with these tags."""
    metadata = {"tags": list(tags)} if tags else {}
    return new_code_cell(source, id=id, metadata=metadata, **parts)


def text(id: str, source: str) -> NotebookNode:
    """Return a cell of text."""
    return new_markdown_cell(source, id=id)


def lesson() -> NotebookNode:
    """Return a lesson as the course gives it out."""
    return new_notebook(
        cells=[
            text("c01-000", "# Lines"),
            code("c01-001", 'device = "auto"\nseed = 0', "parameters"),
            text("c01-002", "A line has a slope."),
            code("c01-003", "slope = 2\nprint(slope)"),
            text("c01-004", "### Exercise 1"),
            code("c01-005", "def line(x): ...", "exercise"),
            code("c01-006", 'check("lines.line", line)'),
            text("c01-007", "Goodbye."),
        ]
    )


def changed(notebook: NotebookNode, **sources: str) -> NotebookNode:
    """Return a copy in which cells, named by their ids' last digits, say this."""
    notebook = copy.deepcopy(notebook)
    for cell in notebook.cells:
        cell.source = sources.get(f"c{cell.id[-3:]}", cell.source)
    return notebook


def write(notebook: NotebookNode, path: Path) -> Path:
    """Write a notebook's file; return its path."""
    nbformat.write(notebook, path)
    return path


def sources(path: Path) -> list[str]:
    """Return what each cell of a file says."""
    return [cell.source for cell in nbformat.read(path, as_version=4).cells]


class Chance:
    """Random edits, the same for the same number.

    `written` holds the text of every answer and own cell that a learner typed and that
    is still there.
    """

    def __init__(self, number: int) -> None:
        self.dice = random.Random(number)
        self.written: list[str] = []

    def words(self) -> str:
        """Return a text that no other cell has, with signs that JSON escapes."""
        letters = string.ascii_letters + "äπ✓\"'\\ \n"
        drawn = "".join(self.dice.choices(letters, k=self.dice.randint(1, 30)))
        return f"mine {self.dice.getrandbits(64):x} {drawn}".rstrip()

    def release(self) -> NotebookNode:
        """Return a lesson of 5 to 30 cells."""
        cells = [self.cell(number) for number in range(self.dice.randint(5, 30))]
        return new_notebook(cells=cells)

    def cell(self, number: int) -> NotebookNode:
        """Return a cell of the course."""
        id, kind = f"c01-{number:03}", self.dice.randint(0, 3)
        if kind == 0:
            return text(id, f"## Section {number}")
        if kind == 1:
            return code(id, f"def task_{number}(x): ...", "exercise")
        if kind == 2 and number == 1:
            return code(id, f"seed_{number} = {number}", "parameters")
        return code(id, f"print({number})")

    def next_version(self, notebook: NotebookNode) -> NotebookNode:
        """Return a later version: cells changed, removed, added and moved.

        Ids change as well: two cells exchange theirs, one gets a new one, and a new
        cell may have that of one that is gone.
        """
        notebook = copy.deepcopy(notebook)
        cells = notebook.cells
        gone: list[str] = []
        for _ in range(self.dice.randint(1, 10)):
            place = self.dice.randrange(len(cells))
            match self.dice.randrange(7):
                case 0:
                    cells[place].source += f"\n# better {self.dice.random()}"
                case 1 if len(cells) > 2:
                    gone.append(cells.pop(place).id)
                case 2:
                    cells.insert(place, self.cell(500 + self.dice.getrandbits(20)))
                case 3:
                    other = self.dice.choice(cells)
                    other.id, cells[place].id = cells[place].id, other.id
                case 4:
                    gone.append(cells[place].id)
                    cells[place].id = f"c01-{self.dice.getrandbits(30)}"
                case 5 if gone:
                    cells.insert(place, self.cell(500 + self.dice.getrandbits(20)))
                    cells[place].id = gone.pop()
                case _:
                    cells.insert(self.dice.randrange(len(cells)), cells.pop(place))
        cells[0].source += f"\n# {self.dice.random()}"  # never the same version
        return notebook

    def learn(self, notebook: NotebookNode) -> NotebookNode:
        """Return a learner's copy: answers, notes, deleted and moved cells, outputs.

        Some are saved by a program that gives cells no ids, or ids of its own.
        """
        notebook = copy.deepcopy(notebook)
        cells = notebook.cells
        for _ in range(self.dice.randint(1, 15)):
            place = self.dice.randrange(len(cells))
            match self.dice.randrange(6):
                case 0:
                    self.answer(cells)
                case 1:
                    make = self.dice.choice([new_markdown_cell, new_code_cell])
                    cells.insert(place, make(self.words()))
                case 2 if len(cells) > 2:
                    del cells[place]
                case 3:
                    cells.insert(self.dice.randrange(len(cells)), cells.pop(place))
                case 4:  # a note typed into a cell of the course
                    cells[place].source += f"\n{self.words()}"
                case _:
                    self.execute(cells)
        self.written = [cell.source for cell in cells if "mine " in cell.source]
        match self.dice.randrange(5):
            case 0:
                notebook.nbformat_minor = 4
                for cell in cells:
                    del cell["id"]
            case 1:
                for cell in cells:
                    cell.id = f"{self.dice.getrandbits(30):x}"
        return notebook

    def answer(self, cells: list[NotebookNode]) -> None:
        """Answer one of the exercises, if there is one."""
        exercises = [c for c in cells if "exercise" in c.metadata.get("tags", [])]
        if exercises:
            answer = self.dice.choice(exercises)
            head = answer.source.partition(":")[0]
            answer.source = f"{head}:\n    {self.words()}"

    def execute(self, cells: list[NotebookNode]) -> None:
        """Give cells of code outputs, as a run does."""
        for number, cell in enumerate(cells):
            if cell.cell_type == "code":
                cell.execution_count = number + 1
                cell.outputs = [new_output("stream", text=self.words())]

    def standing(self) -> set[str]:
        """Return what must stand in the new lesson itself: answers and own cells."""
        return {text for text in self.written if text.startswith(("def ", "mine "))}

    def answers(self) -> dict[str, str]:
        """Return what a learner wrote for each exercise, by the beginning of it."""
        written = [text for text in self.written if text.startswith("def ")]
        return {text.partition("(")[0]: text for text in written}
