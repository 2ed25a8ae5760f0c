"""Which line of an answer cuts a gradient off."""

import pytest
import torch

from course_utils.exercises.gradients import (
    cutters,
    held_constant,
    passed_back_message,
)
from course_utils.exercises.model import Exercise
from course_utils.exercises.outcome import run_with_gradients

SQUARE = Exercise("demo.square", lambda x: x * x, ())
CASES = [(torch.tensor([1.0, -2.0, 3.0]),), (torch.tensor([[0.5, 4.0]]),)]


def several_lines(x):
    y = x.data
    z = x.detach()
    return y * x / 2 + z * x / 2


def one_in_place(x):
    y = x.clone()
    return x * y.detach_()


def leaf(x):
    return x * torch.nn.Parameter(x)


def without_gradients(x):
    with torch.no_grad():
        y = x * 1
    return x * y


def stacked(x):
    y = torch.tensor([row.sum() for row in x.reshape(-1, 1)])
    return x * y.reshape(x.shape)


def copied(x):
    return x * torch.tensor(x)


@pytest.mark.parametrize(
    ("answer", "held"),
    [
        (lambda x: x * x, None),
        (
            several_lines,
            "`.data` in the line `y = x.data` and `.detach()` in the line "
            "`z = x.detach()`",
        ),
        (one_in_place, "`.detach()` in the line `return x * y.detach_()`"),
        (leaf, "`nn.Parameter(…)`, which makes a new tensor of what it is given"),
        (without_gradients, "`torch.no_grad()` in the line `with torch.no_grad():`"),
        (
            stacked,
            "`torch.tensor(…)` in the line `y = torch.tensor([row.sum() for row in "
            "x.reshape(-1, 1)])`",
        ),
        (lambda x: x * torch.tensor(x.tolist()), None),
        (lambda x: x * x.detach() + x - torch.tensor(x.tolist()), None),
        (lambda x: x.detach() / 0 * "text", None),
    ],
)
@pytest.mark.filterwarnings("ignore:Converting a tensor")
def test_line_that_cuts_off_is_named_where_it_is_the_reason(answer, held):
    assert held_constant(SQUARE, answer, CASES) == held


def test_warning_is_not_repeated_from_the_course_s_own_line(recwarn):
    with pytest.warns(UserWarning, match="copy construct"):
        run_with_gradients(SQUARE, copied, CASES[0])
    recwarn.clear()
    assert "torch.tensor" in held_constant(SQUARE, copied, CASES)
    assert not recwarn.list


def test_what_the_check_detaches_is_not_the_learner_s():
    # A function of the course's own, as `apply` and the mistakes in the bank are.
    answer = eval(
        compile("lambda x: x * x.detach()", held_constant.__code__.co_filename, "eval")
    )
    assert held_constant(SQUARE, answer, CASES) is None


class Overwriting(torch.autograd.Function):
    """Keeps its input where the next call overwrites it."""

    @staticmethod
    def forward(ctx, x):
        Overwriting.kept = x.clone()
        return x * x

    @staticmethod
    def backward(ctx, grad):
        return 2 * Overwriting.kept * grad


class Deaf(torch.autograd.Function):
    """Ignores the gradient from above."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        return 2 * ctx.saved_tensors[0]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Overwriting.apply, "it overwrites what the first kept"),
        (Deaf.apply, "ignores the gradient that comes from above"),
        (lambda x: x * x, None),
        (lambda x: x * x.detach(), None),
        (lambda x: x.detach(), None),
    ],
)
def test_way_back_of_the_learner_s_own_is_tried(answer, words):
    for case in CASES:
        mine = run_with_gradients(SQUARE, answer, case)
        # As if three times as much were right: all of these are wrong.
        right = run_with_gradients(SQUARE, lambda x: x * x, case)
        if words is None:
            right = run_with_gradients(SQUARE, lambda x: 3 * x * x, case)
        message = passed_back_message(SQUARE, answer, case, mine, right)
        assert (message is None) if words is None else (words in message)


@pytest.mark.parametrize(
    ("answer", "named"),
    [
        (lambda x: x.data, "`.data`"),
        (lambda x: torch.tensor(x.tolist()), "`.tolist()` or `torch.tensor(...)`"),
        (lambda x: torch.from_numpy(x.numpy()), "numpy"),
    ],
)
def test_what_the_code_names_is_suspected(answer, named):
    assert cutters(answer).startswith(named)
    assert "`.item()`" not in cutters(answer)
    assert cutters(lambda x: x) == ""
