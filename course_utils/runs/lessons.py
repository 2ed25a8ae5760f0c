"""Lessons on disk: which notebooks are meant, and which parameters they have."""

import ast
import json
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.runs.faults import Fault


@dataclass(frozen=True)
class Lesson:
    """One notebook, the defaults of its `parameters` cell, or why it can't be read."""

    path: Path
    defaults: dict[str, object] = field(default_factory=dict)
    fault: Fault | None = None

    @property
    def name(self) -> str:
        return self.path.stem


def find_lessons(names: tuple[str, ...] = ()) -> list[Lesson]:
    """Read the notebooks that `find_notebooks` finds by these names."""
    return [read_lesson(path) for path in find_notebooks(names)]


def find_notebooks(names: tuple[str, ...] = ()) -> list[Path]:
    """Return the named notebooks; without names, every lesson in notebooks/.

    A name is a notebook, a folder of notebooks, or the start of a lesson's name
    ("01" is notebooks/01_linear_layers.ipynb). A notebook need not be there.

    Raises:
        CourseError: there is no notebook to run.
    """
    if not names:
        folder = lesson_folder()
        if not folder.is_dir():
            raise CourseError(
                "there is no folder notebooks/ here: go to the course's folder, "
                "or name the notebooks to run."
            )
        names = (str(folder),)
    paths = dict.fromkeys(path for name in names for path in _paths(name))
    if not paths:
        raise CourseError(f"no notebook found in {', '.join(names)}.")
    return list(paths)


def lesson_folder() -> Path:
    """Return notebooks/ of the current folder, else of this checkout."""
    here = Path.cwd() / "notebooks"
    return here if here.is_dir() else Path(__file__).parents[2] / "notebooks"


def _paths(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        return sorted(p.resolve() for p in path.glob("*.ipynb"))
    if not path.suffix and path.name == name:
        found = sorted(lesson_folder().glob(f"{name}*.ipynb"))
        if found:
            return [p.resolve() for p in found]
    return [path.resolve()]


def read_lesson(path: Path) -> Lesson:
    """Read a notebook's defaults. A notebook that can't be read carries its fault."""
    import nbformat

    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Lesson(path, fault=Fault("missing", f"There is no notebook {path}."))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        return Lesson(path, fault=Fault("broken", f"{path} can't be read: {reason}."))
    try:
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
    except Exception as error:  # nbformat raises many kinds for a file it can't read
        return Lesson(path, fault=Fault("broken", _what_is_broken(text, error)))
    return Lesson(path, _defaults(notebook))


def _what_is_broken(text: str, error: Exception) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as bad:
        return (
            f"The notebook is broken: not JSON from line {bad.lineno} on ({bad.msg})."
        )
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return f"The notebook is broken: {reason.rstrip('.')}."


def _defaults(notebook) -> dict[str, object]:
    """Return name and value of each plain assignment in the `parameters` cell."""
    for cell in notebook.cells:
        if "parameters" in cell.metadata.get("tags", []):
            break
    else:
        return {}
    try:
        statements = ast.parse(cell.source).body
    except SyntaxError:
        return {}
    found = {}
    for statement in statements:
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets = [statement.target]
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name):
                found[target.id] = _value(statement.value)
    return found


def _value(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)
