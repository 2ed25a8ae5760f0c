"""What the code of an answer says, without running it."""

import functools
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.exercises.bank.linear import EXERCISES
from course_utils.exercises.source import forbidden_calls, is_stub, unused_parameters


def from_inside(z):
    from torch.nn.functional import softmax as shares

    return shares(z, 0)


renamed = F.softmax


def through_another_name(z):
    return renamed(z, 0)


def helper(z):
    return torch.softmax(z, 0)


def through_a_helper(z):
    return helper(z) + 1


def enclosing():
    def inner(z):
        return z.softmax(0)

    return lambda z: inner(z)


class Layer(nn.Module):
    def forward(self, z):
        return F.softmax(z, 0)


class Callable:
    def __call__(self, z):
        return z.softmax(0)


@pytest.mark.parametrize(
    "answer",
    [
        lambda z: F.softmax(z, 0),
        lambda z: z.softmax(0),
        lambda z: [row.softmax(0) for row in z],
        lambda z: (lambda y: y.softmax(0))(z),
        from_inside,
        through_another_name,
        through_a_helper,
        enclosing(),
        Layer,
        Layer().forward,
        Layer(),
        Callable(),
        functools.partial(through_a_helper),
        torch.softmax,
    ],
)
def test_forbidden_function_is_recognised(answer):
    assert forbidden_calls(answer, ["F.softmax", "relu"]) == ["F.softmax"]


def softmax(z):
    """A learner's own function under the name of a forbidden one."""
    return z.exp() / z.exp().sum()


class Attribute(nn.Module):
    def __init__(self):
        super().__init__()
        self.softmax = 3


def recursive(z):
    return recursive(z)


@pytest.mark.parametrize(
    "answer",
    [
        lambda z: softmax(z),
        lambda z: z.log_softmax(0),
        lambda z: "softmax",
        Attribute,
        recursive,
        math.exp,
        3,
    ],
)
def test_other_code_is_allowed(answer):
    assert forbidden_calls(answer, ["F.softmax"]) == []


def test_reference_and_mistakes_of_the_course_are_not_judged():
    for exercise in EXERCISES:
        if exercise.cases is not None:
            assert forbidden_calls(exercise.reference, ["T", "sqrt", "sum"]) == []


def unused(x, slope, p, q):
    p = 3
    return lambda: x + p + q


@pytest.mark.parametrize(
    ("function", "places"),
    [
        (unused, [1, 2]),
        (lambda x, y: [x for _ in range(3) if y], []),
        (lambda x, y: (lambda: y)() + x, []),
        (lambda x, y: x if x else y, []),
        (lambda *x: 3, []),
        (torch.relu, []),
        (Layer, []),
    ],
)
def test_unused_parameters_are_seen(function, places):
    expected = [1] if function is unused else places
    assert unused_parameters(function) == expected


def test_class_of_stubs_is_a_stub():
    class Stubs(nn.Module):
        def __init__(self): ...

        def forward(self, x): ...

    assert is_stub(Stubs)
    assert not is_stub(Layer)
