"""The record of a learner's folder: what each lesson said when it was put there."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from nbformat import NotebookNode

from course_utils.copies.notebook import has_tag, outline
from course_utils.files import write_whole

NAME = ".course.json"
_FORMAT = 2


@dataclass(frozen=True)
class Released:
    """A lesson as the course gave it out.

    >>> Released({"c01-001": "5f3a"}).cells
    {'c01-001': '5f3a'}

    Attributes:
        cells: the digest of each cell, by its id, in the lesson's order.
        parameters: the text of the cell tagged `parameters`; "" without one.
    """

    cells: Mapping[str, str]
    parameters: str = ""

    @classmethod
    def of(cls, cells: Sequence[NotebookNode]) -> "Released":
        """Return what is to be remembered of a lesson's cells.

        Args:
            cells: of the lesson as the course has it.

        Returns:
            What a later update compares the learner's file with.

        Example:
            >>> Released.of([])
            Released(cells={}, parameters='')
        """
        tagged = (cell.source for cell in cells if has_tag(cell, "parameters"))
        return cls(dict(outline(cells)), next(tagged, ""))


@dataclass
class Record:
    """All lessons of a folder.

    >>> Record().lessons
    {}

    Attributes:
        lessons: by the names of their files; of each the editions that were given
            out, the newest first.
        damaged: whether there was a record that could not be read.
    """

    lessons: dict[str, list[Released]] = field(default_factory=dict)
    damaged: bool = False

    @classmethod
    def read(cls, folder: Path) -> "Record":
        """Return the folder's record; an empty one where it is absent or damaged.

        Raises:
            OSError: it is there, but the system does not let it be read.

        Example:
            >>> Record.read(Path("no/such/folder"))
            Record(lessons={}, damaged=False)
        """
        try:
            content = (folder / NAME).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return cls()
        try:
            found = json.loads(content)
            if found["format"] != _FORMAT:
                return cls(damaged=True)
            lessons = {
                str(name): [
                    Released(_texts(edition["cells"]), str(edition["parameters"]))
                    for edition in editions
                ]
                for name, editions in found["lessons"].items()
            }
            return cls(lessons)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return cls(damaged=True)

    def write(self, folder: Path) -> None:
        """Write the record.

        Raises:
            OSError: it can't be written; the one before stays.

        Example:
            >>> from tempfile import TemporaryDirectory
            >>> with TemporaryDirectory() as folder:
            ...     Record({"01_lines.ipynb": [Released({})]}).write(Path(folder))
            ...     Record.read(Path(folder)).lessons
            {'01_lines.ipynb': [Released(cells={}, parameters='')]}
        """
        lessons = {
            name: [asdict(edition) for edition in editions]
            for name, editions in self.lessons.items()
        }
        found = {"format": _FORMAT, "lessons": lessons}
        write_whole(folder / NAME, json.dumps(found, indent=1) + "\n")


def _texts(found: Mapping[str, str]) -> dict[str, str]:
    texts = dict(found.items())
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError("a digest that is no text")
    return texts
