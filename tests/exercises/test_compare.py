"""The difference between two results, as a sentence."""

import pytest
import torch

from course_utils.exercises.compare import difference

X = torch.tensor([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (X + 1e-7, X),
        (X.clone().requires_grad_(), X),
        (3, 3.0),
        (torch.tensor(0.5), 0.5),
        ([1, X], (1, X)),
        (torch.Size([2, 2]), (2, 2)),
        ("relu", "relu"),
        (True, True),
        (None, None),
        (X / 0 * 0, X / 0 * 0),
    ],
)
def test_equal(got, expected):
    assert difference(got, expected) is None


@pytest.mark.parametrize(
    ("got", "expected", "words"),
    [
        (None, X, "returns None"),
        (3.0, X, "Expected a tensor of shape (2, 2), got float"),
        ([1, 2], X, "got list"),
        (X[0], X, "Expected shape (2, 2), yours is (2,)"),
        (X.double(), X, "Expected dtype torch.float32, yours is torch.float64"),
        (X.to("meta"), X, "on meta, the input on cpu"),
        (X * torch.nan, X, "4 of 4 values are NaN"),
        (X + 1, X, "the largest difference is 1"),
        (X.long(), X.long() + 1, "4 of 4 values differ"),
        (X, 3, "Expected a number, got a tensor of shape (2, 2)"),
        (4, 3, "4 is not the number asked for"),
        (True, 1, "Expected a number, got bool True"),
        (1, True, "int 1 is not what is asked for"),
        (X, (X, X), "Expected 2 values in a tuple"),
        ((X,), (X, X), "Expected 2 values, got 1"),
        ((X, X + 1), (X, X), "Value 1 (counted from 0): The shape is right"),
        ("tanh", "relu", "str 'tanh' is not what is asked for"),
        (print, 3, "a function; give what it returns"),
    ],
)
def test_different(got, expected, words):
    assert words in difference(got, expected)


def test_the_expected_number_stays_unsaid():
    assert "731" not in difference(4, 731)
