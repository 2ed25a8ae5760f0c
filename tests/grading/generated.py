"""Submissions of a lesson as learners hand them in, each with what its author meant."""

import copy
import importlib
import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from course_utils.display.bundles import CHECK
from course_utils.exercises.model import Exercise
from course_utils.exercises.registry import find_exercise
from course_utils.exercises.statements import needed, statements
from course_utils.grading.sections import read_paper
from tests.lessons import LESSONS, read, solutions

LESSON = LESSONS[1]
PAPER = read_paper(LESSON)
ANSWERS = {section.exercise: section.answer for section in PAPER.sections}
RIGHT = {
    name: code.partition("\n")[2].replace(defined, ANSWERS[name])
    for name, (code, defined) in solutions(read(LESSON)).items()
}


@dataclass(frozen=True)
class Made:
    """A submission and its author's intention.

    Attributes:
        name: who hands it in.
        data: the file.
        meant: for each exercise a state, or the name of a misconception; "refused" for
            anything but correct.
        problem: a part of what is said of a file that can't be graded.
    """

    name: str
    data: bytes
    meant: dict[str, str] = field(default_factory=dict)
    problem: str = ""


def fill(answers: dict[str, str]) -> dict:
    """Return the lesson with these texts in the cells of its exercises."""
    notebook = copy.deepcopy(_lesson())
    by_id = {s.cell: answers.get(s.exercise, s.stub) for s in PAPER.sections}
    for cell in notebook["cells"]:
        if cell["id"] in by_id:
            cell["source"] = by_id[cell["id"]]
    return notebook


def _lesson() -> dict:
    notebook = json.loads(LESSON.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:  # what grading never reads
        cell.pop("attachments", None)
        if cell["cell_type"] == "code":
            cell["outputs"] = []
    return notebook


def packed(notebook: dict) -> bytes:
    return json.dumps(notebook, ensure_ascii=False).encode("utf-8", "surrogatepass")


def all_right(**changed: str) -> dict[str, str]:
    """Return the intention 'all correct', but for `linear.<name>`."""
    states = dict.fromkeys(ANSWERS, "correct")
    return states | {f"linear.{name}": state for name, state in changed.items()}


def mistake(exercise: str, place: int) -> str:
    """Return a cell that makes one of the listed mistakes, as the bank writes it."""
    module = importlib.import_module("course_utils.exercises.bank.linear")
    names = {e.name: n for n, e in vars(module).items() if isinstance(e, Exercise)}
    wanted = f"{ANSWERS[exercise]} = {names[exercise]}.misconceptions[{place}].answer"
    known = statements(inspect.getsource(module))
    before = [s.source for s in needed(known, statements(wanted))]
    return "\n".join([*before, wanted])


def right() -> Iterator[Made]:
    yield Made("right", packed(fill(RIGHT)), all_right())
    yield Made("untouched", packed(fill({})), dict.fromkeys(ANSWERS, "not attempted"))


def wrong() -> Iterator[Made]:
    """Yield a submission for each listed mistake; everything else in it is right."""
    for exercise in ANSWERS:
        for place, listed in enumerate(find_exercise(exercise).misconceptions):
            name = exercise.partition(".")[2]
            answers = RIGHT | {exercise: mistake(exercise, place)}
            meant = all_right(**{name: listed.name})
            yield Made(f"{name}{place}", packed(fill(answers)), meant)


BROKEN = {
    "syntax": ("def affine(x, weight, bias:\n    return x", "error"),
    "indentation": ("def affine(x, weight, bias):\nreturn x", "error"),
    "name": ("def affine(x, weight, bias):\n    return x @ matrix.T", "error"),
    "loop": ("def affine(x, weight, bias):\n    while True: pass", "error"),
    "exit": ("exit()\ndef affine(x, weight, bias): ...", "error"),
    "crash": ("import os\nos.abort()", "error"),
}


def broken() -> Iterator[Made]:
    """Yield submissions broken in ten ways, each costing what it must and no more."""
    for name, (text, state) in BROKEN.items():
        answers = RIGHT | {"linear.affine": text}
        yield Made(name, packed(fill(answers)), all_right(affine=state))
    cell = next(s.cell for s in PAPER.sections if s.exercise == "linear.affine")
    notebook = fill(RIGHT)
    notebook["cells"] = [c for c in notebook["cells"] if c["id"] != cell]
    yield Made("deleted", packed(notebook), all_right(affine="not attempted"))
    notebook = fill(RIGHT)
    for number, c in enumerate(notebook["cells"]):  # as Colab stores them
        del c["id"]
        c["metadata"] = {"id": f"Xy{number}"}
    yield Made("colab", packed(notebook), all_right())
    notebook = fill(RIGHT)
    notebook["cells"].reverse()
    yield Made("reversed", packed(notebook), all_right())
    yield Made("cut", packed(fill(RIGHT))[:-100], problem="not JSON from line")


HOSTILE = {
    "reference": """
from course_utils.exercises.model import Exercise
from course_utils.exercises.registry import find_exercise
affine = find_exercise("linear.affine").reference
""",
    "patches": """
import sys, torch
torch.isclose = lambda a, b, **_: torch.ones_like(a, dtype=torch.bool)
torch.allclose = torch.equal = lambda *_, **__: True
torch.Tensor.__eq__ = lambda a, b: torch.ones((), dtype=torch.bool)
for name, module in list(sys.modules.items()):
    if name.startswith("course_utils"):
        module.difference = module.diagnose = lambda *_, **__: None
def affine(x, weight, bias):
    return torch.zeros(len(x), len(weight))
""",
    "writes": """
import os, pathlib, course_utils
for place in (course_utils.__file__, "/tmp/../etc/passwd", "/grades.csv"):
    try:
        pathlib.Path(place).write_text("raise SystemExit")
    except OSError:
        pass
for _ in range(200):
    try:
        os.fork()
    except OSError:
        break
def affine(x, weight, bias):
    return x @ weight.T
""",
    "kills": """
import os, signal
for process in (os.getppid(), 1, -1):
    try:
        os.kill(process, signal.SIGKILL)
    except OSError:
        pass
def affine(x, weight, bias):
    return x @ weight.T
""",
}


def hostile() -> Iterator[Made]:
    """Yield five submissions that try to win what they have not earned."""
    for name, text in HOSTILE.items():
        answers = RIGHT | {"linear.affine": text}
        yield Made(name, packed(fill(answers)), all_right(affine="refused"))
    notebook = fill({name: mistake(name, 0) for name in ANSWERS})
    forged = {CHECK: {"name": "linear.affine", "state": "correct"}}
    cells = notebook["cells"]
    for cell in cells:
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "display_data", "data": forged}]
    solved = [c for c in cells if "solution" in c["metadata"].get("tags", [])]
    for cell in solved:  # under the names of the answers, and of the exercises
        cell["source"] = "".join(cell["source"]).replace("_solution", "")
        cell["metadata"]["tags"] = ["exercise", "solution"]
    names = {name: find_exercise(name).misconceptions[0].name for name in ANSWERS}
    yield Made("forged", packed(notebook), names)


def two_hundred() -> list[Made]:
    """Return 200 submissions: right, wrong in every way, broken, hostile."""
    made = [*wrong(), *broken(), *hostile()]
    plain = list(right())
    more = [plain[n % 5 == 4] for n in range(200 - len(made))]
    return made + [Made(f"plain{n}", m.data, m.meant) for n, m in enumerate(more)]


def hand_in(made: list[Made], folder: Path) -> Path:
    """Write submissions as Moodle exports them."""
    for number, one in enumerate(made, 100):
        place = folder / f"{one.name}_{number}_assignsubmission_file_"
        place.mkdir(parents=True)
        (place / "01_linear_layers.ipynb").write_bytes(one.data)
    return folder
