"""What is said about an error and about a value."""

import pytest
import torch

from course_utils.exercises.explain import explain
from course_utils.exercises.show import show_value


def wrong_sizes():
    return torch.ones(2, 3) @ torch.ones(2, 3)


def narrow_network():
    net = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))
    return net(torch.ones(64, 8, 7, 7))


def missing_output():
    scores = torch.zeros(3, 5)
    return torch.nn.functional.cross_entropy(scores, torch.tensor([0, 5, 1]))


def undefined_name():
    return undefined  # noqa: F821 - a learner's slip


def too_many_arguments():
    return (lambda: 1)(2)


def missing_argument():
    return (lambda x, weight: 1)(2)


def two_devices():
    # What torch says where there is a GPU.
    raise RuntimeError("Expected all tensors to be on the same device, but found …")


def two_dtypes():
    return torch.ones(2, 2) @ torch.ones(2, 2).double()


def no_broadcast():
    return torch.ones(2) + torch.ones(3)


def other_channels():
    return torch.conv1d(torch.ones(1, 2, 5), torch.ones(1, 1, 3))


def nothing_in_front():
    return torch.ones(2).grad.zero_()


def flat_places():
    return torch.ones(2, 3).gather(1, torch.tensor([0, 1]))


def third_size():
    return torch.ones(2).shape[0] * torch.ones(2).shape[2]


def third_of_a_tuple():
    return (784,)[2]


def place_without_a_row():
    return torch.nn.Embedding(4, 2)(torch.tensor([4]))


def rows_by_bytes():
    return torch.ones(4, 2)[torch.tensor([1, 3], dtype=torch.uint8)]


def error_of(function) -> Exception:
    with pytest.raises(Exception) as info:
        function()
    return info.value


NARROW = "`Linear(784, …)` was given 392 numbers: its first size must be 392."
CLASSES = (
    "The labels hold a class for which there is no score: a network needs one output "
    "per class, 10 for 10 classes. Classes count from 0."
)
PRODUCT = "In `a @ b` the last size of `a` must equal the second-to-last of `b`."
CHANNELS = (
    "A convolution's weight is `(out, in / groups, …)`: its second size says how many "
    "channels of the input each output reads."
)
NAME = "A name is misspelt, or the cell that defines it was not run."
PARAMETERS = "Compare the function's parameters with the task's."
DEVICE = "Make new tensors with `device=x.device`."
DTYPE = "Bring both to one dtype, for example with `.to(x.dtype)`."
SHAPES = (
    "Write down both shapes: aligned from the right, sizes must be equal or 1. A mean "
    "or sum with `keepdim=True` keeps its dim, with size 1."
)


NOTHING = (
    "What stands in front of the dot is None. So is `.grad` before the first "
    "`backward()`: to clear it, set it to None, or clear it after the step. And so is "
    "what a function without `return` gives."
)
PLACES = (
    "`gather` takes one place for each number that it returns, in a tensor with as "
    "many dims as the first one has. One place per row has the shape `(N, 1)`: "
    "`[:, None]` adds that dim."
)
ROWS = (
    "An embedding has fewer rows than that. Its indices run from 0 to one less than "
    "its first size: look at the largest one, such as a place in the longest input."
)
MASK = (
    "Booleans, and numbers of the dtype uint8, choose as a mask does: one for each "
    "row. To look rows up by their numbers, write `.long()`."
)
SHORT = (
    "The tuple or list is shorter than that. Indices count from 0, and how many items "
    "there are may differ from case to case."
)


@pytest.mark.parametrize(
    ("function", "advice"),
    [
        (nothing_in_front, NOTHING),
        (flat_places, PLACES),
        (third_size, SHORT),
        (third_of_a_tuple, SHORT),
        (place_without_a_row, ROWS),
        pytest.param(
            rows_by_bytes,
            MASK,
            marks=pytest.mark.filterwarnings("ignore:indexing with dtype torch.uint8"),
        ),
        (wrong_sizes, PRODUCT),
        (narrow_network, NARROW),
        (missing_output, CLASSES),
        (other_channels, CHANNELS),
        (undefined_name, NAME),
        (too_many_arguments, PARAMETERS),
        (missing_argument, PARAMETERS),
        (two_devices, DEVICE),
        (two_dtypes, DTYPE),
        (no_broadcast, SHAPES),
    ],
)
def test_common_error_gets_advice(function, advice):
    assert explain(error_of(function))[1:] == (advice,)


@pytest.mark.parametrize(
    ("function", "advice"),
    [
        (
            lambda: torch.ones(2, 11).reshape(2, -1, 3),
            "With -1 for one size, the others must divide the count of numbers: 6 does "
            "not divide 22. Where some are left over at the end, cut them off first. "
            "Is 3 right for every input, or only for one example? `shape` has the "
            "sizes.",
        ),
        (
            lambda n=3: torch.ones(2, 11).reshape(n, n),
            "This shape holds 9 numbers, the tensor has 22.",
        ),
        (
            lambda: torch.ones(5).view(784),
            "This shape holds 784 numbers, the tensor has 5. Is 784 right for every "
            "input, or only for one example? `shape` has the sizes.",
        ),
    ],
)
def test_shape_that_does_not_fit_is_explained(function, advice):
    assert explain(error_of(function))[1:] == (advice,)


@pytest.mark.parametrize(
    ("function", "advice"),
    [
        (
            lambda: torch.ones(2) - torch.ones(2, 3).max(dim=1),
            "`max` with a `dim` returns two tensors, the values and their places: take "
            "`.values`, or write `amax`.",
        ),
        (
            lambda: torch.exp(torch.ones(2, 3).min(dim=1)),
            "`min` with a `dim` returns two tensors, the values and their places: take "
            "`.values`, or write `amin`.",
        ),
        (
            lambda: torch.ones(2, 3).sort(dim=1).exp(),
            "`sort` with a `dim` returns two tensors, the values and their places: "
            "take `.values`.",
        ),
    ],
)
def test_two_tensors_in_place_of_one_are_explained(function, advice):
    assert explain(error_of(function))[1:] == (advice,)


@pytest.mark.parametrize("number", [torch.ones(2), 2.0])
def test_power_is_not_a_hat(number):
    (_, advice) = explain(error_of(lambda: number ^ 2))
    assert advice.startswith("In Python `^` is")


def test_other_error_gets_no_advice():
    error = ZeroDivisionError("division by zero")
    assert explain(error) == ("Your code stopped: ZeroDivisionError: division by zero",)


def test_only_the_first_fitting_advice_is_given():
    error = RuntimeError("cannot be multiplied, and must have the same dtype")
    assert explain(error)[1:] == (PRODUCT,)


def test_only_the_first_line_of_an_error_is_shown():
    error = ValueError("first line\nsecond line")
    assert explain(error) == ("Your code stopped: ValueError: first line",)


def test_error_without_a_message():
    assert explain(ValueError()) == ("Your code stopped: ValueError: ",)


def test_the_failing_line_of_the_answer_is_shown():
    (message, _) = explain(error_of(wrong_sizes))
    line = "return torch.ones(2, 3) @ torch.ones(2, 3)"
    assert f" in the line `{line}`: RuntimeError: " in message


def inner():
    raise KeyError("x")


def outer():
    inner()


def test_the_innermost_line_of_the_answer_s_file_is_shown():
    assert "in the line `raise KeyError" in explain(error_of(outer))[0]


def test_lines_of_other_files_are_not_shown():
    def in_torch():
        return torch.nn.Linear(2, 3)(torch.ones(4))

    assert "in the line `return torch.nn.Linear" in explain(error_of(in_torch))[0]


def _cube(x):
    return x**3


def raised_in(filename: str) -> Exception:
    return error_of(lambda: exec(compile("1 / 0", filename, "exec")))


@pytest.mark.parametrize(
    ("filename", "shown"), [("/tmp/ipykernel_7/1.py", True), (torch.__file__, False)]
)
def test_only_lines_of_the_learner_are_shown(filename, shown, monkeypatch):
    monkeypatch.setattr("linecache.getline", lambda name, *args, **kwargs: f"in {name}")
    (message,) = explain(raised_in(filename))
    assert (f" in the line `in {filename}`" in message) == shown


def test_line_that_is_not_kept_is_left_out():
    assert explain(raised_in("/tmp/ipykernel_7/2.py")) == (
        "Your code stopped: ZeroDivisionError: division by zero",
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (torch.tensor(2.0), "2   (shape (), float32)"),
        (torch.tensor([1, -3]), "[1, -3]   (shape (2,), int64)"),
        (torch.tensor([[True], [False]]), "[[True], [False]]   (shape (2, 1), bool)"),
        (torch.tensor([1 / 3], requires_grad=True), "[0.3333]   (shape (1,), float32)"),
        (torch.zeros(2, device="meta"), "shape (2,), float32"),
        (torch.zeros(13), "shape (13,), float32"),
        ((3, "relu"), "(3, 'relu')"),
        ("x" * 300, "'" + "x" * 199),
        (_cube, "cube"),
        (torch.tanh, "tanh"),
        (torch.nn.ReLU(), "ReLU()"),
    ],
)
def test_value_is_shown(value, text):
    assert show_value(value) == text


def test_twelve_numbers_are_shown_whole():
    assert show_value(torch.arange(12)).startswith("[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ")
