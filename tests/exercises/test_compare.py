"""The difference between two results, as a message."""

import pytest
import torch

from course_utils.exercises.compare import difference

X = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
ZERO = torch.zeros(1)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (X * (1 + 5e-5), X),
        (ZERO + 5e-6, ZERO),
        (X.clone().requires_grad_(), X),
        (X.long(), X.long()),
        (X > 2, X > 2),
        (3, 3.0),
        (30_000 * (1 + 5e-5), 30_000),
        (5e-6, 0.0),
        (torch.tensor(0.5), 0.5),
        ([1, X], (1, X)),
        (torch.Size([2, 2]), (2, 2)),
        ("".join(["re", "lu"]), "relu"),
        (True, True),
        (None, None),
        (X / 0 * 0, X / 0 * 0),
        (X / 0, X / 0),
    ],
)
def test_equal(actual, expected):
    assert difference(actual, expected) is None


VALUES = "The shape is right, the values are not: the largest difference is "
NAN = (
    "4 of 4 values are NaN (not a number): 0/0, ∞ - ∞ and roots or logarithms of "
    "negative numbers give that."
)
RETURNS_NONE = "Your function returns None: it may lack a `return`."


@pytest.mark.parametrize(
    ("actual", "expected", "message"),
    [
        (None, X, RETURNS_NONE),
        (
            3.0,
            X,
            "Expected a tensor of shape (2, 2), got float 3.0: a plain number, which "
            "carries no gradient. `.item()`, `float(…)` and `math` make one of a "
            "tensor.",
        ),
        (
            [1, 2],
            X,
            "Expected a tensor of shape (2, 2), got list [1, 2]: `torch.tensor` makes "
            "one tensor of it.",
        ),
        (
            [X[0]],
            X,
            "Expected a tensor of shape (2, 2), got a list of (a tensor of shape "
            "(2,)): `torch.stack` makes one tensor of it.",
        ),
        (X[0], X, "Expected shape (2, 2), yours is (2,): 1 dim in place of 2."),
        (
            X.double(),
            X,
            "Expected dtype torch.float32, yours is torch.float64.",
        ),
        (
            X.to("meta"),
            X,
            "Your result is on meta, the input on cpu: "
            "make new tensors with `device=x.device`.",
        ),
        (X * torch.nan, X, NAN),
        (X + 1, X, VALUES + "1."),
        (X * (1 + 2e-4), X, VALUES + "0.0008001."),
        (ZERO + 2e-5, ZERO, VALUES + "2e-05."),
        (X.long(), X.long() + 1, "4 of 4 values differ."),
        (X > 2, X > 1, "1 of 4 values differs."),
        (X, 3, "Expected a number, got a tensor of shape (2, 2)."),
        (1j, 3, "Expected a number, got complex 1j."),
        (4, 3, "4 is not the number asked for."),
        (30_000 * (1 + 2e-4), 30_000, "30006 is not the number asked for."),
        (2e-5, 0.0, "2e-05 is not the number asked for."),
        (torch.tensor(4), 3, "4 is not the number asked for."),
        (True, 1, "Expected a number, got bool True."),
        (1, True, "int 1 is not what is asked for."),
        (X, (X, X), "Expected 2 values in a tuple, got a tensor of shape (2, 2)."),
        (
            X,
            (3, 4),
            "Expected 2 values in a tuple, got a tensor of shape (2, 2): its sizes are "
            "in `.shape`, its numbers in `.tolist()`.",
        ),
        (3, (X, X), "Expected 2 values in a tuple, got int 3."),
        ((X,), (X, X), "Expected 2 values, got 1."),
        ((X, X + 1), (X, X), f"The second value: {VALUES.replace('The', 'the')}1."),
        ([X, None], [X, X], "The second value is None."),
        ("tanh", "relu", "The check sees this: tanh."),
        (3, None, "int 3 is not what is asked for."),
        (print, 3, "Expected a number, got a function; give what it returns."),
        ("x" * 99, 3, f"Expected a number, got str '{'x' * 79}."),
    ],
)
def test_different(actual, expected, message):
    assert difference(actual, expected) == message


def test_whole_numbers_must_be_equal_however_large():
    assert difference(40_959, 40_960) == "40959 is not the number asked for."
    assert difference(40_959.5, 40_960) is None  # within rounding


def test_a_list_is_called_a_list():
    assert difference(3, [1, 2]) == "Expected 2 values in a list, got int 3."
    message = "Expected 2 values, got 1: your values stand in a list of their own."
    assert difference([[1, 2]], [1, 2]) == message


def test_the_expected_number_stays_unsaid():
    assert "731" not in difference(4, 731)


@pytest.mark.parametrize(
    ("given", "tuple_of_its_own"),
    [(((1, 2, 3),), True), (([1, 2, 3],), True), (((1, 2),), False), ((6,), False)],
)
def test_comma_behind_a_tuple_is_told(given, tuple_of_its_own):
    message = difference(given, (1, 2, 3))
    assert message.startswith("Expected 3 values, got 1")
    assert ("a comma follows the closing bracket" in message) is tuple_of_its_own
