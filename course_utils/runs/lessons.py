"""Lessons on disk: which are meant, their parameters, and the grid of tasks to run."""

import ast
import itertools
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.errors import CourseError
from course_utils.runs.model import Fault, FaultKind, Task, Values


@dataclass(frozen=True)
class Lesson:
    """One notebook, the defaults of its `parameters` cell, or why it can't be read.

    >>> Lesson(Path("notebooks/01_linear_layers.ipynb"), {"seed": 0}).name
    '01_linear_layers'
    """

    path: Path
    defaults: Values = field(default_factory=dict)
    fault: Fault | None = None

    @property
    def name(self) -> str:
        """The file's name without its ending."""
        return self.path.stem


def find_notebooks(names: Sequence[str] = ()) -> list[Path]:
    """Return the named notebooks; without names, every lesson in notebooks/.

    A name is a notebook, a folder of notebooks, or the start of a lesson's name
    ("01" is notebooks/01_linear_layers.ipynb). A notebook need not be there.

    Raises:
        CourseError: there is no notebook to run.

    Example:
        >>> [path.name for path in find_notebooks(["elsewhere/03_mine.ipynb"])]
        ['03_mine.ipynb']
    """
    if not names:
        folder = lesson_folder()
        if not folder.is_dir():
            raise CourseError(
                "there is no folder notebooks/ here: go to the course's folder, "
                "or name the notebooks to run."
            )
        names = [str(folder)]
    paths = list(dict.fromkeys(path for name in names for path in _paths(name)))
    if not paths:
        raise CourseError(f"no notebook found in {', '.join(names)}.")
    return paths


def lesson_folder() -> Path:
    """Return notebooks/ of the current folder, else of this checkout.

    >>> lesson_folder().name
    'notebooks'
    """
    here = Path.cwd() / "notebooks"
    return here if here.is_dir() else Path(__file__).parents[2] / "notebooks"


def _paths(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        return sorted(p.resolve() for p in path.glob("*.ipynb"))
    if not path.suffix and path.name == name:
        matches = sorted(lesson_folder().glob(f"{name}*.ipynb"))
        if matches:
            return [p.resolve() for p in matches]
    return [path.resolve()]


def read_lesson(path: Path) -> Lesson:
    """Read a notebook's defaults. A notebook that can't be read carries its fault.

    >>> read_lesson(Path("99_none.ipynb")).fault.cause
    'There is no notebook 99_none.ipynb.'
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Lesson(path, fault=Fault.missing(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        return _broken(path, f"{path} can't be read: {reason}.")
    try:
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
    except Exception as error:  # nbformat raises many kinds for a file it can't read
        return _broken(path, _what_is_broken(text, error))
    return Lesson(path, _defaults(notebook))


def _broken(path: Path, cause: str) -> Lesson:
    return Lesson(path, fault=Fault(FaultKind.BROKEN, cause))


def _what_is_broken(text: str, error: Exception) -> str:
    try:
        json.loads(text)
    except json.JSONDecodeError as bad:
        return (
            f"The notebook is broken: not JSON from line {bad.lineno} on ({bad.msg})."
        )
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return f"The notebook is broken: {reason.rstrip('.')}."


def _defaults(notebook: NotebookNode) -> Values:
    """Return name and value of each plain assignment in the `parameters` cell."""
    tagged = (c for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
    try:
        statements = ast.parse(next(tagged).source).body
    except (StopIteration, SyntaxError):
        return {}
    defaults: Values = {}
    for statement in statements:
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets = [statement.target]
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name) and statement.value is not None:
                defaults[target.id] = _value(statement.value)
    return defaults


def _value(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except ValueError:
        return ast.unparse(node)


def parse_parameters(pairs: Iterable[tuple[str, str]]) -> dict[str, list[object]]:
    """Gather names and texts: a Python value where the text is one, else the text.

    Raises:
        CourseError: the name has an option of its own.

    Example:
        >>> parse_parameters([("epochs", "2"), ("epochs", "4"), ("model", "mlp")])
        {'epochs': [2, 4], 'model': ['mlp']}
    """
    grid: dict[str, list[object]] = {}
    for name, text in pairs:
        if name in ("device", "seed"):
            raise CourseError(f"use --{name} {text}, not -p {name} {text}.")
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            value = {"true": True, "false": False}.get(text.lower(), text)
        grid.setdefault(name, []).append(value)
    return grid


def make_grid(
    lessons: Iterable[Lesson],
    devices: Sequence[str] = (),
    seeds: Sequence[int] = (),
    parameters: dict[str, list[object]] | None = None,
) -> tuple[list[Task], list[str]]:
    """Combine every lesson with every device, seed and value of each parameter.

    A parameter that a lesson's `parameters` cell lacks is left out for that lesson,
    and the second list says so. An unreadable notebook is one task.

    Raises:
        CourseError: no lesson has the parameter.

    Example:
        >>> lesson = Lesson(Path("01_linear.ipynb"), {"seed": 0})
        >>> tasks, notes = make_grid([lesson], seeds=[0, 1])
        >>> [task.name for task in tasks]
        ['01_linear--seed-0', '01_linear--seed-1']
    """
    axes: dict[str, list[object]] = {"device": list(devices), "seed": list(seeds)}
    axes |= parameters or {}
    axes = {name: _distinct(values) for name, values in axes.items() if values}
    lessons = list(lessons)
    notes = _check_parameters(lessons, axes)
    tasks: list[Task] = []
    taken: set[str] = set()
    for lesson in lessons:
        if lesson.fault:
            name = _file_name(lesson, {}, taken)
            tasks.append(Task(name, lesson.path, fault=lesson.fault))
            continue
        own = {name: axes[name] for name in axes if name in lesson.defaults}
        for chosen in itertools.product(*own.values()):
            values = dict(zip(own, chosen, strict=True))
            name = _file_name(lesson, values, taken)
            tasks.append(Task(name, lesson.path, values, lesson.defaults))
    return tasks, notes


def _distinct(values: list[object]) -> list[object]:
    # By type too: 1, 1.0 and True are equal, yet not the same parameter.
    return list({(type(value), str(value)): value for value in values}.values())


def _check_parameters(
    lessons: list[Lesson], axes: dict[str, list[object]]
) -> list[str]:
    readable = [lesson for lesson in lessons if not lesson.fault]
    notes = []
    for name in axes:
        lacking = [lesson for lesson in readable if name not in lesson.defaults]
        if readable and len(lacking) == len(readable):
            known = sorted({name for lesson in readable for name in lesson.defaults})
            raise CourseError(
                f"no lesson here has a parameter '{name}'; "
                + (f"there are: {', '.join(known)}." if known else "there are none.")
            )
        notes += [
            f"{lesson.name} has no parameter '{name}': it runs without it."
            for lesson in lacking
        ]
    return notes


def _file_name(lesson: Lesson, values: Values, taken: set[str]) -> str:
    parts = [lesson.name, *(f"{name}-{_slug(v)}" for name, v in values.items())]
    base = name = "--".join(parts)[:150]
    for number in itertools.count(2):
        # Compared without case: some file systems take A and a for the same name.
        if name.lower() not in taken:
            break
        name = f"{base}--{number}"
    taken.add(name.lower())
    return name


def _slug(value: object) -> str:
    return re.sub(r"[^\w.+-]+", "-", str(value))[:40] or "empty"
