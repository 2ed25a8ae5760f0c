"""Lessons as they are given out: without solutions, with what they need beside them."""

import re
from collections.abc import Sequence
from pathlib import Path
from string import Template

from nbformat import NotebookNode

from course_utils.authoring.assignment import CONFIG, make_assignment
from course_utils.authoring.links import COLAB, lesson_table
from course_utils.authoring.lint.document import Document, first_line, tags
from course_utils.authoring.normal_form import dumps
from course_utils.authoring.pin import Pin
from course_utils.errors import CourseError
from course_utils.labs.handed_in import handed_in
from course_utils.runs.lessons import read_lesson

_INSTALLED = r"git\+https://github\.com/[\w.-]+/[\w-]+(?:\.[\w-]+)*"
_BADGE = rf"(\[!\[[^\]]*\]\([^)]*\)\]\({re.escape(COLAB)})[^)]*\)"
_LESSON_LINK = r"\[([^\[\]]*)\]\((?:\.\./)?([\w.-]+\.ipynb)((?:#[^()\s]*)?)\)"
_POINTER = r" ?\bSolutions are at the end\."
_GITHUB_FOLDER = (
    r"(?:https://github\.com/)?([\w-][\w.-]*/[\w.-]+?)(?:\.git)?"
    r"(?:/(?:tree|blob)/([\w.-]+)((?:/[\w.-]+)*))?/?"
)
_TEMPLATES = Path(__file__).parent / "templates"
_LESSONS = (
    "Lessons on the layers of PyTorch, as Jupyter notebooks. In each you predict what "
    "a layer does, compute it by hand, build it from plain tensors, and play with it."
)
_LABS = "Open tasks on the layers of PyTorch, as Jupyter notebooks."


def github_folder(text: str) -> str:
    """Return a folder on GitHub as Colab's addresses name it.

    Raises:
        CourseError: it is none.

    >>> github_folder("owner/name")
    'owner/name/blob/main/'
    >>> github_folder("https://github.com/owner/name/tree/2026/lessons")
    'owner/name/blob/2026/lessons/'
    """
    if not (match := re.fullmatch(_GITHUB_FOLDER, text, re.ASCII)):
        raise CourseError(
            "--colab is a folder on GitHub, as owner/name or "
            f"https://github.com/owner/name/tree/main/folder, not '{text}'."
        )
    return f"{match[1]}/blob/{match[2] or 'main'}{match[3] or ''}/"


def release_lessons(
    lessons: Sequence[Path], pin: Pin, root: Path, *, colab: str = "", outputs: bool
) -> dict[str, bytes]:
    """Return the files of a release for learners, by their names.

    Args:
        lessons: the files of the lessons.
        pin: the helpers that they install.
        root: the course's folder.
        colab: the folder on GitHub from which Colab opens them, as "owner/name/
            blob/main/"; "" takes the badges away, as they open lessons with solutions.
        outputs: keep the stored outputs.

    Raises:
        CourseError: a lesson can't be read, or a file is missing.
    """
    documents = _read(lessons)
    names = {document.path.name for document in documents}
    files = {
        document.path.name: _bytes(_strip(document, pin, names, colab, outputs))
        for document in documents
    }
    readme = _readme(documents, pin, colab)
    beside = {"README.md": readme.encode(), "LICENSE": _file(root, "LICENSE")}
    return files | beside | _environment(pin, root)


def release_assignments(
    lessons: Sequence[Path], pin: Pin, root: Path
) -> dict[str, bytes]:
    """Return the files of a course for nbgrader, by their paths in its folder.

    Raises:
        CourseError: a lesson can't be read, or has an exercise without a solution.
    """
    files = {"nbgrader_config.py": CONFIG.encode()} | _environment(pin, root)
    for document in _read(lessons):
        name = document.path.stem
        make_assignment(document)
        notebook = _strip(document, pin, names=set(), colab="", outputs=False)
        files[f"source/{name}/{name}.ipynb"] = _bytes(notebook)
        files[f"source/{name}/LICENSE"] = _file(root, "LICENSE")
    return files


def _readme(documents: Sequence[Document], pin: Pin, colab: str) -> str:
    """Return the README for learners, which speaks of what is in the release."""
    labs = [f"`{d.path.name}`" for d in documents if _is_lab(d)]
    work = _filled("exercises") if len(labs) < len(documents) else ""
    if labs:
        work += _filled("labs", names=", ".join(labs))
    return _filled(
        "README",
        about=_LESSONS if len(labs) < len(documents) else _LABS,
        lessons=lesson_table([d.path for d in documents], folder="", colab=colab),
        colab="In Colab, use the badges above. " if colab else "",
        version=pin.version,
        work=work,
    )


def _is_lab(document: Document) -> bool:
    """Tell whether a notebook hands in as a lab does, wherever it lies."""
    code = (cell for cell in document.cells if cell.cell_type == "code")
    return any(handed_in(cell.source) for cell in code)


def _filled(name: str, **values: str) -> str:
    text = (_TEMPLATES / f"{name}.md").read_text(encoding="utf-8")
    return Template(text).substitute(values)


def _read(lessons: Sequence[Path]) -> list[Document]:
    documents: dict[str, Document] = {}
    for path in lessons:
        if fault := read_lesson(path).fault:
            raise CourseError(fault.cause)
        if path.name in documents:
            raise CourseError(f"two lessons are called {path.name}: rename one.")
        documents[path.name] = Document(path, path.read_bytes())
    return list(documents.values())


def _strip(
    document: Document, pin: Pin, names: set[str], colab: str, outputs: bool
) -> NotebookNode:
    """Return a lesson as learners get it."""
    notebook = document.notebook
    notebook.cells = [cell for cell in document.cells if not _gives_away(cell)]
    count = 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            _rewrite(cell, names, f"{colab}{document.path.name}" if colab else "")
        elif cell.cell_type == "code":
            cell.source = re.sub(_INSTALLED, lambda _: pin.source, cell.source)
            if not outputs:
                cell.outputs, cell.execution_count = [], None
            elif cell.execution_count:  # as if there had been no solutions
                cell.execution_count = count = count + 1
                for output in cell.outputs:
                    if "execution_count" in output:
                        output.execution_count = count
    return notebook


def _gives_away(cell: NotebookNode) -> bool:
    """Tell whether a cell is a solution, or the heading above them."""
    return "solution" in tags(cell) or first_line(cell.source) == "## Solutions"


def _rewrite(cell: NotebookNode, names: set[str], colab: str) -> None:
    """Adapt a cell of text: its badge, its links to lessons, what it says of others."""
    text = re.sub(_POINTER, "", cell.source)

    def linked(found: re.Match[str]) -> str:  # in a release all lie in one folder
        kept = f"[{found[1]}]({found[2]}{found[3]})"
        return kept if found[2] in names else found[1]

    text = re.sub(_LESSON_LINK, linked, text)
    if colab:
        text = re.sub(_BADGE, lambda match: f"{match[1]}{colab})", text)
    else:
        text = re.sub(rf"{_BADGE}\n*", "", text)
    cell.source = text
    kept = {n: a for n, a in cell.get("attachments", {}).items() if n in text}
    if kept:
        cell.attachments = NotebookNode(kept)
    else:
        cell.pop("attachments", None)


def _environment(pin: Pin, root: Path) -> dict[str, bytes]:
    """Return what installs the helpers, and the versions they were tested with."""
    return {
        "requirements.txt": f"{pin.requirement}\n".encode(),
        "constraints.txt": _file(root, "constraints.txt"),
    }


def _file(root: Path, name: str) -> bytes:
    try:
        return (root / name).read_bytes()
    except FileNotFoundError:
        raise CourseError(
            f"there is no {name} here: go to the course's folder."
        ) from None


def _bytes(notebook: NotebookNode) -> bytes:
    return dumps(notebook).encode()
