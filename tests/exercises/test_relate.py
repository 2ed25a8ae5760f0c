"""What links a wrong result to the expected one."""

import math

import pytest
import torch

from course_utils.exercises.conditions import Pair, shared_condition
from course_utils.exercises.relate import relate


def tables(*shapes):
    """Return one random tensor per shape, from one seed."""
    generator = torch.Generator().manual_seed(3)
    return [torch.randn(shape, generator=generator) for shape in shapes]


def mirrored(table):
    n = min(table.shape)
    upper = table[:n, :n].triu()
    whole = table.clone()
    whole[:n, :n] = upper + upper.T - upper.diag().diag()
    return whole


INPUTS = tables((3, 4), (5, 2), (2, 7))
SQUARES = tables((3, 3), (4, 4))
WRONG = {
    "opposite sign": (lambda x: -x, lambda x: x),
    "`x.shape[0]` times": (lambda x: x.sum(0), lambda x: x.mean(0)),
    "`1/x.shape[1]` times": (lambda x: x.mean(1), lambda x: x.sum(1)),
    "√(`x.shape[1]`) times": (lambda x: x, lambda x: x / math.sqrt(x.shape[1])),
    "minus 2 times": (lambda x: -2 * x, lambda x: x),
    "2 times": (lambda x: 2 * x, lambda x: x),
    "`x.numel()` times": (lambda x: x.square().sum(), lambda x: x.square().mean()),
    "1 more than": (lambda x: x + 1, lambda x: x),
    "root may be missing": (lambda x: x.var(0), lambda x: x.std(0)),
    "square root of": (lambda x: x.std(1), lambda x: x.var(1)),
    "logarithm of": (lambda x: x.log_softmax(1), lambda x: x.softmax(1)),
    "logarithm is missing": (lambda x: x.softmax(1), lambda x: x.log_softmax(1)),
    "1 minus": (lambda x: 1 - x.sigmoid(), lambda x: x.sigmoid()),
    "1 divided by": (lambda x: 1 / x, lambda x: x),
    "without its sign": (lambda x: x.abs(), lambda x: x),
    "rounded down": (lambda x: x.floor(), lambda x: x),
    "rounded to": (lambda x: (3 * x).round(), lambda x: 3 * x),
    "reverse order along dim 1": (lambda x: x.flip(1), lambda x: x),
    "one place later along dim 1": (lambda x: x.roll(1, 1), lambda x: x),
    "in the wrong order": (
        lambda x: x.sort(0)[0].sort(1)[0],
        lambda x: x.sort(0)[0],
    ),
    "sum to 1 along dim -2": (
        lambda x: (x / 2).softmax(0),
        lambda x: (x / 2).softmax(1),
    ),
    "Dims of size 1": (lambda x: x.mean(1), lambda x: x.mean(1, keepdim=True)),
    "transpose": (lambda x: x.T, lambda x: x),
    "order are right, the shape": (lambda x: x.flatten(), lambda x: x),
    "repeats the expected": (lambda x: x.mean(0).expand_as(x), lambda x: x.mean(0)),
    "mean is still missing": (lambda x: x, lambda x: x.mean(0)),
    "sum is one too many": (lambda x: x.sum(1), lambda x: x),
    "The last place along dim 0 is missing": (lambda x: x[:-1], lambda x: x),
    "one place too many along dim 1: the first": (lambda x: x, lambda x: x[:, 1:]),
    "in the last place along dim -1": (
        lambda x: torch.cat([x[:, :-1], 9 + x[:, -1:] ** 2], 1),
        lambda x: x,
    ),
    "exactly where the expected one is negative": (
        lambda x: torch.where(x.cos() < 0.7, x, x.cos() - 0.7),
        lambda x: x.cos() - 0.7,
    ),
    "their sum is not 1: divide by their own sum, and add nothing": (
        lambda x: x.exp() / (x.exp().sum(1, keepdim=True) + 0.1),
        lambda x: x.softmax(1),
    ),
    "their sum is not 1: divide by their own sum.": (
        lambda x: x.exp() / (x.exp().sum(1, keepdim=True) - 0.1),
        lambda x: x.softmax(1),
    ),
    "None of your numbers is below -11.51: that is the logarithm of 1e-05": (
        lambda x: ((20 * x).softmax(1) + 1e-5).log(),
        lambda x: (20 * x).log_softmax(1),
    ),
    "None of your numbers is above 11.51: that is the logarithm of 1e-05": (
        lambda x: -((20 * x).softmax(1).clamp(min=1e-5)).log(),
        lambda x: -(20 * x).log_softmax(1),
    ),
    "None of your numbers is below -0.5: something is limited": (
        lambda x: x.clamp(min=-0.5),
        lambda x: x,
    ),
    "None of your numbers is above 0.25: something is limited": (
        lambda x: x.clamp(max=0.25),
        lambda x: x,
    ),
    "is 0 wherever `x` is negative": (
        lambda x: x.square().flip(0) * (x >= 0) * (x.flip(1) > -0.5),
        lambda x: x.square().flip(0) * (x.flip(1) > -0.5),
    ),
    "in that of the expected result with its dims exchanged": (
        lambda x: x.T.reshape(x.shape),
        lambda x: x,
    ),
    "as if by `x.permute(1, 0)` before": (
        lambda x: x.T.reshape(1, -1),
        lambda x: x.reshape(1, -1),
    ),
    "None of your numbers is above 100: something is limited": (
        lambda x: torch.where(x > 0, 900 * x.abs() + 200, 0).clamp(max=100),
        lambda x: torch.where(x > 0, 900 * x.abs() + 200, 0),
    ),
    "alike: each is the expected last one": (
        lambda x: x[-1:].expand_as(x),
        lambda x: x,
    ),
    "alike: each is the expected first one": (
        lambda x: x[:, :1].expand_as(x),
        lambda x: x,
    ),
    "Along dim 1, all slices of your result are alike; the expected": (
        lambda x: x.square().mean(1, keepdim=True).expand_as(x),
        lambda x: x.square(),
    ),
    "wrong by one factor, in each case by another": (
        lambda x: x * x.square().sum().sqrt(),
        lambda x: x,
    ),
    "Your table is symmetric": (lambda x: mirrored(x), lambda x: x),
    "exactly where `x` is negative": (
        lambda x: torch.where(x < 0, x / 9, x),
        lambda x: x,
    ),
}


@pytest.mark.parametrize("words", WRONG)
def test_relation_is_named(words):
    wrong, right = WRONG[words]
    message = relate([Pair({"x": x}, wrong(x), right(x)) for x in INPUTS])
    assert message is not None and words in message


@pytest.mark.parametrize("also_right", [False, True])
def test_order_of_memory_is_named_where_only_its_cases_fail(also_right):
    x, y, z = tables((3, 4), (5, 2), (2, 7))
    failing = [
        Pair({"x": v.T}, v.as_strided(v.T.shape, (len(v), 1)), v.T) for v in (x, y)
    ]
    passing = [Pair({"x": z.T if also_right else z}, z, z)]
    message = relate(failing, passing)
    assert message.startswith("The numbers are right, but in the wrong order")
    assert ("not contiguous" in message) is not also_right


@pytest.mark.parametrize("dim", [0, 1])
def test_square_results_are_told_apart_from_their_transpose(dim):
    message = relate([Pair({"x": x}, x.T, x) for x in SQUARES])
    assert "transpose" in message


def test_diagonal_is_named():
    message = relate([Pair({"x": x}, x + 2 * torch.eye(len(x)), x) for x in SQUARES])
    assert "except on the diagonal" in message


def test_one_number_for_the_whole_diagonal_is_named():
    pairs = [Pair({}, torch.eye(len(x)), x.diag().diag()) for x in SQUARES]
    assert "except on the diagonal: there all its numbers are the same" in relate(pairs)


def test_diagonal_that_should_hold_one_number_is_not_told_to_hold_several():
    pairs = [Pair({}, 2 * torch.eye(n), torch.eye(n)[:, :n]) for n in (3, 4)]
    pairs = [Pair({}, p.got + 1, p.expected + 1) for p in pairs]
    assert "the same" not in relate(pairs)


def test_zeros_for_negative_numbers_beside_other_faults_are_not_named():
    pairs = [
        Pair({"x": x}, x.square() * (x >= 0) + (x > 1), x.square()) for x in INPUTS
    ]
    assert "wherever" not in (relate(pairs) or "")


def test_limit_that_few_numbers_pass_is_not_named():
    pairs = [Pair({"x": x}, x.clamp(min=x.min() + 0.01), x) for x in INPUTS]
    assert "limited" not in (relate(pairs) or "")


def test_divisor_of_one_less_is_named_though_one_alone_comes_out_right():
    x, y, z, one = tables((3, 4), (5, 2), (2, 7), (1, 3))
    failing = [Pair({"x": v}, v.sum(0) / (len(v) - 1), v.mean(0)) for v in (x, y, z)]
    passing = [Pair({"x": one}, one[0], one[0])]
    assert "divided by `x.shape[0] - 1` where `x.shape[0]`" in relate(failing, passing)


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (lambda n, d: d - 1, "too large by `(d - 1)`"),
        (lambda n, d: n * d, "too large by `n * d`"),
        (lambda n, d: -4 * n * (d - 1), "too small by `4 * n * (d - 1)`"),
    ],
)
def test_term_too_much_or_missing_is_named(extra, words):
    sizes = [(3, 2), (5, 3), (4, 7), (9, 4)]
    pairs = [Pair({"n": n, "d": d}, n**3 + extra(n, d), n**3) for n, d in sizes]
    assert words in relate(pairs)


def test_order_of_all_items_is_told():
    pair = Pair({}, (28, 1, 3, 9), (1, 3, 9, 28))
    message = relate([pair], (), ("n", "c", "h", "w"))
    assert message.endswith("another order: first n, then c, then h, then w.")


def test_number_of_dims_above_which_a_result_is_wrong_is_named():
    ranks = [torch.ones(shape) for shape in [(2,), (2, 3), (2, 3, 4), (1, 2, 3, 4)]]
    pairs = [Pair({"x": x}, 1.0, 2.0) for x in ranks]
    message = shared_condition(pairs[2:], pairs[:2])
    assert message.startswith("wrong exactly where `x` has more than 2 dims")


def test_number_is_named_by_the_argument_it_depends_on():
    pairs = [Pair({"n": n, "d": 8}, (n + 1) * n, n + 1) for n in (3, 5, 9)]
    assert "`n` times" in relate(pairs)


def test_share_that_is_kept_is_named():
    (x,) = tables((4, 3))
    pairs = [Pair({"x": x, "p": p}, x, x / (1 - p)) for p in (0.25, 0.5)]
    assert "`(1 - p)` times" in relate(pairs)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([{"stride": 2}, {"stride": 3}], "right only where `stride` is 1"),
        ([{"stride": 1, "bias": False}], "right only where `bias` is True"),
        ([{"stride": 4}, {"stride": 2}], "right only where `stride` is 1"),
    ],
)
def test_shared_condition_is_named(arguments, words):
    failing = [Pair(a, 0.3 + i**3, 7.1 + 2 * i) for i, a in enumerate(arguments)]
    passing = [Pair({"stride": 1, "bias": True}, 3.0, 3.0)] * 2
    assert words in shared_condition(failing, passing)


def test_condition_of_two_arguments_is_left_out():
    failing = [Pair({"stride": 2, "bias": False}, 3.0, 4.0)]
    passing = [Pair({"stride": 1, "bias": True}, 3.0, 3.0)]
    assert shared_condition(failing, passing) is None


def test_unrelated_results_get_no_message():
    wrong = tables((3, 4), (5, 2), (2, 7))[::-1]
    pairs = [
        Pair({"x": x}, w.flatten()[: x.numel()].sum(), x.sum() ** 3)
        for x, w in zip(INPUTS, wrong, strict=True)
    ]
    assert relate(pairs) is None


def test_one_coincidence_is_no_relation():
    assert relate([Pair({"n": 4}, 8.0, 2.0)]) is None


def test_factor_of_one_case_among_right_ones_is_not_called_constant():
    x, y, z = INPUTS
    wrong = [Pair({}, 2 * v, v) for v in (x, y)]
    right = Pair({}, z, z)
    assert "2 times" in relate(wrong, [right])
    message = relate(wrong[:1], [right])
    assert message.startswith("In the case that fails, all numbers are wrong by one")


def test_two_equal_numbers_are_no_relation():
    pairs = [Pair({}, 0.0, right) for right in (1.7, 4.1, 8.9)]
    assert relate(pairs[:2]) is None
    assert "your result is 0 throughout" in relate(pairs)


def test_item_of_a_list_that_was_given_is_recognised():
    x, y, _ = INPUTS
    pairs = [Pair({"parts": [x, v]}, [x, v], [x / len(v), 0 * v]) for v in (x, y)]
    message = relate(pairs)
    assert message == "In the first value: your result is `parts[0]` itself, unchanged."


def test_relation_must_hold_in_every_failing_case():
    x, y, _ = INPUTS
    assert relate([Pair({"x": x}, 2 * x, x), Pair({"x": y}, 3 * y + 1, y)]) is None


@pytest.mark.parametrize("value", ["text", None, [1, 2], torch.tensor([1j, 2])])
def test_values_that_are_no_numbers_get_no_message(value):
    assert relate([Pair({}, value, 1.0), Pair({}, value, 2.0)]) is None


def test_infinite_results_get_no_message():
    x = torch.tensor([1.0, math.inf])
    assert relate([Pair({"x": x}, 2 * x, x), Pair({"x": x}, x, 2 * x)]) is None
