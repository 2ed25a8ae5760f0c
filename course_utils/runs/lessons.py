"""Lessons on disk: which are meant, their parameters, and the grid of tasks to run."""

import ast
import itertools
import json
import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from course_utils.errors import CourseError
from course_utils.labs.registry import LETTERS
from course_utils.runs.model import Fault, FaultKind, Task, Values, one_line, readable

# How a zip archive begins, one with files and an empty one.
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
# Bytes that are no text, and controls; more is allowed in a file's name.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
# What a report's own page is called, so no lesson's.
_TAKEN = {"index"}


@dataclass(frozen=True)
class Lesson:
    """One notebook, the defaults of its `parameters` cell, or why it can't be read."""

    path: Path
    defaults: Values = field(default_factory=dict)
    fault: Fault | None = None


def find_notebooks(names: Sequence[str] = ()) -> list[Path]:
    """Return the named notebooks; without names, every lesson in notebooks/.

    A name is a notebook, a folder of notebooks, or the start of a lesson's name
    ("01" is notebooks/01_linear_layers.ipynb) or of a lab's ("repair" is
    notebooks/labs/repair_shop.ipynb), or the letter of a lab, A to E. A notebook need
    not be there. Folders are searched with those inside them; hidden files, hidden
    folders and links to folders are left out.

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
        where = readable(", ".join(names))
        raise CourseError(
            f"no notebook found in {where}: there is no file *.ipynb, also in the "
            "folders inside. Unpack archives first."
        )
    return paths


def lesson_folder() -> Path:
    """Return notebooks/ of the current folder, else of this checkout."""
    here = Path.cwd() / "notebooks"
    return here if here.is_dir() else Path(__file__).parents[2] / "notebooks"


def _paths(name: str) -> list[Path]:
    name = LETTERS.get(name, name)
    path = Path(name)
    if path.is_dir():
        matches = _search(path)
    elif not path.suffix and path.name == name:
        folder = lesson_folder()
        matches = sorted(folder.glob(f"{name}*.ipynb"))
        matches = matches or sorted(folder.glob(f"labs/{name}*.ipynb")) or [path]
    else:
        matches = [path]
    # A link keeps its own name and folder: they may say whose notebook it is.
    return [Path(os.path.abspath(match)) for match in matches]  # noqa: PTH100


def _search(folder: Path) -> list[Path]:
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [
            Path(place, name)
            for name in files
            if name.lower().endswith(".ipynb") and not name.startswith(".")
        ]
    return sorted(found)


def read_lesson(path: Path) -> Lesson:
    """Read a notebook's defaults. A notebook that can't be read carries its fault."""
    shown, content = readable(path), b""
    try:
        # A pipe or a device would be read for ever.
        if not stat.S_ISREG(path.stat().st_mode):
            cause = f"{shown} is no file that can be read."
            return Lesson(path, fault=Fault(FaultKind.BROKEN, cause))
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
        json.loads(text)  # says in which line it is broken, as nbformat does not
        notebook = nbformat.reads(text, as_version=4)
        nbformat.validate(notebook)
    except FileNotFoundError:
        return Lesson(path, fault=Fault.missing(path))
    except OSError as error:
        cause = f"{shown} can't be read: {error.strerror}."
    except UnicodeDecodeError:
        cause = f"{shown} can't be read: it is not UTF-8 text."
        if content.startswith(_ZIP):
            cause = (
                f"{shown} is a zip archive, no notebook: "
                "unpack it, and name the folder that it makes."
            )
    except json.JSONDecodeError as error:
        where = f"not JSON from line {error.lineno} on ({error.msg})"
        cause = f"The notebook is broken: {where}."
    except Exception as error:  # nbformat raises many kinds for a file it can't read
        reason = one_line(str(error)) or type(error).__name__
        cause = f"The notebook is broken: {reason.rstrip('.')}."
    else:
        return Lesson(path, _defaults(notebook), _other_language(notebook))
    return Lesson(path, fault=Fault(FaultKind.BROKEN, cause))


def _other_language(notebook: NotebookNode) -> Fault | None:
    """Return the fault of a notebook that says it is not written in Python."""
    kernel = notebook.metadata.get("kernelspec", {})
    language = kernel.get("language") or notebook.metadata.get("language_info", {}).get(
        "name", "python"
    )
    if "python" in str(language).lower():
        return None
    return Fault(
        FaultKind.OTHER_LANGUAGE,
        f"It is written in {readable(language)} (kernel {readable(kernel.get('name'))})"
        "; only notebooks in Python are run.",
    )


def _defaults(notebook: NotebookNode) -> Values:
    """Return name and value of each plain assignment in the `parameters` cell."""
    tagged = (c for c in notebook.cells if "parameters" in c.metadata.get("tags", []))
    try:
        statements = ast.parse(next(tagged).source).body
    except (StopIteration, SyntaxError):
        return {}
    defaults: Values = {}
    for statement in statements:
        match statement:
            case ast.Assign([ast.Name(name)], value) | ast.AnnAssign(
                ast.Name(name), _, ast.expr() as value
            ):
                defaults[name] = parse_value(ast.unparse(value))
    return defaults


def parse_value(text: str) -> object:
    """Return the Python value where the text is one, else the text.

    >>> parse_value("[1, 2]"), parse_value("relu")
    ([1, 2], 'relu')
    """
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def parse_parameters(pairs: Iterable[tuple[str, str]]) -> dict[str, list[object]]:
    """Gather names and texts: a Python value where the text is one, else the text.

    Raises:
        CourseError: the name has an option of its own.
    """
    grid: dict[str, list[object]] = {}
    for name, text in pairs:
        if name in ("device", "seed"):
            raise CourseError(f"use --{name} {text}, not -p {name} {text}.")
        literal = text.title() if text.lower() in ("true", "false") else text
        grid.setdefault(name, []).append(parse_value(literal))
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
    axes = {"device": devices, "seed": seeds, **(parameters or {})}
    axes = {name: _distinct(values) for name, values in axes.items() if values}
    lessons = list(lessons)
    notes = _check_parameters(lessons, axes)
    tasks: list[Task] = []
    taken = set(_TAKEN)
    titles = _titles([lesson.path for lesson in lessons])
    for lesson in lessons:
        title = titles[lesson.path]
        own = {name: axes[name] for name in axes if name in lesson.defaults}
        for chosen in itertools.product(*own.values()):
            values = dict(zip(own, chosen, strict=True))
            name = _file_name(title, values, taken)
            task = Task(name, lesson.path, values, lesson.defaults, lesson.fault, title)
            tasks.append(task)
    return tasks, notes


def _distinct(values: Sequence[object]) -> list[object]:
    # By type too: 1, 1.0 and True are equal, yet not the same parameter.
    return list({(type(value), str(value)): value for value in values}.values())


def _check_parameters(lessons: list[Lesson], axes: Iterable[str]) -> list[str]:
    """Return a note for each parameter that a lesson lacks, if another has it."""
    readable = [lesson for lesson in lessons if not lesson.fault]
    known = {name for lesson in readable for name in lesson.defaults}
    notes = []
    for name in axes:
        if readable and name not in known:
            there = f"are: {', '.join(sorted(known))}." if known else "are none."
            raise CourseError(f"no lesson here has a parameter '{name}'; there {there}")
        notes += [
            f"{lesson.path.stem} has no parameter '{name}': it runs without it."
            for lesson in readable
            if name not in lesson.defaults
        ]
    return notes


def _titles(paths: Sequence[Path]) -> dict[Path, str]:
    """Return what each notebook is called: as many folders as tell all apart.

    >>> _titles([Path("a/adams/01.ipynb"), Path("a/baker/01.ipynb")]).values()
    dict_values(['adams/01', 'baker/01'])
    """
    titles: dict[Path, str] = {}
    for depth in range(1, max((len(path.parts) for path in paths), default=0) + 1):
        titles = {path: "/".join(path.parts[-depth:]) for path in paths}
        if len(set(titles.values())) == len(titles):
            break
    return {
        path: title[: len(title) - len(path.suffix)] for path, title in titles.items()
    }


def _file_name(title: str, values: Values, taken: set[str]) -> str:
    """Return a name for a task's files that no other has, and every system takes."""
    parts = [f"{name}-{_slug(value)}" for name, value in values.items()]
    name = "--".join([*_UNSAFE.sub("_", title).split("/"), *parts])
    base = name = name.encode()[:150].decode(errors="ignore")
    number = 1
    # Compared without case: some file systems take A and a for the same name.
    while name.lower() in taken:
        number += 1
        name = f"{base}--{number}"
    taken.add(name.lower())
    return name


def _slug(value: object) -> str:
    return re.sub(r"[^\w.+-]+", "-", str(value))[:40] or "empty"
