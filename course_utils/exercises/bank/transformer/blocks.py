"""Lesson 08: the pre-norm form of an encoder layer."""

import torch

from course_utils.exercises.bank.draw import randn
from course_utils.exercises.model import Exercise, Misconception


class _Part:
    """A function of a block, which a check can show by its name."""

    def __init__(self, name: str, weight: torch.Tensor, f) -> None:
        self.name, self.weight, self.f = name, weight, f

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return self.f(x, self.weight)

    def __repr__(self) -> str:
        return f"a function {self.name}(x)"


def _norm(x: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    spread, mean = torch.var_mean(x, dim=-1, keepdim=True, correction=0)
    return (x - mean) / (spread + 1e-5).sqrt() * scale


def _block_cases() -> list[tuple]:
    cases = []
    for n, length, d in [(2, 3, 4), (1, 5, 6), (3, 4, 4)]:
        shapes = (n, length, d), (length, length), (d, d), (d,), (d,)
        x, mix, weight, scale1, scale2 = randn(*shapes)
        attend = _Part("attend", mix, lambda x, w: w.softmax(dim=-1) @ x)
        feed = _Part("feed", weight, lambda x, w: (x @ w).relu())
        norm1, norm2 = _Part("norm1", scale1, _norm), _Part("norm2", scale2, _norm)
        cases.append((x, attend, feed, norm1, norm2))
    return cases


def _pre_norm(x, attend, feed, norm1, norm2) -> torch.Tensor:
    x = x + attend(norm1(x))
    return x + feed(norm2(x))


def _from_the_norm(x, attend, feed, norm1, norm2) -> torch.Tensor:
    x = norm1(x)
    x = norm2(x + attend(x))
    return x + feed(x)


PRE_NORM = Exercise(
    "transformer.pre_norm",
    _pre_norm,
    (
        Misconception(
            "post-norm",
            lambda x, a, f, n1, n2: n2((y := n1(x + a(x))) + f(y)),
            "This is post-norm, where each sum is normalised. In pre-norm only what "
            "goes *into* a part is normalised, and the sum stays as it is.",
        ),
        Misconception(
            "sum from the normalised",
            _from_the_norm,
            "You add to the normalised x. The path past a part stays bare: "
            "`x + attend(norm1(x))`, with the old x.",
        ),
        Misconception(
            "first sum from the normalised",
            lambda x, a, f, n1, n2: (y := n1(x) + a(n1(x))) + f(n2(y)),
            "In the first sum you add to the normalised x. The path past a part stays "
            "bare: `x + attend(norm1(x))`.",
        ),
        Misconception(
            "old x in the second sum",
            lambda x, a, f, n1, n2: x + f(n2(x + a(n1(x)))),
            "In the second sum you add to the x of the beginning. Add to the first "
            "sum, or what the attention found is lost on the path past the part.",
        ),
        Misconception(
            "no norms",
            lambda x, a, f, n1, n2: (y := x + a(x)) + f(y),
            "The sums are right; the norms are missing: `attend(norm1(x))`.",
        ),
        Misconception(
            "no way past",
            lambda x, a, f, n1, n2: f(n2(a(n1(x)))),
            "The parts replace x. Each should be *added* to what went in: "
            "`x + attend(norm1(x))`.",
        ),
        Misconception(
            "side by side",
            lambda x, a, f, n1, n2: x + a(n1(x)) + f(n2(x)),
            "Both parts read the old x. The feed-forward part reads what the "
            "attention has left: keep the first sum and go on from there.",
        ),
        Misconception(
            "norm after the part",
            lambda x, a, f, n1, n2: (y := x + n1(a(x))) + n2(f(y)),
            "You normalise what comes *out* of a part. In pre-norm it is what goes in: "
            "`attend(norm1(x))`.",
        ),
        Misconception(
            "norms exchanged",
            lambda x, a, f, n1, n2: _pre_norm(x, a, f, n2, n1),
            "`norm1` belongs to the attention, `norm2` to the feed-forward part.",
        ),
        Misconception(
            "parts exchanged",
            lambda x, a, f, n1, n2: _pre_norm(x, f, a, n1, n2),
            "The attention comes first, then the feed-forward part.",
        ),
    ),
    _block_cases,
)
