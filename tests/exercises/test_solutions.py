"""The folded solutions of every lesson are right, though no cell of theirs says so."""

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from course_utils import current_device
from course_utils.exercises.diagnose import diagnose
from course_utils.exercises.model import State
from course_utils.exercises.registry import find_exercise, numbered_exercises
from tests.lessons import LESSONS, code_cells, read, solutions, tags


def states(notebook: nbformat.NotebookNode) -> dict[str, State]:
    """Return how each solution fares, with the lesson's imports and nothing else."""
    scope = {"device": current_device(), "__name__": "__main__"}
    (setup,) = [cell for cell in code_cells(notebook) if "setup" in tags(cell)]
    exec(TransformerManager().transform_cell(setup.source), scope)  # it holds %pip
    found = {}
    for name, (code, answer) in solutions(notebook).items():
        exec(code, scope)
        found[name] = diagnose(find_exercise(name), scope[answer]).state
    return found


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
def test_every_exercise_is_solved_and_every_solution_right(lesson):
    found = states(read(lesson))
    names = numbered_exercises(next(iter(found)).partition(".")[0])
    assert found == dict.fromkeys(names, State.CORRECT)


@pytest.mark.parametrize(
    ("right", "broken", "state"),
    [
        ("x @ weight.T + bias", "x @ weight.T - bias", State.WRONG),
        ("x @ weight.T + bias", "x @ weight.T + shift", State.ERROR),
        ("x @ weight.T + bias", "...", State.NOT_ATTEMPTED),
    ],
)
def test_broken_solution_is_seen(right, broken, state):
    notebook = read(LESSONS[1])
    cells = [c for c in code_cells(notebook) if f"return {right}" in c.source]
    cell = cells[-1]  # the solution; the lesson's own layer stands above
    cell.source = cell.source.replace(right, broken)
    wrong = {n: s for n, s in states(notebook).items() if s is not State.CORRECT}
    assert wrong == {"linear.affine": state}
