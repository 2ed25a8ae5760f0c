"""Under which other arguments a wrong result would be right."""

import pytest
import torch

from course_utils.exercises.model import Exercise
from course_utils.exercises.outcome import run
from course_utils.exercises.whatif import what_if


def tables(*shapes):
    generator = torch.Generator().manual_seed(5)
    return tuple(torch.randn(shape, generator=generator) for shape in shapes)


def explained(exercise, names, answer):
    cases = list(exercise.cases())
    mine = [run(exercise, answer, case) for case in cases]
    right = [run(exercise, exercise.reference, case) for case in cases]
    return what_if(exercise, names, cases, mine, right)


SIZE = Exercise(
    "demo.size",
    lambda size, kernel, stride, bias: (size - kernel) // stride + 1 + 5 * bias,
    (),
    lambda: [
        (10, 3, 2, True),
        (17, 4, 3, False),
        (8, 5, 1, True),
        (31, 2, 5, False),
        (9, 2, 4, True),
    ],
)
SHAPE = Exercise(
    "demo.shape",
    lambda shape: shape[0] * 100 + shape[1] * 10 + shape[2],
    (),
    lambda: [((2, 3, 4),), ((7, 1, 5),), ((3, 8, 6),)],
)
PAIR = Exercise(
    "demo.pair",
    lambda n, c: (c, n - c),
    (),
    lambda: [(5, 2), (7, 1), (4, 9)],
)
AFFINE = Exercise(
    "demo.affine",
    lambda x, weight, bias, mask: (x @ weight.T + bias) * mask,
    (),
    lambda: [
        (*tables((2, 3), (4, 3), (4,)), torch.tensor([True, False, True, True])),
        (*tables((5, 2), (3, 2), (3,)), torch.tensor([False, True, True])),
    ],
)


LEAKY = Exercise(
    "demo.leaky",
    lambda x, slope: torch.where(x > 0, x, slope * x),
    (),
    lambda: [(*tables((7,)), slope) for slope in (0.5, 2.0, 3.0)],
)
LAST = Exercise(
    "demo.last",
    lambda table, lengths: table[lengths, range(len(lengths))],
    (),
    lambda: [
        (*tables((5, len(lengths))), torch.tensor(lengths))
        for lengths in ([2, 0, 4, 1], [1, 3, 2])
    ],
)


@pytest.mark.parametrize(
    ("exercise", "answer", "words"),
    [
        (SIZE, lambda s, k, t, b: (s - k) // (2 * k) + 1 + 5 * b, "were `2 * kernel`"),
        (
            AFFINE,
            lambda x, w, b, m: ((x - x.mean(0)) @ w.T + b) * m,
            "`x` had a mean of 0 along dim 0",
        ),
        (
            AFFINE,
            lambda x, w, b, m: ((x - x.mean(1, keepdim=True)) @ w.T + b) * m,
            "`x` had a mean of 0 along dim 1",
        ),
        (
            LEAKY,
            lambda x, slope: torch.where(x > 0, x, min(slope, 1) * x),
            "`slope` were 1 at most",
        ),
        (
            LAST,
            lambda table, lengths: LAST.reference(table, lengths.sort().values),
            "`lengths` were sorted in ascending order",
        ),
        (SIZE, lambda s, k, t, b: s - k + 1 + 5 * b, "`stride` were 1"),
        (SIZE, lambda s, k, t, b: (s - t) // k + 1 + 5 * b, "were exchanged"),
        (SIZE, lambda s, k, t, b: (s - k) // k + 1 + 5 * b, "`stride` were `kernel`"),
        (SIZE, lambda s, k, t, b: (s - k) // t + 1, "`bias` were always False"),
        (SIZE, lambda s, k, t, b: (s - k) // t + 6 - 5 * b, "its opposite"),
        (AFFINE, lambda x, w, b, m: (b - x @ w.T) * m, "`x` had the opposite sign"),
        (
            PAIR,
            lambda n, c: (n, n - c),
            "The first value would be right if `c` were `n`",
        ),
        (SHAPE, lambda s: s[2] * 100 + s[1] * 10 + s[0], "`shape` were reversed"),
        (SHAPE, lambda s: s[1] * 100 + s[0] * 10 + s[2], "were exchanged"),
        (SHAPE, lambda s: s[0] * 110 + s[2], "`shape[1]` were `shape[0]`"),
        (AFFINE, lambda x, w, b, m: x @ w.T * m, "`bias` were 0"),
        (AFFINE, lambda x, w, b, m: (x @ w.T + b) * ~m, "`mask` were inverted"),
        (AFFINE, lambda x, w, b, m: x @ w.T + b, "`mask` were True everywhere"),
        (
            AFFINE,
            lambda x, w, b, m: (x @ w.reshape(w.shape[::-1]) + b) * m,
            "`reshape` swapped the dims of `weight`, which it does not: transpose it",
        ),
    ],
)
def test_explanation_is_found(exercise, answer, words):
    names = {
        "demo.size": ["size", "kernel", "stride", "bias"],
        "demo.shape": ["shape"],
        "demo.pair": ["n", "c"],
        "demo.affine": ["x", "weight", "bias", "mask"],
        "demo.leaky": ["x", "slope"],
        "demo.last": ["table", "lengths"],
    }[exercise.name]
    assert words in explained(exercise, names, answer)


@pytest.mark.parametrize(
    "answer",
    [
        lambda s, k, t, b: 3 * s - k * t,
        lambda s, k, t, b: (s - k) // t + 1 + 5 * b + (s == 10),
        lambda s, k, t, b: "text",
        lambda s, k, t, b: 1 // 0,
    ],
)
def test_no_explanation_is_made_up(answer):
    assert explained(SIZE, ["size", "kernel", "stride", "bias"], answer) is None


def test_explanation_must_hold_where_the_answer_is_right():
    # Right for stride 1 and 2, and as for stride 1 elsewhere.
    def answer(s, k, t, b):
        return (s - k) // (t if t < 3 else 1) + 1 + 5 * b

    assert explained(SIZE, ["size", "kernel", "stride", "bias"], answer) is None


def test_two_numbers_may_be_a_coincidence():
    exercise = Exercise("demo.sum", lambda a, b: a + b, (), lambda: [(1, 3), (2, 4)])
    assert explained(exercise, "ab", lambda a, b: 2 * a) is None


def test_item_of_a_result_is_named():
    exercise = Exercise(
        "demo.two",
        lambda a, b: (a, a + b),
        (),
        lambda: [(1, 3), (2, 5), (4, 7)],
        parts=("the first shape", "the sum"),
    )
    message = explained(exercise, "ab", lambda a, b: (a, a))
    assert message.startswith("The sum would be right if `b` were 0")


def test_what_a_check_saw_is_not_explained_by_other_arguments():
    seen = Exercise(
        "demo.seen",
        lambda words: ["no gradient", "nothing", "nothing"][min(words, 2)],
        (),
        lambda: [(n,) for n in (3, 4, 5)],
    )
    assert explained(seen, ["words"], lambda words: "no gradient") is None
