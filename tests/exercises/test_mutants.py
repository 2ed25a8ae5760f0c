"""Every mechanical mutant of a solution is refused, or known to be right."""

import ast
import contextlib
import copy
import io
import math
import warnings
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import Dataset

from course_utils.exercises.diagnose import diagnose
from course_utils.exercises.guard import OutOfTime, guard
from course_utils.exercises.model import State, Verdict
from course_utils.exercises.registry import find_exercise
from tests import lessons
from tests.exercises.equal_mutants import EQUAL
from tests.exercises.mutants import Mutant, mutants
from tests.exercises.verdicts import named_shapes
from tests.lessons import LESSONS, read

SECONDS = 2.0  # for a mutant that loops for ever
DESIGN_SECONDS = 30.0  # a design is trained, and its mutants end


@cache
def solutions() -> dict[str, tuple[str, str]]:
    """Return the code of each exercise's solution, and the name it defines."""
    found = {}
    for path in LESSONS:
        found |= lessons.solutions(read(path))
    return found


def detached(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach()
    if isinstance(value, tuple | list):
        return type(value)(map(detached, value))
    return value


def seconds(name: str) -> float:
    return DESIGN_SECONDS if name.endswith(".design") else SECONDS


def verdict_of(name: str, source: str) -> Verdict | None:
    """Return the verdict on an answer; None if its code does not even run.

    The exercise's misconceptions are not tried: they name what is wrong, and take long.
    """
    scope = dict(torch=torch, nn=nn, F=F, math=math, copy=copy, _detached=detached)
    scope |= {"device": torch.device("cpu"), "__name__": "__main__"}
    scope |= {"Dataset": Dataset}
    try:
        with guard(seconds(name)):
            exec(compile(source, "<solution>", "exec"), scope)
    except (Exception, OutOfTime):
        return None
    exercise = replace(find_exercise(name), misconceptions=(), switches=None)
    return diagnose(exercise, scope[solutions()[name][1]], seconds(name))


@cache  # two or three tests look at them
def verdicts_of(name: str) -> list[tuple[Mutant, Verdict | None]]:
    """Return the mutants of an exercise's solution with the verdict on each."""
    detach = find_exercise(name).differentiable
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [
            (mutant, verdict_of(name, mutant.source))
            for mutant in mutants(solutions()[name][0], detach)
        ]


def change(mutant: Mutant) -> str:
    return mutant.change.partition(": ")[2]


def survivors(name: str) -> list[str]:
    """Return the changes of a solution that its cases don't notice."""
    return [
        change(mutant)
        for mutant, verdict in verdicts_of(name)
        if verdict and verdict.state is State.CORRECT
    ]


@pytest.mark.nightly
@pytest.mark.parametrize("name", solutions())
def test_changed_solution_is_refused(name):
    known = EQUAL.get(name, {})
    assert [change for change in survivors(name) if change not in known] == []


@pytest.mark.nightly
@pytest.mark.parametrize("name", solutions())
def test_shapes_named_for_a_mutant_are_those_of_the_case_shown(name):
    for mutant, verdict in verdicts_of(name):
        named = named_shapes(verdict) if verdict else []
        assert all(shape in verdict.case for shape in named), (mutant, verdict)


@pytest.mark.nightly
@pytest.mark.parametrize("name", EQUAL)
def test_listed_mutant_exists_and_is_right(name):
    assert set(EQUAL[name]) <= set(survivors(name))
    assert all(reason.endswith(".") for reason in EQUAL[name].values())


def test_every_exercise_with_a_solution_is_tested():
    assert len(solutions()) >= 78


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("x + 1", ["`x + 1` with Sub", "1 plus 1", "`x + 1` without its left side"]),
        ("x - y", ["`x - y` with swapped sides", "`x - y` with Add"]),
        ("x @ y", ["`x @ y` with swapped sides"]),
        ("f(x, y)", ["`f(x, y)` with swapped arguments"]),
        ("x.mean(dim=0)", ["`x.mean(dim=0)` without dim=", "0 minus 1"]),
        ("x < y", ["`x < y` with LtE", "`x < y` with Gt"]),
        ("not x", ["`not x` without its sign"]),
        ("x[0]", ["`x[0]` without its index"]),
        ("x if y else z", ["`x if y else z`: always the second"]),
        ("2.5", ["2.5 doubled"]),
        ("True", ["not True"]),
    ],
)
def test_mutants_of_an_expression(source, changes):
    code = f"def answer(x, y, z):\n    return {source}"
    made = {change(mutant): mutant.source for mutant in mutants(code)}
    assert set(changes) <= made.keys()
    for text in made.values():
        ast.parse(text)
        assert text != ast.unparse(ast.parse(code))


def test_result_is_detached_only_where_gradients_count():
    code = "def answer(x):\n    return 2 * x"
    changes = [[change(m) for m in mutants(code, d)] for d in (False, True)]
    assert "the result detached" not in changes[0]
    assert "the result detached" in changes[1]


@pytest.mark.parametrize("source", ["x + y", "x * y"])
def test_sides_that_may_be_swapped_are_left(source):
    changes = [change(m) for m in mutants(f"def answer(x, y):\n    return {source}")]
    assert not any("swapped" in text for text in changes)
