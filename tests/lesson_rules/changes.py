"""Changes to the good lesson, each of which breaks one rule."""

from tests.lesson_rules import fixture as made
from tests.lesson_rules.lesson import tags


def first(notebook, words: str):
    return next(cell for cell in notebook.cells if words in cell.source)


def replace(old: str, new: str, everywhere: bool = False):
    """Return a change that replaces words in the first cell, or all, that hold them."""

    def change(notebook) -> None:
        found = [cell for cell in notebook.cells if old in cell.source]
        assert found
        for cell in found if everywhere else found[:1]:
            cell.source = cell.source.replace(old, new)

    return change


def outputs_of(words: str, *outputs):
    """Return a change that stores other outputs in the first cell with these words."""

    def change(notebook) -> None:
        first(notebook, words).outputs = list(outputs)

    return change


def tag(words: str, *names: str, **metadata):
    """Return a change of the tags and metadata of the first cell with these words."""

    def change(notebook) -> None:
        cell = first(notebook, words)
        cell.metadata.pop("jupyter", None)
        cell.metadata.update(metadata, tags=list(names))

    return change


def move(words: str, place: int):
    def change(notebook) -> None:
        cell = first(notebook, words)
        notebook.cells.remove(cell)
        notebook.cells.insert(place, cell)

    return change


def drop(words: str):
    return lambda notebook: notebook.cells.remove(first(notebook, words))


def lines(count: int) -> str:
    return "\n".join(f"x{n} = {n}" for n in range(count))


def replace_untagged(source: str):
    def change(notebook) -> None:
        for cell in notebook.cells:
            if cell.cell_type == "code" and not tags(cell):
                cell.source = source

    return change


def hush(notebook) -> None:
    for cell in notebook.cells:
        if not tags(cell) and cell.get("outputs"):
            cell.metadata["tags"] = ["nbval-ignore-output"]


def big_picture():
    outputs = made.picture()
    outputs[0].data["image/png"] = "AAAA" * 20_481
    return outputs


def other_alt():
    outputs = made.picture()
    outputs[0].metadata["alt"] = "Another thing."
    return outputs
