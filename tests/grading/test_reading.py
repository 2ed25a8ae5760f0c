"""Code is read without being run."""

import torch.nn.functional as F

from course_utils.exercises.source import (
    forbidden_calls,
    is_stub,
    unused_parameters,
)
from course_utils.exercises.statements import needed, statements
from course_utils.grading.reading import read_answer

BEFORE = ["import torch", "import torch.nn.functional as F", "from torch import nn"]


def read(cell, name="answer", before=BEFORE):
    return read_answer(before, cell, name, "<cell>")


def forbidden(cell):
    return forbidden_calls(read(cell), ["F.linear"])


def test_nothing_runs(tmp_path):
    made = tmp_path / "made"
    cell = f"""
from pathlib import Path
Path({str(made)!r}).touch()
@Path({str(made)!r}).touch()
def answer(x=Path({str(made)!r}).touch()): ...
class Other(metaclass=Path({str(made)!r}).touch()):
    Path({str(made)!r}).touch()
"""
    assert is_stub(read(cell))
    assert not made.exists()


def test_forbidden_call_is_found_however_it_is_named():
    ways = [
        "def answer(x, w):\n    return F.linear(x, w)",
        "def answer(x, w):\n    return torch.nn.functional.linear(x, w)",
        "from torch.nn.functional import linear as l\n"
        "def answer(x, w):\n    return l(x, w)",
        "def other(x, w):\n    return F.linear(x, w)\n"
        "def answer(x, w):\n    return other(x, w)",
        "def answer(x, w):\n    def inner():\n        return F.linear(x, w)\n"
        "    return inner()",
        "answer = lambda x, w: F.linear(x, w)",
        "answer = F.linear",
        "from functools import partial\nanswer = partial(F.linear, bias=None)",
        "answer = [F.linear][0]",
        "class answer(nn.Module):\n    def forward(self, x, w):\n"
        "        return F.linear(x, w)",
    ]
    assert [forbidden(way) for way in ways] == [["F.linear"]] * len(ways)


def test_allowed_call_is_no_forbidden_one():
    cell = "def answer(x, w):\n    return x @ w\nprint(F.linear)"
    assert forbidden(cell) == []


def test_stub_and_unused_parameters_are_seen():
    assert is_stub(read("def answer(x): ..."))
    assert is_stub(read("class answer(nn.Module):\n    def forward(self, x): ..."))
    assert unused_parameters(read("def answer(x, slope):\n    return x")) == [1]


def test_alias_of_a_known_function_is_that_function():
    assert read("answer = F.linear") is F.linear


def test_an_earlier_definition_is_not_the_answer():
    assert read("x = 1", before=["def answer(x): ..."]).__name__ == "<module>"


def test_statements_that_are_needed_are_chosen_in_order():
    known = statements(
        "import torch\nsize = 3\nother = 4\ndef f():\n    return torch.ones(size)\n"
    )
    chosen = needed(known, statements("def answer(x):\n    return f() + x"))
    assert [s.source.split()[0] for s in chosen] == ["import", "size", "def"]


def test_a_parameter_needs_nothing():
    assert needed(statements("x = 1"), statements("def answer(x):\n    return x")) == []
