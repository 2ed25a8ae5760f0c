"""Changes to the good lesson, each of which breaks one rule."""

from collections.abc import Callable

from nbformat import NotebookNode

from course_utils.authoring.lint.document import tags
from tests.authoring.fixture import ALT, picture

BIG = "AAAA" * 30_721  # 3 bytes each
Change = Callable[[NotebookNode], object]


def first(notebook: NotebookNode, text: str) -> NotebookNode:
    return next(cell for cell in notebook.cells if text in cell.source)


def replace(old: str, new: str, everywhere: bool = False) -> Change:
    """Return a change that replaces text in the first cell, or all, that hold it."""

    def change(notebook: NotebookNode) -> None:
        cells = [cell for cell in notebook.cells if old in cell.source]
        assert cells
        for cell in cells if everywhere else cells[:1]:
            cell.source = cell.source.replace(old, new)

    return change


def outputs_of(text: str, *outputs: NotebookNode) -> Change:
    """Return a change that stores other outputs in the first cell with this text."""

    def change(notebook: NotebookNode) -> None:
        first(notebook, text).outputs = list(outputs)

    return change


def tag(text: str, *names: str) -> Change:
    """Return a change of the tags of the first cell with this text."""

    def change(notebook: NotebookNode) -> None:
        cell = first(notebook, text)
        cell.metadata.pop("jupyter", None)
        cell.metadata["tags"] = list(names)

    return change


def move(text: str, place: int) -> Change:
    def change(notebook: NotebookNode) -> None:
        cell = first(notebook, text)
        notebook.cells.remove(cell)
        notebook.cells.insert(place, cell)

    return change


def drop(*texts: str) -> Change:
    """Return a change that removes the first cell with each of these texts."""

    def change(notebook: NotebookNode) -> None:
        for text in texts:
            notebook.cells.remove(first(notebook, text))

    return change


def unfold_in_colab(text: str) -> Change:
    return lambda notebook: first(notebook, text).metadata.pop("cellView")


def lines(count: int) -> str:
    return "\n".join(f"x{n} = {n}" for n in range(count))


def replace_untagged(source: str) -> Change:
    def change(notebook: NotebookNode) -> None:
        for cell in notebook.cells:
            if cell.cell_type == "code" and not tags(cell):
                cell.source = source

    return change


def ignore_outputs(notebook: NotebookNode) -> None:
    """Keep nbval from comparing the outputs of every cell that prints."""
    for cell in notebook.cells:
        if cell.source.startswith("print("):
            cell.metadata["tags"] = ["nbval-ignore-output"]


def big_picture() -> list[NotebookNode]:
    return picture(png=bytes(90 * 1024 + 1))


def wide_picture(notebook: NotebookNode) -> None:
    cell = first(notebook, "print(1)")
    cell.source, cell.outputs = "show(fig, alt)", picture(width=430)


def picture_with_other_alt() -> list[NotebookNode]:
    outputs = picture()
    page = outputs[0].data["text/html"]
    outputs[0].data["text/html"] = page.replace(ALT, "Another thing.")
    return outputs
