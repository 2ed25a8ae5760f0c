"""The examination of an answer."""

import pytest
import torch

from course_utils.exercises.diagnose import diagnose
from course_utils.exercises.model import Exercise, Misconception


def cases():
    return [(torch.tensor([1.0, -2.0, 3.0]),), (torch.tensor([[-1.0, 5.0]]),)]


RELU = Exercise(
    "demo.relu",
    lambda x: x.clamp(min=0),
    (
        Misconception("abs", lambda x: x.abs(), "This is |x|."),
        Misconception("error", lambda x: x @ x.T @ x.T, "Matrix."),
    ),
    cases,
)
VALUE = Exercise("demo.value", 13, (Misconception("no bias", 12, "Add the bias."),))


def stub(x): ...


def documented(x):
    """Return relu of x."""


def passed(x):
    pass


def ellipsis_inside(x):
    result = ...
    return result


class StubModule(torch.nn.Module):
    def __init__(self): ...

    def forward(self, x): ...


@pytest.mark.parametrize(
    "answer", [..., stub, documented, passed, ellipsis_inside, StubModule]
)
def test_not_attempted(answer):
    assert diagnose(RELU, answer).state == "not attempted"


def in_place(x):
    x[x < 0] = 0
    return x


def no_return(x):
    torch.relu(x)


def misspelt(x):
    return x.clmp(min=0)  # codespell:ignore


def undefined(x):
    return torch.relu(y)  # noqa: F821 - a learner's slip


@pytest.mark.parametrize(
    ("answer", "state", "words"),
    [
        (no_return, "wrong", "returns None"),
        (lambda x: 3, "wrong", "Expected a tensor"),
        (lambda x: x.clamp(min=0)[0], "wrong", "Expected shape"),
        (lambda x: x.clamp(min=0).double(), "wrong", "Expected dtype"),
        (lambda x: x.clamp(min=0) * torch.nan, "wrong", "NaN"),
        (lambda x: x.clamp(min=0).to("meta"), "wrong", "device=x.device"),
        (in_place, "wrong", "changes its input `x` in place"),
        (misspelt, "error", "in the line `return x.clmp(min=0)"),
        (undefined, "error", "A name is misspelt"),
        (lambda: 3, "error", "Compare the function's parameters"),
        (torch.zeros(3), "wrong", "pass its name, without parentheses"),
        (lambda x: x.clamp(min=1), "wrong", "the largest difference is 1"),
    ],
)
def test_malformed_answers_get_their_own_sentence(answer, state, words):
    verdict = diagnose(RELU, answer)
    assert verdict.state == state
    assert words in " ".join(verdict.messages)
    assert verdict.misconception is None


def test_the_smallest_failing_case_is_shown():
    verdict = diagnose(RELU, lambda x: x.clamp(min=1))
    assert "x = [[-1, 5]]   (shape (1, 2), float32)" in verdict.case


def test_a_misconception_is_told_by_its_numbers():
    assert diagnose(RELU, lambda x: torch.sqrt(x * x)).misconception == "abs"


def test_a_misconception_is_told_by_its_error():
    def same_error(x):
        return x @ x.T @ x.T

    verdict = diagnose(RELU, same_error)
    assert (verdict.state, verdict.misconception) == ("error", "error")


def test_a_value():
    assert diagnose(VALUE, 13).state == "correct"
    assert diagnose(VALUE, torch.tensor(13)).state == "correct"
    assert diagnose(VALUE, 12).misconception == "no bias"
    assert diagnose(VALUE, ...).state == "not attempted"
    assert diagnose(VALUE, None).messages == ("You gave None: put the value there.",)
    assert "13" not in " ".join(diagnose(VALUE, 5).messages)


def test_answers_draw_what_the_reference_draws():
    mask = Exercise("demo.mask", lambda x: x * (torch.rand_like(x) < 0.5), (), cases)
    state = torch.get_rng_state()
    assert diagnose(mask, lambda x: x * (torch.rand_like(x) < 0.5)).state == "correct"
    assert torch.equal(torch.get_rng_state(), state)
