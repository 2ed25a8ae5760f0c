"""Errors come back as the same kind, with the learner's line."""

import json

import pytest
import torch

from course_utils.exercises.explain import explain
from course_utils.grading.failures import know_text, read_failure, write_failure

FILE = "<linear.affine>"


class Odd(Exception):
    def __str__(self):
        raise ValueError


def sent(error, texts=()):
    texts = dict(texts)
    return read_failure(json.loads(json.dumps(write_failure(error, texts))), texts)


@pytest.mark.parametrize(
    "error",
    [
        ValueError("too long"),
        KeyError("a"),
        KeyError(3),
        ZeroDivisionError(),
        SystemExit(3),
        FileNotFoundError(2, "No such file"),
        torch.OutOfMemoryError("none left"),
    ],
)
def test_known_error_is_the_same(error):
    back = sent(error)
    assert type(back) is type(error)
    assert str(back) == str(error)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, GeneratorExit])
def test_what_would_stop_the_grader_becomes_a_failure(kind):
    back = sent(kind())
    assert isinstance(back, Exception)
    assert type(back).__name__ == kind.__name__


def test_error_of_the_learners_own_keeps_its_name():
    back = sent(Odd())
    assert type(back).__name__ == "Odd"
    assert str(back) == "(without a message that can be read)"


def test_the_learners_line_is_told():
    text = "def affine(x):\n    return x / 0\n"
    know_text(FILE, text)
    scope: dict = {}
    exec(compile(text, FILE, "exec"), scope)
    with pytest.raises(ZeroDivisionError) as caught:
        scope["affine"](1)
    back = sent(caught.value, {FILE: text})
    assert explain(back) == explain(caught.value)
    assert "in the line `return x / 0`" in explain(back)[0]


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "__import__", "text": "x", "arguments": [], "places": []},
        {"kind": "os.system", "text": "x", "arguments": [], "places": []},
        {"kind": "ValueError", "text": "x", "arguments": [], "places": [["/x", 1]]},
        {"kind": "ValueError", "text": "x", "arguments": [], "places": [[FILE, "1"]]},
    ],
)
def test_forged_failure_is_an_error_and_no_more(data):
    back = read_failure(data, {FILE: "pass"})
    assert isinstance(back, Exception)
    assert str(back) == "x"
