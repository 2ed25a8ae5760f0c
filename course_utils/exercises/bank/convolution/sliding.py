"""Lesson 05: a window slid along a row of numbers, and a kernel stamped on one."""

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


def _slide(x, w, b):
    return (x.unfold(0, len(w), 1) * w).sum(-1) + b


def _slide_cases() -> list[tuple]:
    sizes = [(5, 2), (8, 3), (4, 4), (3, 1)]
    return [(*randn((n,), (k,)), 0.5 + k) for n, k in sizes]


SLIDE = Exercise(
    "convolution.slide",
    _slide,
    (
        Misconception(
            "flipped",
            lambda x, w, b: _slide(x, w.flip(0), b),
            "You turn the kernel round. That is the mathematicians' convolution; "
            "PyTorch's does not flip: `w[0]` meets the first number of the window.",
        ),
        Misconception(
            "one window too few",
            lambda x, w, b: _slide(x, w, b)[:-1],
            "The last window is missing. `len(x) - len(w)` steps, and one more "
            "window where it starts.",
        ),
        Misconception(
            "bias forgotten",
            lambda x, w, b: _slide(x, w, 0),
            "The weighted sums are right; the bias is missing.",
        ),
        Misconception(
            "bias in every term",
            lambda x, w, b: _slide(x, w, b * len(w)),
            "You add the bias to every term of the sum. It is added once a window.",
        ),
        Misconception(
            "windows side by side",
            lambda x, w, b: (x.unfold(0, len(w), len(w)) * w).sum(-1) + b,
            "Your window jumps by its own width. The stride is 1: it moves on by one.",
        ),
    ),
    _slide_cases,
)


def _stamp(x, w, stride):
    y = x.new_zeros((len(x) - 1) * stride + len(w))
    for i, value in enumerate(x):
        y[i * stride : i * stride + len(w)] += value * w
    return y


def _overwrite(x, w, stride):
    y = x.new_zeros((len(x) - 1) * stride + len(w))
    for i, value in enumerate(x):
        y[i * stride : i * stride + len(w)] = value * w
    return y


def _correlate_back(x, w, stride):
    return _stamp(x, w.flip(0), stride)


def _spread_then_same(x, w, stride):
    y = x.new_zeros(len(x) * stride + len(w) - 1)
    full = _stamp(x, w, stride)
    y[: len(full)] = full
    return y


STAMP = Exercise(
    "convolution.stamp",
    _stamp,
    (
        Misconception(
            "overwritten",
            _overwrite,
            "Where two stamps overlap, the later one replaces the earlier. They must "
            "add up: `+=`.",
        ),
        Misconception(
            "stride ignored",
            lambda x, w, stride: _stamp(x, w, 1),
            "Your stamps are one apart. In a transposed convolution the stride is the "
            "distance between stamps in the output.",
        ),
        Misconception(
            "flipped",
            _correlate_back,
            "Your stamps are turned round. Each is the kernel as it lies, times one "
            "input number.",
        ),
        Misconception(
            "ordinary convolution",
            lambda x, w, stride: (x.unfold(0, len(w), stride) * w).sum(-1),
            "This is the ordinary convolution, which gathers. The transposed one "
            "scatters: each input number stamps the kernel into the output.",
        ),
        Misconception(
            "tail of zeros",
            _spread_then_same,
            "Right, but with zeros at the end. The last stamp starts at "
            "`(len(x) - 1) * stride` and the output ends where it ends.",
        ),
    ),
    lambda: [
        (*randn((n,), (k,)), stride)
        for n, k, stride in [(3, 2, 1), (4, 3, 2), (3, 2, 3), (5, 4, 2)]
    ],
)
