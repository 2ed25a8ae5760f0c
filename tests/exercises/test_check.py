"""The check: what it shows, and that it never raises."""

import pytest
import torch

from course_utils import check
from course_utils.exercises.registry import find_exercise

KIND = "application/vnd.course.check+json"


def affine(x, weight, bias):
    return x @ weight.T + bias


def forgot_bias(x, weight, bias):
    return x @ weight.T


def shown(displayed) -> dict:
    ((data, _),) = displayed
    return data


def test_correct(displayed):
    check("linear.affine", affine)
    data = shown(displayed)
    assert data["text/plain"] == "✓ linear.affine: correct."
    assert data[KIND] == {
        "name": "linear.affine",
        "state": "correct",
        "misconception": None,
    }


def test_a_known_mistake_is_named(displayed):
    check("linear.affine", forgot_bias)
    data = shown(displayed)
    assert data[KIND]["misconception"] == "no bias"
    assert "the bias is missing" in data["text/plain"]
    assert 'data-state="wrong"' in data["text/html"]
    assert "<code>+ bias</code>" in data["text/html"]


def test_an_unknown_mistake_shows_the_smallest_failing_case(displayed):
    check("linear.affine", lambda x, weight, bias: 2 * affine(x, weight, bias))
    data = shown(displayed)
    assert data[KIND]["state"] == "wrong"
    assert "the largest difference is" in data["text/plain"]
    assert "x = [[" in data["text/plain"]
    assert "expected [[" in data["text/plain"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("linear.afine", "Did you mean 'linear.affine'?"),
        ("lineal.affine", "No lesson has exercises named 'lineal.…'"),
        ("3x.affine", "names look like linear.affine"),
        (3, "is not the name of an exercise"),
    ],
)
def test_an_unknown_name_gets_a_sentence(name, words, displayed):
    check(name, affine)
    assert words in shown(displayed)["text/plain"]
    assert shown(displayed)[KIND]["state"] == "error"


def test_an_answer_that_breaks_the_check_does_not_break_the_page(displayed):
    class Nasty(torch.Tensor):
        @property
        def shape(self):
            raise MemoryError("no")

    nasty = torch.zeros(2).as_subclass(Nasty)
    check("linear.affine", lambda x, weight, bias: nasty)
    assert shown(displayed)[KIND]["state"] == "error"


def test_found_by_name():
    assert find_exercise("linear.merge").name == "linear.merge"
